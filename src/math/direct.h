/* direct: convolution as a product of matrices of which the larger one, im2col's, is never written (implicit GEMM).
 *
 * Vectors stand over neighbouring output pixels, rows of the register tile over filters. What a tap sees of a row of pixels is again a row
 * of neighbouring numbers once the columns of the image are sorted by their remainder modulo the stride. So a strip of input rows is copied
 * once (zeros around it) and read size² times. Where rows are short or filters many, what the taps see of a tile of pixels is copied from
 * it to the first-level cache (direct_gather.h). The gradient of the weights is a sum over pixels of outer products (direct_outer.c).
 *
 * Relative RMS error against double: 3e-7 for outputs and dx; for dweight 1e-6 after 16 thousand pixels, growing with their root.
 *
 * The bits of a result depend on the shape and on the instruction set, not on the threads. Arrays are those of conv.h. Nothing is
 * allocated.
 */
#ifndef DLNET_MATH_DIRECT_H
#define DLNET_MATH_DIRECT_H

#include "base/cpu.h"
#include "math/conv.h"

/* True when the kernels below can do the pass at all. */
bool direct_fits(const struct conv_shape *s, enum conv_pass pass);

/* True where they were measured to be faster than conv_gemm with OpenBLAS's kernels for the same instruction set. */
bool direct_choose(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass);

/* Whether direct_forward can do what a shape's `halve` asks for. */
bool direct_halves(const struct conv_shape *s, enum cpu_isa isa);

/* Parts of y for channel_map.moments. */
int direct_parts(const struct conv_shape *s, enum cpu_isa isa);

/* Numbers of scratch. */
size_t direct_scratch(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, int threads);

/* Weights in the order of the kernels, for many calls of direct_forward; packed is aligned to 64 bytes. */
size_t direct_packed_size(const struct conv_shape *s, enum cpu_isa isa);
void direct_pack(const struct conv_shape *s, enum cpu_isa isa, const real *weight, real *packed, int threads);

/* y = map(x * weight); map may be NULL. packed: from direct_pack, or NULL: then weight is packed on the way. */
void direct_forward(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *weight, const real *packed,
                    const struct channel_map *map, real *y, real *scratch, int threads);

/* dx += (or =, when overwrite) dy * weightᵀ. */
void direct_backward_data(const struct conv_shape *s, enum cpu_isa isa, const real *dy, const real *weight, real *dx, bool overwrite,
                          real *scratch, int threads);

/* dweight += Σ over the images. */
void direct_backward_weights(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *dy, real *dweight, real *scratch,
                             int threads);

#endif
