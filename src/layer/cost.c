/* [cost]: a loss on the layer before it. Its output is a copy of its input.
 *
 * type=sse is ½Σ(p − t)²: Darknet prints Σ(p − t)² with the gradient p − t; here the printed loss is what that gradient is the derivative
 * of. After a layer that is a loss itself ([softmax] at the end) it has nothing to do. */
#include <assert.h>

#include "layer/types.h"
#include "math/loss.h"
#include "math/vector.h"
#include "net/network.h"

struct cost {
    int type;
    double scale;
    bool inert; /* the layers before are the loss already */
};

static const char *const types[] = {"sse", "masked", "smooth", "L1", "l1", "seg", "wgan", NULL};
enum { TYPE_L1_LOWER = LOSS_L1 + 1, TYPE_SEG, TYPE_WGAN }; /* the first four are enum loss_kind */

static const struct config_key options[] = {
    {"type", OPTION_CHOICE, offsetof(struct cost, type), "sse", 0, 0, types,
     "sse: half the squared error; masked: the same, but nothing where the target is -1234; smooth: Huber with delta 1; L1: absolute "
     "error"},
    {"scale", OPTION_FLOAT, offsetof(struct cost, scale), "1", 0, 1e9, NULL, "factor on the loss and its gradient"},
    {"ratio", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "share of the largest gradients that count"},
    {"noobj", OPTION_UNSUPPORTED, 0, "1", 0, 0, NULL, "weight of what is no object, for type=seg"},
    {"thresh", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "smaller gradients don't count"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    struct cost *s = l->state;
    if (s->type == TYPE_SEG || s->type == TYPE_WGAN)
        return layer_error(l, "type", err, "type=%s is not supported, expected sse, masked, smooth or L1", types[s->type]);
    if (s->type == TYPE_L1_LOWER)
        s->type = LOSS_L1;
    if (l->in_layer[0] >= 0) {
        const struct layer *before = &l->net->layer[l->in_layer[0]];
        s->inert = before->is_loss || (before->type == l->type && ((const struct cost *)before->state)->inert);
    }
    l->is_loss = !s->inert;
    l->backward_reads_out = false;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    l->out.shape = l->in[0]->shape;
    return 0;
}

static const real *labels(const struct layer *l, const struct run *run)
{
    if (!run->targets || !run->targets->label)
        return NULL;
    assert((size_t)run->targets->n_labels == shape_each(l->in[0]->shape));
    return run->targets->label;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct cost *s = l->state;
    const size_t n = shape_size(l->out.shape);
    vector_copy(l->in[0]->x, l->out.x, n);
    const real *t = s->inert ? NULL : labels(l, run);
    if (t)
        l->loss = s->scale * loss_sum((enum loss_kind)s->type, l->in[0]->x, t, n);
}

static void backward(struct layer *l, const struct run *run)
{
    const struct cost *s = l->state;
    const size_t n = shape_size(l->out.shape);
    const real *t = s->inert ? NULL : labels(l, run);
    real *dx = l->in[0]->dx;
    if (!dx)
        return;
    if (t)
        loss_backward((enum loss_kind)s->type, l->in[0]->x, t, (real)s->scale, dx, n, l->in_fresh[0]);
    else if (l->in_fresh[0])
        vector_fill(dx, n, 0);
    if (l->out.dx) /* somebody reads the copy */
        vector_add(l->out.dx, dx, n);
}

const struct layer_type layer_cost = {
    .name = "cost",
    .help = "squared, smooth or absolute error as the loss",
    .options = options,
    .state_size = sizeof(struct cost),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
