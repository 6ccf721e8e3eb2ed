/* vector: sums and products over flat arrays, and over the channels of n × c × s arrays (s numbers a channel). In parallel over fixed
 * tiles. */
#ifndef DLNET_MATH_VECTOR_H
#define DLNET_MATH_VECTOR_H

#include <stddef.h>

#include "base/real.h"

void vector_fill(real *y, size_t n, real value);
void vector_copy(const real *x, real *y, size_t n); /* y = x */
void vector_add(const real *x, real *y, size_t n);  /* y += x */
/* y += each of `parts` arrays, `distance` apart in x, one after the other */
void vector_add_parts(const real *x, int parts, size_t distance, real *y, size_t n);
void vector_axpy(real a, const real *x, real *y, size_t n); /* y += a·x */
void vector_scale(real a, real *y, size_t n);               /* y *= a */
void vector_multiply(const real *x, real *y, size_t n);     /* y *= x */

/* Sums in double, in a fixed order. */
double vector_sum(const real *x, size_t n);
double vector_sum_squares(const real *x, size_t n);

/* sum[k] += Σ over n and s of x[·][k][·]: the gradient of a bias. */
void vector_channel_sums(const real *x, int n, int c, size_t s, real *sum);

#endif
