#include "math/scatter.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/simd.h"
#include "math/gemm.h"

/* Vectors that are added at once: enough for the product to be the work of BLAS, not of memory. */
enum { BLOCK = 256 };

size_t scatter_bytes(int d)
{
    return ((size_t)d + BLOCK + 2) * (size_t)d * sizeof(double);
}

int scatter_init(struct scatter *s, int d)
{
    const size_t n = (size_t)d;
    *s = (struct scatter){.d = d,
                          .mean = mem_try(n, sizeof(double)),
                          .product = mem_try(n * n, sizeof(double)),
                          .block = mem_try((BLOCK + 1) * n, sizeof(double))};
    if (s->mean && s->product && s->block)
        return 0;
    scatter_free(s);
    return -1;
}

void scatter_free(struct scatter *s)
{
    mem_free(s->mean);
    mem_free(s->product);
    mem_free(s->block);
    *s = (struct scatter){0};
}

/* Columns begin .. end − 1 of a block of n vectors: distances from their mean, and as one vector more the distance of that mean from the
 * one of all before, so that the product of the block with itself is all that is to be added (Chan, Golub, LeVeque 1979, eq. 2.1). */
SIMD_CLONES static void centre(double *block, size_t d, int n, size_t begin, size_t end, double before, double *mean)
{
    double *own = block + (size_t)n * d;
    for (size_t k = begin; k < end; k++)
        own[k] = 0;
    for (int i = 0; i < n; i++)
        for (size_t k = begin; k < end; k++)
            own[k] += block[(size_t)i * d + k];
    for (size_t k = begin; k < end; k++)
        own[k] /= n;
    for (int i = 0; i < n; i++)
        for (size_t k = begin; k < end; k++)
            block[(size_t)i * d + k] -= own[k];
    const double all = before + n, weight = sqrt(before * n / all);
    for (size_t k = begin; k < end; k++) {
        const double distance = own[k] - mean[k];
        mean[k] += distance * n / all;
        own[k] = weight * distance;
    }
}

void scatter_finish(struct scatter *s)
{
    const int n = s->waiting;
    if (n == 0)
        return;
    const size_t d = (size_t)s->d;
    const int tiles = parallel_tiles(d * BLOCK);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(d, tile, tiles, &begin, &end);
        centre(s->block, d, n, begin, end, (double)s->vectors, s->mean);
    }
    gemm_gram(n + 1, s->d, s->block, s->product);
    s->vectors += n;
    s->waiting = 0;
}

void scatter_add(struct scatter *s, const real *x, int n)
{
    const size_t d = (size_t)s->d;
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < d; k++)
            s->block[(size_t)s->waiting * d + k] = (double)x[(size_t)i * d + k];
        if (++s->waiting == BLOCK)
            scatter_finish(s);
    }
}
