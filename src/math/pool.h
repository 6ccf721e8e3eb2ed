/* pool: max and average pooling of n·c planes of h × w. In parallel over planes. */
#ifndef DLNET_MATH_POOL_H
#define DLNET_MATH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

/* A window of kh × kw (rows × columns) whose first place lies `top` rows above and `left` columns left of the image; what lies outside
 * counts as −∞. Every window must see at least one element of the image. */
struct pool_window {
    int kh, kw, stride_h, stride_w, top, left;
};

/* Elements (real and int32_t each) of scratch that pool_max_forward needs; 0: none. */
size_t pool_max_scratch(struct pool_window k, int w, int out_w);

/* y[p][i][j] = max over the window. index (NULL: not wanted): position of the maximum in its plane, the first one in
 * row-major order when there are several. scratch_x and scratch_index have pool_max_scratch elements (scratch_index only when index is
 * given). */
void pool_max_forward(const real *x, real *y, int32_t *index, size_t planes, int h, int w, int out_h, int out_w, struct pool_window k,
                      real *scratch_x, int32_t *scratch_index);

/* y[j] = max of numbers 2·j and 2·j + 1 of two rows, j < pairs; in the calling thread. */
void pool_halve_rows(const real *upper, const real *lower, int pairs, real *y);

/* dx[p][index] += dy; overwrite: dx is zeroed first. apart: windows don't overlap, so no position comes twice. */
void pool_max_backward(const real *dy, const int32_t *index, real *dx, size_t planes, size_t plane, size_t out_plane, bool overwrite,
                       bool apart);

/* y[p] = mean of plane p. */
void pool_mean_forward(const real *x, real *y, size_t planes, size_t plane);

/* dx[p][·] += (or =) dy[p] / plane. */
void pool_mean_backward(const real *dy, real *dx, size_t planes, size_t plane, bool overwrite);

#endif
