/* [softmax]: e^z / Σ e^z, over groups of values or (spatial=1) over the channels of each pixel.
 *
 * As the last layer, with or without [cost] after it, it is the loss too: the cross-entropy Σ t·(log Σ e^z − z) of the logits
 * z = input / temperature, computed from them directly, with gradient (p·Σt − t) / temperature. Anywhere else, and with noloss=1, it is an
 * ordinary layer. */
#include "math/softmax.h"
#include "layer/classifier.h"
#include "layer/types.h"
#include "math/vector.h"

enum { TARGETS };

struct softmax {
    int groups, spatial, noloss;
    double temperature;
    struct classifier classifier;
    size_t outer, step; /* rows as of math/softmax.h */
    int k;
};

static const struct config_key options[] = {
    {"groups", OPTION_INT, offsetof(struct softmax, groups), "1", 1, 65536, NULL, "equal parts of the input, each with its own sum of 1"},
    {"temperature", OPTION_FLOAT, offsetof(struct softmax, temperature), "1", 1e-6, 1e6, NULL, "divides the logits"},
    {"spatial", OPTION_FLAG, offsetof(struct softmax, spatial), "0", 0, 1, NULL, "1: over the channels of each pixel"},
    {"noloss", OPTION_FLAG, offsetof(struct softmax, noloss), "0", 0, 1, NULL, "1: never a loss"},
    CLASSIFIER_OPTIONS(struct softmax, classifier),
    {"tree", OPTION_UNSUPPORTED_ANSWER, 0, NULL, 0, 0, NULL, "file with a hierarchy of classes, each level of which has its own softmax"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    struct softmax *s = l->state;
    if (s->spatial && s->groups > 1)
        return layer_error(l, "groups", err, "groups=%d with spatial=1, expected groups=1", s->groups);
    classifier_setup(l, &s->classifier);
    l->is_loss = !s->noloss && classifier_is_last(l);
    if (l->is_loss)
        classifier_warn(l);
    l->link = LINK_SOFTMAX;
    l->backward_reads_in = false;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    struct softmax *s = l->state;
    const struct shape in = l->in[0]->shape;
    const size_t each = shape_each(in);
    if (each % (size_t)s->groups != 0)
        return layer_error(l, "groups", err, "groups=%d of %zu values, expected a divisor", s->groups, each);
    l->out.shape = in;
    s->outer = (size_t)in.n * (size_t)s->groups;
    s->step = s->spatial ? (size_t)in.h * (size_t)in.w : 1;
    s->k = (int)(each / (size_t)s->groups / s->step);
    classifier_buffer(l, &s->classifier, TARGETS);
    return classifier_check(l, &s->classifier, s->k, err);
}

/* The targets as the loss takes them; NULL: no loss. */
static const real *targets(const struct layer *l, const struct run *run)
{
    const struct softmax *s = l->state;
    return l->is_loss ? classifier_targets(l, &s->classifier, run, classifier_labels(l, run), s->outer, s->k, s->step, TARGETS) : NULL;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct softmax *s = l->state;
    const real *t = targets(l, run);
    softmax_forward(l->in[0]->x, l->out.x, s->outer, s->k, s->step, (real)s->temperature);
    if (t)
        l->loss = softmax_cross_entropy(l->in[0]->x, t, s->outer, s->k, s->step, (real)s->temperature);
}

static void backward(struct layer *l, const struct run *run)
{
    const struct softmax *s = l->state;
    const real *t = targets(l, run);
    if (!l->in[0]->dx)
        return;
    if (!l->is_loss)
        softmax_backward(l->out.x, l->out.dx, l->in[0]->dx, s->outer, s->k, s->step, (real)s->temperature, l->in_fresh[0]);
    else if (t)
        softmax_cross_entropy_backward(l->out.x, t, 1, l->in[0]->dx, s->outer, s->k, s->step, (real)s->temperature, l->in_fresh[0]);
    else if (l->in_fresh[0])
        vector_fill(l->in[0]->dx, shape_size(l->in[0]->shape), 0);
}

const struct layer_type layer_softmax = {
    .name = "softmax",
    .alias = "soft",
    .help = "probabilities; as the last layer also the cross-entropy loss",
    .options = options,
    .state_size = sizeof(struct softmax),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
