/* [pca]: principal components of the training set, whitened or not: found by one pass before the training begins, then part of the model.
 * With V the k eigenvectors of the covariance as rows, L their variances and m the mean of the training vectors x:
 *   y = V (x − m);  whiten=1: L'^(−1/2) V (x − m);  zca=1: Vᵀ L'^(−1/2) V (x − m);  L' = L + epsilon  (Kessy, Lewin, Strimmer 2018). */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "layer/types.h"
#include "math/eigen.h"
#include "math/gemm.h"
#include "math/norm.h"
#include "math/scatter.h"

struct pca {
    int components, whiten, zca;
    double epsilon;
    struct param *mean, *component, *variance;
};

enum { LARGEST = 4096 }; /* of the input: its covariance is the square, the time to take that apart the cube */
enum { SHIFT, CENTRED, FACTOR, PROJECTED };

static const struct config_key options[] = {
    {"components", OPTION_INT, offsetof(struct pca, components), "0", 0, LARGEST, NULL,
     "how many components are kept, those of the largest variance; 0: all"},
    {"whiten", OPTION_FLAG, offsetof(struct pca, whiten), "0", 0, 1, NULL, "1: each component is divided by its deviation"},
    {"zca", OPTION_FLAG, offsetof(struct pca, zca), "0", 0, 1, NULL,
     "1: whitened, then turned back: an output of the input's shape, as near to it as whitened numbers can be"},
    {"epsilon", OPTION_FLOAT, offsetof(struct pca, epsilon), ".00001", 0, INFINITY, NULL,
     "added to the variances before whitening divides by their root, so that components that are all but noise aren't blown up"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    struct pca *s = l->state;
    const size_t inputs = shape_each(l->in[0]->shape);
    if (inputs > LARGEST)
        return layer_error(l, NULL, err,
                           "an input of %zu numbers, expected at most %d (a [maxpool] or [avgpool] before it makes images smaller)", inputs,
                           LARGEST);
    if ((size_t)s->components > inputs)
        return layer_error(l, "components", err, "components=%d of an input of %zu numbers, expected at most as many", s->components,
                           inputs);
    const struct config_entry *whiten = config_get(l->section, "whiten");
    if (s->zca && whiten && !s->whiten)
        return layer_error(l, "whiten", err, "whiten=0 stands beside zca=1, which whitens; expected one of them");
    s->whiten |= s->zca;
    const int k = s->components ? s->components : (int)inputs, d = (int)inputs;
    l->backward_reads_in = l->backward_reads_out = false;
    s->mean = layer_param(l, "mean", PARAM_STATISTIC, (struct shape){1, d, 1, 1}, 0, 0, err);
    s->component = s->mean ? layer_param(l, "component", PARAM_STATISTIC, (struct shape){k, d, 1, 1}, 0, 0, err) : NULL;
    s->variance = s->component ? layer_param(l, "variance", PARAM_STATISTIC, (struct shape){1, k, 1, 1}, 0, 0, err) : NULL;
    l->fitted = s->variance ? layer_param(l, "count", PARAM_STATISTIC, (struct shape){1, 1, 1, 1}, 0, 0, err) : NULL;
    return l->fitted ? 0 : -1;
}

static int shape(struct layer *l, struct error *err)
{
    const struct pca *s = l->state;
    const struct shape in = l->in[0]->shape;
    const size_t k = (size_t)s->component->shape.n, d = (size_t)s->component->shape.c, n = (size_t)in.n;
    if (shape_each(in) != d)
        return layer_error(l, NULL, err,
                           "the input has %zu numbers (%d x %d x %d), but the components were made for %zu: the input size can't change",
                           shape_each(in), in.w, in.h, in.c, d);
    l->out.shape = s->zca ? in : (struct shape){in.n, (int)k, 1, 1};
    l->flops = 2.0 * (double)(k * d) * (s->zca ? 2 : 1);
    layer_buffer(l, SHIFT, BUFFER_SCRATCH, d, sizeof(real));
    layer_buffer(l, CENTRED, BUFFER_SCRATCH, n * d, sizeof(real));
    layer_buffer(l, FACTOR, BUFFER_SCRATCH, k, sizeof(real));
    layer_buffer(l, PROJECTED, BUFFER_SCRATCH, n * k, sizeof(real));
    return 0;
}

/* What whitening multiplies each component by. A component without variance, where epsilon doesn't help, stays as it is. */
static struct channel_map factors(const struct layer *l)
{
    const struct pca *s = l->state;
    real *factor = l->buffer[FACTOR].p;
    for (int k = 0; k < s->component->shape.n; k++) {
        const double v = (double)s->variance->value[k] + s->epsilon;
        factor[k] = v > 0 ? (real)(1 / sqrt(v)) : 1;
    }
    return (struct channel_map){.scale = s->whiten ? factor : NULL};
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct pca *s = l->state;
    const int n = layer_batch(l), k = s->component->shape.n, d = s->component->shape.c;
    const real *v = s->component->value;
    real *shift = l->buffer[SHIFT].p, *x = l->buffer[CENTRED].p, *z = s->zca ? l->buffer[PROJECTED].p : l->out.x;
    for (int i = 0; i < d; i++)
        shift[i] = -s->mean->value[i];
    norm_map(&(struct channel_map){.shift = shift}, l->in[0]->x, n, d, 1, x);
    gemm(0, 1, n, k, d, 1, x, d, v, d, 0, z, k);
    const struct channel_map map = factors(l);
    norm_map(&map, z, n, k, 1, z);
    if (s->zca)
        gemm(0, 0, n, d, k, 1, z, k, v, d, 0, l->out.x, d);
}

/* The transposes, in the other order; that of zca=1 is itself. */
static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct pca *s = l->state;
    const int n = layer_batch(l), k = s->component->shape.n, d = s->component->shape.c;
    const real *v = s->component->value;
    if (!l->in[0]->dx)
        return;
    real *dz = l->buffer[PROJECTED].p;
    if (s->zca)
        gemm(0, 1, n, k, d, 1, l->out.dx, d, v, d, 0, dz, k);
    const struct channel_map map = factors(l);
    norm_map(&map, s->zca ? dz : l->out.dx, n, k, 1, dz);
    gemm(0, 0, n, d, k, 1, dz, k, v, d, l->in_fresh[0] ? 0 : 1, l->in[0]->dx, d);
}

static size_t bytes(const struct layer *l)
{
    const struct pca *s = l->state;
    return scatter_bytes(s->component->shape.c) + eigen_bytes(s->component->shape.c);
}

static void drop(void *fit)
{
    scatter_free(fit);
    free(fit);
}

static void *begin(const struct layer *l, struct error *err)
{
    const struct pca *s = l->state;
    const int d = s->component->shape.c;
    struct scatter *sums = mem_new(1, sizeof *sums);
    if (scatter_init(sums, d) == 0)
        return sums;
    free(sums);
    layer_error(l, NULL, err, "no memory for a covariance of %d x %d numbers", d, d);
    return NULL;
}

static void add(const struct layer *l, void *fit)
{
    scatter_add(fit, l->in[0]->x, layer_batch(l));
}

static int finish(struct layer *l, void *fit, struct fit_report *report, struct error *err)
{
    const struct pca *s = l->state;
    struct scatter *sums = fit;
    const int k = s->component->shape.n, d = s->component->shape.c;
    scatter_finish(sums);
    bool finite = true;
    for (size_t i = 0; i < (size_t)d; i++)
        for (size_t j = 0; j <= i; j++)
            finite &= isfinite(sums->product[i * (size_t)d + j]);
    double *value = mem_new((size_t)d, sizeof *value), all = 0, kept = 0;
    if (!finite || eigen_symmetric(d, sums->product, value) != 0) {
        free(value);
        return layer_error(
            l, NULL, err,
            finite ? "no memory to take a covariance of %d x %d numbers apart" : "the covariance of its %d x %d inputs isn't finite", d, d);
    }
    /* Below that, an eigenvalue is rounding. */
    const double least = value[d - 1] * d * DBL_EPSILON;
    int rank = 0;
    for (int i = 0; i < d; i++) {
        s->mean->value[i] = (real)sums->mean[i];
        all += fmax(value[i], 0);
    }
    for (int i = 0; i < k; i++) {
        const double v = value[d - 1 - i], *row = sums->product + (size_t)(d - 1 - i) * (size_t)d;
        const bool real_one = v > least && v > 0;
        rank += real_one;
        kept += real_one ? v : 0;
        s->variance->value[i] = (real)(real_one ? v / (double)sums->vectors : 0);
        for (int j = 0; j < d; j++)
            s->component->value[(size_t)i * (size_t)d + (size_t)j] = (real)row[j];
    }
    free(value);
    char few[64] = "";
    if (rank < k)
        snprintf(few, sizeof few, " (only %d of them have variance)", rank);
    snprintf(report->text, sizeof report->text, "%d principal component%s of %d numbers%s, with %.2f %% of the variance", k,
             k > 1 ? "s" : "", d, few, all > 0 ? 100 * kept / all : 0);
    return 0;
}

static const struct layer_fit fit = {bytes, begin, add, finish, drop};

const struct layer_type layer_pca = {
    .name = "pca",
    .help = "principal components of the training set, with whitening (PCA or ZCA) on request",
    .options = options,
    .state_size = sizeof(struct pca),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
    .fit = &fit,
};
