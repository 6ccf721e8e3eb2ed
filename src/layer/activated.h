/* activated: the activation= key of a layer. For layers whose output is f(sum of inputs), such as [shortcut], f runs in place on out.x; the
 * values before it are kept in training when the derivative needs them. */
#ifndef DLNET_LAYER_ACTIVATED_H
#define DLNET_LAYER_ACTIVATED_H

#include "math/activation.h"
#include "net/layer.h"

/* The keys of a layer whose activation can be given a parameter. */
struct activation_keys {
    int choice; /* of activation_names */
    double slope, alpha, threshold;
};

/* Rows of the option table; `type` is the state, whose member `field` is a struct activation_keys. */
#define ACTIVATION_OPTIONS(type, field, fallback)                                                                                          \
    {"activation",                                                                                                                         \
     OPTION_CHOICE,                                                                                                                        \
     offsetof(type, field.choice),                                                                                                         \
     fallback,                                                                                                                             \
     0,                                                                                                                                    \
     0,                                                                                                                                    \
     activation_names,                                                                                                                     \
     "function of each output; softmax and the norm_chan family: of all channels of a pixel"},                                             \
        {"slope", OPTION_FLOAT, offsetof(type, field.slope), ".1", 0, 1e6, NULL, "of activation=leaky below 0"},                           \
        {"alpha",                                                                                                                          \
         OPTION_FLOAT,                                                                                                                     \
         offsetof(type, field.alpha),                                                                                                      \
         "1",                                                                                                                              \
         0,                                                                                                                                \
         1e6,                                                                                                                              \
         NULL,                                                                                                                             \
         "activation=elu: alpha*(e^z - 1) below 0; activation=swish: z*sigma(alpha*z)"},                                                   \
    {                                                                                                                                      \
        "threshold", OPTION_FLOAT, offsetof(type, field.threshold), "0", -1e30, 1e30, NULL,                                                \
            "activation=threshold: 1 where z is above it, else 0"                                                                          \
    }

/* For setup: the function that the keys say. -1: a parameter is given that this function doesn't have. */
int layer_activation_find(const struct layer *l, const struct activation_keys *keys, struct activation *out, struct error *err);

/* l->link of a layer whose output this function makes. */
enum link layer_activation_link(struct activation a);

/* For shape, after out.shape is set: asks for the buffer in `slot` and sets backward_reads_out. */
void layer_activated_shape(struct layer *l, struct activation a, int slot);

/* For forward, when out.x holds the values before the activation. */
void layer_activated_forward(struct layer *l, struct activation a, int slot, const struct run *run);

/* For backward, first of all: out.dx becomes the gradient before the activation. */
void layer_activated_backward(struct layer *l, struct activation a, int slot);

#endif
