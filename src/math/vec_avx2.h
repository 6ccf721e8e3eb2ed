/* vec_avx2: AVX2 and FMA: 16 registers of 8 numbers. Everything behind the #include is
 * compiled for it; with clang, up to the attribute pop that the including file ends with. */
#ifndef DLNET_MATH_VEC_AVX2_H
#define DLNET_MATH_VEC_AVX2_H

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#include <immintrin.h>

#define LANES 8
#include "math/vec_types.h"

INLINE __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE vec load_partial(const real *p, int n)
{
    return (vec)_mm256_maskload_ps(p, first_lanes(n));
}

INLINE vec load_range(const real *p, int from, int to)
{
    return (vec)_mm256_maskload_ps(p, _mm256_andnot_si256(first_lanes(from), first_lanes(to)));
}

INLINE void store_partial(real *p, vec v, int n)
{
    if (n >= LANES) {
        store(p, v);
        return;
    }
    /* A masked store takes many cycles on some processors (AMD's Zen: tens of micro-operations). */
    __m128 left = _mm256_castps256_ps128((__m256)v);
    if (n & 4) {
        _mm_storeu_ps(p, left);
        p += 4;
        left = _mm256_extractf128_ps((__m256)v, 1);
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)p, left);
        p += 2;
        left = _mm_movehl_ps(left, left);
    }
    if (n & 1)
        _mm_store_ss(p, left);
}

INLINE vec select_positive(vec x, vec otherwise)
{
    return (vec)_mm256_blendv_ps((__m256)otherwise, (__m256)x, _mm256_cmp_ps((__m256)x, _mm256_setzero_ps(), _CMP_GT_OQ));
}

INLINE vec larger_of(vec a, vec b)
{
    return (vec)_mm256_max_ps((__m256)b, (__m256)a);
}

#endif
