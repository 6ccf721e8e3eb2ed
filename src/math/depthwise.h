/* depthwise: convolution of each channel with its own kernel (groups == channels == filters), without matrices.
 * The functions are those of conv.h. */
#ifndef DLNET_MATH_DEPTHWISE_H
#define DLNET_MATH_DEPTHWISE_H

#include "math/conv.h"

bool depthwise_fits(const struct conv_shape *s);
size_t depthwise_scratch(const struct conv_shape *s, enum conv_pass pass, int threads);
void depthwise_forward(const struct conv_shape *s, const real *x, const real *weight, const struct channel_map *map, real *y, real *scratch,
                       int threads);
void depthwise_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                             int threads);
void depthwise_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads);

#endif
