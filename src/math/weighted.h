/* weighted: learnt sums y = Σ a_i·x_i of m arrays, the factors a being normalised weights. In parallel over planes. */
#ifndef DLNET_MATH_WEIGHTED_H
#define DLNET_MATH_WEIGHTED_H

#include <stddef.h>

#include "base/real.h"

/* How weights w become factors a, over the m weights of a column:
 * PLAIN a = w; RELU a = max(w, 0) / (ε + Σ max(w, 0)); SOFTMAX a = e^(w − max) / (ε + Σ e^(w − max)); ε = 1e-4 (AlexeyAB's). */
enum weighted_kind { WEIGHTED_PLAIN, WEIGHTED_RELU, WEIGHTED_SOFTMAX };

/* w and a are m × columns. */
void weighted_factors(enum weighted_kind kind, const real *w, real *a, int m, int columns);
/* dw += the derivative through weighted_factors of the gradient g by a (m × columns). */
void weighted_factors_backward(enum weighted_kind kind, const real *w, const real *a, const double *g, real *dw, int m, int columns);

/* An array of n × c × plane numbers. */
struct weighted_input {
    const real *x;
    real *dx; /* NULL: no gradient wanted */
    int c;    /* channels; what y has more than these gets nothing from x */
};

/* y (n × c × plane) = Σ a[i][column]·in[i].x; column: the channel when columns is c, 0 when it is 1. */
void weighted_sum_forward(const struct weighted_input *in, int m, const real *a, int columns, real *y, int n, int c, size_t plane);

/* in[i].dx += a·dy, and g[i][channel] = Σ dy·in[i].x over images and places (m × c numbers, set). */
void weighted_sum_backward(const struct weighted_input *in, int m, const real *a, int columns, const real *dy, double *g, int n, int c,
                           size_t plane);

#endif
