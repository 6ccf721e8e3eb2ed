#include "math/spatial.h"

#include <assert.h>

#include "base/parallel.h"
#include "base/simd.h"

SIMD_CLONES static void upsample_plane(const real *restrict x, real *restrict y, int h, int w, int stride, real scale)
{
    const size_t out_w = (size_t)w * (size_t)stride;
    for (int i = 0; i < h * stride; i++) {
        const real *from = x + (size_t)(i / stride) * (size_t)w;
        real *to = y + (size_t)i * out_w;
        if (stride == 2)
            for (int j = 0; j < w; j++)
                to[2 * j] = to[2 * j + 1] = scale * from[j];
        else
            for (int j = 0; j < w; j++)
                for (int k = 0; k < stride; k++)
                    to[(size_t)j * (size_t)stride + (size_t)k] = scale * from[j];
    }
}

void spatial_upsample_forward(const real *x, real *y, size_t planes, int h, int w, int stride, real scale)
{
    const size_t plane = (size_t)h * (size_t)w, out_plane = plane * (size_t)stride * (size_t)stride;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++)
        upsample_plane(x + p * plane, y + p * out_plane, h, w, stride, scale);
}

static void gather_plane(const real *dy, real *dx, int h, int w, int stride, real scale, bool overwrite)
{
    const size_t out_w = (size_t)w * (size_t)stride;
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++) {
            real sum = 0;
            for (int r = 0; r < stride; r++) {
                const real *row = dy + (size_t)(i * stride + r) * out_w + (size_t)j * (size_t)stride;
                for (int k = 0; k < stride; k++)
                    sum += row[k];
            }
            real *to = dx + (size_t)i * (size_t)w + (size_t)j;
            *to = overwrite ? scale * sum : *to + scale * sum;
        }
}

void spatial_upsample_backward(const real *dy, real *dx, size_t planes, int h, int w, int stride, real scale, bool overwrite)
{
    const size_t plane = (size_t)h * (size_t)w, out_plane = plane * (size_t)stride * (size_t)stride;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++)
        gather_plane(dy + p * out_plane, dx + p * plane, h, w, stride, scale, overwrite);
}

/* Both directions of reorg: they differ in who is read. */
static void reorg(real *small, real *large, bool to_small, int n, int c, int h, int w, int s, bool overwrite)
{
    assert(c % (s * s) == 0);
    const int large_c = c / (s * s);
    const size_t plane = (size_t)h * (size_t)w, large_w = (size_t)w * (size_t)s, image = plane * (size_t)c;
    const size_t planes = (size_t)n * (size_t)c;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const size_t b = p / (size_t)c;
        const int k = (int)(p % (size_t)c), k2 = k % large_c, offset = k / large_c;
        for (int i = 0; i < h; i++) {
            real *near = small + p * plane + (size_t)i * (size_t)w;
            real *far = large + b * image + (size_t)k2 * plane * (size_t)s * (size_t)s + (size_t)(i * s + offset / s) * large_w +
                        (size_t)(offset % s);
            for (int j = 0; j < w; j++) {
                real *u = near + j, *v = far + (size_t)j * (size_t)s;
                if (to_small)
                    *u = overwrite ? *v : *u + *v;
                else
                    *v = overwrite ? *u : *v + *u;
            }
        }
    }
}

void spatial_reorg_gather(const real *large, real *small, int n, int c, int h, int w, int s, bool overwrite)
{
    reorg(small, (real *)large, true, n, c, h, w, s, overwrite);
}

void spatial_reorg_scatter(const real *small, real *large, int n, int c, int h, int w, int s, bool overwrite)
{
    reorg((real *)small, large, false, n, c, h, w, s, overwrite);
}

void spatial_transpose(const real *x, real *y, int n, size_t rows, size_t columns, bool overwrite)
{
    const size_t all = (size_t)n * columns;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < all; p++) {
        const size_t b = p / columns, j = p % columns;
        const real *from = x + b * rows * columns + j;
        real *to = y + p * rows;
        for (size_t i = 0; i < rows; i++)
            to[i] = overwrite ? from[i * columns] : to[i] + from[i * columns];
    }
}

bool spatial_shortcut_fits(int h_from, int w_from, int h_to, int w_to)
{
    return w_from / w_to == h_from / h_to && w_to / w_from == h_to / h_from;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

void spatial_shortcut_add(real a, const real *from, int c_from, int h_from, int w_from, real *to, int c_to, int h_to, int w_to, int n)
{
    assert(spatial_shortcut_fits(h_from, w_from, h_to, w_to));
    const int stride = w_from / w_to > 1 ? w_from / w_to : 1, sample = w_to / w_from > 1 ? w_to / w_from : 1;
    const int c = smaller(c_from, c_to), h = smaller(h_from, h_to), w = smaller(w_from, w_to);
    const size_t plane_from = (size_t)h_from * (size_t)w_from, plane_to = (size_t)h_to * (size_t)w_to, planes = (size_t)n * (size_t)c;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const size_t b = p / (size_t)c, k = p % (size_t)c;
        for (int i = 0; i < h; i++) {
            const real *row = from + (b * (size_t)c_from + k) * plane_from + (size_t)(i * stride) * (size_t)w_from;
            real *out = to + (b * (size_t)c_to + k) * plane_to + (size_t)(i * sample) * (size_t)w_to;
            for (int j = 0; j < w; j++)
                out[(size_t)j * (size_t)sample] += a * row[(size_t)j * (size_t)stride];
        }
    }
}
