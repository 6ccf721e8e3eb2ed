/* activation: the functions f of a layer's outputs. Those of one number are here; those of all channels of a pixel are in math/channels.h.
 */
#ifndef DLNET_MATH_ACTIVATION_H
#define DLNET_MATH_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

/* X(constant, Darknet's name). Formulas: activation.c. */
#define ACTIVATIONS_OF_ONE(X)                                                                                                              \
    X(LINEAR, "linear")                                                                                                                    \
    X(LOGISTIC, "logistic")                                                                                                                \
    X(TANH, "tanh")                                                                                                                        \
    X(RELU, "relu")                                                                                                                        \
    X(LEAKY, "leaky")                                                                                                                      \
    X(SWISH, "swish")                                                                                                                      \
    X(MISH, "mish")                                                                                                                        \
    X(ELU, "elu")                                                                                                                          \
    X(SELU, "selu")                                                                                                                        \
    X(RELU6, "relu6")                                                                                                                      \
    X(THRESHOLD, "threshold")                                                                                                              \
    X(GELU, "gelu")                                                                                                                        \
    X(HARD_MISH, "hard_mish")                                                                                                              \
    X(HARDTAN, "hardtan")                                                                                                                  \
    X(LHTAN, "lhtan")                                                                                                                      \
    X(LOGGY, "loggy")                                                                                                                      \
    X(RELIE, "relie")                                                                                                                      \
    X(RAMP, "ramp")                                                                                                                        \
    X(PLSE, "plse")                                                                                                                        \
    X(STAIR, "stair")
#define ACTIVATIONS_OF_CHANNELS(X)                                                                                                         \
    X(SOFTMAX, "softmax")                                                                                                                  \
    X(NORM_CHAN, "norm_chan")                                                                                                              \
    X(NORM_CHAN_SOFTMAX, "norm_chan_softmax")                                                                                              \
    X(NORM_CHAN_SOFTMAX_MAXVAL, "norm_chan_softmax_maxval")

enum activation_kind {
#define CONSTANT(NAME, text) ACTIVATION_##NAME,
    ACTIVATIONS_OF_ONE(CONSTANT) ACTIVATIONS_OF_CHANNELS(CONSTANT)
#undef CONSTANT
        ACTIVATION_KINDS
};

/* A function with its parameter: leaky: the slope below 0; elu, swish: alpha; threshold: the threshold; 0 for the others. */
struct activation {
    enum activation_kind kind;
    real parameter;
};

/* The choices of an option table: the names in the order of the enum, then Darknet's other spellings; NULL at the end. */
extern const char *const activation_names[];

/* The function of that number in activation_names, with its usual parameter: leaky .1, elu and swish 1, threshold 0. */
struct activation activation_of(int choice);

/* True when it is a function of all channels of a pixel (math/channels.h): what is below takes the others only. */
bool activation_of_channels(struct activation a);

/* y[i] = f(x[i]); x == y allowed. In parallel over fixed tiles. */
void activation_forward(struct activation a, const real *x, real *y, size_t n);
/* The same in the calling thread (inside a kernel's tile). */
void activation_forward_serial(struct activation a, const real *x, real *y, size_t n);

/* True when f is a line on each side of 0, with slope 1 on the right; *left: that on the left. */
bool activation_two_lines(struct activation a, real *left);

/* True when the derivative can be found from the output y alone (so that x need not be kept). */
bool activation_from_output(struct activation a);

/* dx[i] = dy[i]·f'(·): from y when activation_from_output, else from x (the other may be NULL). dx == dy allowed. */
void activation_backward(struct activation a, const real *x, const real *y, const real *dy, real *dx, size_t n);
/* The same in the calling thread. */
void activation_backward_serial(struct activation a, const real *x, const real *y, const real *dy, real *dx, size_t n);

#endif
