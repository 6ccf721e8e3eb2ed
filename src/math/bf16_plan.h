/* bf16_plan: how bf16.c and bf16_weights.c see a shape, and the strips of inputs that they read. */
#ifndef DLNET_MATH_BF16_PLAN_H
#define DLNET_MATH_BF16_PLAN_H

#include "math/bf16.h"
#include "math/bf16_kernels.h"

#define BF16_MAX_SIZE 11
#define BF16_MAX_TAPS (BF16_MAX_SIZE * BF16_MAX_SIZE)
/* Tasks from which on any usual number of threads is kept busy. */
#define BF16_TASKS 16

/* A correlation: output (i, j) sees, through tap t, input row i·stride_y + tap_y[t] and column j·stride_x + tap_x[t]. Forward is one;
 * backward data is one for each remainder of a row and a column by the stride: the outputs of one stand `step` apart. */
struct bf16_view {
    int batch;
    int channels, height, width; /* of the inputs */
    int filters, rows, cols;     /* of the outputs that are found */
    int stride_y, stride_x;
    int taps;
    int tap_y[BF16_MAX_TAPS], tap_x[BF16_MAX_TAPS], tap[BF16_MAX_TAPS]; /* tap: which of the kernel's */
    size_t filter_stride, channel_stride;                               /* of the weights */
    size_t plane;                                                       /* of the array of outputs */
    size_t first, row_step, step;                                       /* where output (i, j) is: first + i·row_step + j·step */
    /* Few channels leave tiles empty: the windows are written out (im2col), as `channels` of one tap each. */
    bool unfolded;
    int source_channels; /* of the array; not unfolded: channels */
};

struct bf16_view bf16_view_forward(const struct conv_shape *s);
/* Number `part` of stride_y·stride_x. taps is 0 where nothing sees these inputs. */
struct bf16_view bf16_view_backward(const struct conv_shape *s, int part);
/* Neither padding nor windows: the parts cover all of dx in any case. */
static inline int bf16_parts(const struct conv_shape *s)
{
    return s->stride_y * s->stride_x;
}

/* The inputs of some rows of outputs, with zeros around. A strip of a channel holds, one behind another, the phases of its plane, of
 * which each has every stride-th row and column. Rows are as short as can be: the zeros behind one are those before the next. So outputs
 * are counted through, `pitch` a row, the ones behind a row's end being nothing's; and the input of an output through a tap is
 * at[tap] further than the output's number. */
struct bf16_strip {
    int pitch, plane; /* numbers from one row, one phase to the next */
    int phases, phase_y[BF16_MAX_TAPS], phase_x[BF16_MAX_TAPS];
    int at[BF16_MAX_TAPS];
    int top, left;   /* of the taps */
    int reach_y;     /* input rows of a phase beyond those of outputs */
    int rows, bands; /* rows of outputs in it at most; strips of an image */
    int length;      /* numbers of a channel: an odd number of cache lines, in either of the layouts below */
};

/* number_bytes: what an output's place costs in all arrays that are held with the strip, limit: what they should have; units: strips of
 * the batch that there should be. */
struct bf16_strip bf16_strip_of(const struct bf16_view *v, size_t number_bytes, size_t limit, int units);
/* Rows of outputs of a band: [first, last). */
static inline int bf16_band_row(const struct bf16_view *v, const struct bf16_strip *z, int band)
{
    return (int)((long)v->rows * band / z->bands);
}

/* Rows first .. last − 1 of an image's outputs. Pairs: to is [⌈channels / 2⌉][length][2], filled up with zeros to a multiple of 16 pairs;
 * else [channels][length], filled up to a multiple of 16 channels. */
void bf16_fill(const struct bf16_view *v, const struct bf16_kernels *k, const struct bf16_strip *z, const real *image, int first, int last,
               bool pairs, bf16 *to);

static inline int bf16_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static inline int bf16_smaller(int a, int b)
{
    return a < b ? a : b;
}

static inline int bf16_round_up(int a, int multiple)
{
    return bf16_ceil_div(a, multiple) * multiple;
}

/* Arrays in scratch: sizes in bytes are multiples of 64. */
static inline size_t bf16_padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static inline void *bf16_align(void *p)
{
    return (void *)(((uintptr_t)p + 63) / 64 * 64);
}

size_t bf16_weights_scratch(const struct conv_shape *s, enum cpu_bf16 isa, int threads);

#endif
