/* bf16_kernels: the serial kernels that bf16.c and bf16_weights.c put together, one table for each instruction set.
 *
 * Everything turns on tiles: a tile of A is 16 rows of 32 factors, one of B is 16 rows of 16 pairs of factors, and the tile of their
 * product, 16 × 16 sums, is C[i][j] += Σ over p < 16 of A[i][2p]·B[p][j][0] + A[i][2p + 1]·B[p][j][1]. */
#ifndef DLNET_MATH_BF16_KERNELS_H
#define DLNET_MATH_BF16_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"
#include "base/real.h"

#define BF16_SIDE 16                       /* rows of a tile, and its columns of 4 bytes */
#define BF16_DEPTH (2 * BF16_SIDE)         /* products that a sum of a tile gets from one pair of tiles */
#define BF16_AREA (BF16_SIDE * BF16_DEPTH) /* factors in a tile */
#define BF16_SUMS (BF16_SIDE * BF16_SIDE)  /* sums in a tile */
#define BF16_TILES 4                       /* products that multiply finds together */
#define BF16_PANEL (2 * BF16_SIDE)         /* rows, or columns, of those */

typedef uint16_t bf16; /* the upper half of a float */

static inline bf16 bf16_round(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t exponent = bits & 0x7f800000;
    if (exponent == 0)
        return (bf16)(bits >> 16 & 0x8000);
    if (exponent == 0x7f800000) /* infinite or no number: stays so */
        return (bf16)(bits >> 16 | ((bits & 0x7fffff) != 0 ? 0x40 : 0));
    return (bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float bf16_value(bf16 x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Up to 2 × 2 tiles of C; strides in bytes. */
struct bf16_product {
    const bf16 *a, *b;
    size_t a_row, b_row;       /* from one row of a tile to the next */
    size_t a_second, b_second; /* from the first tile to the second */
    int down, across;          /* tiles of A, of B: 1 or 2 */
    const int *a_at, *b_at;    /* where the tiles of each step are, in bytes */
    int steps;
    float *c; /* tile (i, j) at (2·i + j)·BF16_SUMS, aligned to 64 bytes */
    bool add; /* to what is there */
};

/* Rows of numbers to be read: number i is from[i·stride] for begin ≤ i < end, else 0. */
struct bf16_source {
    const real *from;
    int begin, end;
};

/* How: n numbers of each of `rows` rows; from one row to the next in the source and, in numbers of one source, in what is written. */
struct bf16_rows {
    int stride, n, rows;
    size_t from_step, to_step;
};

/* Neighbouring columns of a tile that are neighbours in the array of outputs, too. */
struct bf16_run {
    int tile, lane, lanes; /* tile: 0 or 1 of those across */
    size_t y;              /* where its first number belongs */
};

/* What becomes of the sums. */
struct bf16_output {
    const float *c;
    real *y;
    size_t plane;              /* from one row of C to the next in y */
    size_t step;               /* from one number of a run to the next */
    int rows;                  /* that exist */
    bool add, map;             /* map: y = f(scale·y + shift), f(y) = y for y > 0, else slope·y */
    const real *scale, *shift; /* of these rows; NULL: 1, 0 */
    real slope;
    const struct bf16_run *runs;
    int count;
};

struct bf16_kernels {
    /* Around calls of multiply in one thread. */
    void (*begin)(void);
    void (*end)(void);
    void (*multiply)(const struct bf16_product *p);
    void (*output)(const struct bf16_output *o);
    /* to[r·to_step + i] = number i of row r of the source. */
    void (*plain)(const struct bf16_source *s, const struct bf16_rows *rows, bf16 *to);
    /* to[2·(r·to_step + i) + k] = that of source k. */
    void (*pairs)(const struct bf16_source s[2], const struct bf16_rows *rows, bf16 *to);
    /* `tiles` tiles of B from 16 rows of factors, `row` factors apart: pair p of column j of tile t is row j's factors 32·t + 2·p and the
     * next one. */
    void (*transpose)(const bf16 *rows, size_t row, int tiles, bf16 *to);
    /* A tile of A: to[i][k] = from[i·row + k·col] for i < rows, k < cols, else 0. */
    void (*pack)(const real *from, size_t row, size_t col, int rows, int cols, bf16 *to);
    /* to[j·ld + i·step] += Σ over slots of c[slot·distance + i·16 + j] for i < rows and j < cols: a tile of sums, turned over. */
    void (*collect)(const float *c, size_t distance, int slots, int rows, int cols, real *to, size_t ld, size_t step);
};

extern const struct bf16_kernels bf16_portable;
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
extern const struct bf16_kernels bf16_avx512, bf16_amx;
#endif

const struct bf16_kernels *bf16_kernels_of(enum cpu_bf16 isa);

#endif
