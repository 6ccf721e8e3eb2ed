/* standardize: means and deviations of features over many batches, and (x − mean)/deviation. Arrays are n × c × s: c features, of which
 * each image has s numbers (s 1: vectors). In parallel over fixed tiles; the bits depend neither on threads nor on how the data is cut into
 * batches. */
#ifndef DLNET_MATH_STANDARDIZE_H
#define DLNET_MATH_STANDARDIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

/* Adds n images to c means and sums of squared distances from them (both begin as 0); `images`: how many they hold already. Each image's
 * s numbers are merged as one set (Chan, Golub, LeVeque 1979, eq. 2.1), so that a constant feature comes out as exactly 0. */
void standardize_add(const real *x, int n, int c, size_t s, double images, double *mean, double *squares);

/* y = (x − mean)/deviation of its feature; deviation 0 divides by 1. x == y allowed. */
void standardize_forward(const real *x, int n, int c, size_t s, const real *mean, const real *deviation, real *y);
/* dx = (or +=) dy/deviation. */
void standardize_backward(const real *dy, int n, int c, size_t s, const real *deviation, real *dx, bool overwrite);

#endif
