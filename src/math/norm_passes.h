/* norm_passes: the passes that norm.c and norm_pool.c put together. */
#ifndef DLNET_MATH_NORM_PASSES_H
#define DLNET_MATH_NORM_PASSES_H

#include <stdbool.h>

#include "math/norm.h"

/* Numbers that are worked on while they are in the first-level cache. */
#define NORM_CHUNK 1024

static inline size_t norm_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Asks memory for n numbers that are soon to be read: the passes read one array after the other, chunk by chunk, and would wait for each.
 */
static inline void norm_fetch(const real *x, size_t n)
{
    for (size_t i = 0; i < n; i += 64 / sizeof(real))
        __builtin_prefetch(x + i, 0, 2);
}

/* Whether a channel's two arrays fit in the second-level cache, and there are enough channels to share out: then a task takes a channel
 * through all passes. Otherwise the tasks are planes, and every pass goes through memory. */
bool norm_by_channel(int n, int c, size_t s);

/* Σ x and Σ x² of a plane. */
void norm_plane_moments(const real *x, size_t n, double out[2]);
/* The pairs of a channel's planes, added in order of the images. */
void norm_add_pairs(const double *pair, int images, int c, int k, double out[2]);
void norm_set_statistics(const double sum[2], double count, real *mean, real *variance);

/* What the second pass needs to know of a channel: dx = (g − offset − along·(x − mean))·factor, g being the gradient before the activation.
 */
struct norm_channel {
    real factor, offset, along;
    real before; /* x·factor + before is what stood before the activation */
};

struct norm_backward {
    struct activation activation;
    bool through_statistics, in_place; /* in_place: the first pass leaves g in dy in any case */
    const real *x, *y, *scale, *shift, *mean, *variance;
    int n, c;
    size_t s;
    double count; /* numbers that the statistics are of */
    real *dy, *dscale, *dshift;
};

/* Σ g and Σ g·(x − mean) of a plane. */
void norm_first_pass(const struct norm_backward *b, int plane, double pair[2]);
/* These sums of a channel are known: adds to its gradients and prepares the second pass. */
struct norm_channel norm_channel_after(const struct norm_backward *b, int k, const double sum[2]);

#endif
