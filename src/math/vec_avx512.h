/* vec_avx512: AVX-512: 32 registers of 16 numbers. Everything behind the #include is
 * compiled for it; with clang, up to the attribute pop that the including file ends with. */
#ifndef DLNET_MATH_VEC_AVX512_H
#define DLNET_MATH_VEC_AVX512_H

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif

#include <immintrin.h>

#define LANES 16
#include "math/vec_types.h"

INLINE vec load_partial(const real *p, int n)
{
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

INLINE vec load_range(const real *p, int from, int to)
{
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << to) - (1u << from)), p);
}

INLINE void store_partial(real *p, vec v, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}

INLINE vec select_positive(vec x, vec otherwise)
{
    return (vec)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)x, _mm512_setzero_ps(), _CMP_GT_OQ), (__m512)otherwise, (__m512)x);
}

INLINE vec larger_of(vec a, vec b)
{
    return (vec)_mm512_max_ps((__m512)b, (__m512)a);
}

#endif
