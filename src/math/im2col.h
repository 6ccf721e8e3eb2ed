/* im2col: the windows of a convolution as the columns of a matrix, and back.
 *
 * One image's `channels` planes of height × width become rows (channel, ky, kx) of out_h · out_w columns; here always a strip of the
 * columns. */
#ifndef DLNET_MATH_IM2COL_H
#define DLNET_MATH_IM2COL_H

#include "base/real.h"

struct window {
    int height, width;  /* of a plane */
    int size_y, size_x; /* of the kernel */
    int stride_x, stride_y, padding_x, padding_y, dilation;
    int out_h, out_w;
};

/* col: channels·size_y·size_x rows of (end − begin) numbers, row stride ld: output pixels [begin, end) in row-major order. Outside the
 * plane: 0. */
void im2col_strip(const struct window *w, const real *planes, int channels, int begin, int end, real *col, int ld);

/* The transpose: adds each number of the strip to the pixel it came from. col is used up (its numbers outside the planes are cleared). */
void im2col_add_back(const struct window *w, real *col, int channels, int begin, int end, int ld, real *planes);

#endif
