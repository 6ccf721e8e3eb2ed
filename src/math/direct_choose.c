#include "math/direct.h"
#include "math/direct_plan.h"

/* An image of a pointwise convolution, so that the widest tile is full. */
#define MIN_PIXELS 48
/* Pixels of a batch that make packing the weights, or turning dy, worth while in each call; forward can have them packed once. */
#define MIN_BATCH_PIXELS 160
/* Pixels of an image without which the lanes stay too empty. */
#define MIN_IMAGE 12

/* AVX2: BLAS has nearly as much of its few registers, so that only large products that im2col makes dear gain. */
#define AVX2_BATCH_PIXELS 4096
#define AVX2_CHANNELS 16

bool direct_choose(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass)
{
    /* In double, for gradient checks, BLAS is all that is needed. */
    if (sizeof(real) > sizeof(float) || isa < CPU_AVX2 || !direct_fits(s, pass))
        return false;
    const double pixels = (double)s->out_h * s->out_w, all = pixels * s->batch;
    if (pass != CONV_FORWARD && isa < CPU_AVX512 && (s->size == 1 || s->channels < AVX2_CHANNELS || all < AVX2_BATCH_PIXELS))
        return false;
    if (pass == CONV_BACKWARD_WEIGHTS)
        return all >= MIN_BATCH_PIXELS;
    if (pass == CONV_BACKWARD_DATA && all < MIN_BATCH_PIXELS)
        return false;
    if (direct_pointwise(s))
        return s->filters >= 4 && s->channels >= 4 && pixels >= MIN_PIXELS;
    return s->filters >= 4 && (pass == CONV_FORWARD || s->channels >= 4) && pixels >= MIN_IMAGE;
}
