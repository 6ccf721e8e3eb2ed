#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/normals.h"
#include "base/simd.h"
#include "data/colour.h"
#include "data/steps.h"

static size_t size_of(const struct canvas *cv)
{
    return (size_t)cv->c * canvas_plane(cv);
}

static void shift_colours(struct canvas *cv, struct colour_shift shift)
{
    colour_change(cv->x, cv->c, canvas_plane(cv), canvas_plane(cv), shift);
}

/* x = factor · x + shift, within 0..1. */
SIMD_CLONES static void line_up(float *x, size_t n, float factor, float shift)
{
    for (size_t i = 0; i < n; i++) {
        float v = factor * x[i] + shift;
        v = v < 0 ? 0 : v;
        x[i] = v > 1 ? 1 : v;
    }
}

void step_brightness(struct canvas *cv, const double *v, struct rng *rng)
{
    line_up(cv->x, size_of(cv), 1, (float)rng_range(rng, -v[0], v[0]));
}

/* In floats over a thousand, in doubles over those. */
SIMD_CLONES static double sum(const float *x, size_t n)
{
    enum { LANES = 32, BLOCK = 1024 };
    double all = 0;
    for (size_t at = 0; at < n; at += BLOCK) {
        float part[LANES] = {0};
        const size_t end = at + BLOCK < n ? at + BLOCK : n;
        size_t i = at;
        for (; i + LANES <= end; i += LANES)
            for (int k = 0; k < LANES; k++)
                part[k] += x[i + (size_t)k];
        for (int k = 0; k < LANES; k++)
            all += (double)part[k];
        for (; i < end; i++)
            all += (double)x[i];
    }
    return all;
}

void step_contrast(struct canvas *cv, const double *v, struct rng *rng)
{
    const double factor = augment_factor(rng, v[0]);
    const size_t n = size_of(cv);
    const double mean = sum(cv->x, n) / (double)n;
    line_up(cv->x, n, (float)factor, (float)(mean * (1 - factor)));
}

void step_saturation(struct canvas *cv, const double *v, struct rng *rng)
{
    shift_colours(cv, (struct colour_shift){0, augment_factor(rng, v[0]), 1});
}

void step_exposure(struct canvas *cv, const double *v, struct rng *rng)
{
    shift_colours(cv, (struct colour_shift){0, 1, augment_factor(rng, v[0])});
}

void step_hue(struct canvas *cv, const double *v, struct rng *rng)
{
    shift_colours(cv, (struct colour_shift){rng_range(rng, -v[0], v[0]), 1, 1});
}

void step_grey(struct canvas *cv, const double *v, struct rng *rng)
{
    (void)v;
    (void)rng;
    const size_t n = canvas_plane(cv);
    float *r = cv->x, *g = r + n, *b = g + n;
    for (size_t i = 0; cv->c == 3 && i < n; i++)
        r[i] = g[i] = b[i] = 0.299f * r[i] + 0.587f * g[i] + 0.114f * b[i]; /* ITU-R BT.601 */
}

static void clamp_picture(struct canvas *cv)
{
    line_up(cv->x, size_of(cv), 1, 0);
}

void step_noise(struct canvas *cv, const double *v, struct rng *rng)
{
    normals_add(rng, (float)v[0], cv->x, size_of(cv));
    if (!cv->signal)
        clamp_picture(cv);
}

/* to[i] = Σ weight[k]·row[k][i], 0 ≤ k < n: in groups of eight, so that `to` is written but n/8 times. */
SIMD_CLONES static void add_rows(const float *const *row, const float *weight, int n, float *restrict to, int w)
{
    enum { GROUP = 8 };
    for (int k = 0; k < n; k += GROUP) {
        const float *r[GROUP];
        float u[GROUP];
        for (int i = 0; i < GROUP; i++) {
            r[i] = k + i < n ? row[k + i] : row[n - 1];
            u[i] = k + i < n ? weight[k + i] : 0;
        }
        for (int x = 0; x < w; x++) {
            float v = k ? to[x] : 0;
            for (int i = 0; i < GROUP; i++)
                v += u[i] * r[i][x];
            to[x] = v;
        }
    }
}

/* Gaussian of `radius` pixels either side; the outer pixels go on beyond the edge. */
static void blur_plane(float *x, int w, int h, const float *weight, int radius)
{
    const int n = 2 * radius + 1;
    float *line = mem_unset((size_t)(w + 2 * radius), sizeof *line), *copy = mem_unset((size_t)w * (size_t)h, sizeof *copy);
    const float **row = mem_new((size_t)n, sizeof *row);
    for (int k = 0; k < n; k++)
        row[k] = line + k;
    for (int y = 0; y < h; y++) {
        const float *from = x + (size_t)y * (size_t)w;
        for (int i = -radius; i < w + radius; i++)
            line[i + radius] = from[i < 0 ? 0 : i < w ? i : w - 1];
        add_rows(row, weight, n, copy + (size_t)y * (size_t)w, w);
    }
    for (int y = 0; y < h; y++) {
        for (int k = 0; k < n; k++) {
            const int from = y + k - radius;
            row[k] = copy + (size_t)(from < 0 ? 0 : from < h ? from : h - 1) * (size_t)w;
        }
        add_rows(row, weight, n, x + (size_t)y * (size_t)w, w);
    }
    free(row);
    free(line);
    free(copy);
}

static void blur(struct canvas *cv, double sigma, int radius)
{
    float *weight = mem_new((size_t)(2 * radius + 1), sizeof *weight);
    double sum = 0;
    for (int k = -radius; k <= radius; k++)
        sum += exp(-.5 * k * k / (sigma * sigma));
    for (int k = -radius; k <= radius; k++)
        weight[k + radius] = (float)(exp(-.5 * k * k / (sigma * sigma)) / sum);
    for (int c = 0; c < cv->c; c++)
        blur_plane(cv->x + (size_t)c * canvas_plane(cv), cv->w, cv->h, weight, radius);
    free(weight);
}

void step_blur(struct canvas *cv, const double *v, struct rng *rng)
{
    const double sigma = rng_range(rng, 0, v[0]), least = .2; /* below, the neighbours' weight is nothing */
    if (sigma > least)
        blur(cv, sigma, (int)ceil(3 * sigma));
}

/* OpenCV's deviation for a kernel of so many pixels. */
static double sigma_of(int size)
{
    return .3 * ((size - 1) * .5 - 1) + .8;
}

void step_darknet_blur(struct canvas *cv, const double *v, struct rng *rng)
{
    enum { BACKGROUND = 17 };
    const int choice = rng_below(rng, 3);
    if (choice == 0)
        return;
    int size = choice == 1 || v[0] == 1 ? BACKGROUND : (int)v[0];
    const bool background = size == BACKGROUND && (choice == 1 || v[0] == 1);
    for (int i = 0; !background && cv->boxes && i < cv->boxes->n; i++) { /* small objects would vanish */
        const struct box b = cv->boxes->item[i].box;
        const int side = (int)fmin((double)b.w * cv->w, (double)b.h * cv->h) / 8;
        size = side < size ? side : size;
    }
    size = size / 2 * 2 + 1;
    if (size < 3)
        return;
    float *sharp = background ? mem_unset(size_of(cv), sizeof *sharp) : NULL;
    if (sharp)
        memcpy(sharp, cv->x, size_of(cv) * sizeof *sharp);
    blur(cv, sigma_of(size), size / 2);
    if (sharp) {
        struct canvas from = *cv;
        from.x = sharp;
        from.boxes = NULL;
        struct canvas to = *cv;
        to.boxes = NULL;
        for (int i = 0; cv->boxes && i < cv->boxes->n; i++) {
            const struct box b = cv->boxes->item[i].box;
            const double x = (double)b.x, y = (double)b.y, w = (double)b.w / 2, h = (double)b.h / 2;
            const struct cut cut = {(int)fmax(0, (x - w) * cv->w), (int)fmax(0, (y - h) * cv->h), (int)fmin(cv->w, (x + w) * cv->w),
                                    (int)fmin(cv->h, (y + h) * cv->h)};
            canvas_paste(&to, &from, cut, cut.x1, cut.y1);
        }
    }
    free(sharp);
}

static int clamp(int v, int high)
{
    return v < 0 ? 0 : v > high ? high : v;
}

void step_cutout(struct canvas *cv, const double *v, struct rng *rng)
{
    const int side = (int)lround(v[0] * (cv->w < cv->h ? cv->w : cv->h));
    for (int k = 0; k < (int)v[1]; k++) {
        const int x = rng_below(rng, cv->w) - side / 2, y = rng_below(rng, cv->h) - side / 2;
        canvas_fill(cv, (struct cut){clamp(x, cv->w), clamp(y, cv->h), clamp(x + side, cv->w), clamp(y + side, cv->h)}, cv->fill);
    }
}

/* A row of the mask: the pixel whose centre lies at (u, v) of the turned grid, in cells, is removed where both fractions are beyond
 * `kept`. */
SIMD_CLONES static void mask_row(float *x, int n, float u, float v, float du, float dv, float kept, float fill)
{
    for (int i = 0; i < n; i++) {
        const float a = u + (float)i * du, b = v + (float)i * dv;
        x[i] = a - floorf(a) >= kept && b - floorf(b) >= kept ? fill : x[i];
    }
}

void step_gridmask(struct canvas *cv, const double *v, struct rng *rng)
{
    const int side = cv->w < cv->h ? cv->w : cv->h;
    const double d = fmax(2, rng_range(rng, fmin(v[1], v[2]), fmax(v[1], v[2])) * side);
    const double at_x = rng_uniform(rng), at_y = rng_uniform(rng), angle = rng_range(rng, -v[3], v[3]) * M_PI / 180;
    const double du = cos(angle) / d, dv = -sin(angle) / d;
    for (int c = 0; c < cv->c; c++)
        for (int y = 0; y < cv->h; y++) {
            const double px = .5 - cv->w / 2., py = y + .5 - cv->h / 2.;
            const double u = at_x + px * du - py * dv, w = at_y + px * dv + py * du;
            mask_row(cv->x + (size_t)c * canvas_plane(cv) + (size_t)y * (size_t)cv->w, cv->w, (float)u, (float)w, (float)du, (float)dv,
                     (float)v[0], cv->fill);
        }
}
