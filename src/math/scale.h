/* scale: products of an array with one of fewer dimensions. In parallel over planes or images. */
#ifndef DLNET_MATH_SCALE_H
#define DLNET_MATH_SCALE_H

#include <stddef.h>

#include "base/real.h"

/* y[p][i] = s[p]·x[p][i], a factor a plane. */
void scale_planes_forward(const real *s, const real *x, real *y, size_t planes, size_t plane);
/* ds[p] += Σ dy·x, dx += s·dy; ds and dx may be NULL. */
void scale_planes_backward(const real *s, const real *x, const real *dy, real *ds, real *dx, size_t planes, size_t plane);

/* y[b][k][i] = s[b][i]·x[b][k][i], a factor a place, for all channels. */
void scale_places_forward(const real *s, const real *x, real *y, int n, int c, size_t plane);
void scale_places_backward(const real *s, const real *x, const real *dy, real *ds, real *dx, int n, int c, size_t plane);

#endif
