#include "image/image.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"

#define MAX_SIDE 65535
#define WHITE 255.0f

int image_new(struct image *out, int w, int h, int c, int value, struct error *err)
{
    assert(c == 1 || c == 3);
    *out = (struct image){0};
    if (w < 1 || h < 1 || w > MAX_SIDE || h > MAX_SIDE)
        return error_add(err, EXIT_DATA, "an image of %d x %d pixels: sides of 1 to %d are possible", w, h, MAX_SIDE);
    const size_t size = (size_t)w * (size_t)h * (size_t)c; /* at most 2^32 × channels */
    unsigned char *data = mem_try(size, 1);
    if (data == NULL)
        return error_add(err, EXIT_FAIL, "no memory for an image of %d x %d pixels", w, h);
    if (value != 0)
        memset(data, value, size);
    *out = (struct image){.w = w, .h = h, .c = c, .data = data};
    return 0;
}

void image_free(struct image *im)
{
    mem_free(im->data);
    *im = (struct image){0};
}

int image_enlarge(const struct image *im, int factor, struct image *out, struct error *err)
{
    assert(factor >= 1);
    if (im->w > MAX_SIDE / factor || im->h > MAX_SIDE / factor)
        return image_new(out, MAX_SIDE + 1, 1, im->c, 0, err); /* too large: its error */
    if (image_new(out, im->w * factor, im->h * factor, im->c, 0, err) != 0)
        return -1;
    const size_t c = (size_t)im->c, row = (size_t)out->w * c;
    for (int y = 0; y < out->h; y++) {
        const unsigned char *from = im->data + (size_t)(y / factor) * (size_t)im->w * c;
        unsigned char *to = out->data + (size_t)y * row;
        for (int x = 0; x < out->w; x++)
            memcpy(to + (size_t)x * c, from + (size_t)(x / factor) * c, c);
    }
    return 0;
}

/* Where the positions 0 .. n−1 of an output line fall on a source line of `size` pixels. */
struct axis {
    int begin, end; /* positions inside the source */
    int *index;     /* first of the two pixels, 0 .. size−2 (0 when size is 1) */
    float *weight;  /* of the second */
    int low, high;  /* range of the pixels in use, high included */
};

/* Position i samples the source at scale·(i + ½) + shift (pixel k covers k .. k + 1). Beyond the centres of the outer pixels their values
 * go on. */
static struct axis axis_make(int n, int size, double scale, double shift)
{
    struct axis a = {.begin = n, .end = 0, .low = size - 1, .high = 0};
    a.index = mem_new((size_t)n, sizeof(*a.index));
    a.weight = mem_new((size_t)n, sizeof(*a.weight));
    for (int i = 0; i < n; i++) {
        const double at = scale * (i + 0.5) + shift;
        if (!(at >= 0 && at <= size))
            continue;
        if (a.begin == n)
            a.begin = i;
        a.end = i + 1;
        /* Rounded to float before the fraction is taken, as OpenCV does: the weights agree to the last bit. */
        const float centre = (float)(at - 0.5);
        int k = (int)floorf(centre);
        float w = centre - (float)k;
        if (k < 0) {
            k = 0;
            w = 0;
        } else if (k >= size - 1) {
            k = size > 1 ? size - 2 : 0;
            w = size > 1 ? 1 : 0;
        }
        a.index[i] = k;
        a.weight[i] = w;
        a.low = k < a.low ? k : a.low;
        const int second = size > 1 ? k + 1 : k;
        a.high = second > a.high ? second : a.high;
    }
    if (a.begin >= a.end)
        a.begin = a.end = a.low = a.high = 0;
    return a;
}

static void axis_free(struct axis *a)
{
    free(a->index);
    free(a->weight);
}

/* out = a·(1 − w) + b·w over n samples. */
SIMD_CLONES static void mix_rows(const unsigned char *restrict a, const unsigned char *restrict b, float w, float *restrict out, int n)
{
    const float u = 1 - w;
    for (int i = 0; i < n; i++)
        out[i] = (float)a[i] * u + (float)b[i] * w;
}

/* Weights of ITU-R BT.601. */
static inline float luma(float r, float g, float b)
{
    return 0.299f * r + 0.587f * g + 0.114f * b;
}

/* out[i] = (row[at]·(1 − w) + row[at + next]·w) / 255, at = stride·index[i]. */
SIMD_CLONES static void pick_columns(const float *restrict row, const int *restrict index, const float *restrict weight, int n, int stride,
                                     int next, float *restrict out)
{
    for (int i = 0; i < n; i++) {
        const float *p = row + stride * index[i];
        out[i] = (p[0] * (1 - weight[i]) + p[next] * weight[i]) / WHITE;
    }
}

static void fill(float *out, size_t n, float value)
{
    for (size_t i = 0; i < n; i++)
        out[i] = value;
}

struct raster raster_of(float *x, int w, int h, int c)
{
    return (struct raster){x, w, h, c, (size_t)w, (size_t)w * (size_t)h};
}

/* Out pixel (x, y) takes the source at (ax, ay) where both axes are inside, `outside` elsewhere. */
static void resample(const struct image *im, const struct axis *ax, const struct axis *ay, struct raster out, float outside)
{
    const int used = ax->high - ax->low + 1, inside = ax->end - ax->begin;
    const int grey = im->c == 3 && out.c == 1, stride = grey ? 1 : im->c;
    float *row = mem_new((size_t)used * (size_t)im->c, sizeof(*row));
    for (int y = 0; y < out.h; y++) {
        float *line = out.x + (size_t)y * out.pitch;
        if (y < ay->begin || y >= ay->end || inside == 0) {
            for (int c = 0; c < out.c; c++)
                fill(line + (size_t)c * out.plane, (size_t)out.w, outside);
            continue;
        }
        const size_t pitch = (size_t)im->w * (size_t)im->c;
        const unsigned char *first = im->data + (size_t)ay->index[y] * pitch + (size_t)ax->low * (size_t)im->c;
        mix_rows(first, im->h > 1 ? first + pitch : first, ay->weight[y], row, used * im->c);
        for (int x = 0; grey && x < used; x++)
            row[x] = luma(row[3 * x], row[3 * x + 1], row[3 * x + 2]);
        for (int c = 0; c < out.c; c++) {
            float *to = line + (size_t)c * out.plane;
            fill(to, (size_t)ax->begin, outside);
            fill(to + ax->end, (size_t)(out.w - ax->end), outside);
            if (c < stride)
                pick_columns(row + c - ax->low * stride, ax->index + ax->begin, ax->weight + ax->begin, inside, stride,
                             im->w > 1 ? stride : 0, to + ax->begin);
            else
                memcpy(to + ax->begin, line + (size_t)(c % stride) * out.plane + ax->begin, (size_t)inside * sizeof(*to));
        }
    }
    free(row);
}

/* The same without interpolation: each sample divided by 255. */
static void copy_exactly(const struct image *im, float *out, int out_c)
{
    const size_t plane = (size_t)im->w * (size_t)im->h;
    float unit[256];
    for (int v = 0; v < 256; v++)
        unit[v] = (float)v / WHITE;
    for (int c = 0; c < out_c; c++) {
        const unsigned char *from = im->data + c % im->c;
        for (size_t i = 0; i < plane; i++)
            out[(size_t)c * plane + i] = unit[from[i * (size_t)im->c]];
    }
}

struct placement image_to_input(const struct image *im, float *out, int out_w, int out_h, int out_c, int letterbox)
{
    if (im->w == out_w && im->h == out_h && !(im->c == 3 && out_c == 1)) {
        copy_exactly(im, out, out_c);
        return (struct placement){1, 1, 0, 0};
    }
    int w = out_w, h = out_h;
    if (letterbox) { /* Darknet's integers: the inner picture is rounded down, at least a pixel */
        if ((int64_t)out_w * im->h < (int64_t)out_h * im->w)
            h = (int)((int64_t)im->h * out_w / im->w);
        else
            w = (int)((int64_t)im->w * out_h / im->h);
        w = w < 1 ? 1 : w;
        h = h < 1 ? 1 : h;
    }
    const int left = (out_w - w) / 2, top = (out_h - h) / 2;
    const double step_x = (double)im->w / w, step_y = (double)im->h / h;
    struct axis ax = axis_make(out_w, im->w, step_x, -left * step_x), ay = axis_make(out_h, im->h, step_y, -top * step_y);
    resample(im, &ax, &ay, raster_of(out, out_w, out_h, out_c), 0.5f);
    axis_free(&ax);
    axis_free(&ay);
    return (struct placement){(double)w / im->w, (double)h / im->h, left, top};
}

int image_from_input(const float *x, int w, int h, int c, struct image *out, struct error *err)
{
    if (image_new(out, w, h, c, 0, err) != 0)
        return -1;
    const size_t plane = (size_t)w * (size_t)h;
    for (int k = 0; k < c; k++)
        for (size_t i = 0; i < plane; i++) {
            const float v = x[(size_t)k * plane + i] * WHITE + .5f;
            out->data[i * (size_t)c + (size_t)k] = (unsigned char)(v < 0 ? 0 : v > WHITE ? WHITE : v);
        }
    return 0;
}

/* Output pixels that are warped together: their source positions are found first, then the pixels are fetched; both vectorise. */
#define WARP_RUN 64

struct warp_run {
    int at[WARP_RUN];                 /* byte of the upper left of the four pixels */
    float wx[WARP_RUN], wy[WARP_RUN]; /* weights of the right and of the lower ones */
    float inside[WARP_RUN];           /* 1 or 0 */
};

/* Splits a position into the pixel before it and the weight of the one after, at the borders the outer pixel alone. */
static inline __attribute__((always_inline)) void split_position(double at, int last, int *pixel, float *weight)
{
    double centre = at - 0.5;
    centre = centre > 0 ? centre : 0;
    centre = centre < last ? centre : last;
    const int k = (int)centre, before = k < last ? k : k - 1;
    *pixel = before > 0 ? before : 0;
    *weight = (float)(centre - *pixel);
}

SIMD_CLONES static void locate_run(struct warp_run *restrict r, int w, int h, int c, const double m[6], int x0, int y, int n)
{
    const double ax = m[1] * (y + 0.5) + m[2], ay = m[4] * (y + 0.5) + m[5], right = w, bottom = h, mx = m[0], my = m[3];
    for (int i = 0; i < n; i++) {
        const double x = x0 + i + 0.5, sx = mx * x + ax, sy = my * x + ay;
        int px, py;
        split_position(sx, w - 1, &px, &r->wx[i]);
        split_position(sy, h - 1, &py, &r->wy[i]);
        r->at[i] = (py * w + px) * c;
        r->inside[i] = (sx >= 0) & (sx <= right) & (sy >= 0) & (sy <= bottom) ? 1.f : 0.f;
    }
}

static inline float mix(float a, float b, float w)
{
    return a + (b - a) * w;
}

/* Of RGB, at least two pixels wide: six bytes a row, read as two words that share two of them. */
SIMD_CLONES static void fetch_colours(const struct warp_run *restrict r, const unsigned char *restrict data, int below, int n,
                                      float outside, float *restrict out_r, float *restrict out_g, float *restrict out_b)
{
    typedef uint32_t word __attribute__((aligned(1), may_alias));
    const unsigned char *const lower = data + below;
    for (int i = 0; i < n; i++) {
        const int at = r->at[i];
        const uint32_t a = *(const word *)(data + at), b = *(const word *)(data + at + 2);
        const uint32_t c = *(const word *)(lower + at), d = *(const word *)(lower + at + 2);
        const float wx = r->wx[i], wy = r->wy[i], inside = r->inside[i], rest = (1 - inside) * outside, scale = inside * (1 / WHITE);
        const float red =
            mix(mix((float)(int)(a & 255), (float)(int)(a >> 24), wx), mix((float)(int)(c & 255), (float)(int)(c >> 24), wx), wy);
        const float green = mix(mix((float)(int)(a >> 8 & 255), (float)(int)(b >> 16 & 255), wx),
                                mix((float)(int)(c >> 8 & 255), (float)(int)(d >> 16 & 255), wx), wy);
        const float blue =
            mix(mix((float)(int)(b & 255), (float)(int)(b >> 24), wx), mix((float)(int)(d & 255), (float)(int)(d >> 24), wx), wy);
        out_r[i] = red * scale + rest;
        out_g[i] = green * scale + rest;
        out_b[i] = blue * scale + rest;
    }
}

static void fetch_any(const struct warp_run *r, const struct image *im, int n, float outside, float value[3][WARP_RUN])
{
    const int c = im->c, next = im->w > 1 ? c : 0, below = im->h > 1 ? im->w * c : 0;
    for (int i = 0; i < n; i++) {
        const unsigned char *p = im->data + r->at[i], *q = p + below;
        for (int k = 0; k < c; k++) {
            const float upper = mix((float)p[k], (float)p[next + k], r->wx[i]), lower = mix((float)q[k], (float)q[next + k], r->wx[i]);
            value[k][i] = r->inside[i] > 0 ? mix(upper, lower, r->wy[i]) * (1 / WHITE) : outside;
        }
    }
}

static void warp_rows(const struct image *im, const double m[6], struct raster out, float outside)
{
    assert((size_t)im->w * (size_t)im->h * (size_t)im->c <= INT_MAX);
    struct warp_run r;
    float value[3][WARP_RUN]; /* 0..1 */
    const bool direct = im->c == 3 && im->w > 1 && out.c == 3;
    for (int y = 0; y < out.h; y++) {
        for (int x0 = 0; x0 < out.w; x0 += WARP_RUN) {
            const int n = out.w - x0 < WARP_RUN ? out.w - x0 : WARP_RUN;
            locate_run(&r, im->w, im->h, im->c, m, x0, y, n);
            float *to = out.x + (size_t)y * out.pitch + (size_t)x0;
            if (direct) {
                fetch_colours(&r, im->data, im->h > 1 ? im->w * 3 : 0, n, outside, to, to + out.plane, to + 2 * out.plane);
                continue;
            }
            if (im->c == 3 && im->w > 1)
                fetch_colours(&r, im->data, im->h > 1 ? im->w * 3 : 0, n, outside, value[0], value[1], value[2]);
            else
                fetch_any(&r, im, n, outside, value);
            for (int i = 0; im->c == 3 && out.c == 1 && i < n; i++)
                value[0][i] = luma(value[0][i], value[1][i], value[2][i]);
            for (int c = 0; c < out.c; c++)
                memcpy(to + (size_t)c * out.plane, value[c % im->c], (size_t)n * sizeof *out.x);
        }
    }
}

void image_warp(const struct image *im, const double m[6], struct raster out, float fill_value)
{
    if (m[1] != 0 || m[3] != 0) {
        warp_rows(im, m, out, fill_value);
        return;
    }
    struct axis ax = axis_make(out.w, im->w, m[0], m[2]), ay = axis_make(out.h, im->h, m[4], m[5]);
    resample(im, &ax, &ay, out, fill_value);
    axis_free(&ax);
    axis_free(&ay);
}
