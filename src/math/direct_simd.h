/* direct_simd: the kernels of direct_kernels.h as a template over the instruction set. The including file includes a vec_*.h and defines
 *
 *     ROWS, VECTORS                  the register tile of multiply
 *     GRADIENT_ROWS, GRADIENT_TAPS   that of correlate
 *     DIRECT_TABLE                   the name of the table */
#include "math/direct_kernels.h"

static void copy(const real *planes, size_t plane, int channels, int vectors, int valid, real *to, int ld)
{
    for (int c = 0; c < channels; c++, planes += plane, to += ld)
#pragma GCC unroll 1
        for (int j = 0; j < vectors; j++) {
            const int left = valid - j * LANES;
            store(to + j * LANES, left >= LANES ? load(planes + j * LANES) : load_partial(planes + j * LANES, left));
        }
}

#if LANES == 16
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#elif LANES == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#elif LANES == 4
#define EVEN_LANES 0, 2, 4, 6
#else
#define EVEN_LANES 0, 2
#endif

INLINE void clear(real *to, int n)
{
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        store(to + i, (vec){0});
    if (i < n)
        store_partial(to + i, (vec){0}, n - i);
}

/* The first `valid` lanes of v, zeros behind them as far as row `to` of n numbers goes. */
INLINE void end_row(real *to, vec v, int valid, int n)
{
    if (valid > 0 && n < LANES)
        store_partial(to, v, n);
    else if (valid > 0)
        store(to, v);
    const int done = valid > 0 ? smaller(LANES, n) : 0;
    if (done < n)
        clear(to + done, n - done);
}

INLINE void spread_row(const real *from, int stride, int begin, int end, real *to, int n)
{
    for (int i = 0; i < begin; i++)
        to[i] = 0;
    int i = begin;
    if (stride == 1) {
        for (; i + LANES <= end; i += LANES)
            store(to + i, load(from + i));
        end_row(to + i, load_partial(from + i, end - i), end - i, n - i);
        return;
    }
    if (stride == 2) {
        /* The last number of the second vector belongs to the next one: it must exist. */
        for (; i + LANES < end; i += LANES)
            store(to + i, __builtin_shufflevector(load(from + 2 * i), load(from + 2 * i + LANES), EVEN_LANES));
        const int left = end - i, seen = left > 0 ? 2 * left - 1 : 0;
        const vec v = __builtin_shufflevector(load_partial(from + 2 * i, smaller(seen, LANES)),
                                              seen > LANES ? load_partial(from + 2 * i + LANES, seen - LANES) : (vec){0}, EVEN_LANES);
        end_row(to + i, v, left, n - i);
        return;
    }
    for (; i < end; i++)
        to[i] = from[(long)i * stride];
    clear(to + end, n - end);
}

static void spread(const real *from, size_t step, int rows, int stride, int begin, int end, real *to, size_t ld, int n)
{
    if (end <= begin)
        for (int r = 0; r < rows; r++, to += ld)
            clear(to, n);
    else
        for (int r = 0; r < rows; r++, from += step, to += ld)
            spread_row(from, stride, begin, end, to, n);
}

static void gather(const real *x, const int *taps, int sums, const struct direct_run *runs, int count, real *to, int ld)
{
    for (int i = 0; i < sums; i++, to += ld) {
        const real *from = x + taps[i];
        /* In this order: each covers what the one before wrote too much. */
        for (int r = 0; r < count; r++)
            store(to + runs[r].to, load(from + runs[r].from));
    }
}

/* What becomes of the sums where all lanes exist; vectors, map, add and residual are constants wherever this is inlined. */
INLINE void finish_whole(int vectors, bool map, bool add, bool residual, vec sum[ROWS][VECTORS], const struct direct_vector *at,
                         const struct direct_output *out)
{
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
        if (r >= out->rows)
            break;
        const size_t row = (size_t)r * out->plane;
        const vec scale = (vec){0} + (map && out->scale ? out->scale[r] : 1), shift = (vec){0} + (map && out->shift ? out->shift[r] : 0);
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) {
            const size_t to = row + at[j].y;
            vec y = sum[r][j];
            if (add)
                y += load(out->y + to);
            if (map) {
                y = scale * y + shift;
                y = select_positive(y, out->slope * y);
            }
            if (residual) {
                y += load(out->residual + to);
                y = select_positive(y, out->residual_slope * y);
            }
            store(out->y + to, y);
        }
    }
}

INLINE void finish_any(int vectors, vec sum[ROWS][VECTORS], const struct direct_vector *at, const struct direct_output *out)
{
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
        if (r >= out->rows)
            break;
        const vec scale = (vec){0} + (out->scale ? out->scale[r] : 1), shift = (vec){0} + (out->shift ? out->shift[r] : 0);
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) {
            real *to = out->y + (size_t)r * out->plane + at[j].y;
            vec y = sum[r][j];
            if (out->add)
                y += load_partial(to, at[j].lanes);
            if (out->map) {
                y = scale * y + shift;
                y = select_positive(y, out->slope * y);
                if (out->residual) {
                    y += load_partial(out->residual + (size_t)r * out->plane + at[j].y, at[j].lanes);
                    y = select_positive(y, out->residual_slope * y);
                }
            }
            store_partial(to, y, at[j].lanes);
        }
    }
}

/* vectors is a constant wherever this is inlined, so that the sums stay in registers. */
INLINE void multiply_vectors(int vectors, const real *w, const int *taps, int sums, const real *x, const struct direct_vector *at,
                             const struct direct_output *out)
{
    vec sum[ROWS][VECTORS];
    const real *from[VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) {
        from[j] = x + at[j].x;
#pragma GCC unroll 16
        for (int r = 0; r < ROWS; r++)
            sum[r][j] = (vec){0};
    }
    for (int i = 0; i < sums; i++, w += ROWS) {
        vec v[VECTORS];
        __builtin_prefetch(w + 32 * ROWS);
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            v[j] = load(from[j] + taps[i]);
#pragma GCC unroll 16
        for (int r = 0; r < ROWS; r++) {
            const real weight = w[r];
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                sum[r][j] += v[j] * weight;
        }
    }
    bool whole = true;
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++)
        whole = whole && at[j].lanes == LANES;
    const bool residual = out->map && out->residual;
    if (!whole)
        finish_any(vectors, sum, at, out);
    else if (residual && out->add)
        finish_whole(vectors, true, true, true, sum, at, out);
    else if (residual)
        finish_whole(vectors, true, false, true, sum, at, out);
    else if (out->map && out->add)
        finish_whole(vectors, true, true, false, sum, at, out);
    else if (out->map)
        finish_whole(vectors, true, false, false, sum, at, out);
    else if (out->add)
        finish_whole(vectors, false, true, false, sum, at, out);
    else
        finish_whole(vectors, false, false, false, sum, at, out);
}

static void multiply(const real *w, const int *taps, int sums, const real *x, const struct direct_vector *at, int vectors,
                     const struct direct_output *out)
{
    if (vectors == 1)
        multiply_vectors(1, w, taps, sums, x, at, out);
    else if (vectors == 2)
        multiply_vectors(2, w, taps, sums, x, at, out);
#if VECTORS > 2
    else
        multiply_vectors(3, w, taps, sums, x, at, out);
#endif
}

static void turn(const real *from, size_t plane, int rows, int n, real *to, int ld)
{
    for (int i = 0; i < n; i += LANES, from += LANES, to += (long)LANES * ld) {
        vec v[LANES];
        const int valid = smaller(LANES, n - i);
#pragma GCC unroll 16
        for (int r = 0; r < LANES; r++) {
            v[r] = (vec){0};
            if (r < rows)
                v[r] = valid == LANES ? load(from + (size_t)r * plane) : load_partial(from + (size_t)r * plane, valid);
        }
        transpose(v);
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            if (k < valid)
                store(to + (long)k * ld, v[k]);
    }
}

/* vectors is a constant wherever this is inlined. */
INLINE void outer_vectors(int vectors, const real *x, int ld, const real *turned, int n, real *sums)
{
    vec sum[ROWS][VECTORS];
    const real *row[ROWS];
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++) {
        row[r] = x + (long)r * ld;
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            sum[r][j] = load(sums + (r * VECTORS + j) * LANES);
    }
    for (int i = 0; i < n; i++, turned += VECTORS * LANES) {
        vec v[VECTORS];
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            v[j] = load(turned + j * LANES);
#pragma GCC unroll 16
        for (int r = 0; r < ROWS; r++) {
            const real factor = row[r][i];
#pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                sum[r][j] += v[j] * factor;
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            store(sums + (r * VECTORS + j) * LANES, sum[r][j]);
}

static void outer(const real *x, int ld, const real *turned, int n, int vectors, real *sums)
{
    if (vectors == 1)
        outer_vectors(1, x, ld, turned, n, sums);
    else if (vectors == 2)
        outer_vectors(2, x, ld, turned, n, sums);
#if VECTORS > 2
    else
        outer_vectors(3, x, ld, turned, n, sums);
#endif
}

static void correlate(const real *dy, size_t plane, int rows, const real *x, const int *taps, int count, const struct direct_vector *at,
                      int vectors, real *dw, size_t ld)
{
    vec sum[GRADIENT_ROWS][GRADIENT_TAPS];
    const real *row[GRADIENT_ROWS], *tap[GRADIENT_TAPS];
#pragma GCC unroll 8
    for (int r = 0; r < GRADIENT_ROWS; r++) {
        row[r] = dy + (size_t)smaller(r, rows - 1) * plane;
#pragma GCC unroll 8
        for (int t = 0; t < GRADIENT_TAPS; t++)
            sum[r][t] = (vec){0};
    }
#pragma GCC unroll 8
    for (int t = 0; t < GRADIENT_TAPS; t++)
        tap[t] = x + taps[smaller(t, count - 1)];
    for (int i = 0; i < vectors; i++) {
        const size_t to = at[i].y, from = at[i].x;
        const int lanes = at[i].lanes;
        vec g[GRADIENT_ROWS];
        if (lanes == LANES) {
#pragma GCC unroll 8
            for (int r = 0; r < GRADIENT_ROWS; r++)
                g[r] = load(row[r] + to);
#pragma GCC unroll 8
            for (int t = 0; t < GRADIENT_TAPS; t++) {
                const vec v = load(tap[t] + from);
#pragma GCC unroll 8
                for (int r = 0; r < GRADIENT_ROWS; r++)
                    sum[r][t] += g[r] * v;
            }
            continue;
        }
#pragma GCC unroll 8
        for (int r = 0; r < GRADIENT_ROWS; r++)
            g[r] = load_partial(row[r] + to, lanes);
#pragma GCC unroll 8
        for (int t = 0; t < GRADIENT_TAPS; t++) {
            const vec v = load_partial(tap[t] + from, lanes);
#pragma GCC unroll 8
            for (int r = 0; r < GRADIENT_ROWS; r++)
                sum[r][t] += g[r] * v;
        }
    }
    real total[(GRADIENT_ROWS * GRADIENT_TAPS + LANES - 1) / LANES * LANES];
#pragma GCC unroll 16
    for (int i = 0; i < GRADIENT_ROWS * GRADIENT_TAPS; i += LANES) {
        vec v[LANES];
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            v[k] = i + k < GRADIENT_ROWS * GRADIENT_TAPS ? sum[(i + k) / GRADIENT_TAPS][(i + k) % GRADIENT_TAPS] : (vec){0};
        store(total + i, totals(v));
    }
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < count; t++)
            dw[(size_t)r * ld + (size_t)t] += total[r * GRADIENT_TAPS + t];
}

/* A vector of the plane at a time, as sums in a register: written tap by tap, each would wait for the one before to reach the cache. */
static void add_taps(const real *tile, int ld, int begin, int end, int out_w, int size, int dilation, real *plane, int width)
{
    const int first = begin / out_w, last = (end - 1) / out_w;
    for (int row = first; row <= last + (size - 1) * dilation; row++)
        for (int at = 0; at < width; at += LANES) {
            real *to = plane + (size_t)row * (size_t)width + at;
            vec sum = load_partial(to, smaller(LANES, width - at));
            for (int ky = 0; ky < size; ky++) {
                const int y = row - ky * dilation;
                if (y < first || y > last)
                    continue;
                const int x0 = y == first ? begin - y * out_w : 0, x1 = y == last ? end - y * out_w : out_w;
                for (int kx = 0; kx < size; kx++) {
                    const int shift = at - kx * dilation, lo = x0 - shift, hi = x1 - shift;
                    if (lo < LANES && hi > 0)
                        sum += load_range(tile + (ky * size + kx) * (long)ld + (y * out_w - begin + shift), lo < 0 ? 0 : lo,
                                          smaller(hi, LANES));
                }
            }
            store_partial(to, sum, smaller(LANES, width - at));
        }
}

const struct direct_kernels DIRECT_TABLE = {.lanes = LANES,
                                            .rows = ROWS,
                                            .vectors = VECTORS,
                                            .gradient_rows = GRADIENT_ROWS,
                                            .gradient_taps = GRADIENT_TAPS,
                                            .copy = copy,
                                            .spread = spread,
                                            .gather = gather,
                                            .multiply = multiply,
                                            .turn = turn,
                                            .outer = outer,
                                            .correlate = correlate,
                                            .add_taps = add_taps};
