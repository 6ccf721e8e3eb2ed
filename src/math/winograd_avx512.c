/* AVX-512: 32 registers of 16 numbers. */
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif

#include <immintrin.h>

#define LANES 16
#define MULTIPLY_ROWS 14
#define GRADIENT_ROWS 8
#define WINOGRAD_TABLE winograd_avx512
#include "math/winograd_simd.h"

INLINE vec load_partial(const real *p, int n)
{
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

INLINE void store_partial(real *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}

INLINE vec select_positive(vec x, vec otherwise)
{
    return (vec)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)x, _mm512_setzero_ps(), _CMP_GT_OQ), (__m512)otherwise, (__m512)x);
}

#include "math/winograd_simd.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int winograd_avx512_is_empty;
#endif
