/* [l2norm]: the channels of each pixel, as a vector, divided by its length. */
#include "layer/types.h"
#include "math/channels.h"

enum { LENGTHS };

static const struct config_key options[] = {
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    (void)err;
    l->backward_reads_in = false;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    const struct shape in = l->in[0]->shape;
    l->out.shape = in;
    layer_buffer(l, LENGTHS, BUFFER_SAVED, (size_t)in.n * (size_t)in.h * (size_t)in.w, sizeof(real));
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct shape o = l->out.shape;
    channels_unit_forward(l->in[0]->x, o.n, o.c, (size_t)o.h * (size_t)o.w, l->out.x, l->buffer[LENGTHS].p);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct shape o = l->out.shape;
    if (l->in[0]->dx)
        channels_unit_backward(l->out.x, l->buffer[LENGTHS].p, l->out.dx, o.n, o.c, (size_t)o.h * (size_t)o.w, l->in[0]->dx,
                               l->in_fresh[0]);
}

const struct layer_type layer_l2norm = {
    .name = "l2norm",
    .help = "divides the channels of each pixel by their length",
    .options = options,
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
