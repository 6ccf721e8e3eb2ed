/* direct_plan: how direct.c and direct_weights.c see a shape and cut its work. */
#ifndef DLNET_MATH_DIRECT_PLAN_H
#define DLNET_MATH_DIRECT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "math/direct.h"
#include "math/direct_kernels.h"

/* Of vectors, in numbers: 64 bytes. */
#define DIRECT_ALIGNMENT (64 / sizeof(real))
/* Tasks from which on any usual number of threads is kept busy. */
#define DIRECT_TASKS 16

/* The inputs of some rows of outputs, with zeros around: [channel][input row][phase][pitch]. Phase p holds the columns p, p + stride,
 * p + 2·stride, … counted from the left edge of the padding. */
struct direct_strip {
    int across, pitch;          /* vectors in a row of outputs; numbers in a row of a phase */
    int row_step, row, channel; /* from one row of outputs to the next; from one input row, one channel to the next */
    int rows, bands;            /* rows of outputs in it at most; strips of an image */
    int taps[DIRECT_MAX_SIZE * DIRECT_MAX_SIZE];
    bool phase_used[DIRECT_MAX_SIZE];
};

static inline int direct_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static inline int direct_smaller(int a, int b)
{
    return a < b ? a : b;
}

static inline size_t direct_padded(size_t n)
{
    return (n + DIRECT_ALIGNMENT - 1) / DIRECT_ALIGNMENT * DIRECT_ALIGNMENT;
}

static inline real *direct_align(real *p)
{
    const uintptr_t bytes = DIRECT_ALIGNMENT * sizeof(real);
    return (real *)(((uintptr_t)p + bytes - 1) / bytes * bytes);
}

/* The image is its own im2col matrix. */
static inline bool direct_pointwise(const struct conv_shape *s)
{
    return s->size == 1 && s->stride_x == 1 && s->stride_y == 1 && s->padding == 0;
}

/* Sets the sizes of rows that hold what `width` neighbouring outputs see, the taps and the phases. */
void direct_strip_rows(const struct conv_shape *s, int width, struct direct_strip *strip);
/* Strips of `channels` channels; whole vectors of outputs in a row. */
struct direct_strip direct_strip_of(const struct conv_shape *s, const struct direct_kernels *k, int channels);
/* Rows of outputs of a band: [first, last). */
static inline int direct_band_row(const struct conv_shape *s, const struct direct_strip *strip, int band)
{
    return (int)((long)s->out_h * band / strip->bands);
}
/* Copies what rows first .. last − 1 of the outputs see of `channels` planes. */
void direct_fill(const struct conv_shape *s, const struct direct_kernels *k, const struct direct_strip *strip, const real *planes,
                 int channels, int first, int last, real *to);
/* Vector number v of a strip whose first row of outputs is `first`: y is counted from the plane's first pixel. */
static inline struct direct_vector direct_strip_vector(const struct conv_shape *s, const struct direct_strip *strip, int lanes, int first,
                                                       int v)
{
    const int row = v / strip->across, col = v % strip->across * lanes;
    return (struct direct_vector){(size_t)row * (size_t)strip->row_step + (size_t)col,
                                  (size_t)(first + row) * (size_t)s->out_w + (size_t)col, direct_smaller(lanes, s->out_w - col)};
}

/* direct_scatter.c: the gradient of the input of a window that stays inside the image, which as a convolution would largely be a product
 * with the zeros around dy: im2col's rows a few channels at a time, added to where they came from while they are in the cache. */
static inline bool direct_scatters(const struct conv_shape *s)
{
    const double phase = (double)direct_ceil_div(s->height, s->stride_y) * direct_ceil_div(s->width, s->stride_x);
    return s->size > 1 && (double)s->out_h * s->out_w < .6 * phase;
}
size_t direct_scatter_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads);
void direct_scatter(const struct conv_shape *s, enum cpu_isa isa, const real *dy, const real *weight, real *dx, bool overwrite,
                    real *scratch, int threads);

/* direct_weights.c: dweight for few channels, as products of rows of pixels. direct_outer.c: for any shape, as outer products. */
size_t direct_correlate_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads);
void direct_correlate(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *dy, real *dweight, real *scratch,
                      int threads);
size_t direct_outer_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads);
void direct_outer(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *dy, real *dweight, real *scratch, int threads);
/* Which of the two. */
size_t direct_weights_scratch(const struct conv_shape *s, enum cpu_isa isa, int threads);

#endif
