#include "math/standardize.h"

#include "base/parallel.h"
#include "base/simd.h"

/* One image's features begin .. end − 1. */
SIMD_CLONES static void add_vector(const real *x, size_t begin, size_t end, double images, double *mean, double *squares)
{
    const double share = 1 / (images + 1);
    for (size_t k = begin; k < end; k++) {
        const double distance = (double)x[k] - mean[k];
        mean[k] += distance * share;
        squares[k] += distance * ((double)x[k] - mean[k]);
    }
}

/* The s numbers of one image and channel. */
static void add_plane(const real *x, size_t s, double images, double *mean, double *squares)
{
    double own = 0, own_squares = 0;
    for (size_t i = 0; i < s; i++) {
        const double distance = (double)x[i] - own;
        own += distance / (double)(i + 1);
        own_squares += distance * ((double)x[i] - own);
    }
    const double distance = own - *mean;
    *mean += distance / (images + 1);
    *squares += own_squares + distance * distance * (double)s * images / (images + 1);
}

void standardize_add(const real *x, int n, int c, size_t s, double images, double *mean, double *squares)
{
    const int tiles = s > 1 ? c : parallel_tiles((size_t)c * 64);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range((size_t)c, tile, tiles, &begin, &end);
        for (int i = 0; i < n; i++) {
            const real *image = x + (size_t)i * (size_t)c * s;
            if (s == 1)
                add_vector(image, begin, end, images + i, mean, squares);
            for (size_t k = begin; k < end && s > 1; k++)
                add_plane(image + k * s, s, images + i, &mean[k], &squares[k]);
        }
    }
}

SIMD_CLONES static void forward_vector(const real *x, size_t c, const real *mean, const real *deviation, real *y)
{
    for (size_t k = 0; k < c; k++)
        y[k] = (x[k] - mean[k]) / (deviation[k] > 0 ? deviation[k] : 1);
}

SIMD_CLONES static void forward_plane(const real *x, size_t s, real mean, real deviation, real *y)
{
    for (size_t i = 0; i < s; i++)
        y[i] = (x[i] - mean) / deviation;
}

void standardize_forward(const real *x, int n, int c, size_t s, const real *mean, const real *deviation, real *y)
{
    const size_t features = (size_t)c, planes = (size_t)n * features;
    if (s == 1) {
#pragma omp parallel for schedule(static) if (planes > 16384)
        for (int i = 0; i < n; i++)
            forward_vector(x + (size_t)i * features, features, mean, deviation, y + (size_t)i * features);
        return;
    }
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const real d = deviation[p % features];
        forward_plane(x + p * s, s, mean[p % features], d > 0 ? d : 1, y + p * s);
    }
}

SIMD_CLONES static void backward_vector(const real *dy, size_t c, const real *deviation, real *dx, bool overwrite)
{
    for (size_t k = 0; k < c; k++)
        dx[k] = (overwrite ? 0 : dx[k]) + dy[k] / (deviation[k] > 0 ? deviation[k] : 1);
}

SIMD_CLONES static void backward_plane(const real *dy, size_t s, real deviation, real *dx, bool overwrite)
{
    for (size_t i = 0; i < s; i++)
        dx[i] = (overwrite ? 0 : dx[i]) + dy[i] / deviation;
}

void standardize_backward(const real *dy, int n, int c, size_t s, const real *deviation, real *dx, bool overwrite)
{
    const size_t features = (size_t)c, planes = (size_t)n * features;
    if (s == 1) {
#pragma omp parallel for schedule(static) if (planes > 16384)
        for (int i = 0; i < n; i++)
            backward_vector(dy + (size_t)i * features, features, deviation, dx + (size_t)i * features, overwrite);
        return;
    }
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const real d = deviation[p % features];
        backward_plane(dy + p * s, s, d > 0 ? d : 1, dx + p * s, overwrite);
    }
}
