#include "math/pool.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"

/* A maximum over a rectangle is the maximum of its rows' maxima, so the general kernels run along one axis into scratch and then along the
 * other: kh + kw comparisons an element instead of kh·kw. With positions it is rows first: each pass keeps the first of equal values, so
 * the position found is the first one in row-major order, as a scan of the rectangle would find it. */

/* Tiles, and those that each own a part of the scratch. */
enum { MOST_TILES = 256, SCRATCH_TILES = 32 };

static bool is_halving(struct pool_window k)
{
    return k.kh == 2 && k.kw == 2 && k.stride_h == 2 && k.stride_w == 2 && k.top == 0 && k.left == 0;
}

/* Numbers of rows that are worked on at a time, as one long row. */
enum { LONG_ROW = 1024 };

/* 2 x 2 with stride 1 over planes that keep their size: the last windows see one row, one column. A long row holds two of them. */
static bool is_sliding(struct pool_window k, int h, int w, int out_h, int out_w)
{
    return k.kh == 2 && k.kw == 2 && k.stride_h == 1 && k.stride_w == 1 && k.top == 0 && k.left == 0 && out_h == h && out_w == w &&
           2 * w <= LONG_ROW;
}

/* Of a tile. */
static size_t scratch_of(struct pool_window k, int w, int out_w)
{
    const size_t ring = (size_t)k.kh * (size_t)out_w, row = (size_t)w;
    return is_halving(k) ? 0 : ring > row ? ring : row;
}

size_t pool_max_scratch(struct pool_window k, int w, int out_w)
{
    return SCRATCH_TILES * scratch_of(k, w, out_w);
}

/* Two rows (the second may be the first again: the last row of an odd height) to one of `pairs` maxima, and one more of the last column
 * when `odd`. */
SIMD_CLONES static void halve_rows(const real *restrict a, const real *restrict b, real *restrict y, int pairs, bool odd)
{
    for (int j = 0; j < pairs; j++) {
        const real u = a[2 * j] < a[2 * j + 1] ? a[2 * j + 1] : a[2 * j];
        const real v = b[2 * j] < b[2 * j + 1] ? b[2 * j + 1] : b[2 * j];
        y[j] = u < v ? v : u;
    }
    if (odd)
        y[pairs] = a[2 * pairs] < b[2 * pairs] ? b[2 * pairs] : a[2 * pairs];
}

void pool_halve_rows(const real *upper, const real *lower, int pairs, real *y)
{
    halve_rows(upper, lower, y, pairs, false);
}

/* The same with positions; at: that of a[0], down: from a to b. */
SIMD_CLONES static void halve_rows_index(const real *restrict a, const real *restrict b, real *restrict y, int32_t *restrict index,
                                         int pairs, bool odd, int32_t at, int32_t down)
{
    for (int j = 0; j < pairs; j++) {
        const real a0 = a[2 * j], a1 = a[2 * j + 1], b0 = b[2 * j], b1 = b[2 * j + 1];
        const int32_t first = at + 2 * j;
        const real u = a0 < a1 ? a1 : a0, v = b0 < b1 ? b1 : b0;
        const int32_t iu = a0 < a1 ? first + 1 : first, iv = b0 < b1 ? first + down + 1 : first + down;
        y[j] = u < v ? v : u;
        index[j] = u < v ? iv : iu;
    }
    if (odd) {
        const bool lower = a[2 * pairs] < b[2 * pairs];
        y[pairs] = lower ? b[2 * pairs] : a[2 * pairs];
        index[pairs] = at + 2 * pairs + (lower ? down : 0);
    }
}

/* n maxima of two neighbours, the first of which stands at position `at`, and where they stand. */
SIMD_CLONES static void max_pairs_index(const real *restrict x, real *restrict y, int32_t *restrict index, int n, int32_t at)
{
    for (int j = 0; j < n; j++) {
        const real a = x[2 * j], b = x[2 * j + 1];
        y[j] = a < b ? b : a;
        index[j] = at + 2 * j + (a < b ? 1 : 0);
    }
}

/* y[j] = the larger of upper[j] and lower[j], for `rows` rows of n that stand above one another: upper, lower, upper, … */
SIMD_CLONES static void max_lines_index(const real *restrict x, const int32_t *restrict from, real *restrict y, int32_t *restrict index,
                                        int rows, int n)
{
    enum { FEW = 4 }; /* a short vector, which rows are seldom shorter than */
    for (int r = 0; r < rows; r++, x += 2 * n, from += 2 * n, y += n, index += n) {
        int j = 0;
        for (; j + FEW <= n; j += FEW)
#pragma omp simd
            for (int k = j; k < j + FEW; k++) {
                const real u = x[k], v = x[n + k];
                y[k] = u < v ? v : u;
                index[k] = u < v ? from[n + k] : from[k];
            }
        for (; j < n; j++) {
            const real u = x[j], v = x[n + j];
            y[j] = u < v ? v : u;
            index[j] = u < v ? from[n + j] : from[j];
        }
    }
}

/* The first rows of a plane of even width, several at a time, because short ones leave vectors empty; returns how many rows of y are done.
 */
static int halve_short_rows(const real *x, real *y, int32_t *index, int h, int w)
{
    real larger[LONG_ROW];
    int32_t from[LONG_ROW];
    const int all = w % 2 ? 0 : h / 2, each = LONG_ROW / w < all ? LONG_ROW / w : all;
    int done = 0;
    for (int rows; each > 0 && done < all; done += rows) {
        rows = each < all - done ? each : all - done;
        const int begin = 2 * done * w, out = done * (w / 2);
        max_pairs_index(x + begin, larger, from, rows * w, begin);
        max_lines_index(larger, from, y + out, index + out, rows, w / 2);
    }
    return done;
}

static void halve_plane(const real *x, real *y, int32_t *index, int h, int w, int out_h, int out_w)
{
    const int pairs = w / 2;
    const bool odd = out_w > pairs; /* the last window sees one column */
    for (int i = index ? halve_short_rows(x, y, index, h, w) : 0; i < out_h; i++) {
        const int down = 2 * i + 1 < h ? w : 0;
        const real *a = x + (size_t)(2 * i) * (size_t)w;
        real *to = y + (size_t)i * (size_t)out_w;
        if (index)
            halve_rows_index(a, a + down, to, index + (size_t)i * (size_t)out_w, pairs, odd, 2 * i * w, down);
        else
            halve_rows(a, a + down, to, pairs, odd);
    }
}

/* Outputs [*from, *to) whose window has its element m inside the image: 0 ≤ i·stride − offset + m < size. */
static void inside(int m, int stride, int offset, int size, int out, int *from, int *to)
{
    const int lo = offset - m, hi = size + offset - m; /* lo ≤ i·stride < hi */
    *from = lo > 0 ? (lo + stride - 1) / stride : 0;
    *to = hi > 0 ? (hi + stride - 1) / stride : 0;
    if (*to > out)
        *to = out;
}

SIMD_CLONES static void max_step1(const real *restrict x, real *restrict y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = y[i] < x[i] ? x[i] : y[i];
}

SIMD_CLONES static void max_step1_index(const real *restrict x, real *restrict y, int32_t *restrict index, int n, int32_t at)
{
    for (int i = 0; i < n; i++) {
        index[i] = y[i] < x[i] ? at + i : index[i];
        y[i] = y[i] < x[i] ? x[i] : y[i];
    }
}

SIMD_CLONES static void max_rows(const real *restrict a, const real *restrict b, real *restrict y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] < b[i] ? b[i] : a[i];
}

/* The same for every second number of x: what the compiler can take apart in registers. */
SIMD_CLONES static void max_step2(const real *restrict x, real *restrict y, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = y[i] < x[2 * i] ? x[2 * i] : y[i];
}

SIMD_CLONES static void max_step2_index(const real *restrict x, real *restrict y, int32_t *restrict index, int n, int32_t at)
{
    for (int i = 0; i < n; i++) {
        const real v = x[2 * i];
        index[i] = y[i] < v ? at + 2 * i : index[i];
        y[i] = y[i] < v ? v : y[i];
    }
}

SIMD_CLONES static void max_rows_index(const real *restrict x, const int32_t *restrict from, real *restrict y, int32_t *restrict index,
                                       int n)
{
    for (int i = 0; i < n; i++) {
        index[i] = y[i] < x[i] ? from[i] : index[i];
        y[i] = y[i] < x[i] ? x[i] : y[i];
    }
}

/* One row: y[j] = max over m of x[j·stride − left + m]. at: position of x[0] in its plane. */
static void row_max(const real *x, real *y, int32_t *index, int w, int out_w, struct pool_window k, int32_t at)
{
    for (int j = 0; j < out_w; j++) {
        const int start = j * k.stride_w - k.left;
        y[j] = -INFINITY;
        if (index)
            index[j] = at + (start > 0 ? start : 0);
    }
    for (int m = 0; m < k.kw; m++) {
        int from, to;
        inside(m, k.stride_w, k.left, w, out_w, &from, &to);
        const int start = from * k.stride_w - k.left + m;
        if (to <= from)
            continue;
        if (k.stride_w == 1 && index)
            max_step1_index(x + start, y + from, index + from, to - from, at + start);
        else if (k.stride_w == 1)
            max_step1(x + start, y + from, to - from);
        else if (k.stride_w == 2 && index)
            max_step2_index(x + start, y + from, index + from, to - from, at + start);
        else if (k.stride_w == 2)
            max_step2(x + start, y + from, to - from);
        else
            for (int j = from; j < to; j++) {
                const int p = j * k.stride_w - k.left + m;
                if (y[j] < x[p]) {
                    y[j] = x[p];
                    if (index)
                        index[j] = at + p;
                }
            }
    }
}

/* Rows of x that window i sees: [*first, *last). */
static void window_rows(struct pool_window k, int i, int h, int *first, int *last)
{
    const int begin = i * k.stride_h - k.top, end = begin + k.kh;
    *first = begin < 0 ? 0 : begin;
    *last = end > h ? h : end;
}

/* Without positions: down the columns first, so that the strided part is done once a row of outputs. row: w numbers. */
static void max_plane(const real *x, real *y, int h, int w, int out_h, int out_w, struct pool_window k, real *row)
{
    for (int i = 0; i < out_h; i++, y += out_w) {
        int first, last;
        window_rows(k, i, h, &first, &last);
        const real *from = x + (size_t)first * (size_t)w;
        if (last - first > 1)
            max_rows(from, from + w, row, w);
        for (int r = first + 2; r < last; r++)
            max_step1(x + (size_t)r * (size_t)w, row, w);
        row_max(last - first > 1 ? row : from, y, NULL, w, out_w, k, 0);
    }
}

/* Each number or the one behind it, the first of which stands at position `at`, and where they stand. */
SIMD_CLONES static void max_neighbours_index(const real *restrict x, real *restrict y, int32_t *restrict index, int n, int32_t at)
{
    for (int i = 0; i < n; i++) {
        y[i] = x[i] < x[i + 1] ? x[i + 1] : x[i];
        index[i] = at + i + (x[i] < x[i + 1] ? 1 : 0);
    }
}

/* With is_sliding: some rows at a time as one long row, whose maxima are wrong where it crosses from one row to the next. */
static void slide_plane(const real *x, real *y, int h, int w)
{
    real larger[LONG_ROW];
    const int most = LONG_ROW / w - 1;
    for (int row = 0, rows; row < h; row += rows) {
        rows = most < h - row ? most : h - row;
        const int all = rows * w, pairs = row + rows < h ? all : all - w, begin = row * w;
        max_rows(x + begin, x + begin + w, larger, pairs);
        memcpy(larger + pairs, x + begin + pairs, (size_t)(all - pairs) * sizeof(real));
        max_rows(larger, larger + 1, y + begin, all - 1);
        for (int end = w - 1; end < all; end += w)
            y[begin + end] = larger[end];
    }
}

/* The same with positions. */
static void slide_plane_index(const real *x, real *y, int32_t *index, int h, int w)
{
    real larger[LONG_ROW];
    int32_t from[LONG_ROW];
    const int most = LONG_ROW / w - 1;
    for (int row = 0, rows; row < h; row += rows) {
        rows = most < h - row ? most : h - row;
        const int below = row + rows < h ? 1 : 0, seen = (rows + below) * w, begin = row * w;
        max_neighbours_index(x + begin, larger, from, seen - 1, begin);
        for (int end = w - 1; end < seen; end += w) {
            larger[end] = x[begin + end];
            from[end] = begin + end;
        }
        memcpy(y + begin, larger, (size_t)(rows * w) * sizeof(real));
        memcpy(index + begin, from, (size_t)(rows * w) * sizeof(int32_t));
        max_rows_index(larger + w, from + w, y + begin, index + begin, seen - w);
    }
}

/* rows, rows_index: a ring of kh rows of out_w. */
static void max_plane_index(const real *x, real *y, int32_t *index, int h, int w, int out_h, int out_w, struct pool_window k, real *rows,
                            int32_t *rows_index)
{
    const size_t width = (size_t)out_w;
    int known = 0;
    for (int i = 0; i < out_h; i++, y += width, index += width) {
        int first, last;
        window_rows(k, i, h, &first, &last);
        for (known = known < first ? first : known; known < last; known++) {
            const size_t slot = (size_t)(known % k.kh) * width;
            row_max(x + (size_t)known * (size_t)w, rows + slot, rows_index + slot, w, out_w, k, known * w);
        }
        memcpy(y, rows + (size_t)(first % k.kh) * width, width * sizeof(real));
        memcpy(index, rows_index + (size_t)(first % k.kh) * width, width * sizeof(int32_t));
        for (int r = first + 1; r < last; r++) {
            const size_t slot = (size_t)(r % k.kh) * width;
            max_rows_index(rows + slot, rows_index + slot, y, index, out_w);
        }
    }
}

void pool_max_forward(const real *x, real *y, int32_t *index, size_t planes, int h, int w, int out_h, int out_w, struct pool_window k,
                      real *scratch_x, int32_t *scratch_index)
{
    const size_t plane = (size_t)h * (size_t)w, out_plane = (size_t)out_h * (size_t)out_w;
    const bool halving = is_halving(k), sliding = is_sliding(k, h, w, out_h, out_w);
    const size_t scratch = scratch_of(k, w, out_w);
    const size_t most = halving ? MOST_TILES : SCRATCH_TILES;
    const int tiles = (int)(planes < most ? planes : most);
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(planes, tile, tiles, &begin, &end);
        for (size_t p = begin; p < end; p++) {
            const real *from = x + p * plane;
            real *to = y + p * out_plane;
            if (halving)
                halve_plane(from, to, index ? index + p * out_plane : NULL, h, w, out_h, out_w);
            else if (sliding && index)
                slide_plane_index(from, to, index + p * out_plane, h, w);
            else if (sliding)
                slide_plane(from, to, h, w);
            else if (index)
                max_plane_index(from, to, index + p * out_plane, h, w, out_h, out_w, k, scratch_x + (size_t)tile * scratch,
                                scratch_index + (size_t)tile * scratch);
            else
                max_plane(from, to, h, w, out_h, out_w, k, scratch_x + (size_t)tile * scratch);
        }
    }
}

void pool_max_backward(const real *dy, const int32_t *index, real *dx, size_t planes, size_t plane, size_t out_plane, bool overwrite,
                       bool apart)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        real *to = dx + p * plane;
        const real *from = dy + p * out_plane;
        const int32_t *at = index + p * out_plane;
        if (overwrite)
            memset(to, 0, plane * sizeof(real));
        if (overwrite && apart) /* no sum waits for the one before */
            for (size_t i = 0; i < out_plane; i++)
                to[at[i]] = from[i];
        else
            for (size_t i = 0; i < out_plane; i++)
                to[at[i]] += from[i];
    }
}

/* Sixteen sums side by side, added in a fixed order: fast and the same at every thread count. */
SIMD_CLONES static real sum_plane(const real *x, size_t n)
{
    enum { LANES = 16 };
    real lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += x[i + (size_t)k];
    for (int k = 0; i < n; i++, k++)
        lane[k] += x[i];
    real sum = 0;
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

void pool_mean_forward(const real *x, real *y, size_t planes, size_t plane)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++)
        y[p] = sum_plane(x + p * plane, plane) / (real)plane;
}

void pool_mean_backward(const real *dy, real *dx, size_t planes, size_t plane, bool overwrite)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < planes; p++) {
        const real share = dy[p] / (real)plane;
        real *to = dx + p * plane;
        for (size_t i = 0; i < plane; i++)
            to[i] = overwrite ? share : to[i] + share;
    }
}
