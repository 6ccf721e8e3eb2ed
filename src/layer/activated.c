#include "layer/activated.h"

#include "math/vector.h"

static bool keeps_input(const struct layer *l, enum activation a)
{
    return layer_trains(l) && a != ACTIVATION_LINEAR && !activation_from_output(a);
}

void layer_activated_shape(struct layer *l, enum activation a, int slot)
{
    l->backward_reads_out = a != ACTIVATION_LINEAR && activation_from_output(a);
    if (keeps_input(l, a))
        layer_buffer(l, slot, BUFFER_SAVED, shape_size(l->out.shape), sizeof(real));
}

void layer_activated_forward(struct layer *l, enum activation a, int slot, const struct run *run)
{
    const size_t n = shape_size(l->out.shape);
    if (keeps_input(l, a) && run->mode == MODE_TRAIN)
        vector_copy(l->out.x, l->buffer[slot].p, n);
    if (a != ACTIVATION_LINEAR)
        activation_forward(a, l->out.x, l->out.x, n);
}

void layer_activated_backward(struct layer *l, enum activation a, int slot)
{
    if (a != ACTIVATION_LINEAR)
        activation_backward(a, l->buffer[slot].p, l->out.x, l->out.dx, l->out.dx, shape_size(l->out.shape));
}
