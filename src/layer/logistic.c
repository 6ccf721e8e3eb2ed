/* [logistic]: p = σ(z) of each number. As the last layer, with or without [cost] after it, it is the loss too: the binary cross-entropy
 * Σ t·log(1 + e^−z) + (1 − t)·log(1 + e^z), computed from its input z, with gradient p − t. Anywhere else it is an ordinary layer. */
#include "layer/classifier.h"
#include "layer/types.h"
#include "math/activation.h"
#include "math/loss.h"
#include "math/vector.h"

struct logistic {
    struct classifier classifier;
};

static const struct config_key options[] = {
    CLASSIFIER_OPTIONS(struct logistic, classifier),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    (void)err;
    struct logistic *s = l->state;
    classifier_setup(l, &s->classifier);
    l->is_loss = classifier_is_last(l);
    if (l->is_loss)
        classifier_warn(l);
    l->link = LINK_LOGISTIC;
    l->backward_reads_in = l->is_loss;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    const struct logistic *s = l->state;
    l->out.shape = l->in[0]->shape;
    return classifier_check(l, &s->classifier, l->out.shape.c, err);
}

static struct loss loss_of(const struct layer *l, const struct run *run)
{
    const struct logistic *s = l->state;
    const struct shape o = l->out.shape;
    return (struct loss){.kind = LOSS_LOGISTIC,
                         .smoothing = classifier_smoothing(&s->classifier, run),
                         .weight = classifier_weights(&s->classifier),
                         .classes = o.c,
                         .step = (size_t)o.h * (size_t)o.w};
}

static void forward(struct layer *l, const struct run *run)
{
    const size_t n = shape_size(l->out.shape);
    const real *t = l->is_loss ? classifier_labels(l, run) : NULL;
    const struct loss loss = loss_of(l, run);
    if (t)
        l->loss = loss_sum(&loss, l->in[0]->x, t, n);
    activation_forward(activation_of(ACTIVATION_LOGISTIC), l->in[0]->x, l->out.x, n);
}

static void backward(struct layer *l, const struct run *run)
{
    const size_t n = shape_size(l->out.shape);
    real *dx = l->in[0]->dx;
    if (!dx)
        return;
    if (l->is_loss) {
        const real *t = classifier_labels(l, run);
        const struct loss loss = loss_of(l, run);
        if (t)
            loss_backward(&loss, l->in[0]->x, t, 1, dx, n, l->in_fresh[0]);
        else if (l->in_fresh[0])
            vector_fill(dx, n, 0);
        return;
    }
    activation_backward(activation_of(ACTIVATION_LOGISTIC), NULL, l->out.x, l->out.dx, l->in_fresh[0] ? dx : l->out.dx, n);
    if (!l->in_fresh[0])
        vector_add(l->out.dx, dx, n);
}

const struct layer_type layer_logistic = {
    .name = "logistic",
    .help = "probabilities of yes and no; as the last layer also the binary cross-entropy loss",
    .options = options,
    .state_size = sizeof(struct logistic),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
