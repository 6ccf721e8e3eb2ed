#include "math/weighted.h"

#include <math.h>
#include <string.h>

#include "base/simd.h"

#define EPSILON 1e-4

static double relu(double v)
{
    return v > 0 ? v : 0;
}

/* The largest of a column, and its row. */
static double largest(const real *w, int m, int columns, int column, int *row)
{
    *row = 0;
    for (int i = 1; i < m; i++)
        if (w[*row * columns + column] < w[i * columns + column])
            *row = i;
    return (double)w[*row * columns + column];
}

/* ε + Σ of the column's unnormalised factors. */
static double denominator(enum weighted_kind kind, const real *w, int m, int columns, int column, double max)
{
    double sum = EPSILON;
    for (int i = 0; i < m; i++) {
        const double v = (double)w[i * columns + column];
        sum += kind == WEIGHTED_RELU ? relu(v) : exp(v - max);
    }
    return sum;
}

void weighted_factors(enum weighted_kind kind, const real *w, real *a, int m, int columns)
{
    if (kind == WEIGHTED_PLAIN) {
        memcpy(a, w, (size_t)m * (size_t)columns * sizeof(real));
        return;
    }
    for (int k = 0; k < columns; k++) {
        int row;
        const double max = largest(w, m, columns, k, &row), sum = denominator(kind, w, m, columns, k, max);
        for (int i = 0; i < m; i++) {
            const double v = (double)w[i * columns + k];
            a[i * columns + k] = (real)((kind == WEIGHTED_RELU ? relu(v) : exp(v - max)) / sum);
        }
    }
}

void weighted_factors_backward(enum weighted_kind kind, const real *w, const real *a, const double *g, real *dw, int m, int columns)
{
    for (int k = 0; k < columns; k++) {
        int row;
        const double max = largest(w, m, columns, k, &row);
        const double sum = kind == WEIGHTED_PLAIN ? 1 : denominator(kind, w, m, columns, k, max);
        double mean = 0; /* Σ a·g */
        for (int i = 0; i < m; i++)
            mean += (double)a[i * columns + k] * g[i * columns + k];
        for (int i = 0; i < m; i++) {
            const int at = i * columns + k;
            double d = g[at];
            if (kind == WEIGHTED_RELU)
                d = w[at] > 0 ? (g[at] - mean) / sum : 0;
            else if (kind == WEIGHTED_SOFTMAX) /* the largest weight also moves the maximum, and with it the share of ε */
                d = (double)a[at] * (g[at] - mean) - (i == row ? mean * EPSILON / sum : 0);
            dw[at] += (real)d;
        }
    }
}

SIMD_CLONES static void add_scaled(real a, const real *restrict x, real *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

SIMD_CLONES static double dot(const real *x, const real *y, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

void weighted_sum_forward(const struct weighted_input *in, int m, const real *a, int columns, real *y, int n, int c, size_t plane)
{
    const size_t planes = (size_t)n * (size_t)c;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const size_t b = p / (size_t)c;
        const int k = (int)(p % (size_t)c), column = columns == 1 ? 0 : k;
        memset(y + p * plane, 0, plane * sizeof(real));
        for (int i = 0; i < m; i++)
            if (k < in[i].c)
                add_scaled(a[i * columns + column], in[i].x + (b * (size_t)in[i].c + (size_t)k) * plane, y + p * plane, plane);
    }
}

void weighted_sum_backward(const struct weighted_input *in, int m, const real *a, int columns, const real *dy, double *g, int n, int c,
                           size_t plane)
{
#pragma omp parallel for schedule(static)
    for (int k = 0; k < c; k++) {
        const int column = columns == 1 ? 0 : k;
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int b = 0; k < in[i].c && b < n; b++) {
                const real *from = dy + ((size_t)b * (size_t)c + (size_t)k) * plane;
                const size_t at = ((size_t)b * (size_t)in[i].c + (size_t)k) * plane;
                sum += dot(from, in[i].x + at, plane);
                if (in[i].dx)
                    add_scaled(a[i * columns + column], from, in[i].dx + at, plane);
            }
            g[i * c + k] = sum;
        }
    }
}
