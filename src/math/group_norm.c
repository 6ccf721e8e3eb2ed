#include "math/group_norm.h"

#include <math.h>

#include "base/simd.h"

SIMD_CLONES static double sum_of(const real *x, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return sum;
}

SIMD_CLONES static double squares_around(const real *x, double mean, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sum;
}

/* pair = Σ g, Σ g·(x − mean). */
SIMD_CLONES static void products(const real *x, const real *g, double mean, size_t n, double pair[2])
{
    double sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (size_t i = 0; i < n; i++) {
        sum += (double)g[i];
        product += (double)g[i] * ((double)x[i] - mean);
    }
    pair[0] = sum;
    pair[1] = product;
}

SIMD_CLONES static void map_channel(const real *x, real mean, real factor, real shift, real *y, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * factor + shift;
}

/* dx = factor·g − offset − along·(x − mean). */
SIMD_CLONES static void combine(const real *x, const real *g, real mean, real factor, real offset, real along, real *dx, bool overwrite,
                                size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        const real d = factor * g[i] - offset - along * (x[i] - mean);
        dx[i] = overwrite ? d : dx[i] + d;
    }
}

static int group_channels(const struct group_shape *g)
{
    return g->c / g->groups;
}

/* First channel, counted over all images, of group i of all. */
static size_t first_channel(const struct group_shape *g, int i)
{
    return (size_t)i * (size_t)group_channels(g);
}

void group_norm_forward(const struct group_shape *g, const real *x, const real *scale, const real *shift, real *y, double *statistics)
{
    const int channels = group_channels(g);
    const size_t size = (size_t)channels * g->s;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < g->n * g->groups; i++) {
        const size_t first = first_channel(g, i);
        const double mean = sum_of(x + first * g->s, size) / (double)size;
        const double root = 1 / sqrt(squares_around(x + first * g->s, mean, size) / (double)size + NORM_EPSILON);
        statistics[2 * i] = mean;
        statistics[2 * i + 1] = root;
        for (int j = 0; j < channels; j++) {
            const size_t plane = first + (size_t)j, k = plane % (size_t)g->c;
            map_channel(x + plane * g->s, (real)mean, (real)((double)scale[k] * root), shift[k], y + plane * g->s, g->s);
        }
    }
}

size_t group_norm_scratch(const struct group_shape *g)
{
    return 2 * (size_t)g->n * (size_t)g->c;
}

/* With xn = (x − mean)·root and g = scale·dy: dx = root·(g − mean(g) − xn·mean(g·xn)), the means over the group. */
static void backward_group(const struct group_shape *g, int i, const real *x, const real *dy, const real *scale, const double statistics[2],
                           real *dx, bool overwrite, double *pair)
{
    const int channels = group_channels(g);
    const size_t first = first_channel(g, i);
    const double mean = statistics[0], root = statistics[1], count = (double)channels * (double)g->s;
    double sum = 0, product = 0;
    for (int j = 0; j < channels; j++) {
        const size_t plane = first + (size_t)j;
        const double factor = (double)scale[plane % (size_t)g->c];
        products(x + plane * g->s, dy + plane * g->s, mean, g->s, pair + 2 * plane);
        sum += factor * pair[2 * plane];
        product += factor * pair[2 * plane + 1];
    }
    const real offset = (real)(root * sum / count), along = (real)(root * root * root * product / count);
    for (int j = 0; j < channels && dx; j++) {
        const size_t plane = first + (size_t)j;
        combine(x + plane * g->s, dy + plane * g->s, (real)mean, (real)((double)scale[plane % (size_t)g->c] * root), offset, along,
                dx + plane * g->s, overwrite, g->s);
    }
}

void group_norm_backward(const struct group_shape *g, const real *x, const real *dy, const real *scale, const double *statistics, real *dx,
                         bool overwrite, real *dscale, real *dshift, double *scratch)
{
#pragma omp parallel for schedule(static)
    for (int i = 0; i < g->n * g->groups; i++)
        backward_group(g, i, x, dy, scale, statistics + 2 * (size_t)i, dx, overwrite, scratch);
    for (int k = 0; k < g->c; k++)
        for (int b = 0; b < g->n; b++) {
            const size_t plane = (size_t)b * (size_t)g->c + (size_t)k;
            const size_t i = plane / (size_t)group_channels(g);
            if (dshift)
                dshift[k] += (real)scratch[2 * plane];
            if (dscale)
                dscale[k] += (real)(scratch[2 * plane + 1] * statistics[2 * i + 1]);
        }
}
