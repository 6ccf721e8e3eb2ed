/* channels: activations of all channels of a pixel, and their length. Arrays are n × c × s: s pixels (h·w) a channel. In parallel over
 * fixed tiles of pixels. */
#ifndef DLNET_MATH_CHANNELS_H
#define DLNET_MATH_CHANNELS_H

#include <stdbool.h>

#include "math/activation.h"

/* Added to the sums of the norm_chan family, as Darknet does. */
#define CHANNELS_EPSILON 1e-4

/* y = f(x); x == y allowed.
 *   softmax:                  e^x / Σ e^x
 *   norm_chan:                max(x, 0) / (ε + Σ max(x, 0))
 *   norm_chan_softmax:        e^x / (ε + Σ e^x)
 *   norm_chan_softmax_maxval: e^(x−m) / (ε + Σ e^(x−m)), m the largest of the pixel */
void channels_forward(struct activation a, const real *x, int n, int c, size_t s, real *y);

/* dx = (or +=) the Jacobian's product with dy, exactly: from y when activation_from_output, else from x (the other may be NULL). dx == dy
 * allowed where it is overwritten. Darknet's own gradients of the norm_chan family are other, and not derivatives. */
void channels_backward(struct activation a, const real *x, const real *y, const real *dy, int n, int c, size_t s, real *dx, bool overwrite);

/* y = x / √Σ x², 0 where all are 0; length: the n × s roots, for backward. */
void channels_unit_forward(const real *x, int n, int c, size_t s, real *y, real *length);
/* dx = (or +=) (dy − y·Σ y·dy) / length. */
void channels_unit_backward(const real *y, const real *length, const real *dy, int n, int c, size_t s, real *dx, bool overwrite);

#endif
