#include "math/scale.h"

#include "base/simd.h"

/* dy·x of a plane, in double. */
SIMD_CLONES static double dot(const real *x, const real *y, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

void scale_planes_forward(const real *s, const real *x, real *y, size_t planes, size_t plane)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++)
        for (size_t i = p * plane; i < (p + 1) * plane; i++)
            y[i] = s[p] * x[i];
}

void scale_planes_backward(const real *s, const real *x, const real *dy, real *ds, real *dx, size_t planes, size_t plane)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        if (ds)
            ds[p] += (real)dot(dy + p * plane, x + p * plane, plane);
        for (size_t i = p * plane; dx && i < (p + 1) * plane; i++)
            dx[i] += s[p] * dy[i];
    }
}

void scale_places_forward(const real *s, const real *x, real *y, int n, int c, size_t plane)
{
    const size_t planes = (size_t)n * (size_t)c;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const real *factor = s + p / (size_t)c * plane;
        for (size_t i = 0; i < plane; i++)
            y[p * plane + i] = factor[i] * x[p * plane + i];
    }
}

void scale_places_backward(const real *s, const real *x, const real *dy, real *ds, real *dx, int n, int c, size_t plane)
{
#pragma omp parallel for schedule(static)
    for (int b = 0; b < n; b++) {
        const size_t image = (size_t)b * plane;
        for (int k = 0; k < c; k++) {
            const size_t at = ((size_t)b * (size_t)c + (size_t)k) * plane;
            for (size_t i = 0; ds && i < plane; i++)
                ds[image + i] += dy[at + i] * x[at + i];
            for (size_t i = 0; dx && i < plane; i++)
                dx[at + i] += s[image + i] * dy[at + i];
        }
    }
}
