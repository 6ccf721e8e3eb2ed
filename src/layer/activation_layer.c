/* [activation]: an activation as a layer of its own. */
#include "layer/activated.h"
#include "layer/types.h"
#include "math/channels.h"
#include "math/vector.h"

struct activation_layer {
    struct activation_keys keys;
    struct activation function;
};

static const struct config_key options[] = {
    ACTIVATION_OPTIONS(struct activation_layer, keys, "linear"),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static struct activation function(const struct layer *l)
{
    return ((const struct activation_layer *)l->state)->function;
}

static int setup(struct layer *l, struct error *err)
{
    struct activation_layer *s = l->state;
    if (layer_activation_find(l, &s->keys, &s->function, err) != 0)
        return -1;
    l->link = layer_activation_link(s->function);
    l->backward_reads_in = !activation_from_output(s->function);
    l->backward_reads_out = activation_from_output(s->function) && s->function.kind != ACTIVATION_LINEAR;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    l->out.shape = l->in[0]->shape;
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct shape o = l->out.shape;
    if (activation_of_channels(function(l)))
        channels_forward(function(l), l->in[0]->x, o.n, o.c, (size_t)o.h * (size_t)o.w, l->out.x);
    else
        activation_forward(function(l), l->in[0]->x, l->out.x, shape_size(o));
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    real *dx = l->in[0]->dx;
    if (!dx)
        return;
    const struct shape o = l->out.shape;
    const size_t n = shape_size(o);
    if (activation_of_channels(function(l))) {
        channels_backward(function(l), l->in[0]->x, l->out.x, l->out.dx, o.n, o.c, (size_t)o.h * (size_t)o.w, dx, l->in_fresh[0]);
        return;
    }
    if (l->in_fresh[0]) {
        activation_backward(function(l), l->in[0]->x, l->out.x, l->out.dx, dx, n);
        return;
    }
    activation_backward(function(l), l->in[0]->x, l->out.x, l->out.dx, l->out.dx, n);
    vector_add(l->out.dx, dx, n);
}

const struct layer_type layer_activation = {
    .name = "activation",
    .help = "an activation as a layer of its own",
    .options = options,
    .state_size = sizeof(struct activation_layer),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
