/* draws: what a layer of the dropout family multiplies by, over many draws. */
#ifndef DLNET_TESTS_DRAWS_H
#define DLNET_TESTS_DRAWS_H

#include "net/network.h"

/* Running moments of n numbers. */
struct moments {
    double n, mean, sum2; /* sum2: Σ (x − mean)² */
};
void moments_add(struct moments *m, double x);
double moments_variance(const struct moments *m);

/* Asserts (cmocka) that mean and variance are those of independent draws from a distribution with this mean, variance and fourth central
 * moment: within three standard errors, √(variance/n) and √((fourth − variance²)/n). */
void moments_expect(const struct moments *m, double mean, double variance, double fourth, const char *what);

/* Runs the one layer of the cfg (a [net] and a layer without parameters) 40 times in training, all inputs being x and all gradients of the
 * output 2, and checks output / x and gradient of the input / 2 with moments_expect. */
void draws_expect(const char *cfg, double x, double mean, double variance, double fourth);

#endif
