/* softmax: over rows of k numbers that lie `step` apart. The array is outer × k × step: row (o, s) is x[(o·k + i)·step + s], i = 0 .. k−1.
 * step 1: contiguous groups; step h·w: over the channels of each pixel. In parallel over fixed tiles of rows. */
#ifndef DLNET_MATH_SOFTMAX_H
#define DLNET_MATH_SOFTMAX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

/* y = e^((x − max)/temperature) / Σ of the row. x == y allowed. */
void softmax_forward(const real *x, real *y, size_t outer, int k, size_t step, real temperature);

/* dx += (or =) y·(dy − Σ y·dy) / temperature: the Jacobian's product. */
void softmax_backward(const real *y, const real *dy, real *dx, size_t outer, int k, size_t step, real temperature, bool overwrite);

/* Cross-entropy of logits z = x/temperature with targets t of any sum: Σ over the rows of Σ t·(log Σ e^z − z), exactly (log-sum-exp, sums
 * in double in a fixed order). */
double softmax_cross_entropy(const real *x, const real *t, size_t outer, int k, size_t step, real temperature);

/* scale times its gradient by x: dx += (or =) scale·(y·Σt − t) / temperature. */
void softmax_cross_entropy_backward(const real *y, const real *t, real scale, real *dx, size_t outer, int k, size_t step, real temperature,
                                    bool overwrite);

#endif
