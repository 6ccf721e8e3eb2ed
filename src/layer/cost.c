/* [cost]: a loss on the layer before it.
 *
 * type=sse is ½Σ(p − t)²: Darknet prints Σ(p − t)² with the gradient p − t; here the printed loss is what that gradient is the derivative
 * of. Its output is a copy of its input; where the loss takes logits (cross_entropy, bce, focal) it is the probabilities, and the network's
 * answer. After a layer that is a loss itself ([softmax] at the end) it has nothing to do. */
#include "box/box_loss.h"
#include "layer/classifier.h"
#include "layer/types.h"
#include "math/activation.h"
#include "math/loss.h"
#include "math/softmax.h"
#include "math/vector.h"

struct cost {
    int type, box_format;
    double scale, delta, gamma, alpha;
    struct classifier classifier;
    bool inert; /* the layers before are the loss already */
    size_t step;
    int classes; /* channels */
};

enum { TARGETS };

enum family { ELEMENTS, SOFTMAX, MARGIN, BOXES, UNSUPPORTED };

/* In the order of `types`. */
static const struct kind {
    enum family family;
    int kind;  /* enum loss_kind or enum iou_kind */
    bool mean; /* over the outputs */
    bool classifier;
    enum link link;
} kinds[] = {
    {ELEMENTS, LOSS_SQUARED, false, false, LINK_NONE},
    {ELEMENTS, LOSS_MASKED, false, false, LINK_NONE},
    {ELEMENTS, LOSS_SMOOTH, false, false, LINK_NONE},
    {ELEMENTS, LOSS_L1, false, false, LINK_NONE},
    {ELEMENTS, LOSS_L1, false, false, LINK_NONE},
    {UNSUPPORTED, 0, false, false, LINK_NONE},
    {UNSUPPORTED, 0, false, false, LINK_NONE},
    {ELEMENTS, LOSS_SQUARED, true, false, LINK_NONE},
    {ELEMENTS, LOSS_L1, true, false, LINK_NONE},
    {ELEMENTS, LOSS_HUBER, false, false, LINK_NONE},
    {SOFTMAX, 0, false, true, LINK_SOFTMAX},
    {ELEMENTS, LOSS_LOGISTIC, false, true, LINK_LOGISTIC},
    {ELEMENTS, LOSS_FOCAL, false, true, LINK_LOGISTIC},
    {ELEMENTS, LOSS_HINGE, false, true, LINK_NONE},
    {MARGIN, 0, false, true, LINK_NONE},
    {BOXES, IOU_PLAIN, false, false, LINK_NONE},
    {BOXES, IOU_GIOU, false, false, LINK_NONE},
    {BOXES, IOU_DIOU, false, false, LINK_NONE},
    {BOXES, IOU_CIOU, false, false, LINK_NONE},
};
static const char *const types[] = {"sse",  "masked", "smooth",        "L1",  "l1",    "seg",   "wgan",           "mse",
                                    "mae",  "huber",  "cross_entropy", "bce", "focal", "hinge", "crammer_singer", "iou",
                                    "giou", "diou",   "ciou",          NULL};
static const char *const box_formats[] = {"xywh", "xyxy", NULL}; /* in the order of enum box_format */

static const struct config_key options[] = {
    {"type", OPTION_CHOICE, offsetof(struct cost, type), "sse", 0, 0, types,
     "d = output - target. sse: half the sum of d^2, whose gradient is d; masked: the same, but nothing where the target is -1234; "
     "mse, mae: mean of d^2, of |d|; L1: sum of |d|; smooth: d^2/(2 delta) below delta, then |d| - delta/2; huber: delta times that. "
     "On logits, with probabilities as the answer: cross_entropy: of softmax over the channels; bce: of the logistic function, for yes/no "
     "and several labels; focal: of the logistic function (Lin 2017). Linear SVM: hinge: each output against the rest (one output: yes/no, "
     "with threshold=0 in [data]); crammer_singer: the true class against the best other. Boxes of 4 numbers: iou, giou, diou, ciou: "
     "1 - overlap"},
    {"scale", OPTION_FLOAT, offsetof(struct cost, scale), "1", 0, 1e9, NULL, "factor on the loss and its gradient"},
    {"delta", OPTION_FLOAT, offsetof(struct cost, delta), "1", 1e-9, 1e9, NULL, "of type=smooth and type=huber"},
    {"gamma", OPTION_FLOAT, offsetof(struct cost, gamma), "2", 0, 100, NULL, "of type=focal: how little what is right already counts"},
    {"alpha", OPTION_FLOAT, offsetof(struct cost, alpha), ".25", 0, 1, NULL, "of type=focal: factor of yes; 1 - alpha: of no"},
    {"box_format", OPTION_CHOICE, offsetof(struct cost, box_format), "xywh", 0, 0, box_formats,
     "of type=iou and the like: centre and size, or two corners"},
    CLASSIFIER_OPTIONS(struct cost, classifier),
    {"ratio", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "share of the largest gradients that count"},
    {"noobj", OPTION_UNSUPPORTED, 0, "1", 0, 0, NULL, "weight of what is no object, for type=seg"},
    {"thresh", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "smaller gradients don't count"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static const struct kind *kind_of(const struct cost *s)
{
    return &kinds[s->type];
}

/* A key that belongs to other types. */
static int misplaced(const struct layer *l, const char *key, bool fits, const char *fitting, struct error *err)
{
    const struct cost *s = l->state;
    if (fits || !config_get(l->section, key))
        return 0;
    return layer_error(l, key, err, "%s= has no effect with type=%s, expected type=%s", key, types[s->type], fitting);
}

static int setup(struct layer *l, struct error *err)
{
    struct cost *s = l->state;
    const struct kind *k = kind_of(s);
    if (k->family == UNSUPPORTED)
        return layer_error(l, "type", err, "type=%s is not supported, expected sse, masked, smooth, L1 or another of `dlnet help cost`",
                           types[s->type]);
    const bool smooth = k->kind == LOSS_SMOOTH || k->kind == LOSS_HUBER;
    const bool focal = k->family == ELEMENTS && k->kind == LOSS_FOCAL;
    int bad = misplaced(l, "delta", k->family == ELEMENTS && smooth, "smooth or type=huber", err);
    bad |= misplaced(l, "gamma", focal, "focal", err);
    bad |= misplaced(l, "alpha", focal, "focal", err);
    bad |= misplaced(l, "box_format", k->family == BOXES, "iou, giou, diou or ciou", err);
    bad |= misplaced(l, "class_weights", k->classifier, "cross_entropy or another loss of a classifier", err);
    bad |= misplaced(l, "label_smooth_eps", k->classifier, "cross_entropy or another loss of a classifier", err);
    const struct layer *before = classifier_probabilities(l);
    if (k->classifier && before)
        bad |= layer_error(l, "type", err,
                           "type=%s takes logits, but layer %d [%s] before it gives probabilities: write activation=linear there or leave "
                           "that layer out",
                           types[s->type], before->index, before->type->name);
    if (bad)
        return -1;
    classifier_setup(l, &s->classifier);
    if (l->in_layer[0] >= 0) {
        before = &l->net->layer[l->in_layer[0]];
        s->inert = before->is_loss || (before->type == l->type && ((const struct cost *)before->state)->inert);
    }
    l->is_loss = !s->inert;
    l->link = s->inert ? LINK_NONE : k->link;
    l->backward_reads_out = l->link != LINK_NONE;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    struct cost *s = l->state;
    const struct shape in = l->in[0]->shape;
    l->out.shape = in;
    s->step = (size_t)in.h * (size_t)in.w;
    s->classes = in.c;
    if (kind_of(s)->family == BOXES && shape_each(in) % 4 != 0)
        return layer_error(l, "type", err, "type=%s after %zu numbers, expected 4 for each box", types[s->type], shape_each(in));
    if (kind_of(s)->family == SOFTMAX || kind_of(s)->family == MARGIN)
        classifier_buffer(l, &s->classifier, TARGETS);
    return classifier_check(l, &s->classifier, in.c, err);
}

static struct loss loss_of(const struct cost *s, const struct run *run)
{
    const bool classifier = kind_of(s)->classifier;
    return (struct loss){.kind = (enum loss_kind)kind_of(s)->kind,
                         .delta = s->delta,
                         .gamma = s->gamma,
                         .alpha = s->alpha,
                         .smoothing = classifier ? classifier_smoothing(&s->classifier, run) : 0,
                         .weight = classifier ? classifier_weights(&s->classifier) : NULL,
                         .classes = s->classes,
                         .step = s->step};
}

/* Factor on the sum; a mean of d² is 2/k times the half sum. */
static double factor(const struct layer *l)
{
    const struct cost *s = l->state;
    const struct kind *k = kind_of(s);
    if (!k->mean)
        return s->scale;
    return s->scale * (k->kind == LOSS_SQUARED ? 2 : 1) / (double)shape_each(l->in[0]->shape);
}

/* The targets as the loss takes them; NULL: there is nothing to do. */
static const real *targets(const struct layer *l, const struct run *run)
{
    const struct cost *s = l->state;
    const real *t = s->inert ? NULL : classifier_labels(l, run);
    if (kind_of(s)->family != SOFTMAX && kind_of(s)->family != MARGIN)
        return t;
    return classifier_targets(l, &s->classifier, run, t, (size_t)l->in[0]->shape.n, s->classes, s->step, TARGETS);
}

static double loss_now(const struct layer *l, const struct run *run, const real *t)
{
    const struct cost *s = l->state;
    const real *x = l->in[0]->x;
    const size_t n = (size_t)l->in[0]->shape.n, size = shape_size(l->in[0]->shape);
    const struct loss loss = loss_of(s, run);
    switch (kind_of(s)->family) {
    case SOFTMAX:
        return softmax_cross_entropy(x, t, n, s->classes, s->step, 1);
    case MARGIN:
        return loss_margin(x, t, n, s->classes, s->step);
    case BOXES:
        return box_loss((enum iou_kind)kind_of(s)->kind, (enum box_format)s->box_format, x, t, size / 4);
    default:
        return loss_sum(&loss, x, t, size);
    }
}

static void forward(struct layer *l, const struct run *run)
{
    const struct cost *s = l->state;
    const real *t = targets(l, run), *x = l->in[0]->x;
    const size_t n = shape_size(l->out.shape);
    if (t)
        l->loss = factor(l) * loss_now(l, run, t);
    if (l->link == LINK_SOFTMAX)
        softmax_forward(x, l->out.x, (size_t)l->out.shape.n, s->classes, s->step, 1);
    else if (l->link == LINK_LOGISTIC)
        activation_forward(activation_of(ACTIVATION_LOGISTIC), x, l->out.x, n);
    else
        vector_copy(x, l->out.x, n);
}

static void loss_gradient(const struct layer *l, const struct run *run, const real *t, bool overwrite)
{
    const struct cost *s = l->state;
    const real *x = l->in[0]->x;
    real *dx = l->in[0]->dx;
    const size_t n = (size_t)l->in[0]->shape.n, size = shape_size(l->in[0]->shape);
    const struct loss loss = loss_of(s, run);
    switch (kind_of(s)->family) {
    case SOFTMAX:
        softmax_cross_entropy_backward(l->out.x, t, (real)s->scale, dx, n, s->classes, s->step, 1, overwrite);
        break;
    case MARGIN:
        loss_margin_backward(x, t, s->scale, dx, n, s->classes, s->step, overwrite);
        break;
    case BOXES:
        box_loss_backward((enum iou_kind)kind_of(s)->kind, (enum box_format)s->box_format, x, t, s->scale, dx, size / 4, overwrite);
        break;
    default:
        loss_backward(&loss, x, t, factor(l), dx, size, overwrite);
    }
}

static void backward(struct layer *l, const struct run *run)
{
    const struct cost *s = l->state;
    const size_t n = shape_size(l->out.shape);
    const real *t = targets(l, run);
    real *dx = l->in[0]->dx;
    if (!dx)
        return;
    if (t)
        loss_gradient(l, run, t, l->in_fresh[0]);
    else if (l->in_fresh[0])
        vector_fill(dx, n, 0);
    if (!l->out.dx) /* nobody reads the output */
        return;
    if (l->link == LINK_SOFTMAX) {
        softmax_backward(l->out.x, l->out.dx, dx, (size_t)l->out.shape.n, s->classes, s->step, 1, false);
        return;
    }
    if (l->link == LINK_LOGISTIC)
        activation_backward(activation_of(ACTIVATION_LOGISTIC), NULL, l->out.x, l->out.dx, l->out.dx, n);
    vector_add(l->out.dx, dx, n);
}

const struct layer_type layer_cost = {
    .name = "cost",
    .help = "a loss on the layer before it: regression, classification, boxes",
    .options = options,
    .state_size = sizeof(struct cost),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
