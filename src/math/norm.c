#include "math/norm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "math/norm_passes.h"

/* Where planes are small, some neighbouring channels are worked on together: their planes stand side by side in an image, as that many
 * columns of a matrix whose rows are images. */
#define COLUMNS 512
#define LEAST_COLUMNS 64
#define SMALL_PLANE 128
/* Blocks of channels from which on any usual number of threads is kept busy. */
#define BLOCKS 16
#define CHUNK NORM_CHUNK

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
        const size_t count = norm_least(CHUNK, n - i);
        if (i + 2 * CHUNK <= n)
            norm_fetch(x + i + CHUNK, CHUNK);
        affine(scale, shift, x + i, y + i, count);
        activation_forward_serial(map->activation, y + i, y + i, count);
    }
}

void norm_map_rows(const struct channel_map *map, int first, int rows, size_t cols, real *y, size_t ld)
{
    if (!map || (!map->scale && !map->shift && map->activation.kind == ACTIVATION_LINEAR))
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
            map_columns(map, first, norm_least(CHUNK, (size_t)(c - first)), x + at, y + at);
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

/* Of `count` columns of a matrix with `width` ones. */
SIMD_CLONES static void column_moments(const real *restrict x, int n, size_t width, size_t count, double *restrict sum,
                                       double *restrict squares)
{
    memset(sum, 0, count * sizeof(double));
    memset(squares, 0, count * sizeof(double));
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < count; k++) {
            const double v = (double)x[(size_t)i * width + k];
            sum[k] += v;
            squares[k] += v * v;
        }
}

/* to[k] = Σ of the s columns of channel k; to may be x. */
SIMD_CLONES static void add_columns_of_channels(const double *x, size_t s, int channels, double *to)
{
    for (int k = 0; k < channels; k++) {
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = 0; i < s; i++)
            sum += x[(size_t)k * s + i];
        to[k] = sum;
    }
}

/* A channel's number for each of its columns. */
static void repeat(const real *x, size_t s, int channels, real *to)
{
    for (int k = 0; k < channels; k++)
        for (size_t i = 0; i < s; i++)
            to[(size_t)k * s + i] = x[k];
}

size_t norm_scratch_bytes(int n, int c, size_t s)
{
    return (size_t)c * (sizeof(struct norm_channel) + 2 * sizeof(double) * (s == 1 ? 1 : (size_t)n));
}

/* Whether a channel's two arrays fit in the second-level cache, and there are enough channels to share out: then a task takes a channel
 * through all passes. Otherwise the tasks are planes, and every pass goes through memory. */
bool norm_by_channel(int n, int c, size_t s)
{
    return (size_t)n * s <= 1 << 17 && c >= 16;
}

/* Channels of a block whose columns are worked on together; 0: planes are worked on by themselves. */
static int column_channels(int n, int c, size_t s)
{
    if (s > 1 && (s > SMALL_PLANE || !norm_by_channel(n, c, s)))
        return 0;
    const int least = (int)(LEAST_COLUMNS / s), most = (int)(COLUMNS / s), shared = (c + BLOCKS - 1) / BLOCKS;
    return shared > most ? most : shared < least ? least : shared;
}

bool norm_reads_twice(int n, int c, size_t s)
{
    return column_channels(n, c, s) == 0 && !norm_by_channel(n, c, s);
}

struct forward {
    struct activation activation;
    const real *x, *scale, *shift;
    int n, c;
    size_t s;
    real *mean, *variance, *y;
};

/* The statistics of channel k are known: y of one plane. */
static void normalize_plane(const struct forward *f, int plane)
{
    const int k = plane % f->c;
    real scale, shift;
    norm_fold(f->scale + k, f->shift + k, f->mean + k, f->variance + k, 1, &scale, &shift);
    const struct channel_map map = {.scale = &scale, .shift = &shift, .activation = f->activation};
    map_row(&map, 0, f->x + (size_t)plane * f->s, f->y + (size_t)plane * f->s, f->s);
}

/* Channels first .. first + channels − 1, at most COLUMNS/s. */
static void normalize_columns(const struct forward *f, int first, int channels)
{
    const size_t count = (size_t)channels * f->s, width = (size_t)f->c * f->s;
    double sum[COLUMNS], squares[COLUMNS];
    real factor[COLUMNS], offset[COLUMNS], scale[COLUMNS], shift[COLUMNS];
    column_moments(f->x + (size_t)first * f->s, f->n, width, count, sum, squares);
    add_columns_of_channels(sum, f->s, channels, sum);
    add_columns_of_channels(squares, f->s, channels, squares);
    for (int k = 0; k < channels; k++)
        norm_set_statistics((const double[]){sum[k], squares[k]}, (double)f->n * (double)f->s, f->mean + first + k,
                            f->variance + first + k);
    norm_fold(f->scale + first, f->shift + first, f->mean + first, f->variance + first, channels, factor, offset);
    repeat(factor, f->s, channels, scale);
    repeat(offset, f->s, channels, shift);
    const struct channel_map map = {.scale = scale, .shift = shift, .activation = f->activation};
    for (int i = 0; i < f->n; i++) {
        const size_t at = (size_t)i * width + (size_t)first * f->s;
        map_columns(&map, 0, count, f->x + at, f->y + at);
    }
}

void norm_forward(struct activation a, const real *x, int n, int c, size_t s, const real *scale, const real *shift, real *mean,
                  real *variance, real *y, void *scratch)
{
    const struct forward f = {a, x, scale, shift, n, c, s, mean, variance, y};
    const double count = (double)n * (double)s;
    const int block = column_channels(n, c, s);
    double *pair = scratch;
    if (block) {
#pragma omp parallel for schedule(static)
        for (int first = 0; first < c; first += block)
            normalize_columns(&f, first, c - first < block ? c - first : block);
    } else if (norm_by_channel(n, c, s)) {
#pragma omp parallel for schedule(static)
        for (int k = 0; k < c; k++) {
            double sum[2];
            for (int plane = k; plane < n * c; plane += c)
                norm_plane_moments(x + (size_t)plane * s, s, pair + 2 * (size_t)plane);
            norm_add_pairs(pair, n, c, k, sum);
            norm_set_statistics(sum, count, mean + k, variance + k);
            for (int plane = k; plane < n * c; plane += c)
                normalize_plane(&f, plane);
        }
    } else {
#pragma omp parallel for schedule(static)
        for (int plane = 0; plane < n * c; plane++)
            norm_plane_moments(x + (size_t)plane * s, s, pair + 2 * (size_t)plane);
        norm_statistics(pair, n, c, count, mean, variance);
#pragma omp parallel for schedule(static)
        for (int plane = 0; plane < n * c; plane++)
            normalize_plane(&f, plane);
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

/* Activations whose slope has a step: it is found from the sign of the number before the activation as from y. Reading x again is cheaper
 * than reading y, or writing g and reading it. */
static bool piecewise(struct activation a)
{
    return a.kind == ACTIVATION_LINEAR || a.kind == ACTIVATION_RELU || a.kind == ACTIVATION_LEAKY || a.kind == ACTIVATION_RELU6;
}

bool norm_reads_output(struct activation a)
{
    return !piecewise(a) && activation_from_output(a);
}

SIMD_CLONES static void products(const real *x, const real *g, double mean, size_t n, double out[2])
{
    double sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (size_t i = 0; i < n; i++) {
        sum += (double)g[i];
        product += (double)g[i] * ((double)x[i] - mean);
    }
    out[0] += sum;
    out[1] += product;
}

SIMD_CLONES static void column_products(const real *restrict x, const real *restrict g, const real *restrict mean, size_t n,
                                        double *restrict sum, double *restrict product)
{
    for (size_t k = 0; k < n; k++) {
        sum[k] += (double)g[k];
        product[k] += (double)g[k] * ((double)x[k] - (double)mean[k]);
    }
}

SIMD_CLONES static void combine(const real *x, const real *g, real mean, const struct norm_channel *k, real *dx, size_t n)
{
    const real factor = k->factor, offset = k->offset, along = k->along;
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dx[i] = (g[i] - offset - along * (x[i] - mean)) * factor;
}

SIMD_CLONES static void combine_columns(const real *x, real *dy, const real *mean, const real *offset, const real *along,
                                        const real *factor, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        dy[i] = (dy[i] - offset[i] - along[i] * (x[i] - mean[i])) * factor[i];
}

static struct norm_channel channel_before(const struct norm_backward *b, int k)
{
    struct norm_channel c = {0};
    norm_fold(b->scale + k, b->shift + k, b->mean + k, b->variance + k, 1, &c.factor, &c.before);
    return c;
}

/* Σ g and Σ g·(x − mean) of a channel are known: adds to its gradients and prepares the second pass. */
struct norm_channel norm_channel_after(const struct norm_backward *b, int k, const double sum[2])
{
    struct norm_channel c = channel_before(b, k);
    const double root = 1 / sqrt((double)b->variance[k] + NORM_EPSILON);
    if (b->dshift)
        b->dshift[k] += (real)sum[0];
    if (b->dscale)
        b->dscale[k] += (real)(sum[1] * root);
    if (b->through_statistics) {
        c.offset = (real)(sum[0] / b->count);
        c.along = (real)(sum[1] / b->count * root * root);
    }
    return c;
}

/* g of `n` numbers from number `at`: into `g` (piecewise), else into dy itself. Returns where it is. */
static const real *before_activation(const struct norm_backward *b, const struct norm_channel *c, size_t at, size_t n, real *g)
{
    const struct activation a = b->activation;
    real *dy = b->dy + at;
    if (a.kind == ACTIVATION_LINEAR)
        return dy;
    if (norm_reads_output(a)) {
        activation_backward_serial(a, NULL, b->y + at, dy, dy, n);
        return dy;
    }
    affine(c->factor, c->before, b->x + at, g, n);
    real *to = piecewise(a) && !b->in_place ? g : dy;
    activation_backward_serial(a, g, g, dy, to, n); /* the slope of a piecewise one is that at y, too */
    return to;
}

void norm_first_pass(const struct norm_backward *b, int plane, double pair[2])
{
    const int k = plane % b->c;
    const struct norm_channel c = channel_before(b, k);
    pair[0] = pair[1] = 0;
    for (size_t i = 0; i < b->s; i += CHUNK) {
        const size_t count = norm_least(CHUNK, b->s - i), at = (size_t)plane * b->s + i;
        real g[CHUNK];
        if (i + 2 * CHUNK <= b->s) {
            norm_fetch(b->x + at + CHUNK, CHUNK);
            norm_fetch(b->dy + at + CHUNK, CHUNK);
        }
        products(b->x + at, before_activation(b, &c, at, count, g), (double)b->mean[k], count, pair);
    }
}

static void second_pass(const struct norm_backward *b, int plane, const struct norm_channel *c)
{
    for (size_t i = 0; i < b->s; i += CHUNK) {
        const size_t count = norm_least(CHUNK, b->s - i), at = (size_t)plane * b->s + i;
        real g[CHUNK];
        if (i + 2 * CHUNK <= b->s) {
            norm_fetch(b->x + at + CHUNK, CHUNK);
            norm_fetch(b->dy + at + CHUNK, CHUNK);
        }
        const real *from = piecewise(b->activation) ? before_activation(b, c, at, count, g) : b->dy + at;
        combine(b->x + at, from, b->mean[plane % b->c], c, b->dy + at, count);
    }
}

/* Channels first .. first + channels − 1, at most COLUMNS/s. */
static void both_passes_columns(const struct norm_backward *b, int first, int channels)
{
    const size_t count = (size_t)channels * b->s, width = (size_t)b->c * b->s;
    real factor[COLUMNS], shift[COLUMNS], mean[COLUMNS], before[COLUMNS], of_channels[2][COLUMNS];
    double sum[COLUMNS] = {0}, product[COLUMNS] = {0};
    const bool from_y = activation_from_output(b->activation);
    norm_fold(b->scale + first, b->shift + first, b->mean + first, b->variance + first, channels, of_channels[0], of_channels[1]);
    repeat(of_channels[0], b->s, channels, factor);
    repeat(of_channels[1], b->s, channels, shift);
    repeat(b->mean + first, b->s, channels, mean);
    for (int i = 0; i < b->n; i++) {
        const size_t at = (size_t)i * width + (size_t)first * b->s;
        if (b->activation.kind != ACTIVATION_LINEAR) {
            if (!norm_reads_output(b->activation))
                affine_columns(factor, shift, b->x + at, before, count);
            const real *y = norm_reads_output(b->activation) ? b->y + at : before;
            activation_backward_serial(b->activation, from_y ? NULL : before, y, b->dy + at, b->dy + at, count);
        }
        column_products(b->x + at, b->dy + at, mean, count, sum, product);
    }
    add_columns_of_channels(sum, b->s, channels, sum);
    add_columns_of_channels(product, b->s, channels, product);
    for (int k = 0; k < channels; k++) {
        const struct norm_channel c = norm_channel_after(b, first + k, (const double[]){sum[k], product[k]});
        of_channels[0][k] = c.offset;
        of_channels[1][k] = c.along;
    }
    real *offset = shift, *along = before; /* neither is needed any more */
    repeat(of_channels[0], b->s, channels, offset);
    repeat(of_channels[1], b->s, channels, along);
    for (int i = 0; i < b->n; i++) {
        const size_t at = (size_t)i * width + (size_t)first * b->s;
        combine_columns(b->x + at, b->dy + at, mean, offset, along, factor, count);
    }
}

void norm_backward(struct activation a, bool through_statistics, const real *x, const real *y, const real *scale, const real *shift,
                   const real *mean, const real *variance, int n, int c, size_t s, real *dy, real *dscale, real *dshift, void *scratch)
{
    const struct norm_backward b = {a, through_statistics,    false, x,      y,     scale, shift, mean, variance, n, c,
                                    s, (double)n * (double)s, dy,    dscale, dshift};
    const int block = column_channels(n, c, s);
    double *pair = scratch;
    if (block) {
#pragma omp parallel for schedule(static)
        for (int first = 0; first < c; first += block)
            both_passes_columns(&b, first, c - first < block ? c - first : block);
    } else if (norm_by_channel(n, c, s)) {
#pragma omp parallel for schedule(static)
        for (int k = 0; k < c; k++) {
            double sum[2];
            for (int plane = k; plane < n * c; plane += c)
                norm_first_pass(&b, plane, pair + 2 * (size_t)plane);
            norm_add_pairs(pair, n, c, k, sum);
            const struct norm_channel channel = norm_channel_after(&b, k, sum);
            for (int plane = k; plane < n * c; plane += c)
                second_pass(&b, plane, &channel);
        }
    } else {
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
            second_pass(&b, plane, &channel[plane % c]);
    }
}
