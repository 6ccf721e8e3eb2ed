#include "base/rng.h"

#include <assert.h>
#include <math.h>

#include "base/simd.h"

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014, with Stafford's variant 13 constants). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static const uint64_t golden = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio, SplitMix64's step */

uint64_t rng_at(uint64_t key, uint64_t index)
{
    return mix(key + golden * (index + 1));
}

SIMD_CLONES static void pairs(uint64_t key, size_t first, size_t n, uint32_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = mix(key + golden * (first + i + 1));
        out[2 * i] = (uint32_t)bits;
        out[2 * i + 1] = (uint32_t)(bits >> 32);
    }
}

void rng_halves(uint64_t key, size_t first, size_t n, uint32_t *out)
{
    assert(first % 2 == 0);
    pairs(key, first / 2, n / 2, out);
    if (n % 2 != 0)
        out[n - 1] = (uint32_t)rng_at(key, (first + n) / 2);
}

struct rng rng_make(uint64_t seed, enum rng_stream stream, uint64_t a, uint64_t b)
{
    uint64_t key = mix(seed + golden);
    key = mix(key ^ mix((uint64_t)stream * golden));
    key = mix(key ^ mix(a + 2 * golden));
    key = mix(key ^ mix(b + 3 * golden));
    return (struct rng){.key = key};
}

uint64_t rng_bits(struct rng *r)
{
    return rng_at(r->key, r->index++);
}

double rng_uniform(struct rng *r)
{
    return (double)(rng_bits(r) >> 11) * 0x1p-53;
}

double rng_range(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * rng_uniform(r);
}

int rng_below(struct rng *r, int n)
{
    assert(n >= 1);
    return (int)(((rng_bits(r) >> 32) * (uint64_t)n) >> 32);
}

double rng_normal(struct rng *r)
{
    const double u = 1 - rng_uniform(r), v = rng_uniform(r); /* u in (0, 1] */
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

void rng_permute(struct rng *r, int *out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = i;
    for (int i = n - 1; i > 0; i--) {
        const int j = rng_below(r, i + 1), t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}
