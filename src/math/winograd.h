/* winograd: convolution by 3 × 3 kernels (stride 1, dilation 1, one group) with fewer multiplications.
 *
 * F(m × m, 3 × 3) finds m × m outputs with (m + 2)² multiplications a channel instead of 9·m² (Winograd 1980; Lavin and Gray 2015):
 * 2.25 (m = 2), 3.24, 4, 4.59 and 5.06 (m = 6) times fewer, at the price of transforms and of rounding errors that grow with m. Measured
 * against double for sums over 256 channels (tests/math/test_winograd.c), relative to the root mean square of the outputs: 5e-7 (m = 2),
 * 8e-7, 1.4e-6, 3e-6, 6e-6 (m = 6); the largest error relative to the largest output: 7e-7, 2e-6, 3e-6, 7e-6, 1.6e-5.
 *
 * The bits of a result depend on the shape, on m and on the instruction set, not on the threads. Arrays are those of conv.h. Nothing is
 * allocated. */
#ifndef DLNET_MATH_WINOGRAD_H
#define DLNET_MATH_WINOGRAD_H

#include "base/cpu.h"
#include "math/conv.h"

struct winograd_method {
    int tile; /* m: 2 .. 6 */
    enum cpu_isa isa;
};

/* True when the kernels below can do it at all. */
bool winograd_fits(const struct conv_shape *s);

/* The m that is fastest for the pass, by shape alone; 0: conv_gemm is, or s->winograd refuses. */
int winograd_choose(const struct conv_shape *s, enum conv_pass pass);

/* Parts of y for channel_map.moments; weights must not be packed then. */
int winograd_parts(const struct conv_shape *s, struct winograd_method method);

/* Numbers of scratch; packed: forward will be given packed weights (which may take more or less of it). */
size_t winograd_scratch(const struct conv_shape *s, struct winograd_method method, enum conv_pass pass, bool packed, int threads);

/* Weights transformed once, for many calls of winograd_forward with the same shape (batch, too) and method; packed is aligned to 64 bytes.
 */
size_t winograd_packed_size(const struct conv_shape *s, struct winograd_method method);
void winograd_pack(const struct conv_shape *s, struct winograd_method method, const real *weight, real *packed, int threads);

/* y = map(x * weight); map may be NULL. packed: from winograd_pack, or NULL: then weight is transformed on the way. */
void winograd_forward(const struct conv_shape *s, struct winograd_method method, const real *x, const real *weight, const real *packed,
                      const struct channel_map *map, real *y, real *scratch, int threads);

/* dx += (or =, when overwrite) dy * weightᵀ. */
void winograd_backward_data(const struct conv_shape *s, struct winograd_method method, const real *dy, const real *weight, real *dx,
                            bool overwrite, real *scratch, int threads);

/* dweight += Σ over the images. */
void winograd_backward_weights(const struct conv_shape *s, struct winograd_method method, const real *x, const real *dy, real *dweight,
                               real *scratch, int threads);

#endif
