/* residual: y = f(alpha·a + beta·b), the sum that a residual network is made of (He 2015), in one pass over memory each way. */
#ifndef DLNET_MATH_RESIDUAL_H
#define DLNET_MATH_RESIDUAL_H

#include "math/activation.h"

/* n numbers each; y may be a or b. f: one of single numbers. */
void residual_forward(struct activation f, real alpha, const real *a, real beta, const real *b, real *y, size_t n);

/* da += alpha·g, db += beta·g, g = dy·f'(y); with overwrite = in place of +=. NULL: not wanted. f: one whose derivative is found from y
 * (activation_from_output), or linear. da and db are two arrays. */
void residual_backward(struct activation f, const real *y, const real *dy, real alpha, real *da, bool overwrite_a, real beta, real *db,
                       bool overwrite_b, size_t n);

#endif
