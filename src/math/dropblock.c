#include "math/dropblock.h"

#include <string.h>

#include "base/rng.h"

double dropblock_gamma(double probability, int h, int w, int block)
{
    const double gamma = probability / ((double)block * block) * ((double)h * w) / ((double)(h - block + 1) * (w - block + 1));
    return gamma < 1 ? gamma : 1;
}

static void mask_plane(struct rng rng, double gamma, int h, int w, int block, unsigned char *mask, int *kept)
{
    const size_t size = (size_t)h * (size_t)w;
    memset(mask, 1, size);
    for (int y = 0; y + block <= h; y++)
        for (int x = 0; x + block <= w; x++)
            if (rng_uniform(&rng) < gamma)
                for (int row = y; row < y + block; row++)
                    memset(mask + (size_t)row * (size_t)w + (size_t)x, 0, (size_t)block);
    *kept = 0;
    for (size_t i = 0; i < size; i++)
        *kept += mask[i];
}

void dropblock_mask(uint64_t key, double probability, size_t planes, int h, int w, int block, unsigned char *mask, int *kept)
{
    const double gamma = dropblock_gamma(probability, h, w, block);
    const size_t size = (size_t)h * (size_t)w;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++)
        mask_plane((struct rng){.key = key, .index = p * size}, gamma, h, w, block, mask + p * size, kept + p);
}
