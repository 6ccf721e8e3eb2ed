/* bf16: convolution whose factors are rounded to bfloat16 (8 bits of mantissa, the exponent of float), with sums in float.
 *
 * Inputs and weights are rounded (to nearest, ties to even) on the way in, outputs and weight gradients are float as elsewhere. A factor is
 * off by at most 2^-8 of its size (half a unit of the eighth bit), so a result by at most (2^-7 + 2^-16) · Σ|a·b| over its products, plus
 * what summing in float loses (a few 2^-24 · Σ|a·b| for each power of two of their number). Numbers below 2^-126 count as 0.
 *
 * An implicit product of matrices, as in direct.h: strips of the inputs are copied once as bfloat16 with zeros around, and every tap of the
 * kernel reads them shifted. Pixels are counted through the rows of a strip, so that narrow images fill whole vectors.
 *
 * The bits of a result depend on the shape and on the instructions, not on the threads. Arrays are those of conv.h. Nothing is allocated.
 */
#ifndef DLNET_MATH_BF16_H
#define DLNET_MATH_BF16_H

#include "base/cpu.h"
#include "math/conv.h"

/* True when the kernels below can do the pass at all. */
bool bf16_fits(const struct conv_shape *s, enum conv_pass pass);

/* True where s->precision asks for it and the kernels are worth it: with AMX, or with neither, anywhere; with AVX512-BF16 where Winograd in
 * float isn't faster (s->winograd false: anywhere but in first layers). */
bool bf16_choose(const struct conv_shape *s, enum cpu_bf16 isa, enum conv_pass pass);

/* Numbers of scratch. */
size_t bf16_scratch(const struct conv_shape *s, enum cpu_bf16 isa, enum conv_pass pass, int threads);

/* Weights in the order of the kernels, for many calls of bf16_forward; packed is aligned to 64 bytes. */
size_t bf16_packed_size(const struct conv_shape *s, enum cpu_bf16 isa);
void bf16_pack(const struct conv_shape *s, enum cpu_bf16 isa, const real *weight, real *packed, int threads);

/* y = map(x * weight); map may be NULL. packed: from bf16_pack, or NULL: then weight is packed on the way. */
void bf16_forward(const struct conv_shape *s, enum cpu_bf16 isa, const real *x, const real *weight, const real *packed,
                  const struct channel_map *map, real *y, real *scratch, int threads);

/* dx += (or =, when overwrite) dy * weightᵀ. */
void bf16_backward_data(const struct conv_shape *s, enum cpu_bf16 isa, const real *dy, const real *weight, real *dx, bool overwrite,
                        real *scratch, int threads);

/* dweight += Σ over the images. */
void bf16_backward_weights(const struct conv_shape *s, enum cpu_bf16 isa, const real *x, const real *dy, real *dweight, real *scratch,
                           int threads);

#endif
