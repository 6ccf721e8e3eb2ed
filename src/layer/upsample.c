/* [upsample]: each pixel becomes stride × stride equal ones, times scale. */
#include "layer/types.h"
#include "math/spatial.h"

struct upsample {
    int stride;
    double scale;
};

static const struct config_key options[] = {
    {"stride", OPTION_INT, offsetof(struct upsample, stride), "2", 1, 1024, NULL, "times larger"},
    {"scale", OPTION_FLOAT, offsetof(struct upsample, scale), "1", -1e9, 1e9, NULL, "factor on the values"},
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
    const struct upsample *s = l->state;
    const struct shape in = l->in[0]->shape;
    if (in.h > 65535 / s->stride || in.w > 65535 / s->stride)
        return layer_error(l, "stride", err, "stride=%d makes %d x %d larger than 65535 pixels a side", s->stride, in.w, in.h);
    l->out.shape = (struct shape){in.n, in.c, in.h * s->stride, in.w * s->stride};
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct upsample *s = l->state;
    const struct shape in = l->in[0]->shape;
    spatial_upsample_forward(l->in[0]->x, l->out.x, (size_t)in.n * (size_t)in.c, in.h, in.w, s->stride, (real)s->scale);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct upsample *s = l->state;
    const struct shape in = l->in[0]->shape;
    if (l->in[0]->dx)
        spatial_upsample_backward(l->out.dx, l->in[0]->dx, (size_t)in.n * (size_t)in.c, in.h, in.w, s->stride, (real)s->scale,
                                  l->in_fresh[0]);
}

const struct layer_type layer_upsample = {
    .name = "upsample",
    .help = "enlarges by repeating pixels",
    .options = options,
    .state_size = sizeof(struct upsample),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
