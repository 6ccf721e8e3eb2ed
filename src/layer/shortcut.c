/* [shortcut]: the layer before plus earlier layers, then an activation.
 *
 * One `from` of another size is added Darknet's way: the channels that both have, every stride-th pixel (math/spatial.h). Several must have
 * the same width and height. weights_type= makes it a learnt sum; alpha and beta are pjreddie's fixed factors. */
#include "layer/activated.h"
#include "layer/types.h"
#include "math/residual.h"
#include "math/spatial.h"
#include "math/vector.h"
#include "math/weighted.h"

#define MOST 16 /* earlier layers */

struct shortcut {
    struct option_ints from;
    int activation, weights_type, normalization;
    double alpha, beta;
    int columns; /* of the weights: 1, or one a channel; 0: no weights */
    enum weighted_kind kind;
};

enum { BEFORE_ACTIVATION, FACTORS, SUMS };

static const char *const weights_types[] = {"none", "per_feature", "per_layer", "per_channel", NULL};
static const char *const normalizations[] = {"none", "relu", "avg_relu", "softmax", NULL};

static const struct config_key options[] = {
    {"from", OPTION_INTS, offsetof(struct shortcut, from), NULL, -65535, 65535, NULL,
     "earlier layers that are added: numbers from 0, or counted back from this one"},
    {"activation", OPTION_CHOICE, offsetof(struct shortcut, activation), "linear", 0, 0, activation_names, "of the sum"},
    {"weights_type", OPTION_CHOICE, offsetof(struct shortcut, weights_type), "none", 0, 0, weights_types,
     "learnt factors: one for each added layer (per_feature, or per_layer), or one for each of its channels"},
    {"weights_normalization", OPTION_CHOICE, offsetof(struct shortcut, normalization), "none", 0, 0, normalizations,
     "of the learnt factors: none, relu (or avg_relu): their positive parts over the sum of these, or softmax"},
    {"alpha", OPTION_FLOAT, offsetof(struct shortcut, alpha), "1", -1e9, 1e9, NULL, "factor on the layer before"},
    {"beta", OPTION_FLOAT, offsetof(struct shortcut, beta), "1", -1e9, 1e9, NULL, "factor on the added layer"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup_inputs(struct layer *l, struct error *err)
{
    const struct shortcut *s = l->state;
    if (!config_get(l->section, "from")) /* told already */
        return -1;
    if (s->from.n < 1 || s->from.n > MOST)
        return layer_error(l, "from", err, "from= has %d numbers, expected 1 to %d earlier layers", s->from.n, MOST);
    if (layer_input(l, l->index - 1, "from", err))
        return -1;
    for (int i = 0; i < s->from.n; i++) {
        const int index = s->from.v[i];
        if (layer_input(l, index < 0 ? l->index + index : index, "from", err))
            return -1;
    }
    return 0;
}

static int setup(struct layer *l, struct error *err)
{
    struct shortcut *s = l->state;
    const int c = l->in[0]->shape.c;
    l->backward_reads_in = false;
    if ((s->weights_type || s->from.n > 1) && (s->alpha != 1 || s->beta != 1))
        return layer_error(l, s->alpha != 1 ? "alpha" : "beta", err, "alpha=%g and beta=%g with %s, expected 1", s->alpha, s->beta,
                           s->weights_type ? "weights_type=" : "several layers in from=");
    if (!s->weights_type)
        return 0;
    s->columns = s->weights_type == 3 ? c : 1;
    s->kind = s->normalization == 0 ? WEIGHTED_PLAIN : s->normalization == 3 ? WEIGHTED_SOFTMAX : WEIGHTED_RELU;
    /* Scales, as those of batch norm: they start at 1 and don't decay towards 0. */
    struct param *p = layer_param(l, "weight", PARAM_BIAS, (struct shape){l->n_in, s->columns, 1, 1}, l->n_in, 1, err);
    if (!p)
        return -1;
    for (size_t i = 0; i < shape_size(p->shape); i++)
        p->value[i] = 1;
    l->backward_reads_in = true;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    const struct shortcut *s = l->state;
    const struct shape to = l->in[0]->shape;
    for (int i = 1; i < l->n_in; i++) {
        const struct shape from = l->in[i]->shape;
        const bool same_side = from.h == to.h && from.w == to.w;
        const bool strict = s->columns || l->n_in > 2;
        if (strict ? !same_side : !spatial_shortcut_fits(from.h, from.w, to.h, to.w))
            return layer_error(l, "from", err, "layer %d is %d x %d x %d and the layer before %d x %d x %d, expected %s", l->in_layer[i],
                               from.w, from.h, from.c, to.w, to.h, to.c,
                               strict ? "equal width and height" : "width and height in the same whole ratio");
        if ((!same_side || from.c != to.c) && s->alpha != 1)
            return layer_error(l, "alpha", err, "alpha=%g between layers of unlike shapes, expected 1", s->alpha);
    }
    l->out.shape = to;
    l->flops = (double)shape_each(to) * (l->n_in - 1) * (s->columns ? 2 : 1);
    layer_activated_shape(l, activation_of(s->activation), BEFORE_ACTIVATION);
    if (s->columns) {
        layer_buffer(l, FACTORS, BUFFER_SCRATCH, (size_t)l->n_in * (size_t)s->columns, sizeof(real));
        layer_buffer(l, SUMS, BUFFER_SCRATCH, (size_t)l->n_in * (size_t)to.c, sizeof(double));
    }
    return 0;
}

static void weighted_inputs(const struct layer *l, struct weighted_input *in)
{
    for (int i = 0; i < l->n_in; i++)
        in[i] = (struct weighted_input){l->in[i]->x, l->in[i]->dx, l->in[i]->shape.c};
}

/* The usual case: two arrays of one shape, and a function that backward needs no more than the output for. */
static bool is_plain(const struct layer *l)
{
    const struct shortcut *s = l->state;
    const struct shape a = l->in[0]->shape, b = l->in[1]->shape;
    const struct activation f = activation_of(s->activation);
    return !s->columns && l->n_in == 2 && l->in[0] != l->in[1] && a.c == b.c && a.h == b.h && a.w == b.w && !activation_of_channels(f) &&
           (f.kind == ACTIVATION_LINEAR || activation_from_output(f));
}

bool shortcut_joins(const struct layer *l, real *slope)
{
    const struct shortcut *s = l->state;
    return l->type == &layer_shortcut && is_plain(l) && s->alpha == 1 && s->beta == 1 &&
           activation_two_lines(activation_of(s->activation), slope);
}

static void forward(struct layer *l, const struct run *run)
{
    const struct shortcut *s = l->state;
    const struct shape to = l->out.shape;
    const size_t n = shape_size(to);
    if (is_plain(l)) {
        residual_forward(activation_of(s->activation), (real)s->alpha, l->in[0]->x, (real)s->beta, l->in[1]->x, l->out.x, n);
        return;
    }
    if (s->columns) {
        struct weighted_input in[MOST + 1];
        weighted_inputs(l, in);
        weighted_factors(s->kind, l->param[0]->value, l->buffer[FACTORS].p, l->n_in, s->columns);
        weighted_sum_forward(in, l->n_in, l->buffer[FACTORS].p, s->columns, l->out.x, to.n, to.c, (size_t)to.h * (size_t)to.w);
    } else {
        vector_copy(l->in[0]->x, l->out.x, n);
        if (s->alpha != 1)
            vector_scale((real)s->alpha, l->out.x, n);
        for (int i = 1; i < l->n_in; i++) {
            const struct shape from = l->in[i]->shape;
            spatial_shortcut_add((real)s->beta, l->in[i]->x, from.c, from.h, from.w, l->out.x, to.c, to.h, to.w, to.n);
        }
    }
    layer_activated_forward(l, activation_of(s->activation), BEFORE_ACTIVATION, run);
}

/* The sums g, a row of channels for each input, become the weights' gradient. */
static void weights_backward(struct layer *l, double *g)
{
    const struct shortcut *s = l->state;
    const int c = l->out.shape.c;
    for (int i = 0; i < l->n_in && s->columns == 1; i++) {
        double sum = 0;
        for (int k = 0; k < c; k++)
            sum += g[i * c + k];
        g[i] = sum;
    }
    if (l->param[0]->grad)
        weighted_factors_backward(s->kind, l->param[0]->value, l->buffer[FACTORS].p, g, l->param[0]->grad, l->n_in, s->columns);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct shortcut *s = l->state;
    const struct shape to = l->out.shape;
    if (is_plain(l)) {
        residual_backward(activation_of(s->activation), l->out.x, l->out.dx, (real)s->alpha, l->in[0]->dx, l->in_fresh[0], (real)s->beta,
                          l->in[1]->dx, l->in_fresh[1], shape_size(to));
        return;
    }
    for (int i = 0; i < l->n_in; i++)
        if (l->in[i]->dx && l->in_fresh[i])
            vector_fill(l->in[i]->dx, shape_size(l->in[i]->shape), 0);
    layer_activated_backward(l, activation_of(s->activation), BEFORE_ACTIVATION);
    if (s->columns) {
        struct weighted_input in[MOST + 1];
        weighted_inputs(l, in);
        weighted_factors(s->kind, l->param[0]->value, l->buffer[FACTORS].p, l->n_in, s->columns);
        weighted_sum_backward(in, l->n_in, l->buffer[FACTORS].p, s->columns, l->out.dx, l->buffer[SUMS].p, to.n, to.c,
                              (size_t)to.h * (size_t)to.w);
        weights_backward(l, l->buffer[SUMS].p);
        return;
    }
    if (l->in[0]->dx)
        vector_axpy((real)s->alpha, l->out.dx, l->in[0]->dx, shape_size(to));
    for (int i = 1; i < l->n_in; i++) {
        const struct shape from = l->in[i]->shape;
        if (l->in[i]->dx)
            spatial_shortcut_add((real)s->beta, l->out.dx, to.c, to.h, to.w, l->in[i]->dx, from.c, from.h, from.w, to.n);
    }
}

const struct layer_type layer_shortcut = {
    .name = "shortcut",
    .help = "adds earlier layers to the one before",
    .options = options,
    .state_size = sizeof(struct shortcut),
    .own_inputs = true,
    .setup_inputs = setup_inputs,
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
