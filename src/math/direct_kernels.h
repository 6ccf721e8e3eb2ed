/* direct_kernels: the serial kernels that direct.c and direct_weights.c put together, one table for each instruction set. */
#ifndef DLNET_MATH_DIRECT_KERNELS_H
#define DLNET_MATH_DIRECT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cpu.h"
#include "base/real.h"

#define DIRECT_MAX_SIZE 11
/* Of any instruction set. */
#define DIRECT_MAX_VECTORS 3
#define DIRECT_MAX_GRADIENT_TAPS 6

/* One vector of output pixels: where the first of them stands in an array of outputs, and the pixel that its tap 0 sees in one of inputs.
 */
struct direct_vector {
    size_t x, y;
    int lanes; /* pixels of it that exist */
};

/* Neighbouring numbers, up to the next run or the end: where they come from and where in a tile they go. */
struct direct_run {
    int from, to;
};

/* What becomes of the sums. */
struct direct_output {
    real *y;
    size_t plane;              /* from one filter to the next */
    int rows;                  /* filters that exist */
    bool add;                  /* to what is there */
    bool map;                  /* then y = f(scale·y + shift), f(y) = y for y > 0, else slope·y */
    const real *scale, *shift; /* of these rows; NULL: 1, 0 */
    real slope;
    const real *residual; /* with map, not NULL: then y = g(y + residual), laid out as y, g with this slope below 0 */
    real residual_slope;
};

struct direct_kernels {
    int lanes, rows, vectors;         /* of the register tile of multiply */
    int gradient_rows, gradient_taps; /* of that of correlate */
    /* Copies `valid` neighbouring numbers of each of some planes, and zeros up to `vectors` whole vectors, to rows that are ld apart. */
    void (*copy)(const real *planes, size_t plane, int channels, int vectors, int valid, real *to, int ld);
    /* to[i] = from[i·stride] for begin ≤ i < end, 0 for the other i < n; for `rows` rows, step apart in from and ld in to. */
    void (*spread)(const real *from, size_t step, int rows, int stride, int begin, int end, real *to, size_t ld, int n);
    /* to[i·ld …], i < sums: what stands at x + taps[i], run by run. Writes behind the last run, and reads behind each, less than a vector.
     */
    void (*gather)(const real *x, const int *taps, int sums, const struct direct_run *runs, int count, real *to, int ld);
    /* y[row][at] = Σ over i < sums of w[i][row] · x[taps[i] + at] for `vectors` places `at`; reads whole vectors of x. */
    void (*multiply)(const real *w, const int *taps, int sums, const real *x, const struct direct_vector *at, int vectors,
                     const struct direct_output *out);
    /* to[i·ld + row] = from[row·plane + i] for i < n and all lanes; 0 where row ≥ rows. */
    void (*turn)(const real *from, size_t plane, int rows, int n, real *to, int ld);
    /* sums[row][lane] += Σ over i < n of x[row·ld + i] · turned[i][lane]: `rows` rows of `vectors` ≤ that of the table; rows of turned and
     * sums have lanes·vectors (of the table) numbers. */
    void (*outer)(const real *x, int ld, const real *turned, int n, int vectors, real *sums);
    /* dw[row·ld + tap] += Σ over the places `at` of dy[row][at] · x[taps[tap] + at] for gradient_rows rows, `plane` apart in dy, and
     * gradient_taps taps, of which the first `rows` and `count` exist (those behind repeat the last one). */
    void (*correlate)(const real *dy, size_t plane, int rows, const real *x, const int *taps, int count, const struct direct_vector *at,
                      int vectors, real *dw, size_t ld);
    /* Of a kernel of size × size, stride 1, that stays inside the plane: for the pixels y·out_w + x of a strip, begin ≤ y·out_w + x < end,
     * and all taps: plane[(y + ky·dilation)·width + x + kx·dilation] += tile[(ky·size + kx)·ld + y·out_w + x − begin]. */
    void (*add_taps)(const real *tile, int ld, int begin, int end, int out_w, int size, int dilation, real *plane, int width);
};

extern const struct direct_kernels direct_baseline;
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
extern const struct direct_kernels direct_avx2, direct_avx512;
#endif

const struct direct_kernels *direct_kernels_of(enum cpu_isa isa);

#endif
