#include "math/norm_pool.h"

#include "base/simd.h"
#include "math/norm_passes.h"

/* Columns of a row whose places are widened at a time. */
#define COLUMNS 256

SIMD_CLONES static void affine_row(real scale, real shift, const real *restrict x, real *restrict z, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        z[i] = scale * x[i] + shift;
}

/* Of n windows: two rows of the numbers that are compared (a, b) and of what they were made from (xa, xb). The places are found as wide as
 * the numbers, so that one comparison serves both. */
SIMD_CLONES static void maxima(const real *restrict a, const real *restrict b, const real *restrict xa, const real *restrict xb, int n,
                               real *restrict y, real *restrict x_max, uint8_t *restrict place)
{
    int32_t wide[NORM_CHUNK / 4];
    for (int j = 0; j < n; j++) {
        const real a0 = a[2 * j], a1 = a[2 * j + 1], b0 = b[2 * j], b1 = b[2 * j + 1];
        const real u = a0 < a1 ? a1 : a0, v = b0 < b1 ? b1 : b0;
        const int32_t iu = a0 < a1 ? 1 : 0, iv = b0 < b1 ? 3 : 2;
        y[j] = u < v ? v : u;
        wide[j] = u < v ? iv : iu;
    }
    for (int j = 0; j < n; j++) {
        const real a0 = xa[2 * j], a1 = xa[2 * j + 1], b0 = xb[2 * j], b1 = xb[2 * j + 1];
        const real u = wide[j] == 1 ? a1 : a0, v = wide[j] == 3 ? b1 : b0;
        x_max[j] = wide[j] < 2 ? u : v;
    }
    for (int j = 0; j < n; j++)
        place[j] = (uint8_t)wide[j];
}

struct forward {
    struct activation activation;
    const real *x, *scale, *shift;
    int c, h, w;
    const real *mean, *variance;
    real *y, *x_max;
    uint8_t *place;
};

static void pool_plane(const struct forward *f, int plane)
{
    const int k = plane % f->c;
    const size_t w = (size_t)f->w, half = w / 2;
    real scale, shift, z[NORM_CHUNK];
    norm_fold(f->scale + k, f->shift + k, f->mean + k, f->variance + k, 1, &scale, &shift);
    /* So many pairs of rows at a time, or a piece of one. */
    const int some = 2 * w <= NORM_CHUNK ? (int)(NORM_CHUNK / (2 * w)) : 1;
    const size_t piece = 2 * w <= NORM_CHUNK ? w : NORM_CHUNK / 2;
    for (int row = 0; row < f->h / 2; row += some) {
        const int pairs = f->h / 2 - row < some ? f->h / 2 - row : some;
        const real *x = f->x + ((size_t)plane * (size_t)f->h + 2 * (size_t)row) * w;
        const size_t to = ((size_t)plane * (size_t)(f->h / 2) + (size_t)row) * half;
        if (row + 2 * some <= f->h / 2)
            norm_fetch(x + 2 * (size_t)some * w, 2 * (size_t)some * w);
        for (size_t i = 0; i < w; i += piece) {
            const size_t n = norm_least(piece, w - i), rows = piece == w ? 1 : 2, all = piece == w ? 2 * (size_t)pairs * w : n;
            for (size_t r = 0; r < rows; r++) {
                affine_row(scale, shift, x + r * w + i, z + r * n, all);
                activation_forward_serial(f->activation, z + r * n, z + r * n, all);
            }
            for (size_t r = 0; r < (size_t)pairs; r++)
                maxima(z + 2 * r * n, z + (2 * r + 1) * n, x + 2 * r * w + i, x + (2 * r + 1) * w + i, (int)(n / 2),
                       f->y + to + r * half + i / 2, f->x_max + to + r * half + i / 2, f->place + to + r * half + i / 2);
        }
    }
}

void norm_pool_forward(struct activation a, const real *x, int n, int c, int h, int w, const real *scale, const real *shift, bool known,
                       real *mean, real *variance, real *y, real *x_max, uint8_t *place, void *scratch)
{
    const struct forward f = {a, x, scale, shift, c, h, w, mean, variance, y, x_max, place};
    const size_t s = (size_t)h * (size_t)w;
    const double count = (double)n * (double)s;
    double *pair = scratch;
    if (!known && norm_by_channel(n, c, s)) {
#pragma omp parallel for schedule(static)
        for (int k = 0; k < c; k++) {
            double sum[2];
            for (int plane = k; plane < n * c; plane += c)
                norm_plane_moments(x + (size_t)plane * s, s, pair + 2 * (size_t)plane);
            norm_add_pairs(pair, n, c, k, sum);
            norm_set_statistics(sum, count, mean + k, variance + k);
            for (int plane = k; plane < n * c; plane += c)
                pool_plane(&f, plane);
        }
        return;
    }
    if (!known) {
#pragma omp parallel for schedule(static)
        for (int plane = 0; plane < n * c; plane++)
            norm_plane_moments(x + (size_t)plane * s, s, pair + 2 * (size_t)plane);
        norm_statistics(pair, n, c, count, mean, variance);
    }
#pragma omp parallel for schedule(static)
    for (int plane = 0; plane < n * c; plane++)
        pool_plane(&f, plane);
}

/* One row of dx = g·factor (where x was the maximum) + (x − mean)·slope + constant. even and odd: the places of this row's columns in a
 * window. */
SIMD_CLONES static void spread(const real *restrict g, const uint8_t *restrict place, int even, int odd, const real *restrict x,
                               real factor, real slope, real mean, real constant, int n, real *restrict dx)
{
    for (int i = 0; i < n; i += COLUMNS / 2, g += COLUMNS / 2, place += COLUMNS / 2, x += COLUMNS, dx += COLUMNS) {
        int32_t wide[COLUMNS / 2];
        const int count = n - i < COLUMNS / 2 ? n - i : COLUMNS / 2;
        for (int j = 0; j < count; j++)
            wide[j] = place[j];
#pragma omp simd
        for (int j = 0; j < count; j++) {
            const real t = g[j] * factor, e = wide[j] == even ? t : 0, o = wide[j] == odd ? t : 0;
            dx[2 * j] = e + ((x[2 * j] - mean) * slope + constant);
            dx[2 * j + 1] = o + ((x[2 * j + 1] - mean) * slope + constant);
        }
    }
}

static void spread_plane(const struct norm_backward *b, const struct norm_channel *k, const real *x, const uint8_t *place, int plane, int h,
                         int w, real *dx)
{
    const size_t row_size = (size_t)w, half = row_size / 2;
    const real slope = -k->along * k->factor, mean = b->mean[plane % b->c], constant = -k->offset * k->factor;
    for (int row = 0; row < h / 2; row++) {
        const size_t at = ((size_t)plane * (size_t)h + 2 * (size_t)row) * row_size;
        const size_t from = ((size_t)plane * (size_t)(h / 2) + (size_t)row) * half;
        if (row + 1 < h / 2)
            norm_fetch(x + at + 2 * row_size, 2 * row_size);
        spread(b->dy + from, place + from, 0, 1, x + at, k->factor, slope, mean, constant, (int)half, dx + at);
        spread(b->dy + from, place + from, 2, 3, x + at + row_size, k->factor, slope, mean, constant, (int)half, dx + at + row_size);
    }
}

void norm_pool_backward(struct activation a, bool through_statistics, const real *x, const real *x_max, const uint8_t *place, const real *y,
                        const real *scale, const real *shift, const real *mean, const real *variance, int n, int c, int h, int w, real *dy,
                        real *dx, real *dscale, real *dshift, void *scratch)
{
    const size_t s = (size_t)h * (size_t)w;
    const struct norm_backward b = {a,     through_statistics,    true, x_max,  y,     scale, shift, mean, variance, n, c,
                                    s / 4, (double)n * (double)s, dy,   dscale, dshift};
    double *pair = scratch;
    if (norm_by_channel(n, c, s)) {
#pragma omp parallel for schedule(static)
        for (int k = 0; k < c; k++) {
            double sum[2];
            for (int plane = k; plane < n * c; plane += c)
                norm_first_pass(&b, plane, pair + 2 * (size_t)plane);
            norm_add_pairs(pair, n, c, k, sum);
            const struct norm_channel channel = norm_channel_after(&b, k, sum);
            for (int plane = k; plane < n * c; plane += c)
                spread_plane(&b, &channel, x, place, plane, h, w, dx);
        }
        return;
    }
#pragma omp parallel for schedule(static)
    for (int plane = 0; plane < n * c; plane++)
        norm_first_pass(&b, plane, pair + 2 * (size_t)plane);
    struct norm_channel *channel = (struct norm_channel *)(pair + 2 * (size_t)n * (size_t)c);
    for (int k = 0; k < c; k++) {
        double sum[2];
        norm_add_pairs(pair, n, c, k, sum);
        channel[k] = norm_channel_after(&b, k, sum);
    }
#pragma omp parallel for schedule(static)
    for (int plane = 0; plane < n * c; plane++)
        spread_plane(&b, &channel[plane % c], x, place, plane, h, w, dx);
}
