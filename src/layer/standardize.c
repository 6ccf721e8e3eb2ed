/* [standardize]: every feature minus its mean, divided by its standard deviation, both over the training set: found by one pass before the
 * training begins, then part of the model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "layer/types.h"
#include "math/standardize.h"

enum { PER_CHANNEL, PER_FEATURE };
static const char *const per_names[] = {"channel", "feature", NULL};

struct standardize {
    int per;
    struct param *mean, *deviation;
};

static const struct config_key options[] = {
    {"per", OPTION_CHOICE, offsetof(struct standardize, per), "channel", 0, 0, per_names,
     "channel: one mean and deviation for each channel (of a vector: each number); feature: one for each pixel of each channel too"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

/* Features, and numbers of each in one image. */
static size_t features_of(const struct layer *l, size_t *each)
{
    const struct standardize *s = l->state;
    const struct shape in = l->in[0]->shape;
    *each = s->per == PER_CHANNEL ? (size_t)in.h * (size_t)in.w : 1;
    return shape_each(in) / *each;
}

static int setup(struct layer *l, struct error *err)
{
    struct standardize *s = l->state;
    size_t each;
    const size_t n = features_of(l, &each);
    if (n > 1 << 24)
        return layer_error(l, "per", err, "an input of %zu numbers, expected at most %d (or per=channel)", n, 1 << 24);
    const struct shape shape = {1, (int)n, 1, 1};
    l->backward_reads_in = l->backward_reads_out = false;
    s->mean = layer_param(l, "mean", PARAM_STATISTIC, shape, 0, 0, err);
    s->deviation = s->mean ? layer_param(l, "deviation", PARAM_STATISTIC, shape, 0, 0, err) : NULL;
    l->fitted = s->deviation ? layer_param(l, "count", PARAM_STATISTIC, (struct shape){1, 1, 1, 1}, 0, 0, err) : NULL;
    return l->fitted ? 0 : -1;
}

static int shape(struct layer *l, struct error *err)
{
    const struct standardize *s = l->state;
    const struct shape in = l->in[0]->shape;
    size_t each;
    if (features_of(l, &each) != (size_t)s->mean->shape.c)
        return layer_error(l, "per", err,
                           "the input has %zu numbers (%d x %d x %d), but the statistics were made for %d: with per=feature the input size "
                           "can't change",
                           shape_each(in), in.w, in.h, in.c, s->mean->shape.c);
    l->out.shape = in;
    l->flops = 2.0 * (double)shape_each(in);
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct standardize *s = l->state;
    size_t each;
    const int c = (int)features_of(l, &each);
    standardize_forward(l->in[0]->x, layer_batch(l), c, each, s->mean->value, s->deviation->value, l->out.x);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct standardize *s = l->state;
    size_t each;
    const int c = (int)features_of(l, &each);
    if (l->in[0]->dx)
        standardize_backward(l->out.dx, layer_batch(l), c, each, s->deviation->value, l->in[0]->dx, l->in_fresh[0]);
}

struct sums {
    double images, *mean, *squares;
};

static size_t bytes(const struct layer *l)
{
    size_t each;
    return 2 * features_of(l, &each) * sizeof(double);
}

static void drop(void *fit)
{
    struct sums *sums = fit;
    mem_free(sums->mean);
    mem_free(sums->squares);
    free(sums);
}

static void *begin(const struct layer *l, struct error *err)
{
    struct sums *sums = mem_new(1, sizeof *sums);
    size_t each;
    const size_t n = features_of(l, &each);
    sums->mean = mem_try(n, sizeof *sums->mean);
    sums->squares = mem_try(n, sizeof *sums->squares);
    if (sums->mean && sums->squares)
        return sums;
    drop(sums);
    layer_error(l, NULL, err, "no memory for the sums of %zu features", n);
    return NULL;
}

static void add(const struct layer *l, void *fit)
{
    struct sums *sums = fit;
    size_t each;
    const int c = (int)features_of(l, &each);
    standardize_add(l->in[0]->x, layer_batch(l), c, each, sums->images, sums->mean, sums->squares);
    sums->images += layer_batch(l);
}

static int finish(struct layer *l, void *fit, struct fit_report *report, struct error *err)
{
    const struct standardize *s = l->state;
    const struct sums *sums = fit;
    size_t each;
    const int c = (int)features_of(l, &each);
    report->features = c;
    for (int k = 0; k < c; k++) {
        s->mean->value[k] = (real)sums->mean[k];
        s->deviation->value[k] = (real)sqrt(sums->squares[k] / (sums->images * (double)each));
        if (!isfinite(s->mean->value[k]) || !isfinite(s->deviation->value[k]))
            return layer_error(l, NULL, err, "the mean or deviation of feature %d of its input isn't finite", k);
        if (!(s->deviation->value[k] > 0))
            fit_report_constant(report, k);
    }
    snprintf(report->text, sizeof report->text, "means and deviations of %d %s", c, each > 1 ? "channels" : "features");
    return 0;
}

static const struct layer_fit fit = {bytes, begin, add, finish, drop};

const struct layer_type layer_standardize = {
    .name = "standardize",
    .help = "brings each channel or feature to mean 0 and variance 1 over the training set",
    .options = options,
    .state_size = sizeof(struct standardize),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
    .fit = &fit,
};
