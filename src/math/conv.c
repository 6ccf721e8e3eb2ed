#include "math/conv.h"

#include <assert.h>

#include "math/bf16.h"
#include "math/conv_gemm.h"
#include "math/depthwise.h"
#include "math/direct.h"
#include "math/winograd.h"

int conv_output(int in, int size, int stride, int padding, int dilation)
{
    const long room = (long)in + 2L * padding - ((long)dilation * (size - 1) + 1);
    return room < 0 ? 0 : (int)(room / stride + 1);
}

enum algorithm { ALGORITHM_GEMM, ALGORITHM_DEPTHWISE, ALGORITHM_WINOGRAD, ALGORITHM_DIRECT, ALGORITHM_BF16 };

struct method {
    enum algorithm algorithm;
    struct winograd_method winograd;
    enum cpu_bf16 bf16;
};

/* By shape alone, so that the bits of a result don't depend on the threads. */
static struct method method_of(const struct conv_shape *s, enum conv_pass pass)
{
    if (!conv_is_square(s))
        return (struct method){.algorithm = ALGORITHM_GEMM};
    if (depthwise_fits(s))
        return (struct method){.algorithm = ALGORITHM_DEPTHWISE};
    if (s->precision == CONV_BF16 && bf16_choose(s, cpu_bf16_best(), pass)) /* asking the processor takes microseconds */
        return (struct method){.algorithm = ALGORITHM_BF16, .bf16 = cpu_bf16_best()};
    const int tile = winograd_choose(s, pass);
    if (tile > 0)
        return (struct method){.algorithm = ALGORITHM_WINOGRAD, .winograd = {tile, cpu_best()}};
    return (struct method){.algorithm = direct_choose(s, cpu_best(), pass) ? ALGORITHM_DIRECT : ALGORITHM_GEMM};
}

const char *conv_algorithm(const struct conv_shape *s, enum conv_pass pass)
{
    static const char *const winograd[] = {
        [2] = "Winograd F(2x2)", "Winograd F(3x3)", "Winograd F(4x4)", "Winograd F(5x5)", "Winograd F(6x6)"};
    static const char *const bf16[CPU_BF16_ISAS] = {"bf16 portable", "bf16 AVX512-BF16", "bf16 AMX"};
    const struct method m = method_of(s, pass);
    switch (m.algorithm) {
    case ALGORITHM_DEPTHWISE:
        return "depth-wise";
    case ALGORITHM_WINOGRAD:
        return winograd[m.winograd.tile];
    case ALGORITHM_DIRECT:
        return "direct";
    case ALGORITHM_BF16:
        return bf16[m.bf16];
    case ALGORITHM_GEMM:
        break;
    }
    return conv_gemm_is_pointwise(s) ? "GEMM" : "im2col + GEMM";
}

bool conv_halves(const struct conv_shape *s)
{
    const enum algorithm a = method_of(s, CONV_FORWARD).algorithm;
    return s->halve && s->out_h % 2 == 0 && s->out_w % 2 == 0 &&
           (a == ALGORITHM_WINOGRAD || (a == ALGORITHM_DIRECT && direct_halves(s, cpu_best())));
}

bool conv_joins(const struct conv_shape *s, struct activation f)
{
    real left;
    const enum algorithm a = method_of(s, CONV_FORWARD).algorithm;
    return (a == ALGORITHM_WINOGRAD && !activation_of_channels(f)) || (a == ALGORITHM_DIRECT && activation_two_lines(f, &left));
}

int conv_parts(const struct conv_shape *s)
{
    const struct method m = method_of(s, CONV_FORWARD);
    return m.algorithm == ALGORITHM_WINOGRAD ? winograd_parts(s, m.winograd)
           : m.algorithm == ALGORITHM_DIRECT ? direct_parts(s, cpu_best())
                                             : 0;
}

size_t conv_scratch(const struct conv_shape *s, enum conv_pass pass, int threads)
{
    const struct method m = method_of(s, pass);
    switch (m.algorithm) {
    case ALGORITHM_DEPTHWISE:
        return depthwise_scratch(s, pass, threads);
    case ALGORITHM_WINOGRAD: {
        const size_t without = winograd_scratch(s, m.winograd, pass, false, threads),
                     with = winograd_scratch(s, m.winograd, pass, true, threads);
        return without > with ? without : with;
    }
    case ALGORITHM_DIRECT:
        return direct_scratch(s, cpu_best(), pass, threads);
    case ALGORITHM_BF16:
        return bf16_scratch(s, m.bf16, pass, threads);
    case ALGORITHM_GEMM:
        break;
    }
    return conv_gemm_scratch(s, pass, threads);
}

size_t conv_packed_size(const struct conv_shape *s)
{
    const struct method m = method_of(s, CONV_FORWARD);
    return m.algorithm == ALGORITHM_WINOGRAD ? winograd_packed_size(s, m.winograd)
           : m.algorithm == ALGORITHM_DIRECT ? direct_packed_size(s, cpu_best())
           : m.algorithm == ALGORITHM_BF16   ? bf16_packed_size(s, m.bf16)
                                             : 0;
}

void conv_pack(const struct conv_shape *s, const real *weight, real *packed, int threads)
{
    const struct method m = method_of(s, CONV_FORWARD);
    if (m.algorithm == ALGORITHM_WINOGRAD)
        winograd_pack(s, m.winograd, weight, packed, threads);
    else if (m.algorithm == ALGORITHM_DIRECT)
        direct_pack(s, cpu_best(), weight, packed, threads);
    else if (m.algorithm == ALGORITHM_BF16)
        bf16_pack(s, m.bf16, weight, packed, threads);
}

void conv_forward(const struct conv_shape *s, const real *x, const real *weight, const real *packed, const struct channel_map *map, real *y,
                  real *scratch, int threads)
{
    assert(s->channels % s->groups == 0 && s->filters % s->groups == 0 && s->out_h > 0 && s->out_w > 0);
    const struct method m = method_of(s, CONV_FORWARD);
    switch (m.algorithm) {
    case ALGORITHM_DEPTHWISE:
        depthwise_forward(s, x, weight, map, y, scratch, threads);
        break;
    case ALGORITHM_WINOGRAD:
        winograd_forward(s, m.winograd, x, weight, packed, map, y, scratch, threads);
        break;
    case ALGORITHM_DIRECT:
        direct_forward(s, cpu_best(), x, weight, packed, map, y, scratch, threads);
        break;
    case ALGORITHM_BF16:
        bf16_forward(s, m.bf16, x, weight, packed, map, y, scratch, threads);
        break;
    case ALGORITHM_GEMM:
        conv_gemm_forward(s, x, weight, map, y, scratch, threads);
        break;
    }
}

void conv_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                        int threads)
{
    const struct method m = method_of(s, CONV_BACKWARD_DATA);
    switch (m.algorithm) {
    case ALGORITHM_DEPTHWISE:
        depthwise_backward_data(s, dy, weight, dx, overwrite, scratch, threads);
        break;
    case ALGORITHM_WINOGRAD:
        winograd_backward_data(s, m.winograd, dy, weight, dx, overwrite, scratch, threads);
        break;
    case ALGORITHM_DIRECT:
        direct_backward_data(s, cpu_best(), dy, weight, dx, overwrite, scratch, threads);
        break;
    case ALGORITHM_BF16:
        bf16_backward_data(s, m.bf16, dy, weight, dx, overwrite, scratch, threads);
        break;
    case ALGORITHM_GEMM:
        conv_gemm_backward_data(s, dy, weight, dx, overwrite, scratch, threads);
        break;
    }
}

void conv_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads)
{
    const struct method m = method_of(s, CONV_BACKWARD_WEIGHTS);
    switch (m.algorithm) {
    case ALGORITHM_DEPTHWISE:
        depthwise_backward_weights(s, x, dy, dweight, scratch, threads);
        break;
    case ALGORITHM_WINOGRAD:
        winograd_backward_weights(s, m.winograd, x, dy, dweight, scratch, threads);
        break;
    case ALGORITHM_DIRECT:
        direct_backward_weights(s, cpu_best(), x, dy, dweight, scratch, threads);
        break;
    case ALGORITHM_BF16:
        bf16_backward_weights(s, m.bf16, x, dy, dweight, scratch, threads);
        break;
    case ALGORITHM_GEMM:
        conv_gemm_backward_weights(s, x, dy, dweight, scratch, threads);
        break;
    }
}
