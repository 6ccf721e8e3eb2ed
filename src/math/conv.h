/* conv: convolution of NCHW arrays, forward and backward. Which algorithm runs is chosen here, by shape alone.
 *
 * x: batch × channels × height × width; y: batch × filters × out_h × out_w; weight: filters × channels/groups × conv_rows × size. As
 * usual in the field this is cross-correlation: y[f][oy][ox] = Σ weight[f][c][ky][kx] · x[c][oy·stride_y + ky·dilation − conv_padding_y]
 * [ox·stride_x + kx·dilation − padding]. */
#ifndef DLNET_MATH_CONV_H
#define DLNET_MATH_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"
#include "math/norm.h"

enum conv_precision { CONV_FP32, CONV_BF16 };

struct conv_shape {
    int batch, channels, height, width;
    int filters, size;
    int stride_x, stride_y, padding, dilation, groups;
    int out_h, out_w;              /* see conv_output */
    bool winograd;                 /* 3 × 3 kernels may be done by winograd.h, which is faster and loses more digits (see there) */
    enum conv_precision precision; /* CONV_BF16: factors rounded to bfloat16, by bf16.h, where that is worth it */
    bool halve;            /* conv_forward writes the maximum of each 2 × 2 window of outputs (after the map) only; see conv_halves */
    int size_y, padding_y; /* size_y 0: the kernel is size × size, padded alike on all sides; else it has so many rows */
};

/* Rows of the kernel, and of padding above and below. */
static inline int conv_rows(const struct conv_shape *s)
{
    return s->size_y > 0 ? s->size_y : s->size;
}
static inline int conv_padding_y(const struct conv_shape *s)
{
    return s->size_y > 0 ? s->padding_y : s->padding;
}
/* Whether the kernel and its padding are alike along both axes: what the algorithms other than conv_gemm.h need. */
static inline bool conv_is_square(const struct conv_shape *s)
{
    return conv_rows(s) == s->size && conv_padding_y(s) == s->padding;
}

enum conv_pass { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS };

/* (in + 2·padding − (dilation·(size − 1) + 1)) / stride + 1; below 1: the window doesn't fit. */
int conv_output(int in, int size, int stride, int padding, int dilation);

/* What runs, for people: "Winograd F(4x4)", "depth-wise", "direct", "GEMM" (1 x 1 kernels), "im2col + GEMM"; "bf16 AMX",
 * "bf16 AVX512-BF16", "bf16 portable". */
const char *conv_algorithm(const struct conv_shape *s, enum conv_pass pass);

/* Whether the algorithm that runs for this shape, whose halve is set, can do so: y is then batch × filters × out_h/2 × out_w/2. */
bool conv_halves(const struct conv_shape *s);

/* Whether the algorithm that runs for this shape can add map->residual (norm.h) where f is this function. */
bool conv_joins(const struct conv_shape *s, struct activation f);

/* Parts of y whose moments (channel_map.moments) conv_forward takes while they are in the cache; 0: the algorithm can't. A number that the
 * shape alone decides. */
int conv_parts(const struct conv_shape *s);

/* Numbers of scratch that a pass needs when it runs on up to `threads` threads. The results don't depend on the threads. */
size_t conv_scratch(const struct conv_shape *s, enum conv_pass pass, int threads);

/* For many calls of conv_forward with the same weights: their transform, made once. Numbers of it; 0: the algorithm has none. */
size_t conv_packed_size(const struct conv_shape *s);
/* packed: aligned to 64 bytes. It holds for this shape only, with its batch. */
void conv_pack(const struct conv_shape *s, const real *weight, real *packed, int threads);

/* y = map(x * weight); map may be NULL. packed: from conv_pack, or NULL. */
void conv_forward(const struct conv_shape *s, const real *x, const real *weight, const real *packed, const struct channel_map *map, real *y,
                  real *scratch, int threads);

/* dx += dy * weightᵀ, or dx = when overwrite. */
void conv_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                        int threads);

/* dweight += Σ over the images. */
void conv_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads);

#endif
