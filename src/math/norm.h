/* norm: batch normalisation (Ioffe and Szegedy 2015), and the map per channel that it ends in. Arrays are n × c × s: s numbers (h·w) a
 * channel. */
#ifndef DLNET_MATH_NORM_H
#define DLNET_MATH_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"
#include "math/activation.h"

#define NORM_EPSILON 1e-5 /* inside the root */

/* y = f(scale[k]·x + shift[k]) for channel k. NULL: scale 1, shift 0.
 * What follows is for convolutions only. Those of which conv_joins says so: where residual isn't NULL, y = g(f(…) + residual), an array of
 * y's shape, with g(z) = z for z > 0, else residual_slope·z. Those that have conv_parts: moments. */
struct channel_map {
    const real *scale, *shift;
    struct activation activation;
    const real *residual;
    real residual_slope;
    double *moments; /* not NULL: receives Σ y and Σ y² as [part][channel][2], of the parts that conv_parts counts */
};

/* In parallel over n × c × s; x == y allowed. */
void norm_map(const struct channel_map *map, const real *x, int n, int c, size_t s, real *y);
/* Channels first .. first + rows − 1, one row of `cols` each, row stride ld, in the calling thread and in place. map may be NULL: nothing.
 */
void norm_map_rows(const struct channel_map *map, int first, int rows, size_t cols, real *y, size_t ld);

/* Bytes of scratch that norm_forward and norm_backward need. */
size_t norm_scratch_bytes(int n, int c, size_t s);

/* mean[c] and variance[c] (over N = n·s) of x, and y = f(scale·(x − mean)/√(variance + ε) + shift). */
void norm_forward(struct activation a, const real *x, int n, int c, size_t s, const real *scale, const real *shift, real *mean,
                  real *variance, real *y, void *scratch);

/* Whether norm_forward would read x twice from memory: then its statistics are better taken where x is made (channel_map.moments). */
bool norm_reads_twice(int n, int c, size_t s);
/* Adds Σ x and Σ x² of the first n numbers of some rows, which are ld apart, in the calling thread. */
void norm_add_moments(const real *x, size_t ld, int rows, size_t n, double sum[2]);
/* mean[c] and variance[c] from pair[part][c][2], those sums, over `count` numbers of a channel in all; parts are added in their order. */
void norm_statistics(const double *pair, int parts, int c, double count, real *mean, real *variance);

/* running = (1 − momentum)·running + momentum·new; the variance over N − 1 (over N when N is 1). */
void norm_update_running(const real *mean, const real *variance, int c, double count, double momentum, real *running_mean,
                         real *running_variance);

/* out_scale = scale / √(variance + ε), out_shift = shift − mean·out_scale: y = out_scale·x + out_shift is the normalised x. shift NULL: 0.
 */
void norm_fold(const real *scale, const real *shift, const real *mean, const real *variance, int c, real *out_scale, real *out_shift);

/* Back through norm_forward. On entry dy is the gradient of y; on return that of x, in place. through_statistics: mean and variance are
 * those of x and move with it; false: constants (running statistics). y: read when norm_reads_output. dscale and dshift are added to (NULL:
 * not wanted). */
void norm_backward(struct activation a, bool through_statistics, const real *x, const real *y, const real *scale, const real *shift,
                   const real *mean, const real *variance, int n, int c, size_t s, real *dy, real *dscale, real *dshift, void *scratch);

/* Whether norm_backward reads y: not where the slope is as easily found from x. */
bool norm_reads_output(struct activation a);

#endif
