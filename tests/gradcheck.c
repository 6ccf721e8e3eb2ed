#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradcheck.h"
#include "net/network.h"

#define ALL_ELEMENTS 160
#define SAMPLE 96
#define WALL_SAMPLE 6

struct check {
    struct gradcheck_options o;
    const char *text;
    struct network *net;
    struct run run;
    struct targets targets;
    real *label;
    struct truth_box *box;
    int *box_start;
    double worst;
};

/* sets: lines of assignments as of --set. */
static struct network *build(const char *text, const char *sets, uint64_t seed)
{
    struct error err = ERROR_INIT;
    struct config config = {0};
    if (config_parse(&config, "gradcheck.cfg", text, &err)) {
        fail_msg("cfg: %s", err.text);
    }
    for (const char *line = sets; line && *line; line += strcspn(line, "\n") + 1) {
        char *set = mem_string_n(line, strcspn(line, "\n"));
        if (config_set(&config, set, &err)) {
            fail_msg("%s: %s", set, err.text);
        }
        free(set);
    }
    struct network *net = network_build(&config, seed, &err);
    if (!net) {
        fail_msg("build: %s", err.text);
    }
    return net;
}

static void plan(struct network *net, int batch)
{
    struct error err = ERROR_INIT;
    if (network_plan(net, batch, 0, 0, true, &err)) {
        fail_msg("plan: %s", err.text);
    }
}

/* Any statistics will do in layers that find theirs on training data. */
static void make_statistics(const struct check *c, struct network *net)
{
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        for (int k = 0; k < l->n_params && l->fitted; k++) {
            struct rng rng = rng_make(c->o.seed, RNG_TEST, 5, (uint64_t)(i * 16 + k));
            for (size_t j = 0; j < shape_size(l->param[k]->shape); j++) {
                l->param[k]->value[j] = (real)rng_range(&rng, .5, 1.5);
            }
        }
    }
}

/* Biases away from 0 and scales away from 1, so that a gradient that is right only there is found out. */
static void move_biases(const struct check *c, struct network *net)
{
    make_statistics(c, net);
    for (int i = 0; i < net->n_params && !c->o.keep_biases; i++) {
        struct param *p = net->param[i];
        if (p->role != PARAM_BIAS) {
            continue;
        }
        struct rng rng = rng_make(c->o.seed, RNG_TEST, 1, (uint64_t)i);
        for (size_t k = 0; k < shape_size(p->shape); k++) {
            p->value[k] += (real)rng_range(&rng, -.25, .25);
        }
    }
}

static void fill_input(const struct check *c, struct network *net)
{
    const int n = (int)shape_size(net->input.shape);
    const bool given = c->o.low != 0 || c->o.high != 0;
    const double low = given ? c->o.low : -1, high = given ? c->o.high : 1;
    int *order = mem_new((size_t)n, sizeof *order);
    struct rng rng = rng_make(c->o.seed, RNG_TEST, 2, 0);
    rng_permute(&rng, order, n);
    for (int i = 0; i < n; i++) {
        net->input.x[i] = (real)(low + (high - low) * (order[i] + .5) / n);
    }
    free(order);
}

/* Labels as wide as the last loss layer's input, boxes for heads. */
static void make_targets(struct check *c)
{
    const struct network *net = c->net;
    int width = c->o.n_labels, losses = 0;
    for (int i = 0; i < net->n_layers; i++) {
        if (net->layer[i].is_loss) {
            losses++;
            width = c->o.n_labels ? c->o.n_labels : (int)shape_each(net->layer[i].in[0]->shape);
        }
    }
    if (!losses) {
        fail_msg("the cfg has no layer that is a loss");
    }
    const int n = c->o.batch;
    struct rng rng = rng_make(c->o.seed, RNG_TEST, 3, 0);
    c->label = mem_new((size_t)n * (size_t)width, sizeof(real));
    for (int b = 0; b < n; b++) {
        real *t = c->label + (size_t)b * (size_t)width;
        double sum = 0;
        const int hot = rng_below(&rng, width);
        for (int k = 0; k < width; k++) {
            t[k] = (real)(c->o.labels == GRADCHECK_ONE_HOT ? k == hot : .02 + .96 * rng_uniform(&rng));
            sum += (double)t[k];
        }
        for (int k = 0; k < width && c->o.labels == GRADCHECK_SOFT; k++) {
            t[k] = (real)((double)t[k] / sum);
        }
    }
    const int classes = c->o.classes ? c->o.classes : net->n_classes ? net->n_classes : 1;
    const int boxes = c->o.boxes ? c->o.boxes : 3;
    c->box = mem_new((size_t)n * (size_t)boxes, sizeof *c->box);
    c->box_start = mem_new((size_t)n + 1, sizeof *c->box_start);
    for (int i = 0; i < n * boxes; i++) {
        c->box[i] = (struct truth_box){
            .box = {.x = (real)rng_range(&rng, .15, .85),
                    .y = (real)rng_range(&rng, .15, .85),
                    .w = (real)rng_range(&rng, .1, .6),
                    .h = (real)rng_range(&rng, .1, .6)},
            .class_id = rng_below(&rng, classes),
        };
    }
    for (int b = 0; b <= n; b++) {
        c->box_start[b] = b * boxes;
    }
    c->targets = (struct targets){.label = c->label, .n_labels = width, .box = c->box, .box_start = c->box_start};
    c->run = (struct run){.mode = MODE_TRAIN, .seed = c->o.seed, .step = c->o.step, .targets = &c->targets};
}

/* Fourth-order central difference of the loss by *v. */
static double difference(struct check *c, real *v, double h)
{
    const real saved = *v;
    double f[4];
    const double at[4] = {-2, -1, 1, 2};
    for (int i = 0; i < 4; i++) {
        *v = (real)((double)saved + at[i] * h);
        f[i] = network_forward(c->net, &c->run);
    }
    *v = saved;
    return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
}

static double relative(double a, double n, double floor)
{
    return fabs(a - n) / fmax(fmax(fabs(a), fabs(n)), floor);
}

static void check_tensor(struct check *c, const char *name, real *value, const real *grad, size_t size, double loss, uint64_t number,
                         size_t sample)
{
    double largest = 0, worst = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isfinite((double)grad[i])) {
            fail_msg("%s[%zu]: gradient %g", name, i, (double)grad[i]);
        }
        largest = fmax(largest, fabs((double)grad[i]));
    }
    const double floor = 1e-3 * largest + 1e-5 * fmax(1, fabs(loss));
    const size_t count = sample ? (size < sample ? size : sample) : size <= ALL_ELEMENTS ? size : SAMPLE;
    struct rng rng = rng_make(c->o.seed, RNG_TEST, 4, number);
    for (size_t k = 0; k < count; k++) {
        const size_t i = count == size ? k : (size_t)rng_below(&rng, (int)size);
        double n = difference(c, value + i, c->o.epsilon);
        double e = relative((double)grad[i], n, floor);
        if (!(e <= c->o.tolerance)) {
            n = difference(c, value + i, c->o.epsilon / 50);
            e = relative((double)grad[i], n, floor);
        }
        if (!(e <= c->o.tolerance)) {
            fail_msg("%s[%zu] of %zu: backward says %.12g, the difference %.12g, relative error %.3g > %.3g\n%s", name, i, size,
                     (double)grad[i], n, e, c->o.tolerance, c->text);
        }
        worst = fmax(worst, e);
    }
    if (getenv("GRADCHECK_VERBOSE")) {
        fprintf(stderr, "%-32s %6zu of %7zu  largest %.3e  worst %.2e\n", name, count, size, largest, worst);
    }
    c->worst = fmax(c->worst, worst);
}

/* Copies of all gradients of a network: one array a param, NULL where it has none. */
static real **copy_grads(const struct network *net)
{
    real **g = mem_new((size_t)net->n_params + 1, sizeof *g);
    for (int i = 0; i < net->n_params; i++) {
        const size_t bytes = shape_size(net->param[i]->shape) * sizeof(real);
        if (net->param[i]->grad) {
            g[i] = memcpy(mem_new(bytes, 1), net->param[i]->grad, bytes);
        }
    }
    return g;
}

static void free_grads(real **g, int n)
{
    for (int i = 0; i < n; i++) {
        free(g[i]);
    }
    free(g);
}

/* grad == factor × want, or no gradient at all. */
static void assert_grad(const struct param *p, const real *want, double factor, const char *what)
{
    for (size_t k = 0; k < shape_size(p->shape); k++) {
        const double a = p->grad ? (double)p->grad[k] : 0, n = want ? factor * (double)want[k] : 0;
        if (relative(a, n, 1e-6) > 1e-9) {
            fail_msg("%s, %s[%zu]: gradient %.15g, expected %.15g", what, p->name, k, a, n);
        }
    }
}

/* Which layer owns a param. */
static int layer_of(const struct network *net, const struct param *p)
{
    for (int i = 0; i < net->n_layers; i++) {
        for (int k = 0; k < net->layer[i].n_params; k++) {
            if (net->layer[i].param[k] == p) {
                return i;
            }
        }
    }
    fail_msg("%s belongs to no layer", p->name);
    return -1;
}

enum { LOWER_HALF = -1, EVERY_OTHER = -2 };

/* A second network from the same seed, partly frozen, without the input's gradient. wall: the layer with stopbackward=1; LOWER_HALF:
 * lr_mult=0 in the layers of the lower half of the params; EVERY_OTHER: every other param is frozen. */
static void check_frozen(struct check *c, real *const *full, int wall)
{
    struct network *const whole = c->net;
    char set[64], *sets = mem_string(""), what[64];
    snprintf(what, sizeof what,
             wall >= 0            ? "with stopbackward=1 in layer %d"
             : wall == LOWER_HALF ? "with the lower half frozen"
                                  : "with every other parameter frozen",
             wall);
    const int half = whole->n_params ? layer_of(whole, whole->param[whole->n_params / 2]) : 0;
    for (int i = 0; i < whole->n_layers; i++) {
        if (i != wall && (wall != LOWER_HALF || i >= half || !whole->layer[i].n_params)) {
            continue;
        }
        snprintf(set, sizeof set, "%d.%s\n", i, wall >= 0 ? "stopbackward=1" : "lr_mult=0");
        char *longer = mem_format("%s%s", sets, set);
        free(sets);
        sets = longer;
    }
    struct network *net = build(c->text, sets, c->o.seed);
    free(sets);
    move_biases(c, net);
    for (int i = 0; i < net->n_params && wall == EVERY_OTHER; i += 2) {
        net->param[i]->lr_mult = 0;
    }
    plan(net, c->o.batch);
    fill_input(c, net);
    network_zero_grads(net);
    const double loss = network_forward(net, &c->run);
    network_backward(net, &c->run);
    real **grads = copy_grads(net);
    c->net = net;
    for (int i = 0; i < net->n_params; i++) {
        const struct param *p = net->param[i];
        const bool frozen = wall >= 0 ? layer_of(net, p) <= wall : !(p->lr_mult > 0);
        if (p->role == PARAM_STATISTIC) {
            continue;
        }
        if (frozen) {
            assert_grad(p, NULL, 1, what);
        } else if (wall == EVERY_OTHER) {
            assert_grad(p, full[i], 1, what);
        } else if (!grads[i]) {
            fail_msg("%s, %s has no gradient", what, p->name);
        } else { /* below the wall, and in layers that are frozen as a whole, statistics stand still: this is another function */
            check_tensor(c, p->name, p->value, grads[i], shape_size(p->shape), loss, 1 + (uint64_t)i, WALL_SAMPLE);
        }
    }
    c->net = whole;
    free_grads(grads, net->n_params);
    network_free(net);
}

double gradcheck_cfg(const char *cfg_text, const struct gradcheck_options *options)
{
    struct check c = {.text = cfg_text};
    if (options) {
        c.o = *options;
    }
    c.o.batch = c.o.batch ? c.o.batch : 2;
    c.o.epsilon = c.o.epsilon > 0 ? c.o.epsilon : 1e-4;
    c.o.tolerance = c.o.tolerance > 0 ? c.o.tolerance : 1e-6;

    c.net = build(cfg_text, NULL, c.o.seed);
    move_biases(&c, c.net);
    network_want_input_gradient(c.net);
    plan(c.net, c.o.batch);
    make_targets(&c);
    fill_input(&c, c.net);
    network_zero_grads(c.net);
    const double loss = network_forward(c.net, &c.run);
    if (!isfinite(loss)) {
        fail_msg("loss %g", loss);
    }
    network_backward(c.net, &c.run);

    real **full = copy_grads(c.net);
    const size_t n_input = shape_size(c.net->input.shape);
    assert_non_null(c.net->input.dx);
    real *input_grad = memcpy(mem_new(n_input, sizeof(real)), c.net->input.dx, n_input * sizeof(real));
    double total = 0;
    for (size_t i = 0; i < n_input; i++) {
        total += fabs((double)input_grad[i]);
    }

    check_tensor(&c, "input", c.net->input.x, input_grad, n_input, loss, 0, 0);
    for (int i = 0; i < c.net->n_params; i++) {
        const struct param *p = c.net->param[i];
        if (p->role == PARAM_STATISTIC) {
            assert_null(p->grad);
            continue;
        }
        if (!full[i]) {
            fail_msg("%s has no gradient", p->name);
        }
        check_tensor(&c, p->name, p->value, full[i], shape_size(p->shape), loss, 1 + (uint64_t)i, 0);
        for (size_t k = 0; k < shape_size(p->shape); k++) {
            total += fabs((double)full[i][k]);
        }
    }
    if (!(total > 0)) {
        fail_msg("all gradients are 0: nothing was checked\n%s", cfg_text);
    }

    /* Forward and backward once more without zeroing: everything adds up. */
    network_forward(c.net, &c.run);
    network_backward(c.net, &c.run);
    for (int i = 0; i < c.net->n_params; i++) {
        if (full[i]) {
            assert_grad(c.net->param[i], full[i], 2, "after a second backward");
        }
    }
    for (size_t i = 0; i < n_input; i++) {
        if (relative((double)c.net->input.dx[i], (double)input_grad[i], 1e-6) > 1e-9) {
            fail_msg("input[%zu]: gradient %.15g, at first %.15g", i, (double)c.net->input.dx[i], (double)input_grad[i]);
        }
    }

    if (c.net->n_params) {
        check_frozen(&c, full, LOWER_HALF);
        check_frozen(&c, full, EVERY_OTHER);
        for (int i = 0; i < c.net->n_layers; i++) {
            check_frozen(&c, full, i);
        }
    }
    free_grads(full, c.net->n_params);
    free(input_grad);
    free(c.label);
    free(c.box);
    free(c.box_start);
    network_free(c.net);
    return c.worst;
}

void gradcheck_all(const char *const *cfg_texts, const struct gradcheck_options *options)
{
    struct gradcheck_options o = {0};
    if (options) {
        o = *options;
    }
    for (int i = 0; cfg_texts[i]; i++) {
        for (o.batch = 1; o.batch <= 3; o.batch += 2) {
            o.seed++;
            gradcheck_cfg(cfg_texts[i], &o);
        }
    }
}
