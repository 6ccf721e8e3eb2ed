/* loss: of predictions p against targets t, elementwise; each is the integral of its gradient. */
#ifndef DLNET_MATH_LOSS_H
#define DLNET_MATH_LOSS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

enum loss_kind {
    LOSS_SQUARED, /* ½(p − t)², gradient p − t */
    LOSS_MASKED,  /* the same, nothing where t = LOSS_MASK (Darknet's mark of a value that nobody knows) */
    LOSS_SMOOTH,  /* ½d² for |d| < 1, else |d| − ½ (Huber, δ = 1) */
    LOSS_L1,      /* |p − t|, gradient its sign, 0 at 0 */
};

#define LOSS_MASK (-1234)

/* Σ of the losses, in double and in a fixed order. */
double loss_sum(enum loss_kind kind, const real *p, const real *t, size_t n);

/* dp += (or =) scale · d loss / d p. */
void loss_backward(enum loss_kind kind, const real *p, const real *t, real scale, real *dp, size_t n, bool overwrite);

#endif
