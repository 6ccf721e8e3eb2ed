#include "net/monte_carlo.h"

#include <string.h>

bool network_is_noisy(const struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].noisy)
            return true;
    return false;
}

void network_monte_carlo(struct network *net, const real *input, int passes, uint64_t seed, double *mean, double *variance)
{
    const struct layer *output = network_output(net);
    const size_t n = shape_size(output->out.shape);
    for (size_t i = 0; i < n; i++)
        mean[i] = variance[i] = 0;
    for (int pass = 0; pass < passes; pass++) {
        const struct run run = {.mode = MODE_EVAL, .stochastic = true, .seed = seed, .step = (uint64_t)pass};
        memcpy(net->input.x, input, shape_size(net->input.shape) * sizeof(real));
        network_forward(net, &run);
        for (size_t i = 0; i < n; i++) { /* Welford's update */
            const double value = (double)output->out.x[i], before = value - mean[i];
            mean[i] += before / (pass + 1);
            variance[i] += before * (value - mean[i]);
        }
    }
    for (size_t i = 0; i < n; i++)
        variance[i] = passes > 1 ? variance[i] / (passes - 1) : 0;
}
