/* activation: functions of one number. */
#ifndef DLNET_MATH_ACTIVATION_H
#define DLNET_MATH_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

enum activation {
    ACTIVATION_LINEAR,
    ACTIVATION_LOGISTIC,
    ACTIVATION_TANH,
    ACTIVATION_RELU,
    ACTIVATION_LEAKY,
    ACTIVATION_SWISH,
    ACTIVATION_MISH,
    ACTIVATION_ELU,
    ACTIVATION_SELU,
    ACTIVATION_RELU6,
};

/* Names in the order of the enum, NULL at the end: the choices of an option table. */
extern const char *const activation_names[];

/* y[i] = f(x[i]); x == y allowed. In parallel over fixed tiles. */
void activation_forward(enum activation a, const real *x, real *y, size_t n);
/* The same in the calling thread (inside a kernel's tile). */
void activation_forward_serial(enum activation a, const real *x, real *y, size_t n);

/* True when f is a line on each side of 0, with slope 1 on the right; *left: that on the left. */
bool activation_two_lines(enum activation a, real *left);

/* True when the derivative can be found from the output y alone (so that x need not be kept). */
bool activation_from_output(enum activation a);

/* dx[i] = dy[i]·f'(·): from y when activation_from_output, else from x (the other may be NULL). dx == dy allowed. */
void activation_backward(enum activation a, const real *x, const real *y, const real *dy, real *dx, size_t n);
/* The same in the calling thread. */
void activation_backward_serial(enum activation a, const real *x, const real *y, const real *dy, real *dx, size_t n);

#endif
