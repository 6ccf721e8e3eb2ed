/* direct_gather: the products of direct.h for any kernel, stride and size of image.
 *
 * A task copies what the taps of some channels see of a tile of output pixels (numbered through the rows of a band of the image, and
 * through some small images) to rows of a register tile's width, in the first-level cache, and multiplies them with the weights of many
 * filters.
 *
 * The gradient of the input takes its pixels apart by their row and column modulo the stride: those of one such phase are a convolution of
 * dy with stride 1 and the taps that reach them. */
#ifndef DLNET_MATH_DIRECT_GATHER_H
#define DLNET_MATH_DIRECT_GATHER_H

#include "math/direct.h"

bool direct_gather_fits(const struct conv_shape *s, enum conv_pass pass);
size_t direct_gather_packed(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass);
/* Without the packed weights. */
size_t direct_gather_scratch(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, int threads);
void direct_gather_pack(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, const real *weight, real *packed, int threads);

/* Parts of y for channel_map.moments. */
int direct_gather_parts(const struct conv_shape *s, enum cpu_isa isa);

/* to = (or +=, when add) the product of from and the weights: y of x in CONV_FORWARD, then mapped (NULL: not); dx of dy in
 * CONV_BACKWARD_DATA, map NULL. scratch is aligned to 64 bytes. */
void direct_gather(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, const real *from, const real *packed,
                   const struct channel_map *map, bool add, real *to, real *scratch, int threads);

#endif
