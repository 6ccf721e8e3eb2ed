/* [scale_channels]: each channel of an earlier layer times the number that the layer before gives for it (squeeze and excitation); with
 * scale_wh=1 each pixel times the number of its place. */
#include "layer/activated.h"
#include "layer/types.h"
#include "math/scale.h"

struct scale_channels {
    int from, activation, scale_wh;
};

enum { BEFORE_ACTIVATION };

static const struct config_key options[] = {
    {"from", OPTION_INT, offsetof(struct scale_channels, from), NULL, -65535, 65535, NULL,
     "the earlier layer that is scaled: its number from 0, or counted back from this one"},
    {"activation", OPTION_CHOICE, offsetof(struct scale_channels, activation), "linear", 0, 0, activation_names, "of the product"},
    {"scale_wh", OPTION_FLAG, offsetof(struct scale_channels, scale_wh), "0", 0, 1, NULL,
     "1: a factor for each place, not for each channel"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup_inputs(struct layer *l, struct error *err)
{
    const struct scale_channels *s = l->state;
    if (!config_get(l->section, "from") || layer_input(l, l->index - 1, "from", err)) /* an absent key has been told already */
        return -1;
    return layer_input(l, s->from < 0 ? l->index + s->from : s->from, "from", err);
}

static int shape(struct layer *l, struct error *err)
{
    const struct scale_channels *s = l->state;
    const struct shape scale = l->in[0]->shape, x = l->in[1]->shape;
    const bool fits = s->scale_wh ? scale.c == 1 && scale.h == x.h && scale.w == x.w : scale.c == x.c && scale.h == 1 && scale.w == 1;
    if (!fits)
        return layer_error(
            l, "from", err, "layer %d is %d x %d x %d and the layer before gives factors of %d x %d x %d, expected %d x %d x %d",
            l->in_layer[1], x.w, x.h, x.c, scale.w, scale.h, scale.c, s->scale_wh ? x.w : 1, s->scale_wh ? x.h : 1, s->scale_wh ? 1 : x.c);
    l->out.shape = x;
    layer_activated_shape(l, activation_of(s->activation), BEFORE_ACTIVATION);
    return 0;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct scale_channels *s = l->state;
    const struct shape x = l->out.shape;
    const size_t plane = (size_t)x.h * (size_t)x.w;
    if (s->scale_wh)
        scale_places_forward(l->in[0]->x, l->in[1]->x, l->out.x, x.n, x.c, plane);
    else
        scale_planes_forward(l->in[0]->x, l->in[1]->x, l->out.x, (size_t)x.n * (size_t)x.c, plane);
    layer_activated_forward(l, activation_of(s->activation), BEFORE_ACTIVATION, run);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct scale_channels *s = l->state;
    const struct shape x = l->out.shape;
    const size_t plane = (size_t)x.h * (size_t)x.w;
    layer_activated_backward(l, activation_of(s->activation), BEFORE_ACTIVATION);
    if (s->scale_wh)
        scale_places_backward(l->in[0]->x, l->in[1]->x, l->out.dx, l->in[0]->dx, l->in[1]->dx, x.n, x.c, plane);
    else
        scale_planes_backward(l->in[0]->x, l->in[1]->x, l->out.dx, l->in[0]->dx, l->in[1]->dx, (size_t)x.n * (size_t)x.c, plane);
}

const struct layer_type layer_scale_channels = {
    .name = "scale_channels",
    .help = "multiplies the channels of an earlier layer",
    .options = options,
    .state_size = sizeof(struct scale_channels),
    .own_inputs = true,
    .setup_inputs = setup_inputs,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
