/* winograd_tile: the transforms of whole tiles by the lines of winograd_points.h, as a template like it. */
#include "math/winograd_points.h"

/* Rows y .. of the strip are kept in a ring: of the ALPHA rows that a tile's window has, the last two are the next tile row's first. */
static void LINE(input)(const struct winograd_array *a, struct winograd_region g, int block, const real *x, real *v, size_t point_stride,
                        real *strip)
{
    const size_t plane = (size_t)a->height * (size_t)a->width;
    const int channels = smaller(LANES, a->channels - block * LANES), pixels = g.cols * WINOGRAD_TILE + 2;
    const int x0 = g.col * WINOGRAD_TILE - a->padding;
    const size_t pitch = (size_t)(pixels + LANES) * LANES;
    real *rows[ALPHA];
    for (int i = 0; i < ALPHA; i++)
        rows[i] = strip + (size_t)i * pitch;
    for (int row = g.row; row < g.row + g.rows; row++) {
        const int image = row / a->down, y0 = row % a->down * WINOGRAD_TILE - a->padding;
        const real *planes = x + ((size_t)image * (size_t)a->channels + (size_t)(block * LANES)) * plane;
        int known = 0;
        if (row > g.row && row % a->down > 0) {
            real *ring[ALPHA];
            for (int i = 0; i < ALPHA; i++)
                ring[i] = rows[(i + WINOGRAD_TILE) % ALPHA];
            memcpy(rows, ring, sizeof rows);
            known = 2;
        }
        for (int i = known; i < ALPHA; i++)
            load_pixels(a, planes, channels, y0 + i, x0, pixels, rows[i]);
        for (int tile = 0; tile < g.cols; tile++, v += LANES) {
            vec t[ALPHA * ALPHA], o[ALPHA];
#pragma GCC unroll 8
            for (int j = 0; j < ALPHA; j++) {
                vec d[ALPHA];
#pragma GCC unroll 8
                for (int i = 0; i < ALPHA; i++)
                    d[i] = load_aligned(rows[i] + (size_t)(tile * WINOGRAD_TILE + j) * LANES);
                LINE(input_line)(d, 1, t + j, ALPHA);
            }
#pragma GCC unroll 8
            for (int i = 0; i < ALPHA; i++) {
                LINE(input_line)(t + i * ALPHA, 1, o, 1);
#pragma GCC unroll 8
                for (int j = 0; j < ALPHA; j++)
                    store_aligned(v + (size_t)(i * ALPHA + j) * point_stride, o[j]);
            }
        }
    }
}

static void LINE(gradient)(const struct winograd_array *a, struct winograd_region g, int block, const real *dy, real *z,
                           size_t point_stride, real *strip)
{
    const size_t plane = (size_t)a->height * (size_t)a->width;
    const int channels = smaller(LANES, a->channels - block * LANES), pixels = g.cols * WINOGRAD_TILE;
    const size_t pitch = (size_t)(pixels + LANES) * LANES;
    for (int row = g.row; row < g.row + g.rows; row++) {
        const int image = row / a->down, y0 = row % a->down * WINOGRAD_TILE;
        const real *planes = dy + ((size_t)image * (size_t)a->channels + (size_t)(block * LANES)) * plane;
        for (int i = 0; i < WINOGRAD_TILE; i++)
            load_pixels(a, planes, channels, y0 + i, g.col * WINOGRAD_TILE, pixels, strip + (size_t)i * pitch);
        for (int tile = 0; tile < g.cols; tile++, z += LANES) {
            vec t[ALPHA * WINOGRAD_TILE], o[ALPHA];
#pragma GCC unroll 8
            for (int j = 0; j < WINOGRAD_TILE; j++) {
                vec d[WINOGRAD_TILE];
#pragma GCC unroll 8
                for (int i = 0; i < WINOGRAD_TILE; i++)
                    d[i] = load_aligned(strip + (size_t)i * pitch + (size_t)(tile * WINOGRAD_TILE + j) * LANES);
                LINE(gradient_line)(d, 1, t + j, WINOGRAD_TILE);
            }
#pragma GCC unroll 8
            for (int i = 0; i < ALPHA; i++) {
                LINE(gradient_line)(t + i * WINOGRAD_TILE, 1, o, 1);
#pragma GCC unroll 8
                for (int j = 0; j < ALPHA; j++)
                    store_aligned(z + (size_t)(i * ALPHA + j) * point_stride, o[j]);
            }
        }
    }
}

static void LINE(weights)(const struct winograd_taps *taps, int valid, int sums, real *u, size_t point_stride, size_t k_stride)
{
    for (int k = 0; k < sums; k++, u += k_stride) {
        vec g[9], t[ALPHA * 3], o[ALPHA];
        if (valid == LANES)
            load_taps(taps->w + (size_t)k * taps->sum_stride, taps->lane_stride, LANES, g);
        else
            load_taps(taps->w + (size_t)k * taps->sum_stride, taps->lane_stride, valid, g);
        if (taps->rotated) {
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) {
                const vec swap = g[i];
                g[i] = g[8 - i];
                g[8 - i] = swap;
            }
        }
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            LINE(weight_line)(g + j, 3, t + j, 3);
#pragma GCC unroll 8
        for (int i = 0; i < ALPHA; i++) {
            LINE(weight_line)(t + i * 3, 1, o, 1);
#pragma GCC unroll 8
            for (int j = 0; j < ALPHA; j++)
                store_aligned(u + (size_t)(i * ALPHA + j) * point_stride, o[j]);
        }
    }
}

#if WINOGRAD_TILE % 2 == 0
/* Two rows of `width` vectors become one of half as many, in the place of the first. */
static void LINE(halve)(real *upper, const real *lower, int width)
{
    for (int i = 0; i < width / 2; i++) {
        const vec a = larger_of(load_aligned(upper + 2 * i * LANES), load_aligned(upper + (2 * i + 1) * LANES));
        const vec b = larger_of(load_aligned(lower + 2 * i * LANES), load_aligned(lower + (2 * i + 1) * LANES));
        store_aligned(upper + i * LANES, larger_of(a, b));
    }
}
#endif

static void LINE(output)(const struct winograd_array *a, struct winograd_region g, int block, const real *m, size_t point_stride,
                         const struct channel_map *map, bool add, real *y, real *strip)
{
    const size_t plane = (size_t)a->height * (size_t)a->width;
    const int first = block * LANES, channels = smaller(LANES, a->channels - first), width = g.cols * WINOGRAD_TILE;
    const size_t pitch = (size_t)(width + LANES) * LANES;
    const struct activation activation = map ? map->activation : (struct activation){ACTIVATION_LINEAR, 0};
    real left = 1;
    const bool two_lines = activation_two_lines(activation, &left);
    const vec slope = (vec){0} + left;
    const vec scale = map && map->scale ? load_partial(map->scale + first, channels) : (vec)((vec){0} + 1);
    const vec shift = map && map->shift ? load_partial(map->shift + first, channels) : (vec){0};
    for (int row = g.row; row < g.row + g.rows; row++) {
        const int image = row / a->down, y0 = row % a->down * WINOGRAD_TILE, x0 = g.col * WINOGRAD_TILE;
        for (int tile = 0; tile < g.cols; tile++, m += LANES) {
            vec t[WINOGRAD_TILE * ALPHA], o[WINOGRAD_TILE];
#pragma GCC unroll 8
            for (int j = 0; j < ALPHA; j++) {
                vec d[ALPHA];
#pragma GCC unroll 8
                for (int i = 0; i < ALPHA; i++)
                    d[i] = load_aligned(m + (size_t)(i * ALPHA + j) * point_stride);
                LINE(output_line)(d, 1, t + j, ALPHA);
            }
#pragma GCC unroll 8
            for (int i = 0; i < WINOGRAD_TILE; i++) {
                LINE(output_line)(t + i * ALPHA, 1, o, 1);
#pragma GCC unroll 8
                for (int j = 0; j < WINOGRAD_TILE; j++) {
                    const vec z = o[j] * scale + shift;
                    store_aligned(strip + (size_t)i * pitch + (size_t)(tile * WINOGRAD_TILE + j) * LANES, select_positive(z, z * slope));
                }
            }
        }
        real *planes = y + ((size_t)image * (size_t)a->channels + (size_t)first) * plane;
        for (int i = 0; i < WINOGRAD_TILE && !two_lines; i++)
            activation_forward_serial(activation, strip + (size_t)i * pitch, strip + (size_t)i * pitch, (size_t)width * LANES);
#if WINOGRAD_TILE % 2 == 0
        if (a->halve) {
            planes = y + ((size_t)image * (size_t)a->channels + (size_t)first) * (plane / 4);
            for (int i = 0; i < WINOGRAD_TILE && y0 + i < a->height; i += 2) {
                LINE(halve)(strip + (size_t)i * pitch, strip + (size_t)(i + 1) * pitch, width);
                store_pixels(strip + (size_t)i * pitch, smaller(width, a->width - x0) / 2, channels, NULL, 1,
                             planes + (size_t)((y0 + i) / 2) * (size_t)(a->width / 2) + x0 / 2, plane / 4);
            }
            continue;
        }
#endif
        const real *other = add ? y : map ? map->residual : NULL;
        for (int i = 0; i < WINOGRAD_TILE && y0 + i < a->height; i++) {
            real *to = planes + (size_t)(y0 + i) * (size_t)a->width + x0;
            store_pixels(strip + (size_t)i * pitch, smaller(width, a->width - x0), channels, other ? other + (to - y) : NULL,
                         add   ? 1
                         : map ? map->residual_slope
                               : 1,
                         to, plane);
        }
    }
}

static void LINE(dweight)(const real *d, size_t point_stride, size_t ld, int rows, int channels, real *dw, size_t row_stride, real *strip)
{
    for (int r = 0; r < rows; r++, d += ld, dw += row_stride) {
        /* A row of channels goes through the strip, where its taps lie as in dw but may be written over the end. */
        for (int c = 0; c < channels; c += LANES) {
            vec t[3 * ALPHA], g[9];
#pragma GCC unroll 8
            for (int j = 0; j < ALPHA; j++) {
                vec column[ALPHA];
#pragma GCC unroll 8
                for (int i = 0; i < ALPHA; i++)
                    column[i] = load_aligned(d + (size_t)(i * ALPHA + j) * point_stride + c);
                LINE(dweight_line)(column, 1, t + j, ALPHA);
            }
#pragma GCC unroll 3
            for (int i = 0; i < 3; i++)
                LINE(dweight_line)(t + i * ALPHA, 1, g + 3 * i, 1);
            store_taps(g, strip + (size_t)c * 9);
        }
        for (int i = 0; i < 9 * channels; i++)
            dw[i] += strip[i];
    }
}
