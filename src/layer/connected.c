/* [connected]: every output sees every number of the input; then bias or batch norm, then an activation. */
#include <limits.h>

#include "layer/connected.h"
#include "layer/types.h"
#include "math/gemm.h"

static const struct config_key options[] = {
    CONNECTED_OPTIONS,
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

int connected_setup(struct layer *l, struct error *err)
{
    struct connected *s = l->state;
    const size_t inputs = shape_each(l->in[0]->shape);
    if (inputs > INT_MAX)
        return layer_error(l, "output", err, "an input of %zu numbers, expected at most %d", inputs, INT_MAX);
    if (epilogue_add_bias(l, &s->epilogue, s->output, err) != 0)
        return -1;
    s->weight = layer_param(l, "weight", PARAM_WEIGHT, (struct shape){s->output, (int)inputs, 1, 1}, (int)inputs, s->output, err);
    if (!s->weight || epilogue_add_norm(l, &s->epilogue, s->output, err) != 0)
        return -1;
    param_init(s->weight, epilogue_init(&s->epilogue), l->net->seed, (uint64_t)l->index * 16);
    return 0;
}

int connected_shape(struct layer *l, struct error *err)
{
    const struct connected *s = l->state;
    const struct shape in = l->in[0]->shape;
    if (shape_each(in) != (size_t)s->weight->shape.c)
        return layer_error(
            l, NULL, err, "the input has %zu numbers (%d x %d x %d), but the weights of [%s] were made for %d: the input size can't change",
            shape_each(in), in.w, in.h, in.c, l->type->name, s->weight->shape.c);
    l->out.shape = (struct shape){in.n, s->output, 1, 1};
    l->flops = 2.0 * (double)shape_size(s->weight->shape);
    l->backward_reads_in = s->weight->lr_mult != 0;
    epilogue_shape(l, &s->epilogue);
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct connected *s = l->state;
    const int n = layer_batch(l), in = s->weight->shape.c, out = s->output;
    struct channel_map map;
    real *to = epilogue_begin(l, &s->epilogue, run, &map);
    gemm(0, 1, n, out, in, 1, l->in[0]->x, in, s->weight->value, in, 0, to, out);
    norm_map(&map, to, n, out, 1, to);
    epilogue_end(l, &s->epilogue, run);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct connected *s = l->state;
    const int n = layer_batch(l), in = s->weight->shape.c, out = s->output;
    epilogue_backward(l, &s->epilogue);
    if (s->weight->grad)
        gemm(1, 0, out, in, n, 1, l->out.dx, out, l->in[0]->x, in, 1, s->weight->grad, in);
    if (l->in[0]->dx)
        gemm(0, 0, n, in, out, 1, l->out.dx, out, s->weight->value, in, l->in_fresh[0] ? 0 : 1, l->in[0]->dx, in);
}

void connected_fold(struct layer *l)
{
    struct connected *s = l->state;
    epilogue_fold(&s->epilogue, s->weight->value, shape_each(s->weight->shape));
}

const struct layer_type layer_connected = {
    .name = "connected",
    .help = "fully connected: every output sees every number of the input",
    .alias = "conn",
    .options = options,
    .state_size = sizeof(struct connected),
    .setup = connected_setup,
    .shape = connected_shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
    .fold = connected_fold,
};
