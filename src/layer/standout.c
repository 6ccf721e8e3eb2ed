/* [standout]: dropout whose keep probabilities a second network finds, which shares the weights of the layer before (Ba and Frey 2013):
 * that layer is linear, a = Wx + b, and here y = m·f(a) with m ~ Bernoulli(logistic(alpha·a + beta)) in training, and the mean of that in
 * evaluation. The gradient passes through the kept values; the probabilities get none, as in the paper. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/rng.h"
#include "layer/noise.h"
#include "layer/types.h"
#include "math/activation.h"
#include "net/network.h"

struct standout {
    int activation, last;
    double alpha, beta;
};

static const struct config_key options[] = {
    {"activation", OPTION_CHOICE, offsetof(struct standout, activation), "relu", 0, 0, activation_names,
     "function of the values, which the layer before leaves to this one (activation=linear there)"},
    {"alpha", OPTION_FLOAT, offsetof(struct standout, alpha), "1", -INFINITY, INFINITY, NULL,
     "a value a is kept with probability logistic(alpha*a + beta)"},
    {"beta", OPTION_FLOAT, offsetof(struct standout, beta), "0", -INFINITY, INFINITY, NULL, "see alpha"},
    NOISE_LAST_OPTION(struct standout),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

/* The activation that the layer before applies, as text; NULL: none. */
static const char *activation_before(const struct layer *l)
{
    const struct layer *before = l->in_layer[0] >= 0 ? &l->net->layer[l->in_layer[0]] : NULL;
    const struct config_key *row = before ? option_find(before->type->options, "activation") : NULL;
    if (!row)
        return NULL;
    const struct config_entry *e = config_get(before->section, "activation");
    return e ? e->value : row->fallback;
}

static int setup(struct layer *l, struct error *err)
{
    const struct standout *s = l->state;
    noise_setup(l, s->last);
    l->backward_reads_out = false;
    const char *before = activation_before(l);
    if (before && strcmp(before, "linear") != 0)
        return layer_error(l, NULL, err,
                           "[standout] finds the probabilities from Wx, but the layer before has activation=%s: write activation=linear "
                           "there and activation=%s here",
                           before, before);
    if (activation_of_channels(activation_of(s->activation)))
        return layer_error(l, "activation", err, "activation=%s, expected a function of one number", activation_names[s->activation]);
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    l->out.shape = l->in[0]->shape;
    return 0;
}

/* Numbers that are worked on while they are in the first-level cache; even. */
#define CHUNK 512

/* m[i]: 1 or 0 in a noisy run, else the probability of 1. */
static void factors(const struct standout *s, bool noisy, uint64_t key, size_t first, size_t n, const real *a, real *m)
{
    for (size_t i = 0; i < n; i++)
        m[i] = (real)(s->alpha * (double)a[i] + s->beta);
    activation_forward_serial(activation_of(ACTIVATION_LOGISTIC), m, m, n);
    if (!noisy)
        return;
    uint32_t bits[CHUNK];
    rng_halves(key, first, n, bits);
    for (size_t i = 0; i < n; i++)
        m[i] = (double)bits[i] < (double)m[i] * 0x1p32;
}

static void forward_chunk(const struct standout *s, bool noisy, uint64_t key, size_t first, size_t n, const real *a, real *y)
{
    real m[CHUNK] = {0};
    factors(s, noisy, key, first, n, a, m);
    activation_forward_serial(activation_of(s->activation), a, y, n);
    for (size_t i = 0; i < n; i++)
        y[i] *= m[i];
}

static void backward_chunk(const struct standout *s, uint64_t key, size_t first, size_t n, const real *a, const real *dy, real *dx,
                           bool overwrite)
{
    const struct activation f = activation_of(s->activation);
    real m[CHUNK] = {0}, y[CHUNK];
    factors(s, true, key, first, n, a, m);
    for (size_t i = 0; i < n; i++)
        m[i] *= dy[i];
    activation_forward_serial(f, a, y, n);
    activation_backward_serial(f, a, y, m, m, n);
    for (size_t i = 0; i < n; i++)
        dx[i] = overwrite ? m[i] : dx[i] + m[i];
}

static void forward(struct layer *l, const struct run *run)
{
    const size_t n = shape_size(l->out.shape);
    const uint64_t key = noise_key(l, run);
#pragma omp parallel for schedule(static)
    for (size_t at = 0; at < n; at += CHUNK)
        forward_chunk(l->state, run_is_noisy(run), key, at, n - at < CHUNK ? n - at : CHUNK, l->in[0]->x + at, l->out.x + at);
}

static void backward(struct layer *l, const struct run *run)
{
    const size_t n = shape_size(l->out.shape);
    const uint64_t key = noise_key(l, run);
    if (!l->in[0]->dx)
        return;
#pragma omp parallel for schedule(static)
    for (size_t at = 0; at < n; at += CHUNK)
        backward_chunk(l->state, key, at, n - at < CHUNK ? n - at : CHUNK, l->in[0]->x + at, l->out.dx + at, l->in[0]->dx + at,
                       l->in_fresh[0]);
}

const struct layer_type layer_standout = {
    .name = "standout",
    .help = "dropout that keeps large values more often: probability logistic(alpha*Wx + beta)",
    .options = options,
    .state_size = sizeof(struct standout),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
