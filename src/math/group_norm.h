/* group_norm: group normalisation (Wu and He 2018), and layer normalisation (Ba, Kiros, Hinton 2016), which is that with one group. The
 * channels of each image are cut into `groups` parts; each is normalised by its own mean and variance: no other image and no running
 * statistics take part. Arrays are n × c × s: s numbers (h·w) a channel. */
#ifndef DLNET_MATH_GROUP_NORM_H
#define DLNET_MATH_GROUP_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"
#include "math/norm.h"

struct group_shape {
    int n, c;
    size_t s;
    int groups; /* a divisor of c */
};

/* y = scale[k]·(x − mean)·root + shift[k] with mean and root = 1 / √(variance + ε), variance over N, of each group. statistics[2·n·groups]:
 * mean and root of each, for backward. */
void group_norm_forward(const struct group_shape *g, const real *x, const real *scale, const real *shift, real *y, double *statistics);

/* Numbers of the scratch below. */
size_t group_norm_scratch(const struct group_shape *g);

/* dx: added to, or overwritten. NULL: not wanted, as dscale[c] and dshift[c], which are added to. */
void group_norm_backward(const struct group_shape *g, const real *x, const real *dy, const real *scale, const double *statistics, real *dx,
                         bool overwrite, real *dscale, real *dshift, double *scratch);

#endif
