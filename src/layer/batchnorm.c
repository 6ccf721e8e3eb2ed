/* [batchnorm]: batch normalisation of each channel as a layer of its own. */
#include "layer/epilogue.h"
#include "layer/types.h"
#include "math/vector.h"

struct batchnorm {
    struct epilogue epilogue; /* always normalises, no activation */
};

static const struct config_key options[] = {
    {"bn_momentum", OPTION_FLOAT, offsetof(struct batchnorm, epilogue.momentum), ".1", 0, 1, NULL,
     "share of a batch's statistics in the running ones: running = (1 - m)*running + m*batch"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    struct batchnorm *s = l->state;
    const int channels = l->in[0]->shape.c;
    s->epilogue.batch_normalize = s->epilogue.bias = 1;
    s->epilogue.keys.choice = ACTIVATION_LINEAR;
    l->backward_reads_in = false; /* the epilogue keeps its own copy */
    if (epilogue_add_bias(l, &s->epilogue, channels, err) != 0)
        return -1;
    return epilogue_add_norm(l, &s->epilogue, channels, err);
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    const struct batchnorm *s = l->state;
    l->out.shape = l->in[0]->shape;
    epilogue_shape(l, &s->epilogue);
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct batchnorm *s = l->state;
    const struct shape o = l->out.shape;
    struct channel_map map;
    real *to = epilogue_begin(l, &s->epilogue, run, &map);
    norm_map(&map, l->in[0]->x, o.n, o.c, (size_t)o.h * (size_t)o.w, to);
    epilogue_end(l, &s->epilogue, run);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct batchnorm *s = l->state;
    epilogue_backward(l, &s->epilogue);
    if (!l->in[0]->dx)
        return;
    if (l->in_fresh[0])
        vector_copy(l->out.dx, l->in[0]->dx, shape_size(l->out.shape));
    else
        vector_add(l->out.dx, l->in[0]->dx, shape_size(l->out.shape));
}

const struct layer_type layer_batchnorm = {
    .name = "batchnorm",
    .help = "batch normalisation as a layer of its own",
    .options = options,
    .state_size = sizeof(struct batchnorm),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
