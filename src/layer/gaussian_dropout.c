/* [gaussian_dropout]: in training each value is multiplied by N(1, p/(1 − p)), which has the mean and the variance of the factors of
 * inverted dropout (Srivastava 2014, section 10); in evaluation nothing happens. */
#include <math.h>

#include "base/rng.h"
#include "layer/noise.h"
#include "layer/types.h"
#include "math/vector.h"

struct gaussian_dropout {
    double probability;
    int last;
};

static const struct config_key options[] = {
    {"probability", OPTION_FLOAT, offsetof(struct gaussian_dropout, probability), ".5", 0, .999, NULL,
     "p: the values are multiplied by random numbers of mean 1 and variance p/(1 - p)"},
    NOISE_LAST_OPTION(struct gaussian_dropout),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    (void)err;
    const struct gaussian_dropout *s = l->state;
    noise_setup(l, s->last);
    l->backward_reads_in = l->backward_reads_out = false;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    l->out.shape = l->in[0]->shape;
    return 0;
}

static void factors(const void *context, uint64_t key, size_t first, size_t n, real *m)
{
    const struct gaussian_dropout *s = context;
    const double deviation = sqrt(s->probability / (1 - s->probability));
    struct rng rng = {.key = key, .index = 2 * first}; /* a normal number takes two draws */
    for (size_t i = 0; i < n; i++)
        m[i] = (real)(1 + deviation * rng_normal(&rng));
}

static void forward(struct layer *l, const struct run *run)
{
    if (run_is_noisy(run))
        noise_multiply(l, run, factors, l->state, l->in[0]->x, l->out.x, true);
    else
        vector_copy(l->in[0]->x, l->out.x, shape_size(l->out.shape));
}

static void backward(struct layer *l, const struct run *run)
{
    if (l->in[0]->dx)
        noise_multiply(l, run, factors, l->state, l->out.dx, l->in[0]->dx, l->in_fresh[0]);
}

const struct layer_type layer_gaussian_dropout = {
    .name = "gaussian_dropout",
    .help = "multiplies by normal random numbers around 1 in training",
    .options = options,
    .state_size = sizeof(struct gaussian_dropout),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
