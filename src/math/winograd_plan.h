/* winograd_plan: how winograd.c and winograd_weights.c cut their work and lay out their scratch. */
#ifndef DLNET_MATH_WINOGRAD_PLAN_H
#define DLNET_MATH_WINOGRAD_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "math/winograd.h"
#include "math/winograd_kernels.h"

/* Of vectors, in numbers: 64 bytes. */
#define WINOGRAD_ALIGNMENT (64 / sizeof(real))

static inline int winograd_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static inline size_t winograd_padded(size_t n)
{
    return (n + WINOGRAD_ALIGNMENT - 1) / WINOGRAD_ALIGNMENT * WINOGRAD_ALIGNMENT;
}

/* Distance between points that have n numbers: one vector more, so that the same place of all points doesn't fall into one set of the
 * cache. */
static inline size_t winograd_stride(size_t n)
{
    return winograd_padded(n) + WINOGRAD_ALIGNMENT;
}

static inline real *winograd_align(real *p)
{
    const uintptr_t bytes = WINOGRAD_ALIGNMENT * sizeof(real);
    return (real *)(((uintptr_t)p + bytes - 1) / bytes * bytes);
}

/* All tiles of a batch, cut into regions: `bands` of tile rows, each of `columns`; sizes differ by at most one. */
struct winograd_cut {
    int tile_rows, across; /* of all images; of an image */
    int bands, columns;
};

/* Regions of at most about `most` tiles, but of one tile row at least; their number is a multiple of `multiple` where the tile rows allow
 * it, so that threads end together. whole_rows: one column. */
static inline struct winograd_cut winograd_cut_into(int tile_rows, int across, int most, int multiple, bool whole_rows)
{
    struct winograd_cut c = {.tile_rows = tile_rows, .across = across, .columns = whole_rows ? 1 : winograd_ceil_div(across, 2 * most)};
    const int wanted = winograd_ceil_div(winograd_ceil_div(winograd_ceil_div(tile_rows * across, c.columns), most), multiple) * multiple;
    c.bands = wanted < tile_rows ? wanted : tile_rows;
    return c;
}

static inline struct winograd_region winograd_region_of(const struct winograd_cut *c, int number)
{
    const int band = number / c->columns, column = number % c->columns;
    const int row = (int)((long)c->tile_rows * band / c->bands), row_end = (int)((long)c->tile_rows * (band + 1) / c->bands);
    const int col = c->across * column / c->columns, col_end = c->across * (column + 1) / c->columns;
    return (struct winograd_region){row, row_end - row, col, col_end - col};
}

/* Sizes of the largest region. */
static inline int winograd_cut_cols(const struct winograd_cut *c)
{
    return winograd_ceil_div(c->across, c->columns);
}

static inline int winograd_cut_tiles(const struct winograd_cut *c)
{
    return winograd_ceil_div(c->tile_rows, c->bands) * winograd_cut_cols(c);
}

size_t winograd_weights_scratch(const struct conv_shape *s, struct winograd_method method, int threads);

#endif
