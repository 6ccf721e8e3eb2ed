/* activated: the activation= key of layers whose output is f(sum of inputs), such as [shortcut]: f runs in place on out.x; the values
 * before it are kept in training when the derivative needs them. */
#ifndef DLNET_LAYER_ACTIVATED_H
#define DLNET_LAYER_ACTIVATED_H

#include "math/activation.h"
#include "net/layer.h"

/* For shape, after out.shape is set: asks for the buffer in `slot` and sets backward_reads_out. */
void layer_activated_shape(struct layer *l, enum activation a, int slot);

/* For forward, when out.x holds the values before the activation. */
void layer_activated_forward(struct layer *l, enum activation a, int slot, const struct run *run);

/* For backward, first of all: out.dx becomes the gradient before the activation. */
void layer_activated_backward(struct layer *l, enum activation a, int slot);

#endif
