/* rng: random numbers that are a function of (seed, stream, a, b, index) and of nothing else.
 *
 * No generator state survives a step, so a mask can be recomputed in backward, any number of threads draw
 * the same numbers, and a resumed run needs only its seed and its step. */
#ifndef DLNET_BASE_RNG_H
#define DLNET_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Who draws. Two streams never share numbers. Append only: saved models depend on the values. */
enum rng_stream {
    RNG_INIT = 1, /* weights; a: parameter number */
    RNG_SHUFFLE,  /* order of an epoch; a: epoch */
    RNG_AUGMENT,  /* one sample's augmentation; a: epoch, b: sample */
    RNG_DROPOUT,  /* a: step, b: layer */
    RNG_SHAPES,   /* the built-in images; a: sample */
    RNG_RESIZE,   /* multi-scale training; a: iteration */
    RNG_SPLIT,    /* train/validation split */
    RNG_NOISE,    /* gradient noise; a: step, b: parameter */
    RNG_MIX,      /* mixup and relatives; a: step */
    RNG_TEST,     /* tests and benchmarks */
    RNG_RATE,     /* policy=random; a: iteration */
};

struct rng {
    uint64_t key, index;
};

/* A generator for one purpose; copying the struct copies the position. */
struct rng rng_make(uint64_t seed, enum rng_stream stream, uint64_t a, uint64_t b);

/* The index-th 64 random bits of a key (stateless form). */
uint64_t rng_at(uint64_t key, uint64_t index);

/* out[i] = 32 random bits of number first + i of a key: half of those of rng_at(key, (first + i) / 2). first is even. */
void rng_halves(uint64_t key, size_t first, size_t n, uint32_t *out);

uint64_t rng_bits(struct rng *r);                      /* 64 bits */
double rng_uniform(struct rng *r);                     /* [0, 1) */
double rng_range(struct rng *r, double lo, double hi); /* [lo, hi) */
int rng_below(struct rng *r, int n);                   /* 0 .. n−1, unbiased to 2^-32; n ≥ 1 */
double rng_normal(struct rng *r);                      /* N(0, 1), Box–Muller, two draws a call */

/* A permutation of 0 .. n−1 into out (Fisher–Yates). */
void rng_permute(struct rng *r, int *out, int n);

#endif
