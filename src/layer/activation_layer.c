/* [activation]: an activation as a layer of its own. */
#include "layer/types.h"
#include "math/activation.h"
#include "math/vector.h"

struct activation_layer {
    int activation;
};

static const struct config_key options[] = {
    {"activation", OPTION_CHOICE, offsetof(struct activation_layer, activation), "linear", 0, 0, activation_names,
     "function of each number"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static enum activation kind(const struct layer *l)
{
    return (enum activation)((const struct activation_layer *)l->state)->activation;
}

static int setup(struct layer *l, struct error *err)
{
    (void)err;
    l->backward_reads_in = !activation_from_output(kind(l));
    l->backward_reads_out = activation_from_output(kind(l)) && kind(l) != ACTIVATION_LINEAR;
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
    activation_forward(kind(l), l->in[0]->x, l->out.x, shape_size(l->out.shape));
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    real *dx = l->in[0]->dx;
    if (!dx)
        return;
    const size_t n = shape_size(l->out.shape);
    if (l->in_fresh[0]) {
        activation_backward(kind(l), l->in[0]->x, l->out.x, l->out.dx, dx, n);
        return;
    }
    activation_backward(kind(l), l->in[0]->x, l->out.x, l->out.dx, l->out.dx, n);
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
