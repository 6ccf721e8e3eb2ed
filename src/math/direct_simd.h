/* direct_simd: the kernels of direct_kernels.h as a template over the instruction set. The including file includes a vec_*.h and defines
 *
 *     ROWS, VECTORS                  the register tile of multiply
 *     GRADIENT_ROWS, GRADIENT_TAPS   that of correlate
 *     DIRECT_TABLE                   the name of the table */
#include "math/direct_kernels.h"

static void copy(const real *planes, size_t plane, int channels, int vectors, int valid, real *to)
{
    for (int c = 0; c < channels; c++, planes += plane, to += VECTORS * LANES)
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

static void spread(const real *from, int stride, int begin, int end, real *to, int n)
{
    clear(to, begin);
    clear(to + end, n - end);
    int i = begin;
    if (stride == 1) {
        for (; i + LANES <= end; i += LANES)
            store(to + i, load(from + i));
        if (i < end)
            store_partial(to + i, load_partial(from + i, end - i), end - i);
        return;
    }
    if (stride == 2)
        /* The last number of the second vector belongs to the next one: it must exist. */
        for (; i + LANES < end; i += LANES)
            store(to + i, __builtin_shufflevector(load(from + 2 * i), load(from + 2 * i + LANES), EVEN_LANES));
    for (; i < end; i++)
        to[i] = from[(long)i * stride];
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
            }
            if (at[j].lanes == LANES)
                store(to, y);
            else
                store_partial(to, y, at[j].lanes);
        }
    }
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

const struct direct_kernels DIRECT_TABLE = {.lanes = LANES,
                                            .rows = ROWS,
                                            .vectors = VECTORS,
                                            .gradient_rows = GRADIENT_ROWS,
                                            .gradient_taps = GRADIENT_TAPS,
                                            .copy = copy,
                                            .spread = spread,
                                            .multiply = multiply,
                                            .correlate = correlate};
