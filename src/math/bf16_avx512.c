#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma")
#endif

#include "math/bf16_avx512.h"

#include <assert.h>
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

static void nothing(void)
{
}

INLINE __mmask16 first_lanes(int n)
{
    return n <= 0 ? 0 : n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

/* 32 factors: those of `low`, then those of `high`. */
INLINE __m512i join(__m512 low, __m512 high)
{
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* `rows` rows of C from row `first` on (counted through both tiles), `across` tiles wide. Each factor of A is spread over a register once
 * for both tiles: with one tile alone, two loads a product keep the units for products waiting. */
INLINE void multiply_rows(const struct bf16_product *p, int first, int rows, int across)
{
    __m512 sum[2][BF16_SIDE];
    float *c[BF16_SIDE];
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) {
        c[m] = p->c + (size_t)((first + m) / BF16_SIDE * 2) * BF16_SUMS + (size_t)((first + m) % BF16_SIDE * BF16_SIDE);
#pragma GCC unroll 2
        for (int j = 0; j < across; j++)
            sum[j][m] = p->add ? _mm512_load_ps(c[m] + (size_t)j * BF16_SUMS) : _mm512_setzero_ps();
    }
    const size_t a_row = p->a_row, b_row = p->b_row, b_second = p->b_second;
    const char *a = (const char *)p->a + (size_t)first * a_row, *b = (const char *)p->b;
    for (int step = 0; step < p->steps; step++) {
        const char *at = a + p->a_at[step], *bt = b + p->b_at[step];
        for (int pair = 0; pair < BF16_SIDE; pair++, at += 4, bt += b_row) {
            __m512bh factors[2];
#pragma GCC unroll 2
            for (int j = 0; j < across; j++)
                factors[j] = (__m512bh)_mm512_loadu_si512(bt + (size_t)j * b_second);
#pragma GCC unroll 16
            for (int m = 0; m < rows; m++) {
                int32_t w;
                memcpy(&w, at + (size_t)m * a_row, sizeof w);
                const __m512bh spread = (__m512bh)_mm512_set1_epi32(w);
#pragma GCC unroll 2
                for (int j = 0; j < across; j++)
                    sum[j][m] = _mm512_dpbf16_ps(sum[j][m], spread, factors[j]);
            }
        }
    }
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++)
#pragma GCC unroll 2
        for (int j = 0; j < across; j++)
            _mm512_store_ps(c[m] + (size_t)j * BF16_SUMS, sum[j][m]);
}

/* 22 of the 32 registers hold sums; 16 where C is one tile high or wide. */
static void multiply(const struct bf16_product *p)
{
    assert(p->down == 1 || p->a_second == BF16_SIDE * p->a_row);
    if (p->across == 1) {
        multiply_rows(p, 0, BF16_SIDE, 1);
        if (p->down == 2)
            multiply_rows(p, BF16_SIDE, BF16_SIDE, 1);
    } else if (p->down == 1) {
        multiply_rows(p, 0, 8, 2);
        multiply_rows(p, 8, 8, 2);
    } else {
        multiply_rows(p, 0, 11, 2);
        multiply_rows(p, 11, 11, 2);
        multiply_rows(p, 22, 10, 2);
    }
}

void bf16_avx512_output(const struct bf16_output *o)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i index = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)o->step));
    const __m512 slope = _mm512_set1_ps(o->slope);
    for (int n = 0; n < o->count; n++) {
        const struct bf16_run *run = &o->runs[n];
        const __mmask16 mask = first_lanes(run->lanes);
        const float *c = o->c + (size_t)run->tile * BF16_SUMS + (size_t)run->lane;
        real *y = o->y + run->y;
        for (int r = 0; r < o->rows; r++, y += o->plane) {
            __m512 v = _mm512_maskz_loadu_ps(mask, c + (size_t)(2 * (r / BF16_SIDE)) * BF16_SUMS + (size_t)(r % BF16_SIDE * BF16_SIDE));
            if (o->add)
                v = _mm512_add_ps(v, o->step == 1 ? _mm512_maskz_loadu_ps(mask, y)
                                                  : _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, index, y, sizeof *y));
            if (o->map) {
                v = _mm512_fmadd_ps(v, _mm512_set1_ps(o->scale ? o->scale[r] : 1), _mm512_set1_ps(o->shift ? o->shift[r] : 0));
                v = _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NGT_UQ), v, slope);
            }
            if (o->step == 1)
                _mm512_mask_storeu_ps(y, mask, v);
            else
                _mm512_mask_i32scatter_ps(y, mask, index, v, sizeof *y);
        }
    }
}

INLINE __m512i multiples(int stride)
{
    return _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(stride));
}

/* Numbers i .. i + 15 of a source that are there. */
INLINE __mmask16 mask_of(struct bf16_source s, int i)
{
    return first_lanes(s.end - i) & (__mmask16)~first_lanes(s.begin - i);
}

INLINE __m512 numbers(struct bf16_source s, int stride, __m512i index, int i)
{
    const real *from = s.from + (ptrdiff_t)i * stride;
    if (stride != 1)
        return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask_of(s, i), index, from, sizeof *from);
    return i >= s.begin && i + 16 <= s.end ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(mask_of(s, i), from);
}

void bf16_avx512_plain(const struct bf16_source *source, const struct bf16_rows *rows, bf16 *to)
{
    const struct bf16_rows q = *rows;
    struct bf16_source s = *source;
    const __m512i index = multiples(q.stride);
    if (q.stride == 1 && q.n <= 32) {
        const __mmask16 low = mask_of(s, 0), high = mask_of(s, 16);
        const __mmask32 all = q.n == 32 ? ~(__mmask32)0 : ((__mmask32)1 << q.n) - 1;
        for (int r = 0; r < q.rows; r++, s.from += q.from_step, to += q.to_step)
            _mm512_mask_storeu_epi16(to, all, join(_mm512_maskz_loadu_ps(low, s.from), _mm512_maskz_loadu_ps(high, s.from + 16)));
        return;
    }
    for (int r = 0; r < q.rows; r++, s.from += q.from_step, to += q.to_step) {
        int i = 0;
        for (; i + 32 <= q.n; i += 32)
            _mm512_storeu_si512(to + i, join(numbers(s, q.stride, index, i), numbers(s, q.stride, index, i + 16)));
        if (i < q.n)
            _mm512_mask_storeu_epi16(to + i, ((__mmask32)1 << (q.n - i)) - 1,
                                     join(numbers(s, q.stride, index, i), numbers(s, q.stride, index, i + 16)));
    }
}

void bf16_avx512_pairs(const struct bf16_source s[2], const struct bf16_rows *rows, bf16 *to)
{
    const struct bf16_rows q = *rows;
    struct bf16_source s0 = s[0], s1 = s[1];
    const __m512i index = multiples(q.stride);
    const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4,
                                                19, 3, 18, 2, 17, 1, 16, 0);
    if (q.stride == 1 && q.n <= 16) {
        const __mmask16 m0 = mask_of(s0, 0), m1 = mask_of(s1, 0), all = first_lanes(q.n);
        for (int r = 0; r < q.rows; r++, s0.from += q.from_step, s1.from += q.from_step, to += 2 * q.to_step) {
            const __m512i v = join(_mm512_maskz_loadu_ps(m0, s0.from), _mm512_maskz_loadu_ps(m1, s1.from));
            _mm512_mask_storeu_epi32(to, all, _mm512_permutexvar_epi16(interleave, v));
        }
        return;
    }
    for (int r = 0; r < q.rows; r++, s0.from += q.from_step, s1.from += q.from_step, to += 2 * q.to_step) {
        int i = 0;
        for (; i + 16 <= q.n; i += 16) {
            const __m512i v = join(numbers(s0, q.stride, index, i), numbers(s1, q.stride, index, i));
            _mm512_storeu_si512(to + (size_t)(2 * i), _mm512_permutexvar_epi16(interleave, v));
        }
        if (i < q.n) {
            const __m512i v = join(numbers(s0, q.stride, index, i), numbers(s1, q.stride, index, i));
            _mm512_mask_storeu_epi32(to + (size_t)(2 * i), first_lanes(q.n - i), _mm512_permutexvar_epi16(interleave, v));
        }
    }
}

/* 16 × 16 units of 4 bytes, turned over. */
INLINE void turn(__m512i r[16])
{
    __m512i t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

void bf16_avx512_transpose(const bf16 *rows, size_t row, int tiles, bf16 *to)
{
    for (int t = 0; t < tiles; t++, rows += BF16_DEPTH, to += BF16_AREA) {
        __m512i r[16];
#pragma GCC unroll 16
        for (int j = 0; j < 16; j++)
            r[j] = _mm512_loadu_si512(rows + (size_t)j * row);
        turn(r);
#pragma GCC unroll 16
        for (int j = 0; j < 16; j++)
            _mm512_store_si512(to + (size_t)(j * BF16_DEPTH), r[j]);
    }
}

void bf16_avx512_pack(const real *from, size_t row, size_t col, int rows, int cols, bf16 *to)
{
    const __m512i index = multiples((int)col);
    const __mmask16 low = first_lanes(cols), high = first_lanes(cols - 16);
    for (int i = 0; i < BF16_SIDE; i++, from += row, to += BF16_DEPTH) {
        __m512 v[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        if (i < rows && col == 1) {
            v[0] = _mm512_maskz_loadu_ps(low, from);
            v[1] = _mm512_maskz_loadu_ps(high, from + 16);
        } else if (i < rows) {
            v[0] = _mm512_mask_i32gather_ps(v[0], low, index, from, sizeof *from);
            v[1] = _mm512_mask_i32gather_ps(v[1], high, index, from + 16 * col, sizeof *from);
        }
        _mm512_store_si512(to, join(v[0], v[1]));
    }
}

void bf16_avx512_collect(const float *c, size_t distance, int slots, int rows, int cols, real *to, size_t ld, size_t step)
{
    const __m512i index = multiples((int)step);
    const __mmask16 mask = first_lanes(rows);
    __m512i r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m512 sum = _mm512_load_ps(c + (size_t)(i * BF16_SIDE));
        for (int slot = 1; slot < slots; slot++)
            sum = _mm512_add_ps(sum, _mm512_load_ps(c + (size_t)slot * distance + (size_t)(i * BF16_SIDE)));
        r[i] = (__m512i)sum;
    }
    turn(r);
    __m512i turned[16];
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++)
        turned[j] = r[j];
    for (int j = 0; j < cols; j++, to += ld) {
        const __m512 v = (__m512)turned[j];
        if (step == 1)
            _mm512_mask_storeu_ps(to, mask, _mm512_add_ps(_mm512_maskz_loadu_ps(mask, to), v));
        else
            _mm512_mask_i32scatter_ps(to, mask, index, _mm512_add_ps(_mm512_mask_i32gather_ps(v, mask, index, to, sizeof *to), v),
                                      sizeof *to);
    }
}

const struct bf16_kernels bf16_avx512 = {.begin = nothing,
                                         .end = nothing,
                                         .multiply = multiply,
                                         .output = bf16_avx512_output,
                                         .plain = bf16_avx512_plain,
                                         .pairs = bf16_avx512_pairs,
                                         .transpose = bf16_avx512_transpose,
                                         .pack = bf16_avx512_pack,
                                         .collect = bf16_avx512_collect};
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int bf16_avx512_is_empty;
#endif
