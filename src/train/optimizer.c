#include "train/optimizer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/simd.h"
#include "train/regularise.h"

/* Numbers of one param that one thread updates at a time, and of those so many in the first cache while they go through every stage. */
enum { TILE = 16384, CHUNK = 1024 };

struct optimizer_tile {
    int param;
    size_t begin, end;
};

/* The figures of one param's update. */
struct update {
    real rate;         /* with lr_mult, and Adam's correction of the first moment */
    real momentum;     /* ρ */
    real beta1, beta2; /* of the first and the second moment; rmsprop's ρ is a beta2 */
    real rest1, rest2; /* 1 − beta, from double: in float it would lose five digits */
    real second;       /* Adam's correction of the second moment's root: 1/√(1 − β2^t) */
    real eps;
};

/* A rule changes w by the gradient g and its slots a and b, n numbers each. */
typedef void rule_fn(const struct update *u, const real *restrict g, real *restrict w, real *restrict a, real *restrict b, size_t n);

struct optimizer_rule {
    const char *name;
    rule_fn *update;
    int n_slots;
    const char *slot[OPTIMIZER_SLOTS];
};

#define RULE(NAME)                                                                                                                         \
    SIMD_CLONES static void NAME(const struct update *u, const real *restrict g, real *restrict w, real *restrict a, real *restrict b,     \
                                 size_t n)

RULE(sgd)
{
    (void)a;
    (void)b;
    const real rate = u->rate;
    for (size_t i = 0; i < n; i++)
        w[i] -= rate * g[i];
}

/* Polyak 1964, as PyTorch: the rate is not in the velocity. */
RULE(momentum)
{
    (void)b;
    const real rate = u->rate, rho = u->momentum;
    for (size_t i = 0; i < n; i++) {
        a[i] = rho * a[i] + g[i];
        w[i] -= rate * a[i];
    }
}

/* Nesterov 1983 in the form of Sutskever et al. 2013, with PyTorch's change of variables: the step is g + ρ·m. */
RULE(nesterov)
{
    (void)b;
    const real rate = u->rate, rho = u->momentum;
    for (size_t i = 0; i < n; i++) {
        a[i] = rho * a[i] + g[i];
        w[i] -= rate * (g[i] + rho * a[i]);
    }
}

static inline real root(real x)
{
#ifdef DLNET_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

/* Duchi, Hazan, Singer 2011. */
RULE(adagrad)
{
    (void)b;
    const real rate = u->rate, eps = u->eps;
    for (size_t i = 0; i < n; i++) {
        a[i] += g[i] * g[i];
        w[i] -= rate * g[i] / (root(a[i]) + eps);
    }
}

/* Tieleman and Hinton 2012. */
RULE(rmsprop)
{
    (void)b;
    const real rate = u->rate, eps = u->eps, rho = u->beta2, rest = u->rest2;
    for (size_t i = 0; i < n; i++) {
        a[i] = rho * a[i] + rest * g[i] * g[i];
        w[i] -= rate * g[i] / (root(a[i]) + eps);
    }
}

/* Kingma and Ba 2015, algorithm 1. */
RULE(adam)
{
    const real rate = u->rate, eps = u->eps, beta1 = u->beta1, beta2 = u->beta2;
    const real rest1 = u->rest1, rest2 = u->rest2, second = u->second;
    for (size_t i = 0; i < n; i++) {
        a[i] = beta1 * a[i] + rest1 * g[i];
        b[i] = beta2 * b[i] + rest2 * g[i] * g[i];
        w[i] -= rate * a[i] / (root(b[i]) * second + eps);
    }
}

/* adamw differs from adam by its decay alone (regularise.c). */
static const struct optimizer_rule rules[] = {
    [OPTIMIZER_SGD] = {"sgd", sgd, 0, {NULL}},
    [OPTIMIZER_MOMENTUM] = {"momentum", momentum, 1, {"velocity"}},
    [OPTIMIZER_NESTEROV] = {"nesterov", nesterov, 1, {"velocity"}},
    [OPTIMIZER_ADAGRAD] = {"adagrad", adagrad, 1, {"square"}},
    [OPTIMIZER_RMSPROP] = {"rmsprop", rmsprop, 1, {"square"}},
    [OPTIMIZER_ADAM] = {"adam", adam, 2, {"first", "second"}},
    [OPTIMIZER_ADAMW] = {"adamw", adam, 2, {"first", "second"}},
};

static void cut(struct optimizer *o)
{
    for (int pass = 0; pass < 2; pass++) {
        o->n_tiles = 0;
        for (int i = 0; i < o->n_params; i++) {
            const size_t n = shape_size(o->param[i]->shape);
            for (size_t begin = 0; begin < n; begin += TILE) {
                if (pass == 1)
                    o->tile[o->n_tiles] = (struct optimizer_tile){i, begin, begin + TILE < n ? begin + TILE : n};
                o->n_tiles++;
            }
        }
        if (pass == 0)
            o->tile = mem_new((size_t)o->n_tiles, sizeof *o->tile);
    }
    o->partial = mem_new((size_t)o->n_tiles, sizeof *o->partial);
}

int optimizer_init(struct optimizer *o, struct network *net, struct error *err)
{
    const struct net_options *options = &net->options;
    assert(options->optimizer != OPTIMIZER_AUTO);
    *o = (struct optimizer){.options = options, .rule = &rules[options->optimizer], .seed = net->seed};
    o->param = mem_new((size_t)net->n_params, sizeof *o->param);
    o->slot = mem_new((size_t)net->n_params, sizeof *o->slot);
    for (int i = 0; i < net->n_params; i++) {
        struct param *p = net->param[i];
        if (p->role == PARAM_STATISTIC || p->lr_mult == 0)
            continue;
        for (int k = 0; k < o->rule->n_slots; k++) {
            real *slot = o->slot[o->n_params][k] = mem_try(shape_size(p->shape), sizeof(real));
            if (!slot) {
                error_add(err, EXIT_FAIL, "out of memory: the %s of %s needs %zu bytes", o->rule->slot[k], p->name,
                          shape_size(p->shape) * sizeof(real));
                o->n_params++;
                optimizer_free(o);
                return -1;
            }
        }
        o->param[o->n_params++] = p;
    }
    cut(o);
    return 0;
}

/* Adds noise where asked for, and leaves Σ g² of each tile in partial. */
static void look(struct optimizer *o, int images, int64_t iteration)
{
    const double deviation = o->options->noise > 0 ? images * regularise_noise_deviation(o->options, iteration) : 0;
#pragma omp parallel for schedule(static)
    for (int t = 0; t < o->n_tiles; t++) {
        const struct optimizer_tile *tile = &o->tile[t];
        real *g = o->param[tile->param]->grad;
        o->partial[t] = 0;
        if (!g)
            continue;
        if (deviation > 0)
            regularise_noise(g, tile->begin, tile->end, rng_make(o->seed, RNG_NOISE, (uint64_t)iteration, (uint64_t)tile->param),
                             deviation);
        o->partial[t] = regularise_square_sum(g + tile->begin, tile->end - tile->begin);
    }
}

static void step_tile(const struct optimizer *o, const struct optimizer_tile *tile, const struct regularise *r, const struct update *u)
{
    const struct param *p = o->param[tile->param];
    real *const *slot = o->slot[tile->param];
    real d[CHUNK];
    for (size_t i = tile->begin; i < tile->end; i += CHUNK) {
        const size_t n = tile->end - i < CHUNK ? tile->end - i : CHUNK;
        regularise_gradient(r, p->value + i, p->grad + i, d, n);
        o->rule->update(u, d, p->value + i, slot[0] ? slot[0] + i : NULL, slot[1] ? slot[1] + i : NULL, n);
        memset(p->grad + i, 0, n * sizeof(real)); /* while it is at hand */
    }
}

static struct update update_of(const struct net_options *o, int64_t iteration)
{
    const double beta2 = o->optimizer == OPTIMIZER_RMSPROP ? o->rho : o->beta2;
    struct update u = {.rate = 1,
                       .momentum = (real)o->momentum,
                       .beta1 = (real)o->beta1,
                       .rest1 = (real)(1 - o->beta1),
                       .beta2 = (real)beta2,
                       .rest2 = (real)(1 - beta2),
                       .second = 1,
                       .eps = (real)o->eps};
    const bool adam_like = o->optimizer == OPTIMIZER_ADAM || o->optimizer == OPTIMIZER_ADAMW;
    if (adam_like && o->bias_correction) {
        const double t = (double)iteration + 1;
        u.rate = (real)(1 / (1 - pow(o->beta1, t)));
        u.second = (real)(1 / sqrt(1 - pow(o->beta2, t)));
    }
    return u;
}

const struct param *optimizer_step(struct optimizer *o, struct network *net, double rate, int images, int64_t iteration)
{
    const struct net_options *options = o->options;
    look(o, images, iteration);
    double squares = 0;
    for (int t = 0; t < o->n_tiles; t++) {
        if (!isfinite(o->partial[t]))
            return o->param[o->tile[t].param];
        squares += o->partial[t];
    }
    const double norm = sqrt(squares) / images;
    const double factor = options->clip_norm > 0 && norm > options->clip_norm ? options->clip_norm / norm : 1;
    const struct update u = update_of(options, iteration);
#pragma omp parallel for schedule(static)
    for (int t = 0; t < o->n_tiles; t++) {
        const struct param *p = o->param[o->tile[t].param];
        if (!p->grad)
            continue;
        const double own_rate = rate * (double)p->lr_mult;
        const struct regularise r = regularise_of(options, p, own_rate, factor / images);
        struct update own = u;
        own.rate = (real)(own_rate * (double)u.rate);
        step_tile(o, &o->tile[t], &r, &own);
    }
    for (int i = 0; i < o->n_params; i++)
        if (o->param[i]->max_norm > 0)
            regularise_max_norm(o->param[i]);
    net->grads_are_zero = true;
    return NULL;
}

int optimizer_slots(const struct net_options *options)
{
    return rules[options->optimizer].n_slots;
}

const char *optimizer_slot_name(const struct optimizer *o, int slot)
{
    return o->rule->slot[slot];
}

/* Appends to text, as far as it has room. */
static void append(char *text, size_t size, const char *name, double value)
{
    const size_t n = strlen(text);
    snprintf(text + n, size - n, ", %s %.6g", name, value);
}

void optimizer_describe(const struct net_options *o, char *text, size_t size)
{
    snprintf(text, size, "%s", rules[o->optimizer].name);
    const bool adam_like = o->optimizer == OPTIMIZER_ADAM || o->optimizer == OPTIMIZER_ADAMW;
    if (o->optimizer == OPTIMIZER_MOMENTUM || o->optimizer == OPTIMIZER_NESTEROV)
        append(text, size, "momentum", o->momentum);
    if (o->optimizer == OPTIMIZER_RMSPROP)
        append(text, size, "rho", o->rho);
    if (adam_like) {
        append(text, size, "beta1", o->beta1);
        append(text, size, "beta2", o->beta2);
    }
    if (adam_like || o->optimizer == OPTIMIZER_ADAGRAD || o->optimizer == OPTIMIZER_RMSPROP)
        append(text, size, "eps", o->eps);
    if (o->decay > 0)
        append(text, size, o->decay_mode == DECAY_DECOUPLED ? "decoupled decay" : "decay", o->decay);
    const struct {
        const char *name;
        double value;
    } others[] = {{"l1", o->l1}, {"noise", o->noise}, {"clip_norm", o->clip_norm}, {"clip", o->clip}, {"max_norm", o->max_norm}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].value > 0)
            append(text, size, others[i].name, others[i].value);
}

void optimizer_free(struct optimizer *o)
{
    for (int i = 0; i < o->n_params; i++)
        for (int k = 0; k < OPTIMIZER_SLOTS; k++)
            mem_free(o->slot[i][k]);
    free(o->slot);
    free(o->param);
    free(o->tile);
    free(o->partial);
    *o = (struct optimizer){0};
}
