/* conv: convolution of NCHW arrays, forward and backward. Which algorithm runs is chosen here, by shape alone.
 *
 * x: batch × channels × height × width; y: batch × filters × out_h × out_w; weight: filters × channels/groups × size × size. As usual in
 * the field this is cross-correlation: y[f][oy][ox] = Σ weight[f][c][ky][kx] · x[c][oy·stride_y + ky·dilation − padding][ox·stride_x +
 * kx·dilation − padding]. */
#ifndef DLNET_MATH_CONV_H
#define DLNET_MATH_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"
#include "math/norm.h"

struct conv_shape {
    int batch, channels, height, width;
    int filters, size;
    int stride_x, stride_y, padding, dilation, groups;
    int out_h, out_w; /* see conv_output */
};

enum conv_pass { CONV_FORWARD, CONV_BACKWARD_DATA, CONV_BACKWARD_WEIGHTS };

/* (in + 2·padding − (dilation·(size − 1) + 1)) / stride + 1; below 1: the window doesn't fit. */
int conv_output(int in, int size, int stride, int padding, int dilation);

/* Numbers of scratch that a pass needs when it runs on up to `threads` threads. The results don't depend on the threads. */
size_t conv_scratch(const struct conv_shape *s, enum conv_pass pass, int threads);

/* y = map(x * weight); map may be NULL. */
void conv_forward(const struct conv_shape *s, const real *x, const real *weight, const struct channel_map *map, real *y, real *scratch,
                  int threads);

/* dx += dy * weightᵀ, or dx = when overwrite. */
void conv_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                        int threads);

/* dweight += Σ over the images. */
void conv_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads);

#endif
