/* vec_baseline: what every machine has: SSE2 on x86-64, NEON on arm64. The double build has this one only. */
#ifndef DLNET_MATH_VEC_BASELINE_H
#define DLNET_MATH_VEC_BASELINE_H

#ifdef DLNET_DOUBLE
#define LANES 2
#else
#define LANES 4
#endif
#include "math/vec_types.h"

INLINE vec load_partial(const real *p, int n)
{
    real t[LANES] = {0};
    for (int i = 0; i < n; i++)
        t[i] = p[i];
    return load(t);
}

INLINE vec load_range(const real *p, int from, int to)
{
    real t[LANES] = {0};
    for (int i = from; i < to; i++)
        t[i] = p[i];
    return load(t);
}

INLINE void store_partial(real *p, vec v, int n)
{
    real t[LANES];
    store(t, v);
    for (int i = 0; i < n; i++)
        p[i] = t[i];
}

INLINE vec select_positive(vec x, vec otherwise)
{
    for (int i = 0; i < LANES; i++)
        x[i] = x[i] > 0 ? x[i] : otherwise[i];
    return x;
}

INLINE vec larger_of(vec a, vec b)
{
    for (int i = 0; i < LANES; i++)
        a[i] = a[i] < b[i] ? b[i] : a[i];
    return a;
}

#endif
