#include "layer/activated.h"

#include "math/channels.h"
#include "math/vector.h"

static int refuse(const struct layer *l, const char *key, const char *owner, const char *name, struct error *err)
{
    if (!config_get(l->section, key))
        return 0;
    return layer_error(l, key, err, "%s= has no effect with activation=%s, expected activation=%s", key, name, owner);
}

int layer_activation_find(const struct layer *l, const struct activation_keys *keys, struct activation *out, struct error *err)
{
    *out = activation_of(keys->choice);
    const char *name = activation_names[keys->choice];
    int bad = 0;
    if (out->kind == ACTIVATION_LEAKY)
        out->parameter = (real)keys->slope;
    else
        bad |= refuse(l, "slope", "leaky", name, err);
    if (out->kind == ACTIVATION_ELU || out->kind == ACTIVATION_SWISH)
        out->parameter = (real)keys->alpha;
    else
        bad |= refuse(l, "alpha", "elu or activation=swish", name, err);
    if (out->kind == ACTIVATION_THRESHOLD)
        out->parameter = (real)keys->threshold;
    else
        bad |= refuse(l, "threshold", "threshold", name, err);
    return bad;
}

enum link layer_activation_link(struct activation a)
{
    return a.kind == ACTIVATION_SOFTMAX ? LINK_SOFTMAX : a.kind == ACTIVATION_LOGISTIC ? LINK_LOGISTIC : LINK_NONE;
}

static bool keeps_input(const struct layer *l, struct activation a)
{
    return layer_trains(l) && a.kind != ACTIVATION_LINEAR && !activation_from_output(a);
}

void layer_activated_shape(struct layer *l, struct activation a, int slot)
{
    l->backward_reads_out = a.kind != ACTIVATION_LINEAR && activation_from_output(a);
    if (keeps_input(l, a))
        layer_buffer(l, slot, BUFFER_SAVED, shape_size(l->out.shape), sizeof(real));
}

void layer_activated_forward(struct layer *l, struct activation a, int slot, const struct run *run)
{
    const struct shape o = l->out.shape;
    const size_t n = shape_size(o);
    if (keeps_input(l, a) && run->mode == MODE_TRAIN)
        vector_copy(l->out.x, l->buffer[slot].p, n);
    if (activation_of_channels(a))
        channels_forward(a, l->out.x, o.n, o.c, (size_t)o.h * (size_t)o.w, l->out.x);
    else if (a.kind != ACTIVATION_LINEAR)
        activation_forward(a, l->out.x, l->out.x, n);
}

void layer_activated_backward(struct layer *l, struct activation a, int slot)
{
    const struct shape o = l->out.shape;
    if (activation_of_channels(a))
        channels_backward(a, l->buffer[slot].p, l->out.x, l->out.dx, o.n, o.c, (size_t)o.h * (size_t)o.w, l->out.dx, true);
    else if (a.kind != ACTIVATION_LINEAR)
        activation_backward(a, l->buffer[slot].p, l->out.x, l->out.dx, l->out.dx, shape_size(o));
}
