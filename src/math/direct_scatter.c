#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "math/direct_plan.h"
#include "math/im2col.h"

/* Rows of im2col's matrix, (channel, tap), of a task: a register tile's width of them stays in the first-level cache. */
#define BLOCK_ROWS 128

struct plan {
    const struct direct_kernels *k;
    int taps, pixels;
    int block, blocks, panels; /* channels of a task; tasks of an image; panels of `rows` rows in a task */
    int vectors, strips;       /* of the pixels of an image; of these, as wide as the register tile at most */
    int ld;
    size_t packed, places, input, tile; /* numbers of the weights, of where filters stand, of a thread's parts of scratch */
};

static struct plan plan_of(const struct conv_shape *s, enum cpu_isa isa)
{
    struct plan p = {.k = direct_kernels_of(isa), .taps = s->size * s->size, .pixels = s->out_h * s->out_w};
    const int fitting = BLOCK_ROWS / p.taps;
    p.block = direct_ceil_div(s->channels, direct_ceil_div(s->channels, fitting > 1 ? fitting : 1));
    p.blocks = direct_ceil_div(s->channels, p.block);
    p.panels = direct_ceil_div(p.block * p.taps, p.k->rows);
    p.vectors = direct_ceil_div(p.pixels, p.k->lanes);
    p.strips = direct_ceil_div(p.vectors, p.k->vectors);
    p.ld = p.k->lanes * p.k->vectors;
    p.packed = direct_padded((size_t)p.blocks * (size_t)p.panels * (size_t)p.k->rows * (size_t)s->filters);
    p.places = direct_padded((size_t)s->filters);
    p.input = direct_padded((size_t)s->filters * (size_t)p.ld);
    p.tile = direct_padded((size_t)(p.panels * p.k->rows) * (size_t)p.ld);
    return p;
}

size_t direct_scatter_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads)
{
    const struct plan p = plan_of(s, isa);
    return p.packed + p.places + (p.input + p.tile) * (size_t)threads + DIRECT_ALIGNMENT;
}

/* Weights as [block][panel][filter][row]; 0 where there is no row. */
static void pack(const struct conv_shape *s, const struct plan *p, const real *weight, real *packed, int threads)
{
    const int rows = p->k->rows, filter = s->channels * p->taps;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int job = 0; job < p->blocks * p->panels; job++) {
        const int c0 = job / p->panels * p->block, end = direct_smaller(c0 + p->block, s->channels) * p->taps;
        const int first = c0 * p->taps + job % p->panels * rows;
        real *to = packed + (size_t)job * (size_t)rows * (size_t)s->filters;
        for (int f = 0; f < s->filters; f++, to += rows)
            for (int r = 0; r < rows; r++)
                to[r] = first + r < end ? weight[(size_t)f * (size_t)filter + (size_t)(first + r)] : 0;
    }
}

/* Vectors [*first, *last) of strip number i. */
static void strip_of(const struct plan *p, int i, int *first, int *last)
{
    *first = (int)((long)p->vectors * i / p->strips);
    *last = (int)((long)p->vectors * (i + 1) / p->strips);
}

/* Every tap of a task's channels: rows of the tile to where they came from. */
static void add_back(const struct conv_shape *s, const struct plan *p, real *tile, int channels, int begin, int end, real *planes)
{
    if (s->stride_x != 1 || s->stride_y != 1 || s->padding != 0) {
        const struct window w = {s->height,  s->width,   s->size,     s->size,  s->stride_x, s->stride_y,
                                 s->padding, s->padding, s->dilation, s->out_h, s->out_w};
        im2col_add_back(&w, tile, channels, begin, end, p->ld, planes);
        return;
    }
    for (int c = 0; c < channels; c++, tile += p->taps * p->ld, planes += (size_t)s->height * (size_t)s->width)
        p->k->add_taps(tile, p->ld, begin, end, s->out_w, s->size, s->dilation, planes, s->width);
}

void direct_scatter(const struct conv_shape *s, enum cpu_isa isa, const real *dy, const real *weight, real *dx, bool overwrite,
                    real *scratch, int threads)
{
    const struct plan p = plan_of(s, isa);
    const size_t area = (size_t)s->height * (size_t)s->width, pixels = (size_t)p.pixels, filters = (size_t)s->filters;
    const int lanes = p.k->lanes, rows = p.k->rows;
    real *packed = direct_align(scratch), *parts = packed + p.packed + p.places;
    void *behind = packed + p.packed;
    int *places = behind;
    _Static_assert(sizeof(int) <= sizeof(real), "places stand in scratch");
    for (int f = 0; f < s->filters; f++)
        places[f] = f * p.ld;
    pack(s, &p, weight, packed, threads);
    struct direct_vector at[DIRECT_MAX_VECTORS];
    for (int j = 0; j < DIRECT_MAX_VECTORS; j++)
        at[j] = (struct direct_vector){(size_t)(j * lanes), (size_t)(j * lanes), lanes};
    struct parallel_queue queue;
    parallel_share(&queue, s->batch * p.blocks, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int image = job / p.blocks, block = job % p.blocks, c0 = block * p.block,
                  channels = direct_smaller(p.block, s->channels - c0);
        real *input = parts + (size_t)omp_get_thread_num() * (p.input + p.tile), *tile = input + p.input;
        real *planes = dx + ((size_t)image * (size_t)s->channels + (size_t)c0) * area;
        if (overwrite)
            memset(planes, 0, (size_t)channels * area * sizeof(real));
        for (int strip = 0; strip < p.strips; strip++) {
            int first, last;
            strip_of(&p, strip, &first, &last);
            const int begin = first * lanes, end = direct_smaller(last * lanes, p.pixels);
            p.k->copy(dy + (size_t)image * filters * pixels + (size_t)begin, pixels, s->filters, last - first, end - begin, input, p.ld);
            for (int panel = 0; panel < p.panels; panel++) {
                const struct direct_output out = {.y = tile + (size_t)(panel * rows) * (size_t)p.ld, .plane = (size_t)p.ld, .rows = rows};
                p.k->multiply(packed + (size_t)(block * p.panels + panel) * (size_t)rows * filters, places, s->filters, input, at,
                              last - first, &out);
            }
            add_back(s, &p, tile, channels, begin, end, planes);
        }
    }
}
