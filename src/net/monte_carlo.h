/* monte_carlo: Monte-Carlo dropout (Gal and Ghahramani 2016): how far the answer swings when the dropout family draws as in training. */
#ifndef DLNET_NET_MONTE_CARLO_H
#define DLNET_NET_MONTE_CARLO_H

#include "net/network.h"

/* Whether some layer draws noise: without one all passes give the same answer. */
bool network_is_noisy(const struct network *net);

/* Mean and variance (over passes − 1) of each number of the answer, over `passes` forward passes on input (as large as net->input), in
 * evaluation but for the noise, whose keys are seed and the number of the pass. mean, variance: as many numbers as network_output has. */
void network_monte_carlo(struct network *net, const real *input, int passes, uint64_t seed, double *mean, double *variance);

#endif
