/* vec_types: vectors of LANES numbers, in the compiler's types. vec_avx512.h, vec_avx2.h and vec_baseline.h define LANES, include this and
 * add
 *
 *     load_partial     (const real *p, int n): the first n ≤ LANES numbers, 0 behind; reads nothing else
 *     load_range       (const real *p, int from, int to): lane l is p[l] for from ≤ l < to ≤ LANES, else 0; reads nothing else
 *     store_partial    (real *p, vec v, int n): the first n numbers
 *     select_positive  (vec x, vec otherwise): x where x > 0
 *     larger_of        (vec a, vec b): b where a < b, else a
 *
 * Templates of kernels are written upon them; a file that includes one of the three is compiled for that instruction set. */
#ifndef DLNET_MATH_VEC_TYPES_H
#define DLNET_MATH_VEC_TYPES_H

#include "base/real.h"

#define INLINE static inline __attribute__((always_inline))

typedef real vec __attribute__((vector_size(LANES * sizeof(real))));
typedef real vec_aligned __attribute__((vector_size(LANES * sizeof(real)), may_alias));
typedef real vec_unaligned __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

INLINE vec load(const real *p)
{
    return *(const vec_unaligned *)p;
}

INLINE void store(real *p, vec v)
{
    *(vec_unaligned *)p = v;
}

INLINE vec load_aligned(const real *p)
{
    return *(const vec_aligned *)p;
}

INLINE void store_aligned(real *p, vec v)
{
    *(vec_aligned *)p = v;
}

INLINE int smaller(int a, int b)
{
    return a < b ? a : b;
}

#if LANES == 16
#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define INTERLEAVE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif LANES == 4
#define INTERLEAVE_LOW 0, 4, 1, 5
#define INTERLEAVE_HIGH 2, 6, 3, 7
#else
#define INTERLEAVE_LOW 0, 2
#define INTERLEAVE_HIGH 1, 3
#endif

INLINE void interleave(const vec *from, vec *to)
{
#pragma GCC unroll 8
    for (int i = 0; i < LANES / 2; i++) {
        to[2 * i] = __builtin_shufflevector(from[i], from[i + LANES / 2], INTERLEAVE_LOW);
        to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + LANES / 2], INTERLEAVE_HIGH);
    }
}

/* Each interleaving rotates the bits of (row, column) by one, so log2(LANES) of them exchange rows and columns. */
INLINE void transpose(vec *r)
{
    vec t[LANES];
    interleave(r, t);
#if LANES == 4 || LANES == 16
    interleave(t, r);
#endif
#if LANES == 16
    interleave(r, t);
    interleave(t, r);
#endif
#if LANES == 8
    interleave(t, r);
    interleave(r, t);
#endif
#if LANES == 2 || LANES == 8
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i++)
        r[i] = t[i];
#endif
}

/* Sums of the lanes of LANES vectors, in their order; they are used up. The order of the additions is fixed. */
INLINE vec totals(vec *v)
{
#pragma GCC unroll 4
    for (int half = LANES / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < half; i++)
            v[i] = __builtin_shufflevector(v[i], v[i + half], INTERLEAVE_LOW) + __builtin_shufflevector(v[i], v[i + half], INTERLEAVE_HIGH);
    return v[0];
}

#endif
