/* winograd_simd: the kernels of winograd_kernels.h as a template over the instruction set. The including file includes a vec_*.h and
 * defines
 *
 *     MULTIPLY_ROWS    tiles whose sums for two vectors of outputs fit into registers
 *     GRADIENT_ROWS    see correlate
 *     WINOGRAD_TABLE   the name of the table */
#include <string.h>

#include "math/winograd_kernels.h"

/* Pixels x .. x + count − 1 of row y of the channels of a block, each a vector over channels; 0 outside the image. Up to LANES − 1 vectors
 * behind `to[count]` are overwritten. */
static void load_pixels(const struct winograd_array *a, const real *planes, int channels, int y, int x, int count, real *to)
{
    const size_t plane = (size_t)a->height * (size_t)a->width;
    const int begin = x < 0 ? smaller(-x, count) : 0, end = smaller(count, a->width - x);
    if (y < 0 || y >= a->height || end <= begin) {
        memset(to, 0, (size_t)count * LANES * sizeof(real));
        return;
    }
    memset(to, 0, (size_t)begin * LANES * sizeof(real));
    const real *row = planes + (size_t)y * (size_t)a->width;
    for (int i = begin; i < end; i += LANES) {
        const real *from = row + x + i;
        vec r[LANES];
        if (channels == LANES && end - i >= LANES) {
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                r[k] = load(from + (size_t)k * plane);
        } else {
            const int n = smaller(LANES, end - i);
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                r[k] = k < channels ? load_partial(from + (size_t)k * plane, n) : (vec){0};
        }
        transpose(r);
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            store(to + (size_t)(i + k) * LANES, r[k]);
    }
    memset(to + (size_t)end * LANES, 0, (size_t)(count - end) * LANES * sizeof(real));
}

/* The transpose: `count` vectors over channels to a row of each plane. other: of the same planes, or these; then g(sum of both) is stored,
 * the other one before g being a line of that slope below 0. NULL: nothing is added. */
static void store_pixels(const real *from, int count, int channels, const real *other, real slope, real *row, size_t plane)
{
    for (int i = 0; i < count; i += LANES) {
        const int n = smaller(LANES, count - i);
        real *to = row + i;
        vec r[LANES];
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            r[k] = load(from + (size_t)(i + k) * LANES);
        transpose(r);
        if (channels == LANES && n == LANES && !other) {
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++)
                store(to + (size_t)k * plane, r[k]);
            continue;
        }
        if (channels == LANES && n == LANES) {
#pragma GCC unroll 16
            for (int k = 0; k < LANES; k++) {
                const vec z = load(other + i + (size_t)k * plane) + r[k];
                store(to + (size_t)k * plane, select_positive(z, slope * z));
            }
            continue;
        }
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            if (k < channels) {
                vec z = r[k];
                if (other) {
                    z += load_partial(other + i + (size_t)k * plane, n);
                    z = select_positive(z, slope * z);
                }
                store_partial(to + (size_t)k * plane, z, n);
            }
    }
}

/* The 9 taps of `valid` kernels that stand `stride` apart, each tap a vector over kernels. */
INLINE void load_taps(const real *w, size_t stride, int valid, vec *taps)
{
    vec r[LANES];
#pragma GCC unroll 4
    for (int t = 0; t < 8; t += LANES) {
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            r[k] = k < valid ? (LANES > 9 ? load_partial(w + (size_t)k * stride, smaller(LANES, 9)) : load(w + (size_t)k * stride + t))
                             : (vec){0};
        transpose(r);
#pragma GCC unroll 9
        for (int k = 0; k < smaller(LANES, 9 - t); k++)
            taps[t + k] = r[k];
    }
    if (LANES <= 8) {
        real last[LANES] = {0};
        for (int k = 0; k < valid; k++)
            last[k] = w[(size_t)k * stride + 8];
        taps[8] = load(last);
    }
}

/* Writes LANES kernels of 9 taps one after another; up to LANES − 9 numbers behind them are overwritten. */
INLINE void store_taps(const vec *taps, real *w)
{
    vec r[LANES];
#pragma GCC unroll 4
    for (int t = 0; t < 8; t += LANES) {
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            r[k] = taps[smaller(t + k, 8)];
        transpose(r);
        /* In ascending order: what a vector of 16 has too much the next one overwrites. */
#pragma GCC unroll 16
        for (int k = 0; k < LANES; k++)
            store(w + 9 * k + t, r[k]);
    }
    if (LANES <= 8) {
        real last[LANES];
        store(last, taps[8]);
        for (int k = 0; k < LANES; k++)
            w[9 * k + 8] = last[k];
    }
}

/* The products of `rows` tiles. rows and vectors are constants wherever this is inlined, so that the sums stay in registers. Meanwhile the
 * second-level cache gets `ahead_vectors` vectors for each channel from `ahead` on. */
INLINE void multiply_rows(int rows, int vectors, const real *v, size_t block_stride, const real *u, int channels, const real *ahead,
                          int ahead_vectors, real *out, size_t vector_stride)
{
    vec sum[MULTIPLY_ROWS][2];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (vec){0};
    for (int c0 = 0; c0 < channels; c0 += LANES, v += block_stride) {
        const int n = smaller(LANES, channels - c0);
        for (int c = 0; c < n; c++, u += vectors * LANES) {
            const vec u0 = load_aligned(u), u1 = load_aligned(u + (vectors - 1) * LANES);
            __builtin_prefetch(ahead, 0, 2);
            if (ahead_vectors == 2 && LANES * sizeof(real) >= 64)
                __builtin_prefetch(ahead + LANES, 0, 2);
            ahead += ahead_vectors * LANES;
#pragma GCC unroll 16
            for (int r = 0; r < rows; r++) {
                const real x = v[r * LANES + c];
                sum[r][0] += u0 * x;
                if (vectors == 2)
                    sum[r][1] += u1 * x;
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
        store_aligned(out + r * LANES, sum[r][0]);
        if (vectors == 2)
            store_aligned(out + vector_stride + r * LANES, sum[r][1]);
    }
}

#define MULTIPLY_CASE(n)                                                                                                                   \
    case n:                                                                                                                                \
        multiply_rows(n, vectors, v, block_stride, u, channels, ahead, ahead_vectors, out, vector_stride);                                 \
        break;

INLINE void multiply_vectors(int vectors, const real *v, size_t block_stride, const real *u, int channels, int tiles, real *out,
                             size_t vector_stride)
{
    /* Even heights: a low one at the end would be bound by loads. */
    const int blocks = (tiles + MULTIPLY_ROWS - 1) / MULTIPLY_ROWS;
    /* The panel behind this one is what is usually read next. The first two blocks (or the only one) share it out between them: where the
     * weights come from memory that is slower than the products, they come all the time. */
    const int ahead_vectors = blocks == 1 ? vectors : 1;
    const size_t panel = (size_t)(channels * vectors) * LANES;
    for (int i = 0; i < blocks; i++) {
        const int rows = tiles / blocks + (i < tiles % blocks);
        const real *ahead = u + panel + (i == 1 ? panel / 2 : 0);
        switch (rows) {
            MULTIPLY_CASE(1)
            MULTIPLY_CASE(2)
            MULTIPLY_CASE(3)
            MULTIPLY_CASE(4)
            MULTIPLY_CASE(5)
            MULTIPLY_CASE(6)
#if MULTIPLY_ROWS > 6
            MULTIPLY_CASE(7)
            MULTIPLY_CASE(8)
            MULTIPLY_CASE(9)
            MULTIPLY_CASE(10)
            MULTIPLY_CASE(11)
            MULTIPLY_CASE(12)
            MULTIPLY_CASE(13)
            MULTIPLY_CASE(14)
#endif
        }
        v += (size_t)rows * LANES;
        out += (size_t)rows * LANES;
    }
}

static void multiply(int vectors, const real *v, size_t block_stride, const real *u, int channels, int tiles, real *out,
                     size_t vector_stride)
{
    if (vectors == 2)
        multiply_vectors(2, v, block_stride, u, channels, tiles, out, vector_stride);
    else
        multiply_vectors(1, v, block_stride, u, channels, tiles, out, vector_stride);
}

INLINE void correlate_vectors(int vectors, const real *z, const real *v, size_t block_stride, int tiles, bool add, real *d, size_t ld)
{
    vec sum[GRADIENT_ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < GRADIENT_ROWS; i++)
        for (int k = 0; k < 2; k++)
            sum[i][k] = add && k < vectors ? load_aligned(d + (size_t)i * ld + k * LANES) : (vec){0};
    for (int t = 0; t < tiles; t++) {
        const vec v0 = load_aligned(v + (size_t)t * LANES), v1 = load_aligned(v + (vectors == 2 ? block_stride : 0) + (size_t)t * LANES);
#pragma GCC unroll 16
        for (int i = 0; i < GRADIENT_ROWS; i++) {
            const real x = z[(size_t)t * LANES + i];
            sum[i][0] += v0 * x;
            if (vectors == 2)
                sum[i][1] += v1 * x;
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < GRADIENT_ROWS; i++)
        for (int k = 0; k < vectors; k++)
            store_aligned(d + (size_t)i * ld + k * LANES, sum[i][k]);
}

static void correlate(int vectors, const real *z, const real *v, size_t block_stride, int tiles, bool add, real *d, size_t ld)
{
    if (vectors == 2)
        correlate_vectors(2, z, v, block_stride, tiles, add, d, ld);
    else
        correlate_vectors(1, z, v, block_stride, tiles, add, d, ld);
}

#define WINOGRAD_TILE 2
#include "math/winograd_tile.h"
#undef WINOGRAD_TILE
#define WINOGRAD_TILE 3
#include "math/winograd_tile.h"
#undef WINOGRAD_TILE
#define WINOGRAD_TILE 4
#include "math/winograd_tile.h"
#undef WINOGRAD_TILE
#define WINOGRAD_TILE 5
#include "math/winograd_tile.h"
#undef WINOGRAD_TILE
#define WINOGRAD_TILE 6
#include "math/winograd_tile.h"
#undef WINOGRAD_TILE

#define TILE_KERNELS(m)                                                                                                                    \
    {                                                                                                                                      \
        input_##m, gradient_##m, weights_##m, output_##m, dweight_##m                                                                      \
    }

const struct winograd_kernels WINOGRAD_TABLE = {
    .lanes = LANES,
    .gradient_rows = GRADIENT_ROWS,
    .multiply = multiply,
    .correlate = correlate,
    .tile = {[2] = TILE_KERNELS(2), [3] = TILE_KERNELS(3), [4] = TILE_KERNELS(4), [5] = TILE_KERNELS(5), [6] = TILE_KERNELS(6)},
};
