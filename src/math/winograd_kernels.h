/* winograd_kernels: the serial kernels that winograd.c and winograd_weights.c put together, one table for each instruction set.
 *
 * F(m × m, 3 × 3) works on tiles of m × m outputs, which see (m + 2) × (m + 2) inputs. In the transformed domain a tile has
 * points = (m + 2)² numbers, and the convolution is a product of matrices over channels at each point (Lavin and Gray 2015):
 *
 *     Y = Aᵀ [ Σ over channels (G g Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * Channels are taken in blocks of `lanes` (one vector). Packed arrays of transformed tiles are [point][block][tile][lane], where the
 * distance between points is the caller's; lanes behind the last channel hold 0. */
#ifndef DLNET_MATH_WINOGRAD_KERNELS_H
#define DLNET_MATH_WINOGRAD_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cpu.h"
#include "base/real.h"
#include "math/norm.h"

#define WINOGRAD_MIN_TILE 2
#define WINOGRAD_MAX_TILE 6

/* An NCHW array cut into tiles. */
struct winograd_array {
    int channels, height, width;
    int padding; /* the first tile's window begins this many pixels before the image */
    int down;    /* tiles above one another in one image */
    bool halve;  /* output: only the maximum of each 2 x 2 window is written; height and width are those before; the tile is even */
};

/* Tiles of some rows (counted through all images: row = image·down + tile row) and columns; tile (row + i, col + j) is number i·cols + j.
 */
struct winograd_region {
    int row, rows, col, cols;
};

/* Where 3 × 3 kernels stand: lane l, sum index k at w + l·lane_stride + k·sum_stride. */
struct winograd_taps {
    const real *w;
    size_t lane_stride, sum_stride;
    bool rotated; /* by 180°: for backward data */
};

struct winograd_tile_kernels {
    /* Bᵀ d B of the windows of the channels of one block. strip: see WINOGRAD_STRIP. */
    void (*input)(const struct winograd_array *a, struct winograd_region r, int block, const real *x, real *v, size_t point_stride,
                  real *strip);
    /* A dY Aᵀ of the tiles of outputs' gradients. */
    void (*gradient)(const struct winograd_array *a, struct winograd_region r, int block, const real *dy, real *z, size_t point_stride,
                     real *strip);
    /* G g Gᵀ: u[point][k][lane] for k < sums, the distance from k to k + 1 being k_stride; lanes behind `valid` get 0. */
    void (*weights)(const struct winograd_taps *taps, int valid, int sums, real *u, size_t point_stride, size_t k_stride);
    /* y = map(Aᵀ M A) for one block of channels, or y += when add. */
    void (*output)(const struct winograd_array *a, struct winograd_region r, int block, const real *m, size_t point_stride,
                   const struct channel_map *map, bool add, real *y, real *strip);
    /* dw[o·row_stride + 9·c + tap] += Gᵀ D G for o < rows and the first `channels` of D[point][o][c]; ld: from o to o + 1. */
    void (*dweight)(const real *d, size_t point_stride, size_t ld, int rows, int channels, real *dw, size_t row_stride, real *strip);
};

struct winograd_kernels {
    int lanes;
    int gradient_rows; /* see correlate; divides lanes */
    /* out[vector][tile][lane] = Σ over c of v[c / lanes][tile][c mod lanes] · u[c][vector][lane]; vectors: 1 or 2. */
    void (*multiply)(int vectors, const real *v, size_t block_stride, const real *u, int channels, int tiles, real *out,
                     size_t vector_stride);
    /* d[o][vector][lane] = (or +=) Σ over tiles of z[tile][o] · v[vector][tile][lane] for gradient_rows numbers o; vectors: 1 or 2. */
    void (*correlate)(int vectors, const real *z, const real *v, size_t block_stride, int tiles, bool add, real *d, size_t ld);
    struct winograd_tile_kernels tile[WINOGRAD_MAX_TILE + 1]; /* by m; 0 and 1 are empty */
};

/* Numbers of strip that the kernels need for regions of `cols` tiles, or dweight for as many channels. */
#define WINOGRAD_STRIP(lanes, m, cols) ((size_t)((m) + 2) * (size_t)(lanes) * ((size_t)(m) * (size_t)(cols) + 2 + (size_t)(lanes)))
#define WINOGRAD_DWEIGHT_STRIP(lanes, channels) (9 * ((size_t)(channels) + (size_t)(lanes)) + (size_t)(lanes))

extern const struct winograd_kernels winograd_baseline;
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
extern const struct winograd_kernels winograd_avx2, winograd_avx512;
#endif

const struct winograd_kernels *winograd_kernels_of(enum cpu_isa isa);

#endif
