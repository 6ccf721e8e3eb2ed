#include "math/im2col.h"

#include <stddef.h>
#include <string.h>

#include "base/simd.h"

static inline int max_int(int a, int b)
{
    return a > b ? a : b;
}

static inline int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Output columns whose input column stands inside the plane, for a tap at `offset` = kx·dilation − padding: [*first, *last). */
static inline void inside(int out, int in, int stride, int offset, int *first, int *last)
{
    const int lo = offset < 0 ? (-offset + stride - 1) / stride : 0;
    const int hi = in - offset <= 0 ? 0 : (in - offset + stride - 1) / stride;
    *last = min_int(out, hi);
    *first = min_int(lo, *last);
}

/* Stride 1 and a plane as wide as the output: a tap is the plane itself, shifted, except for the columns that wrap around the edge. Finds
 * the columns [*from, *to) of the strip [begin, end) whose source stands inside the plane's memory; the source of p is p + shift. */
struct shift {
    int from, to, shift;
};

static inline struct shift shifted(const struct window *w, int dy, int dx, int begin, int end)
{
    struct shift s = {.shift = dy * w->width + dx};
    int from = max_int(begin, max_int(0, -dy) * w->width), to = min_int(end, (w->height - max_int(0, dy)) * w->width);
    from = max_int(from, -s.shift);
    to = min_int(to, w->height * w->width - s.shift);
    s.to = max_int(to, begin);
    s.from = min_int(max_int(from, begin), s.to);
    return s;
}

static inline int is_shift(const struct window *w)
{
    return w->stride_x == 1 && w->stride_y == 1 && w->out_w == w->width && w->out_h == w->height;
}

/* Clears the columns of [begin, end) that wrap around the edge: output columns outside [first, last). */
static inline void clear_edges(real *row, int width, int first, int last, int begin, int end)
{
    if (first == 0 && last == width)
        return;
    for (int start = begin / width * width; start < end; start += width) {
        for (int p = max_int(start, begin); p < min_int(start + first, end); p++)
            row[p - begin] = 0;
        for (int p = max_int(start + last, begin); p < min_int(start + width, end); p++)
            row[p - begin] = 0;
    }
}

/* One row of the matrix: the tap at (dy, dx) of one plane. */
static inline void gather_row(const struct window *w, const real *plane, int dy, int dx, int begin, int end, real *row)
{
    int first, last;
    inside(w->out_w, w->width, w->stride_x, dx, &first, &last);
    if (is_shift(w)) {
        const struct shift s = shifted(w, dy, dx, begin, end);
        memset(row, 0, (size_t)(s.from - begin) * sizeof(real));
        memcpy(row + (s.from - begin), plane + s.from + s.shift, (size_t)(s.to - s.from) * sizeof(real));
        memset(row + (s.to - begin), 0, (size_t)(end - s.to) * sizeof(real));
        clear_edges(row, w->width, first, last, begin, end);
        return;
    }
    for (int y = begin / w->out_w, p = begin; p < end; y++) {
        const int x0 = p - y * w->out_w, x1 = min_int(w->out_w, x0 + end - p), iy = y * w->stride_y + dy;
        real *to = row + (p - begin) - x0;
        const int a = iy < 0 || iy >= w->height ? x1 : min_int(max_int(first, x0), x1), b = max_int(min_int(last, x1), a);
        for (int x = x0; x < a; x++)
            to[x] = 0;
        const real *from = plane + (ptrdiff_t)iy * w->width + dx;
        if (w->stride_x == 1) {
            for (int x = a; x < b; x++)
                to[x] = from[x];
        } else if (w->stride_x == 2) {
            for (int x = a; x < b; x++)
                to[x] = from[2 * x];
        } else {
            for (int x = a; x < b; x++)
                to[x] = from[x * w->stride_x];
        }
        for (int x = b; x < x1; x++)
            to[x] = 0;
        p += x1 - x0;
    }
}

static inline void scatter_row(const struct window *w, real *plane, int dy, int dx, int begin, int end, real *row)
{
    int first, last;
    inside(w->out_w, w->width, w->stride_x, dx, &first, &last);
    if (is_shift(w)) {
        const struct shift s = shifted(w, dy, dx, begin, end);
        clear_edges(row, w->width, first, last, begin, end);
        const real *restrict from = row - begin;
        real *restrict to = plane + s.shift;
        for (int p = s.from; p < s.to; p++)
            to[p] += from[p];
        return;
    }
    for (int y = begin / w->out_w, p = begin; p < end; y++) {
        const int x0 = p - y * w->out_w, x1 = min_int(w->out_w, x0 + end - p), iy = y * w->stride_y + dy;
        if (iy >= 0 && iy < w->height) {
            const real *restrict from = row + (p - begin) - x0;
            real *restrict to = plane + (ptrdiff_t)iy * w->width + dx;
            const int a = max_int(first, x0), b = min_int(last, x1);
            for (int x = a; x < b; x++)
                to[x * w->stride_x] += from[x];
        }
        p += x1 - x0;
    }
}

SIMD_CLONES void im2col_strip(const struct window *w, const real *planes, int channels, int begin, int end, real *col, int ld)
{
    const size_t area = (size_t)w->height * (size_t)w->width;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < w->size_y; ky++)
            for (int kx = 0; kx < w->size_x; kx++, col += ld)
                gather_row(w, planes + (size_t)c * area, ky * w->dilation - w->padding_y, kx * w->dilation - w->padding_x, begin, end, col);
}

SIMD_CLONES void im2col_add_back(const struct window *w, real *col, int channels, int begin, int end, int ld, real *planes)
{
    const size_t area = (size_t)w->height * (size_t)w->width;
    for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < w->size_y; ky++)
            for (int kx = 0; kx < w->size_x; kx++, col += ld)
                scatter_row(w, planes + (size_t)c * area, ky * w->dilation - w->padding_y, kx * w->dilation - w->padding_x, begin, end,
                            col);
}
