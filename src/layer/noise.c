#include "layer/noise.h"

#include "base/parallel.h"
#include "base/rng.h"

/* Factors that are drawn and used while they are in the first-level cache; even. */
#define CHUNK 1024

void noise_setup(struct layer *l, int last)
{
    l->noisy = true;
    l->noisy_last = last != 0;
}

uint64_t noise_key(const struct layer *l, const struct run *run)
{
    return rng_make(run->seed, RNG_DROPOUT, run->step, (uint64_t)l->index).key;
}

uint64_t noise_limit(double probability)
{
    return (uint64_t)(probability * 0x1p32 + .5);
}

void noise_multiply(const struct layer *l, const struct run *run, noise_factors *factors, const void *context, const real *x, real *y,
                    bool overwrite)
{
    const size_t n = shape_size(l->out.shape);
    const uint64_t key = noise_key(l, run);
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range((n + 1) / 2, tile, tiles, &begin, &end);
        begin *= 2;
        end = 2 * end < n ? 2 * end : n;
        for (size_t at = begin; at < end; at += CHUNK) {
            const size_t count = end - at < CHUNK ? end - at : CHUNK;
            real m[CHUNK];
            factors(context, key, at, count, m);
            for (size_t i = 0; i < count; i++)
                y[at + i] = overwrite ? m[i] * x[at + i] : y[at + i] + m[i] * x[at + i];
        }
    }
}
