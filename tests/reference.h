/* reference: naive kernels, written as their definitions stand, with sums in double. The fast ones are compared with them. */
#ifndef DLNET_TESTS_REFERENCE_H
#define DLNET_TESTS_REFERENCE_H

#include <stddef.h>

#include "base/real.h"
#include "math/conv.h"

void reference_gemm(int ta, int tb, int m, int n, int k, double alpha, const real *a, int lda, const real *b, int ldb, double beta, real *c,
                    int ldc);

/* y = x * weight. */
void reference_conv_forward(const struct conv_shape *s, const real *x, const real *weight, real *y);
/* dx += and dweight +=. */
void reference_conv_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx);
void reference_conv_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight);

/* Largest |a − b| / max(1, largest |b|) over n numbers: the error against the size of what was to be found. */
double reference_error(const real *a, const real *b, size_t n);

#endif
