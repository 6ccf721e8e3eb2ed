/* norm_pool: batch normalisation, activation and the maximum of each 2 × 2 window in the fewest passes over memory. The array between the
 * two layers is never written, nor is its gradient: both are found from x and from what a window's maximum came from.
 *
 * x: n × c × h × w, h and w even; y: n × c × h/2 × w/2. The results are those of norm.h followed by pool.h; of equal numbers the first in
 * the order of rows is the maximum. */
#ifndef DLNET_MATH_NORM_POOL_H
#define DLNET_MATH_NORM_POOL_H

#include <stdint.h>

#include "math/norm.h"

/* Statistics of x, then y. For the way back, of each maximum: its x in x_max, and its place in the window (row·2 + column) in place.
 * known: mean and variance are given. scratch: norm_scratch_bytes(n, c, h·w). */
void norm_pool_forward(struct activation a, const real *x, int n, int c, int h, int w, const real *scale, const real *shift, bool known,
                       real *mean, real *variance, real *y, real *x_max, uint8_t *place, void *scratch);

/* dx = the gradient of x. dy: of y; rubbish on return. The rest as norm_backward's. */
void norm_pool_backward(struct activation a, bool through_statistics, const real *x, const real *x_max, const uint8_t *place, const real *y,
                        const real *scale, const real *shift, const real *mean, const real *variance, int n, int c, int h, int w, real *dy,
                        real *dx, real *dscale, real *dshift, void *scratch);

#endif
