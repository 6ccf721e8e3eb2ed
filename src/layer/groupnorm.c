/* [groupnorm] and [layernorm]: each image's numbers are normalised in groups of channels, or all together, then scaled and shifted by
 * channel. Nothing is kept of other images: any batch size, and evaluation as training. */
#include "layer/types.h"
#include "math/group_norm.h"

struct groupnorm {
    int groups; /* 0: one, for [layernorm] */
    struct param *scale, *shift;
};

static const struct config_key group_options[] = {
    {"groups", OPTION_INT, offsetof(struct groupnorm, groups), "32", 1, 1e6, NULL,
     "parts into which the channels are cut; each is normalised by itself"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};
static const struct config_key layer_options[] = {
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

enum { STATISTICS, SCRATCH };

static int setup(struct layer *l, struct error *err)
{
    struct groupnorm *s = l->state;
    const struct shape shape = {1, l->in[0]->shape.c, 1, 1};
    s->groups = s->groups ? s->groups : 1;
    if (shape.c % s->groups != 0)
        return layer_error(l, "groups", err, "groups=%d doesn't divide the %d input channels, expected a divisor", s->groups, shape.c);
    l->backward_reads_out = false;
    s->shift = layer_param(l, "bias", PARAM_BIAS, shape, 0, 0, err);
    s->scale = s->shift ? layer_param(l, "scale", PARAM_BIAS, shape, 0, 0, err) : NULL;
    if (!s->scale)
        return -1;
    param_init(s->scale, INIT_ONE, 0, 0);
    return 0;
}

static struct group_shape group_shape_of(const struct layer *l)
{
    const struct groupnorm *s = l->state;
    const struct shape in = l->in[0]->shape;
    return (struct group_shape){in.n, in.c, (size_t)in.h * (size_t)in.w, s->groups};
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    const struct group_shape g = group_shape_of(l);
    l->out.shape = l->in[0]->shape;
    layer_buffer(l, STATISTICS, BUFFER_SAVED, 2 * (size_t)g.n * (size_t)g.groups, sizeof(double));
    if (layer_trains(l))
        layer_buffer(l, SCRATCH, BUFFER_SCRATCH, group_norm_scratch(&g), sizeof(double));
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct groupnorm *s = l->state;
    const struct group_shape g = group_shape_of(l);
    group_norm_forward(&g, l->in[0]->x, s->scale->value, s->shift->value, l->out.x, l->buffer[STATISTICS].p);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct groupnorm *s = l->state;
    const struct group_shape g = group_shape_of(l);
    group_norm_backward(&g, l->in[0]->x, l->out.dx, s->scale->value, l->buffer[STATISTICS].p, l->in[0]->dx, l->in_fresh[0], s->scale->grad,
                        s->shift->grad, l->buffer[SCRATCH].p);
}

const struct layer_type layer_groupnorm = {
    .name = "groupnorm",
    .help = "group normalisation: each image by itself, in groups of channels",
    .options = group_options,
    .state_size = sizeof(struct groupnorm),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};

const struct layer_type layer_layernorm = {
    .name = "layernorm",
    .help = "layer normalisation: each image by itself, all channels together",
    .options = layer_options,
    .state_size = sizeof(struct groupnorm),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
