#include "math/vector.h"

#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"

SIMD_CLONES static void axpy(real a, const real *restrict x, real *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

SIMD_CLONES static void add(const real *restrict x, real *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

SIMD_CLONES static void multiply(const real *restrict x, real *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

SIMD_CLONES static void fill(real *y, size_t n, real value)
{
    for (size_t i = 0; i < n; i++)
        y[i] = value;
}

SIMD_CLONES static void scale(real a, real *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

SIMD_CLONES static double sum_of(const real *x, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

SIMD_CLONES static double sum_squares_of(const real *x, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

#define TILED(CALL)                                                                                                                        \
    const int tiles = parallel_tiles(n);                                                                                                   \
    _Pragma("omp parallel for schedule(static) if (tiles > 1)") for (int tile = 0; tile < tiles; tile++)                                   \
    {                                                                                                                                      \
        size_t begin, end;                                                                                                                 \
        parallel_range(n, tile, tiles, &begin, &end);                                                                                      \
        CALL;                                                                                                                              \
    }

void vector_fill(real *y, size_t n, real value)
{
    TILED(fill(y + begin, end - begin, value))
}

void vector_copy(const real *x, real *y, size_t n)
{
    TILED(memcpy(y + begin, x + begin, (end - begin) * sizeof(real)))
}

void vector_add(const real *x, real *y, size_t n)
{
    TILED(add(x + begin, y + begin, end - begin))
}

static void add_parts(const real *x, int parts, size_t distance, real *y, size_t n)
{
    for (int i = 0; i < parts; i++)
        add(x + (size_t)i * distance, y, n);
}

void vector_add_parts(const real *x, int parts, size_t distance, real *y, size_t n)
{
    TILED(add_parts(x + begin, parts, distance, y + begin, end - begin))
}

void vector_axpy(real a, const real *x, real *y, size_t n)
{
    TILED(axpy(a, x + begin, y + begin, end - begin))
}

void vector_scale(real a, real *y, size_t n)
{
    TILED(scale(a, y + begin, end - begin))
}

void vector_multiply(const real *x, real *y, size_t n)
{
    TILED(multiply(x + begin, y + begin, end - begin))
}

double vector_sum(const real *x, size_t n)
{
    double partial[256];
    TILED(partial[tile] = sum_of(x + begin, end - begin))
    double sum = 0;
    for (int tile = 0; tile < tiles; tile++)
        sum += partial[tile];
    return sum;
}

double vector_sum_squares(const real *x, size_t n)
{
    double partial[256];
    TILED(partial[tile] = sum_squares_of(x + begin, end - begin))
    double sum = 0;
    for (int tile = 0; tile < tiles; tile++)
        sum += partial[tile];
    return sum;
}

/* Rows of c numbers: columns [begin, end) of n rows, at most 64 of them. */
SIMD_CLONES static void column_sums(const real *x, int n, size_t c, size_t begin, size_t end, real *sum)
{
    double total[64] = {0};
    for (int i = 0; i < n; i++)
        for (size_t j = begin; j < end; j++)
            total[j - begin] += (double)x[(size_t)i * c + j];
    for (size_t j = begin; j < end; j++)
        sum[j] += (real)total[j - begin];
}

void vector_channel_sums(const real *x, int n, int c, size_t s, real *sum)
{
    if (s == 1) {
        const int blocks = (c + 63) / 64;
#pragma omp parallel for schedule(static) if (blocks > 1)
        for (int b = 0; b < blocks; b++)
            column_sums(x, n, (size_t)c, (size_t)b * 64, (size_t)(b < blocks - 1 ? (b + 1) * 64 : c), sum);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int k = 0; k < c; k++) {
        double total = 0;
        for (int i = 0; i < n; i++)
            total += sum_of(x + ((size_t)i * (size_t)c + (size_t)k) * s, s);
        sum[k] += (real)total;
    }
}
