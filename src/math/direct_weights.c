#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "math/direct_plan.h"
#include "math/vector.h"

/* Vectors of pixels that are worked on at a time: those of the rows of a register tile of dy stay in the first-level cache. */
#define PLACES 64
/* Rows of im2col's matrix in a block of channels. */
#define BLOCK_ROWS 256

#define MAX_CORRELATE_CHANNELS 4
#define MIN_CORRELATE_WIDTH 24

/* How the sum over images and pixels is cut: `slots` partial sums of the gradient, each over a range of the bands of all images. */
struct plan {
    const struct conv_shape *s;
    const struct direct_kernels *k;
    struct direct_strip strip;
    int taps, block, blocks; /* block: channels of a task */
    int bands, slots;
    size_t weights, input; /* numbers of dweight, of a thread's strip */
};

static struct plan plan_of(const struct conv_shape *s, enum cpu_isa isa)
{
    struct plan p = {.s = s, .k = direct_kernels_of(isa), .taps = s->size * s->size};
    p.block = direct_ceil_div(s->channels, direct_ceil_div(s->channels, BLOCK_ROWS / p.taps));
    p.blocks = direct_ceil_div(s->channels, p.block);
    p.weights = (size_t)s->filters * (size_t)s->channels * (size_t)p.taps;
    p.strip = direct_strip_of(s, p.k, p.block);
    p.bands = p.strip.bands * s->batch;
    p.input = direct_padded((size_t)p.strip.channel * (size_t)p.block);
    p.slots = direct_smaller(direct_ceil_div(DIRECT_TASKS, p.blocks), p.bands);
    return p;
}

size_t direct_correlate_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads)
{
    const struct plan p = plan_of(s, isa);
    return p.input * (size_t)threads + (p.slots > 1 ? p.weights * (size_t)p.slots : 0) + DIRECT_ALIGNMENT;
}

/* All register tiles of `channels` channels over some places; dw: where the first channel's taps stand in the first row. */
static void correlate_places(const struct plan *p, int channels, const real *dy, const real *input, const struct direct_vector *at,
                             int vectors, real *dw)
{
    const size_t plane = (size_t)p->s->out_h * (size_t)p->s->out_w, ld = (size_t)p->s->channels * (size_t)p->taps;
    const int sums = channels * p->taps;
    for (int f = 0; f < p->s->filters; f += p->k->gradient_rows)
        for (int i = 0; i < sums; i += p->k->gradient_taps) {
            int taps[DIRECT_MAX_GRADIENT_TAPS] = {0};
            const int count = direct_smaller(p->k->gradient_taps, sums - i);
            for (int j = 0; j < count; j++)
                taps[j] = (i + j) / p->taps * p->strip.channel + p->strip.taps[(i + j) % p->taps];
            p->k->correlate(dy + (size_t)f * plane, plane, direct_smaller(p->k->gradient_rows, p->s->filters - f), input, taps, count, at,
                            vectors, dw + (size_t)f * ld + (size_t)i, ld);
        }
}

/* Number `band` counts through all images. */
static void add_band(const struct plan *p, int band, int c0, int channels, const real *x, const real *dy, real *dw, real *input)
{
    const struct conv_shape *s = p->s;
    const size_t image = (size_t)(band / p->strip.bands);
    const int first = direct_band_row(s, &p->strip, band % p->strip.bands), last = direct_band_row(s, &p->strip, band % p->strip.bands + 1);
    direct_fill(s, p->k, &p->strip, x + (image * (size_t)s->channels + (size_t)c0) * (size_t)s->height * (size_t)s->width, channels, first,
                last, input);
    const int vectors = (last - first) * p->strip.across;
    for (int begin = 0; begin < vectors; begin += PLACES) {
        const int end = direct_smaller(begin + PLACES, vectors);
        struct direct_vector at[PLACES];
        for (int v = begin; v < end; v++)
            at[v - begin] = direct_strip_vector(s, &p->strip, p->k->lanes, first, v);
        correlate_places(p, channels, dy + image * (size_t)s->filters * (size_t)s->out_h * (size_t)s->out_w, input, at, end - begin, dw);
    }
}

/* A task owns a block of the columns of dweight in one slot; it goes through the slot's bands in order. */
void direct_correlate(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *dy, real *dweight, real *scratch,
                      int threads)
{
    const struct plan p = plan_of(s, isa);
    real *inputs = direct_align(scratch), *partial = inputs + p.input * (size_t)threads;
    const size_t ld = (size_t)s->channels * (size_t)p.taps;
    struct parallel_queue queue;
    parallel_share(&queue, p.slots * p.blocks, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int slot = job / p.blocks, c0 = job % p.blocks * p.block, channels = direct_smaller(p.block, s->channels - c0);
        real *to = (p.slots > 1 ? partial + (size_t)slot * p.weights : dweight) + (size_t)c0 * (size_t)p.taps;
        for (int f = 0; f < s->filters && p.slots > 1; f++)
            memset(to + (size_t)f * ld, 0, (size_t)channels * (size_t)p.taps * sizeof(real));
        const int first = (int)((long)p.bands * slot / p.slots), last = (int)((long)p.bands * (slot + 1) / p.slots);
        for (int band = first; band < last; band++)
            add_band(&p, band, c0, channels, x, dy, to, inputs + (size_t)omp_get_thread_num() * p.input);
    }
    if (p.slots > 1)
        vector_add_parts(partial, p.slots, p.weights, dweight, p.weights);
}

/* Sums over pixels are added up across the lanes, which is dear where there are few. */
static bool correlates(const struct conv_shape *s)
{
    return s->channels <= MAX_CORRELATE_CHANNELS && !direct_pointwise(s) && s->out_w >= MIN_CORRELATE_WIDTH;
}

size_t direct_weights_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads)
{
    return correlates(s) ? direct_correlate_scratch(s, isa, threads) : direct_outer_scratch(s, isa, threads);
}

void direct_backward_weights(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *dy, real *dweight, real *scratch,
                             int threads)
{
    if (correlates(s))
        direct_correlate(s, isa, x, dy, dweight, scratch, threads);
    else
        direct_outer(s, isa, x, dy, dweight, scratch, threads);
}
