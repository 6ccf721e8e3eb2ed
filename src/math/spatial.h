/* spatial: kernels that move the elements of n × c × h × w arrays to other places. In parallel over planes; `overwrite`: the target is
 * set, else added to. */
#ifndef DLNET_MATH_SPATIAL_H
#define DLNET_MATH_SPATIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

/* Nearest-neighbour enlargement of planes of h × w: y[p][i][j] = scale·x[p][i / stride][j / stride]. */
void spatial_upsample_forward(const real *x, real *y, size_t planes, int h, int w, int stride, real scale);
void spatial_upsample_backward(const real *dy, real *dx, size_t planes, int h, int w, int stride, real scale, bool overwrite);

/* Darknet's reorg. The small side is seen as c × h × w and the large one as (c / s²) × (h·s) × (w·s) arrays of the same number of elements;
 * element (k, i, j) of the first belongs to element (k mod c/s², i·s + (k / (c/s²)) / s, j·s + (k / (c/s²)) mod s) of the second. c is
 * divisible by s².
 *
 * Mind: [reorg] without reverse gives the *input's* c, h, w here (the published networks were trained so), though its output is then called
 * c·s² × h/s × w/s. */
void spatial_reorg_gather(const real *large, real *small, int n, int c, int h, int w, int s, bool overwrite);  /* small = large[…] */
void spatial_reorg_scatter(const real *small, real *large, int n, int c, int h, int w, int s, bool overwrite); /* large[…] = small */

/* Of each of n images rows × columns → columns × rows: c × (h·w) becomes (h·w) × c. */
void spatial_transpose(const real *x, real *y, int n, size_t rows, size_t columns, bool overwrite);

/* Darknet's shortcut between unlike shapes: to[b][k][i·sample][j·sample] += a·from[b][k][i·stride][j·stride] for k, i, j below the smaller
 * of both sizes; stride = max(1, w_from / w_to), sample = max(1, w_to / w_from), the same for heights (spatial_shortcut_fits). */
bool spatial_shortcut_fits(int h_from, int w_from, int h_to, int w_to);
void spatial_shortcut_add(real a, const real *from, int c_from, int h_from, int w_from, real *to, int c_to, int h_to, int w_to, int n);

#endif
