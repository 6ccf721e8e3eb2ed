#include "math/norm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/simd.h"

/* When a channel has one number an image (s == 1), rows of this many channels are worked on together. */
#define COLUMNS 64
/* Numbers that are worked on while they are in the first-level cache. */
#define CHUNK 1024

static inline size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- the map ---- */

SIMD_CLONES static void affine(real scale, real shift, const real *x, real *y, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = scale * x[i] + shift;
}

/* scale and shift (NULL: 0) for each number. */
SIMD_CLONES static void affine_columns(const real *scale, const real *shift, const real *x, real *y, size_t n)
{
    if (shift) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = scale[i] * x[i] + shift[i];
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = scale[i] * x[i];
    }
}

SIMD_CLONES static void add_columns(const real *shift, const real *x, real *y, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] + shift[i];
}

static void map_row(const struct channel_map *map, int channel, const real *x, real *y, size_t n)
{
    const real scale = map->scale ? map->scale[channel] : 1, shift = map->shift ? map->shift[channel] : 0;
    if (!map->scale && !map->shift) {
        activation_forward_serial(map->activation, x, y, n);
        return;
    }
    for (size_t i = 0; i < n; i += CHUNK) {
        const size_t count = least(CHUNK, n - i);
        affine(scale, shift, x + i, y + i, count);
        activation_forward_serial(map->activation, y + i, y + i, count);
    }
}

void norm_map_rows(const struct channel_map *map, int first, int rows, size_t cols, real *y, size_t ld)
{
    if (!map || (!map->scale && !map->shift && map->activation == ACTIVATION_LINEAR))
        return;
    for (int k = 0; k < rows; k++)
        map_row(map, first + k, y + (size_t)k * ld, y + (size_t)k * ld, cols);
}

static void map_columns(const struct channel_map *map, int first, size_t n, const real *x, real *y)
{
    if (map->scale)
        affine_columns(map->scale + first, map->shift ? map->shift + first : NULL, x, y, n);
    else if (map->shift)
        add_columns(map->shift + first, x, y, n);
    activation_forward_serial(map->activation, map->scale || map->shift ? y : x, y, n);
}

void norm_map(const struct channel_map *map, const real *x, int n, int c, size_t s, real *y)
{
    if (!map->scale && !map->shift) {
        activation_forward(map->activation, x, y, (size_t)n * (size_t)c * s);
        return;
    }
    if (s == 1) {
        const int blocks = (c + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static)
        for (int job = 0; job < n * blocks; job++) {
            const int first = job % blocks * CHUNK;
            const size_t at = (size_t)(job / blocks) * (size_t)c + (size_t)first;
            map_columns(map, first, least(CHUNK, (size_t)(c - first)), x + at, y + at);
        }
        return;
    }
#pragma omp parallel for schedule(static)
    for (int plane = 0; plane < n * c; plane++)
        map_row(map, plane % c, x + (size_t)plane * s, y + (size_t)plane * s, s);
}

void norm_fold(const real *scale, const real *shift, const real *mean, const real *variance, int c, real *out_scale, real *out_shift)
{
    for (int k = 0; k < c; k++) {
        const double factor = (double)scale[k] / sqrt((double)variance[k] + NORM_EPSILON);
        out_scale[k] = (real)factor;
        out_shift[k] = (real)((shift ? (double)shift[k] : 0) - (double)mean[k] * factor);
    }
}

/* ---- statistics ---- */

SIMD_CLONES static void moments(const real *x, size_t n, double out[2])
{
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum, squares)
    for (size_t i = 0; i < n; i++) {
        const double v = (double)x[i];
        sum += v;
        squares += v * v;
    }
    out[0] = sum;
    out[1] = squares;
}

/* out: a pair for each of the `count` columns. */
SIMD_CLONES static void column_moments(const real *x, int n, size_t c, size_t count, double *out)
{
    double sum[COLUMNS] = {0}, squares[COLUMNS] = {0};
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < count; k++) {
            const double v = (double)x[(size_t)i * c + k];
            sum[k] += v;
            squares[k] += v * v;
        }
    for (size_t k = 0; k < count; k++) {
        out[2 * k] = sum[k];
        out[2 * k + 1] = squares[k];
    }
}

size_t norm_scratch_bytes(int n, int c, size_t s)
{
    return 2 * sizeof(double) * (size_t)c * (s == 1 ? 1 : (size_t)n);
}

/* The pairs of a channel's planes, added in order of the images. */
static void add_pairs(const double *pair, int images, int c, int k, double out[2])
{
    out[0] = out[1] = 0;
    for (int i = 0; i < images; i++) {
        out[0] += pair[2 * ((size_t)i * (size_t)c + (size_t)k)];
        out[1] += pair[2 * ((size_t)i * (size_t)c + (size_t)k) + 1];
    }
}

void norm_statistics(const real *x, int n, int c, size_t s, real *mean, real *variance, void *scratch)
{
    double *pair = scratch;
    const double count = (double)n * (double)s;
    if (s == 1) {
        const int blocks = (c + COLUMNS - 1) / COLUMNS;
#pragma omp parallel for schedule(static)
        for (int b = 0; b < blocks; b++)
            column_moments(x + b * COLUMNS, n, (size_t)c, least(COLUMNS, (size_t)(c - b * COLUMNS)), pair + 2 * (size_t)b * COLUMNS);
    } else {
#pragma omp parallel for schedule(static)
        for (int plane = 0; plane < n * c; plane++)
            moments(x + (size_t)plane * s, s, pair + 2 * (size_t)plane);
    }
    for (int k = 0; k < c; k++) {
        double sum[2];
        add_pairs(pair, s == 1 ? 1 : n, c, k, sum);
        const double m = sum[0] / count, v = sum[1] / count - m * m;
        mean[k] = (real)m;
        variance[k] = (real)(v > 0 ? v : 0); /* rounding may leave a constant channel below 0 */
    }
}

void norm_update_running(const real *mean, const real *variance, int c, double count, double momentum, real *running_mean,
                         real *running_variance)
{
    const double unbiased = count > 1 ? count / (count - 1) : 1;
    for (int k = 0; k < c; k++) {
        running_mean[k] = (real)((1 - momentum) * (double)running_mean[k] + momentum * (double)mean[k]);
        running_variance[k] = (real)((1 - momentum) * (double)running_variance[k] + momentum * unbiased * (double)variance[k]);
    }
}

/* ---- backward ---- */

struct backward {
    enum activation activation;
    const real *x, *out, *scale, *shift, *mean, *variance;
    int n, c;
    size_t s;
    real *dy;
};

SIMD_CLONES static void products(const real *x, const real *dy, double mean, size_t n, double out[2])
{
    double sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (size_t i = 0; i < n; i++) {
        sum += (double)dy[i];
        product += (double)dy[i] * ((double)x[i] - mean);
    }
    out[0] += sum;
    out[1] += product;
}

SIMD_CLONES static void column_products(const real *x, const real *dy, const real *mean, size_t n, double *sum, double *product)
{
    for (size_t k = 0; k < n; k++) {
        sum[k] += (double)dy[k];
        product[k] += (double)dy[k] * ((double)x[k] - (double)mean[k]);
    }
}

/* dx = (dy − offset − slope·(x − mean))·factor in place. */
SIMD_CLONES static void combine(const real *x, real *dy, real mean, real factor, real offset, real along, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dy[i] = (dy[i] - offset - along * (x[i] - mean)) * factor;
}

SIMD_CLONES static void combine_columns(const real *x, real *dy, const real *mean, const real *factor, const real *offset,
                                        const real *along, size_t n)
{
#pragma omp simd
    for (size_t k = 0; k < n; k++)
        dy[k] = (dy[k] - offset[k] - along[k] * (x[k] - mean[k])) * factor[k];
}

static double root(const struct backward *b, int k)
{
    return 1 / sqrt((double)b->variance[k] + NORM_EPSILON);
}

/* First pass over one plane: dy becomes the gradient before the activation; pair = Σ dy, Σ dy·(x − mean). */
static void first_pass(const struct backward *b, int plane, double *pair)
{
    const int k = plane % b->c;
    const real factor = (real)((double)b->scale[k] * root(b, k)), shift = (real)((double)b->shift[k] - (double)b->mean[k] * (double)factor);
    const size_t at = (size_t)plane * b->s;
    const bool from_out = activation_from_output(b->activation);
    pair[0] = pair[1] = 0;
    for (size_t i = 0; i < b->s; i += CHUNK) {
        const size_t count = least(CHUNK, b->s - i), j = at + i;
        if (b->activation != ACTIVATION_LINEAR) {
            real before[CHUNK];
            if (!from_out)
                affine(factor, shift, b->x + j, before, count);
            activation_backward_serial(b->activation, before, from_out ? b->out + j : NULL, b->dy + j, b->dy + j, count);
        }
        products(b->x + j, b->dy + j, (double)b->mean[k], count, pair);
    }
}

/* The same for the channels first .. first + count − 1 of all images, when s == 1. */
static void first_pass_columns(const struct backward *b, int first, size_t count, double *pair)
{
    const bool from_out = activation_from_output(b->activation);
    real factor[COLUMNS], shift[COLUMNS], before[COLUMNS];
    norm_fold(b->scale + first, b->shift + first, b->mean + first, b->variance + first, (int)count, factor, shift);
    double sum[COLUMNS] = {0}, product[COLUMNS] = {0};
    for (int i = 0; i < b->n; i++) {
        const size_t at = (size_t)i * (size_t)b->c + (size_t)first;
        if (b->activation != ACTIVATION_LINEAR) {
            if (!from_out)
                affine_columns(factor, shift, b->x + at, before, count);
            activation_backward_serial(b->activation, before, from_out ? b->out + at : NULL, b->dy + at, b->dy + at, count);
        }
        column_products(b->x + at, b->dy + at, b->mean + first, count, sum, product);
    }
    for (size_t k = 0; k < count; k++) {
        pair[2 * k] = sum[k];
        pair[2 * k + 1] = product[k];
    }
}

static void backward(const struct backward *b, bool through_statistics, real *dscale, real *dshift, double *pair)
{
    const int n = b->n, c = b->c, blocks = (c + COLUMNS - 1) / COLUMNS;
    const size_t s = b->s;
    if (s == 1) {
#pragma omp parallel for schedule(static)
        for (int block = 0; block < blocks; block++)
            first_pass_columns(b, block * COLUMNS, least(COLUMNS, (size_t)(c - block * COLUMNS)), pair + 2 * (size_t)block * COLUMNS);
    } else {
#pragma omp parallel for schedule(static)
        for (int plane = 0; plane < n * c; plane++)
            first_pass(b, plane, pair + 2 * (size_t)plane);
    }
    /* The totals go to the first image's pairs: all that the second pass needs. */
    for (int k = 0; k < c; k++) {
        double total[2];
        add_pairs(pair, s == 1 ? 1 : n, c, k, total);
        pair[2 * k] = total[0];
        pair[2 * k + 1] = total[1];
        if (dshift)
            dshift[k] += (real)total[0];
        if (dscale)
            dscale[k] += (real)(total[1] * root(b, k));
    }
    const double share = through_statistics ? 1 / ((double)n * (double)s) : 0;
    if (s == 1) {
#pragma omp parallel for schedule(static)
        for (int block = 0; block < blocks; block++) {
            const int first = block * COLUMNS;
            const size_t count = least(COLUMNS, (size_t)(c - first));
            real factor[COLUMNS], offset[COLUMNS], along[COLUMNS];
            for (size_t k = 0; k < count; k++) {
                const double r = root(b, first + (int)k);
                factor[k] = (real)((double)b->scale[first + (int)k] * r);
                offset[k] = (real)(pair[2 * ((size_t)first + k)] * share);
                along[k] = (real)(pair[2 * ((size_t)first + k) + 1] * share * r * r);
            }
            for (int i = 0; i < n; i++) {
                const size_t at = (size_t)i * (size_t)c + (size_t)first;
                combine_columns(b->x + at, b->dy + at, b->mean + first, factor, offset, along, count);
            }
        }
        return;
    }
#pragma omp parallel for schedule(static)
    for (int plane = 0; plane < n * c; plane++) {
        const int k = plane % c;
        const double r = root(b, k);
        combine(b->x + (size_t)plane * s, b->dy + (size_t)plane * s, b->mean[k], (real)((double)b->scale[k] * r),
                (real)(pair[2 * k] * share), (real)(pair[2 * k + 1] * share * r * r), s);
    }
}

void norm_backward(enum activation a, bool through_statistics, const real *x, const real *out, const real *scale, const real *shift,
                   const real *mean, const real *variance, int n, int c, size_t s, real *dy, real *dscale, real *dshift, void *scratch)
{
    const struct backward b = {a, x, out, scale, shift, mean, variance, n, c, s, dy};
    backward(&b, through_statistics, dscale, dshift, scratch);
}
