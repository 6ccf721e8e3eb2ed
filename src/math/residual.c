#include "math/residual.h"

#include "base/parallel.h"
#include "base/simd.h"

/* Numbers that are worked on while they are in the first-level cache. */
#define CHUNK 1024

SIMD_CLONES static void sum(real alpha, const real *a, real beta, const real *b, real *y, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = alpha * a[i] + beta * b[i];
}

SIMD_CLONES static void scaled(real factor, const real *restrict g, real *restrict d, size_t n, bool overwrite)
{
    if (overwrite)
        for (size_t i = 0; i < n; i++)
            d[i] = factor * g[i];
    else
        for (size_t i = 0; i < n; i++)
            d[i] += factor * g[i];
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void residual_forward(struct activation f, real alpha, const real *a, real beta, const real *b, real *y, size_t n)
{
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        for (size_t i = begin; i < end; i += CHUNK) {
            const size_t count = least(CHUNK, end - i);
            sum(alpha, a + i, beta, b + i, y + i, count);
            if (f.kind != ACTIVATION_LINEAR)
                activation_forward_serial(f, y + i, y + i, count);
        }
    }
}

void residual_backward(struct activation f, const real *y, const real *dy, real alpha, real *da, bool overwrite_a, real beta, real *db,
                       bool overwrite_b, size_t n)
{
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        for (size_t i = begin; i < end; i += CHUNK) {
            const size_t count = least(CHUNK, end - i);
            real own[CHUNK];
            const real *g = dy + i;
            if (f.kind != ACTIVATION_LINEAR) {
                activation_backward_serial(f, NULL, y + i, dy + i, own, count);
                g = own;
            }
            if (da)
                scaled(alpha, g, da + i, count, overwrite_a);
            if (db)
                scaled(beta, g, db + i, count, overwrite_b);
        }
    }
}
