#include "math/direct.h"
#include "math/direct_plan.h"

/* Pixels of the widest vector: a row of outputs is cut into as many, and fills three quarters of their lanes at least. */
#define WIDEST 16
/* Sums over more inputs have a strip that leaves the caches, where conv_gemm is as good. */
#define MAX_FAN 1600
/* An image of a pointwise convolution, so that the widest tile is full. */
#define MIN_PIXELS 48
/* Pixels of a batch that make packing the weights worth while in each call; forward can have them packed once. */
#define MIN_BATCH_PIXELS 160
/* Weights: channels, and pixels of a batch. Sums over pixels are added up across the lanes, which is dear where there are few. */
#define MAX_GRADIENT_CHANNELS 4
#define MIN_GRADIENT_PIXELS 4096
/* Strides take apart what a vector reads; only a large window reads it often enough. */
#define MIN_STRIDED_GRADIENT_SIZE 5

bool direct_choose(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass)
{
    /* The fewer the registers, the more BLAS gains: with AVX2 the backward passes are its own, with less all are. In double, for gradient
     * checks, it is all that is needed. */
    if (sizeof(real) > sizeof(float) || isa < (pass == CONV_FORWARD ? CPU_AVX2 : CPU_AVX512) || !direct_fits(s, pass))
        return false;
    const double pixels = (double)s->out_h * s->out_w;
    if (direct_pointwise(s))
        return s->filters >= 4 && s->channels >= 4 && pixels >= MIN_PIXELS &&
               (pass == CONV_FORWARD || pixels * s->batch >= MIN_BATCH_PIXELS);
    if (pass == CONV_BACKWARD_WEIGHTS)
        return s->channels <= MAX_GRADIENT_CHANNELS && pixels * s->batch >= MIN_GRADIENT_PIXELS &&
               (s->stride_x == 1 || s->size >= MIN_STRIDED_GRADIENT_SIZE);
    return s->size > 1 && s->filters >= 4 && s->channels * s->size * s->size <= MAX_FAN &&
           4 * s->out_w >= 3 * WIDEST * direct_ceil_div(s->out_w, WIDEST);
}
