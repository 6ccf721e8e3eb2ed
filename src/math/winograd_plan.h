/* winograd_plan: how winograd.c and winograd_weights.c cut their work and lay out their scratch. */
#ifndef DLNET_MATH_WINOGRAD_PLAN_H
#define DLNET_MATH_WINOGRAD_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "math/winograd.h"

/* Of vectors, in numbers: 64 bytes. */
#define WINOGRAD_ALIGNMENT (64 / sizeof(real))

static inline int winograd_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* The size of equal pieces of n, none above `most`. */
static inline int winograd_even(int n, int most)
{
    return winograd_ceil_div(n, winograd_ceil_div(n, most));
}

static inline size_t winograd_padded(size_t n)
{
    return (n + WINOGRAD_ALIGNMENT - 1) / WINOGRAD_ALIGNMENT * WINOGRAD_ALIGNMENT;
}

/* Distance between points that have n numbers: one vector more, so that the same place of all points doesn't fall into one set of the
 * cache. */
static inline size_t winograd_stride(size_t n)
{
    return winograd_padded(n) + WINOGRAD_ALIGNMENT;
}

static inline real *winograd_align(real *p)
{
    const uintptr_t bytes = WINOGRAD_ALIGNMENT * sizeof(real);
    return (real *)(((uintptr_t)p + bytes - 1) / bytes * bytes);
}

size_t winograd_weights_scratch(const struct conv_shape *s, struct winograd_method method, int threads);

#endif
