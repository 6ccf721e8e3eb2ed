#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "math/direct_plan.h"
#include "math/vector.h"

/* Pixels that are summed before the sums go to memory: their dy, a register tile wide, stays in the first-level cache. */
#define CHUNK 192
/* Rows of im2col's matrix in a block of channels. */
#define BLOCK_ROWS 256
/* Numbers of a strip. */
#define STRIP_AREA (64 * 1024)
/* Pixels of a unit that make filling its strip cheap. */
#define UNIT_PIXELS 384

/* dweight is cut into blocks of channels, its sum over images and pixels into `slots` partial sums, each over a range of units: some whole
 * images, or a band of one. */
struct plan {
    const struct conv_shape *s;
    const struct direct_kernels *k;
    struct direct_strip strip;
    bool pointwise;
    int taps, block, blocks, row_tiles; /* block: channels; row_tiles: of a block's rows of im2col's matrix */
    int vectors, tiles;                 /* of filters */
    int images, bands, units, slots;    /* images of a unit, bands of an image */
    int chunk, ld;                      /* ld: of the rows of `seen` */
    size_t image_strip, weights;
    size_t input, seen, turned, sums; /* numbers of a thread's parts of scratch */
};

static struct plan plan_of(const struct conv_shape *s, enum cpu_isa isa)
{
    struct plan p = {.s = s, .k = direct_kernels_of(isa), .taps = s->size * s->size, .pointwise = direct_pointwise(s)};
    const int lanes = p.k->lanes, wide = lanes * p.k->vectors, reach = s->dilation * (s->size - 1), pixels = s->out_h * s->out_w;
    p.block = direct_ceil_div(s->channels, direct_ceil_div(s->channels, BLOCK_ROWS / p.taps));
    p.blocks = direct_ceil_div(s->channels, p.block);
    p.row_tiles = direct_ceil_div(p.block * p.taps, p.k->rows);
    p.vectors = direct_ceil_div(s->filters, lanes);
    p.tiles = direct_ceil_div(p.vectors, p.k->vectors);
    p.weights = (size_t)s->filters * (size_t)s->channels * (size_t)p.taps;
    direct_strip_rows(s, s->out_w, &p.strip);
    p.images = direct_smaller(s->batch, direct_ceil_div(CHUNK, pixels));
    const int fitting = (STRIP_AREA / (p.block * p.strip.row) - 1 - reach) / s->stride_y + 1, most = fitting < 1 ? 1 : fitting;
    const int rows = direct_smaller(direct_smaller(most, direct_ceil_div(UNIT_PIXELS, s->out_w)), s->out_h);
    p.bands = p.strip.bands = p.images > 1 ? 1 : direct_ceil_div(s->out_h, rows);
    p.strip.rows = direct_ceil_div(s->out_h, p.bands);
    p.strip.channel = ((p.strip.rows - 1) * s->stride_y + reach + 1) * p.strip.row;
    p.units = direct_ceil_div(s->batch, p.images) * p.bands;
    p.slots = direct_smaller(direct_ceil_div(DIRECT_TASKS, p.blocks), p.units);
    const int unit = p.images * p.strip.rows * s->out_w;
    p.chunk = direct_ceil_div(direct_ceil_div(unit, direct_ceil_div(unit, CHUNK)), lanes) * lanes;
    p.ld = p.chunk + lanes;
    p.image_strip = (size_t)p.strip.channel * (size_t)p.block;
    p.input = p.pointwise ? 0 : direct_padded(p.image_strip * (size_t)p.images + (size_t)lanes);
    p.seen = direct_padded((size_t)(p.row_tiles * p.k->rows) * (size_t)p.ld + (size_t)lanes);
    p.turned = direct_padded((size_t)(p.tiles * wide) * (size_t)p.chunk);
    p.sums = direct_padded((size_t)(p.row_tiles * p.k->rows) * (size_t)(p.tiles * wide));
    return p;
}

size_t direct_outer_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads)
{
    const struct plan p = plan_of(s, isa);
    return (p.input + p.seen + p.turned + p.sums) * (size_t)threads + (p.slots > 1 ? p.weights * (size_t)p.slots : 0) + DIRECT_ALIGNMENT;
}

/* What a task has at hand: `seen` rows of im2col's matrix for the pixels of a chunk; `turned`, dy of these pixels as
 * [tile][pixel][filter]; `sums`, of all units so far as [tile][row][filter]. */
struct task {
    const struct plan *p;
    const real *x, *dy;
    int c0, channels;
    int places[BLOCK_ROWS];
    real *strip, *seen, *turned, *sums;
};

static int first_vector(const struct plan *p, int tile)
{
    return (int)((long)p->vectors * tile / p->tiles);
}

/* Pixels begin .. end − 1 of a unit of `images` × `size` pixels whose first one is pixel `at` of `image`. */
static void prepare_chunk(const struct task *t, int image, int at, int size, int begin, int end)
{
    const struct plan *p = t->p;
    const struct conv_shape *s = p->s;
    const int lanes = p->k->lanes, wide = lanes * p->k->vectors, rows = t->channels * p->taps;
    const size_t plane = (size_t)s->out_h * (size_t)s->out_w;
    struct direct_run runs[CHUNK];
    int count = 0;
    for (int i = begin; i < end;) {
        const int to = i - begin, in_band = i % size, n = direct_smaller(size - in_band, end - i);
        const size_t first = (size_t)at + (size_t)in_band, number = (size_t)(image + i / size);
        const real *dy = t->dy + number * (size_t)s->filters * plane + first;
        for (int tile = 0; tile < p->tiles; tile++)
            for (int v0 = first_vector(p, tile), v = v0; v < first_vector(p, tile + 1); v++)
                p->k->turn(dy + (size_t)(v * lanes) * plane, plane, direct_smaller(lanes, s->filters - v * lanes), n,
                           t->turned + (size_t)(tile * p->chunk + to) * (size_t)wide + (size_t)((v - v0) * lanes), wide);
        if (p->pointwise)
            p->k->copy(t->x + (number * (size_t)s->channels + (size_t)t->c0) * plane + first, plane, t->channels, direct_ceil_div(n, lanes),
                       n, t->seen + to, p->ld);
        for (int done = 0; done < n && !p->pointwise;) {
            const int row = (in_band + done) / s->out_w, col = (in_band + done) % s->out_w;
            runs[count++] = (struct direct_run){i / size * (int)p->image_strip + row * p->strip.row_step + col, to + done};
            done += direct_smaller(lanes, direct_smaller(s->out_w - col, n - done));
        }
        i += n;
    }
    if (!p->pointwise)
        p->k->gather(t->strip, t->places, rows, runs, count, t->seen, p->ld);
    const int all = direct_ceil_div(rows, p->k->rows) * p->k->rows;
    for (int r = rows; r < all; r++)
        memset(t->seen + (size_t)r * (size_t)p->ld, 0, (size_t)(end - begin) * sizeof(real));
}

static void add_unit(const struct task *t, int unit)
{
    const struct plan *p = t->p;
    const struct conv_shape *s = p->s;
    const int wide = p->k->lanes * p->k->vectors, image = unit / p->bands * p->images;
    const int images = direct_smaller(p->images, s->batch - image), tile_rows = p->row_tiles * p->k->rows;
    const int first = direct_band_row(s, &p->strip, unit % p->bands), last = direct_band_row(s, &p->strip, unit % p->bands + 1);
    for (int i = 0; i < images && !p->pointwise; i++)
        direct_fill(s, p->k, &p->strip,
                    t->x + ((size_t)(image + i) * (size_t)s->channels + (size_t)t->c0) * (size_t)s->height * (size_t)s->width, t->channels,
                    first, last, t->strip + (size_t)i * p->image_strip);
    const int size = (last - first) * s->out_w, pixels = images * size, chunks = direct_ceil_div(pixels, p->chunk);
    for (int chunk = 0; chunk < chunks; chunk++) {
        const int begin = (int)((long)pixels * chunk / chunks), end = (int)((long)pixels * (chunk + 1) / chunks);
        prepare_chunk(t, image, first * s->out_w, size, begin, end);
        for (int tile = 0; tile < p->tiles; tile++)
            for (int row = 0; row < t->channels * p->taps; row += p->k->rows)
                p->k->outer(t->seen + (size_t)row * (size_t)p->ld, p->ld, t->turned + (size_t)tile * (size_t)(p->chunk * wide), end - begin,
                            first_vector(p, tile + 1) - first_vector(p, tile), t->sums + (size_t)(tile * tile_rows + row) * (size_t)wide);
    }
}

/* dw: where the task's columns of a gradient begin. */
static void unload(const struct task *t, bool add, real *dw)
{
    const struct plan *p = t->p;
    const int lanes = p->k->lanes, wide = lanes * p->k->vectors, rows = t->channels * p->taps, tile_rows = p->row_tiles * p->k->rows;
    const size_t ld = (size_t)p->s->channels * (size_t)p->taps;
    for (int tile = 0; tile < p->tiles; tile++) {
        const int f0 = first_vector(p, tile) * lanes, f1 = direct_smaller(p->s->filters, first_vector(p, tile + 1) * lanes);
        for (int f = f0; f < f1; f++) {
            const real *from = t->sums + (size_t)(tile * tile_rows) * (size_t)wide + (f - f0);
            real *to = dw + (size_t)f * ld;
            for (int r = 0; r < rows; r++)
                to[r] = (add ? to[r] : 0) + from[(size_t)r * (size_t)wide];
        }
    }
}

/* A task owns a block of the columns of dweight in one slot; it goes through the slot's units in order. */
void direct_outer(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *dy, real *dweight, real *scratch, int threads)
{
    const struct plan p = plan_of(s, isa);
    const size_t each = p.input + p.seen + p.turned + p.sums;
    real *own = direct_align(scratch), *partial = own + each * (size_t)threads;
    struct parallel_queue queue;
    parallel_share(&queue, p.slots * p.blocks, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int slot = job / p.blocks, c0 = job % p.blocks * p.block;
        struct task t = {.p = &p, .x = x, .dy = dy, .c0 = c0, .channels = direct_smaller(p.block, s->channels - c0)};
        t.strip = own + each * (size_t)omp_get_thread_num();
        t.seen = t.strip + p.input;
        t.turned = t.seen + p.seen;
        t.sums = t.turned + p.turned;
        for (int c = 0; c < t.channels; c++)
            for (int tap = 0; tap < p.taps; tap++)
                t.places[c * p.taps + tap] = c * p.strip.channel + p.strip.taps[tap];
        memset(t.sums, 0, p.sums * sizeof(real));
        const int first = (int)((long)p.units * slot / p.slots), last = (int)((long)p.units * (slot + 1) / p.slots);
        for (int unit = first; unit < last; unit++)
            add_unit(&t, unit);
        unload(&t, p.slots == 1, (p.slots > 1 ? partial + (size_t)slot * p.weights : dweight) + (size_t)c0 * (size_t)p.taps);
    }
    if (p.slots > 1)
        vector_add_parts(partial, p.slots, p.weights, dweight, p.weights);
}
