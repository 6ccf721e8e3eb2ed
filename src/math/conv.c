#include "math/conv.h"

#include <assert.h>

#include "math/conv_gemm.h"
#include "math/depthwise.h"

int conv_output(int in, int size, int stride, int padding, int dilation)
{
    const long room = (long)in + 2L * padding - ((long)dilation * (size - 1) + 1);
    return room < 0 ? 0 : (int)(room / stride + 1);
}

enum method { METHOD_GEMM, METHOD_DEPTHWISE };

/* By shape alone, so that the bits of a result don't depend on the machine's threads. */
static enum method method_of(const struct conv_shape *s, enum conv_pass pass)
{
    (void)pass;
    return depthwise_fits(s) ? METHOD_DEPTHWISE : METHOD_GEMM;
}

size_t conv_scratch(const struct conv_shape *s, enum conv_pass pass, int threads)
{
    return method_of(s, pass) == METHOD_DEPTHWISE ? depthwise_scratch(s, pass, threads) : conv_gemm_scratch(s, pass, threads);
}

void conv_forward(const struct conv_shape *s, const real *x, const real *weight, const struct channel_map *map, real *y, real *scratch,
                  int threads)
{
    assert(s->channels % s->groups == 0 && s->filters % s->groups == 0 && s->out_h > 0 && s->out_w > 0);
    if (method_of(s, CONV_FORWARD) == METHOD_DEPTHWISE)
        depthwise_forward(s, x, weight, map, y, scratch, threads);
    else
        conv_gemm_forward(s, x, weight, map, y, scratch, threads);
}

void conv_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                        int threads)
{
    if (method_of(s, CONV_BACKWARD_DATA) == METHOD_DEPTHWISE)
        depthwise_backward_data(s, dy, weight, dx, overwrite, scratch, threads);
    else
        conv_gemm_backward_data(s, dy, weight, dx, overwrite, scratch, threads);
}

void conv_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads)
{
    if (method_of(s, CONV_BACKWARD_WEIGHTS) == METHOD_DEPTHWISE)
        depthwise_backward_weights(s, x, dy, dweight, scratch, threads);
    else
        conv_gemm_backward_weights(s, x, dy, dweight, scratch, threads);
}
