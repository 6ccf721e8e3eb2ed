/* [avgpool]: the mean of each channel: c × h × w becomes c × 1 × 1. */
#include "layer/types.h"
#include "math/pool.h"

static const struct config_key options[] = {
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    (void)err;
    l->backward_reads_in = l->backward_reads_out = false;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    const struct shape in = l->in[0]->shape;
    l->out.shape = (struct shape){in.n, in.c, 1, 1};
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct shape in = l->in[0]->shape;
    pool_mean_forward(l->in[0]->x, l->out.x, (size_t)in.n * (size_t)in.c, (size_t)in.h * (size_t)in.w);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct shape in = l->in[0]->shape;
    if (l->in[0]->dx)
        pool_mean_backward(l->out.dx, l->in[0]->dx, (size_t)in.n * (size_t)in.c, (size_t)in.h * (size_t)in.w, l->in_fresh[0]);
}

const struct layer_type layer_avgpool = {
    .name = "avgpool",
    .alias = "avg",
    .help = "mean of each channel over the whole picture",
    .options = options,
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
