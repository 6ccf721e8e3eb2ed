/* What every machine has, written in the compiler's vector types: SSE2 on x86-64, NEON on arm64. The double build has this one only. */
#ifdef DLNET_DOUBLE
#define LANES 2
#else
#define LANES 4
#endif
#define GRADIENT_ROWS LANES
#ifdef __aarch64__
#define MULTIPLY_ROWS 14
#else
#define MULTIPLY_ROWS 6
#endif
#define WINOGRAD_TABLE winograd_baseline
#include "math/winograd_simd.h"

INLINE vec load_partial(const real *p, int n)
{
    real t[LANES] = {0};
    for (int i = 0; i < n; i++)
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

#include "math/winograd_simd.h"
