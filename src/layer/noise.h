/* noise: what the dropout family shares: when it draws, from which key, and its key last=. */
#ifndef DLNET_LAYER_NOISE_H
#define DLNET_LAYER_NOISE_H

#include "net/layer.h"

/* Row of the option tables; `type` is the state, with a member int last. */
#define NOISE_LAST_OPTION(type)                                                                                                            \
    {                                                                                                                                      \
        "last", OPTION_FLAG, offsetof(type, last), "0", 0, 1, NULL, "1: meant to stand directly before the answer or a loss: no warning"   \
    }

/* For setup. */
void noise_setup(struct layer *l, int last);

/* Key of this layer's random numbers in this run. */
uint64_t noise_key(const struct layer *l, const struct run *run);

/* Random halves (rng_halves) below this limit: with that probability. */
uint64_t noise_limit(double probability);

/* Writes the factors m of numbers first (even) .. first + n − 1 of the layer. */
typedef void noise_factors(const void *context, uint64_t key, size_t first, size_t n, real *m);

/* y = m·x, or y += m·x, over the layer's whole output; in parallel. */
void noise_multiply(const struct layer *l, const struct run *run, noise_factors *factors, const void *context, const real *x, real *y,
                    bool overwrite);

#endif
