/* conv_gemm: convolution as matrix multiplication, on strips of im2col that stay in cache; 1 × 1 kernels use the image as it stands.
 * The functions are those of conv.h. */
#ifndef DLNET_MATH_CONV_GEMM_H
#define DLNET_MATH_CONV_GEMM_H

#include "math/conv.h"

/* A 1 × 1 kernel that moves by one: no im2col. */
bool conv_gemm_is_pointwise(const struct conv_shape *s);
size_t conv_gemm_scratch(const struct conv_shape *s, enum conv_pass pass, int threads);
void conv_gemm_forward(const struct conv_shape *s, const real *x, const real *weight, const struct channel_map *map, real *y, real *scratch,
                       int threads);
void conv_gemm_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                             int threads);
void conv_gemm_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads);

#endif
