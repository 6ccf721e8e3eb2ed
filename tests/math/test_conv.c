#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "math/conv.h"
#include "math/gemm.h"
#include "reference.h"

struct data {
    size_t x, y, weights;
    real *image, *weight, *dy, *out, *dx, *dweight;
};

static real *numbers(size_t n, uint64_t stream)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(1, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, -1, 1);
    return v;
}

static struct data make(const struct conv_shape *s)
{
    struct data d = {.x = (size_t)s->batch * s->channels * s->height * s->width,
                     .y = (size_t)s->batch * s->filters * s->out_h * s->out_w,
                     .weights = (size_t)s->filters * (s->channels / s->groups) * conv_rows(s) * s->size};
    d.image = numbers(d.x, 1);
    d.weight = numbers(d.weights, 2);
    d.dy = numbers(d.y, 3);
    d.out = numbers(d.y, 4);
    d.dx = numbers(d.x, 5);
    d.dweight = numbers(d.weights, 6);
    return d;
}

static void drop(struct data *d)
{
    mem_free(d->image);
    mem_free(d->weight);
    mem_free(d->dy);
    mem_free(d->out);
    mem_free(d->dx);
    mem_free(d->dweight);
}

/* The scratch of a pass, full of NaN (contents are undefined at entry), and a mark behind it that must survive. */
static real *scratch_for(const struct conv_shape *s, enum conv_pass pass, int threads, size_t *n)
{
    *n = conv_scratch(s, pass, threads);
    real *scratch = mem_try(*n + 16, sizeof(real));
    for (size_t i = 0; i < *n + 16; i++)
        scratch[i] = i < *n ? (real)NAN : 7;
    return scratch;
}

static void drop_scratch(real *scratch, size_t n)
{
    for (size_t i = n; i < n + 16; i++)
        assert_true(scratch[i] == 7);
    mem_free(scratch);
}

static void run(const struct conv_shape *s, struct data *d, const struct channel_map *map, bool overwrite, int threads)
{
    size_t n;
    real *scratch = scratch_for(s, CONV_FORWARD, threads, &n);
    conv_forward(s, d->image, d->weight, NULL, map, d->out, scratch, threads);
    drop_scratch(scratch, n);
    scratch = scratch_for(s, CONV_BACKWARD_DATA, threads, &n);
    conv_backward_data(s, d->dy, d->weight, d->dx, overwrite, scratch, threads);
    drop_scratch(scratch, n);
    scratch = scratch_for(s, CONV_BACKWARD_WEIGHTS, threads, &n);
    conv_backward_weights(s, d->image, d->dy, d->dweight, scratch, threads);
    drop_scratch(scratch, n);
}

static int joined, summed; /* shapes that could add a residual, take moments */

/* The moments of a channel's parts are together those of its outputs, with any number of threads. */
static void check_moments(const struct conv_shape *s, struct data *d, struct channel_map map, int threads)
{
    const size_t parts = (size_t)conv_parts(s), pairs = parts * (size_t)s->filters, plane = (size_t)s->out_h * (size_t)s->out_w;
    if (parts == 0)
        return;
    double *moments[2] = {mem_try(2 * pairs, sizeof(double)), mem_try(2 * pairs, sizeof(double))};
    for (int with = 0; with < 2; with++) {
        for (size_t i = 0; i < 2 * pairs; i++)
            moments[with][i] = (double)NAN;
        size_t n;
        const int used = with ? threads : 1;
        real *scratch = scratch_for(s, CONV_FORWARD, used, &n);
        map.moments = moments[with];
        conv_forward(s, d->image, d->weight, NULL, &map, d->out, scratch, used);
        drop_scratch(scratch, n);
    }
    assert_memory_equal(moments[0], moments[1], 2 * pairs * sizeof(double));
    for (size_t f = 0; f < (size_t)s->filters; f++) {
        double sum = 0, squares = 0, sizes = 0, got[2] = {0, 0};
        for (size_t image = 0; image < (size_t)s->batch; image++)
            for (size_t i = 0; i < plane; i++) {
                const double v = (double)d->out[(image * (size_t)s->filters + f) * plane + i];
                sum += v;
                squares += v * v;
                sizes += fabs(v);
            }
        for (size_t part = 0; part < parts; part++)
            for (size_t i = 0; i < 2; i++)
                got[i] += moments[0][2 * (part * (size_t)s->filters + f) + i];
        assert_true(fabs(got[0] - sum) <= 1e-12 * sizes && fabs(got[1] - squares) <= 1e-12 * squares);
    }
    mem_free(moments[0]);
    mem_free(moments[1]);
    summed++;
}

static void check(struct conv_shape s)
{
    s.out_h = conv_output(s.height, conv_rows(&s), s.stride_y, conv_padding_y(&s), s.dilation);
    s.out_w = conv_output(s.width, s.size, s.stride_x, s.padding, s.dilation);
    if (s.out_h < 1 || s.out_w < 1)
        return;
    const double tolerance = sizeof(real) == 8 ? 1e-13 : 1e-5;
    struct data fast = make(&s), naive = make(&s), threaded = make(&s), overwritten = make(&s);
    run(&s, &fast, NULL, false, 1);
    reference_conv_forward(&s, naive.image, naive.weight, naive.out);
    reference_conv_backward_data(&s, naive.dy, naive.weight, naive.dx);
    reference_conv_backward_weights(&s, naive.image, naive.dy, naive.dweight);
    const double forward = reference_error(fast.out, naive.out, fast.y), data = reference_error(fast.dx, naive.dx, fast.x);
    const double weights = reference_error(fast.dweight, naive.dweight, fast.weights);
    if (!(forward < tolerance && data < tolerance && weights < tolerance))
        fail_msg("batch %d, %d x %d x %d -> %d, size %d x %d, stride %d %d, pad %d %d, dilation %d, groups %d: errors %g %g %g", s.batch,
                 s.channels, s.height, s.width, s.filters, s.size, conv_rows(&s), s.stride_x, s.stride_y, s.padding, conv_padding_y(&s),
                 s.dilation, s.groups, forward, data, weights);
    /* Small shapes take turns: threads are slow to start on a busy machine. */
    static int turn;
    const bool small = fast.x + fast.y + fast.weights < 20000;
    for (int threads = 2; threads <= 4 && (!small || turn++ % 8 == 0); threads += 2) {
        memcpy(threaded.dx, overwritten.dx, fast.x * sizeof(real));
        memcpy(threaded.dweight, overwritten.dweight, fast.weights * sizeof(real));
        run(&s, &threaded, NULL, false, threads);
        assert_memory_equal(fast.out, threaded.out, fast.y * sizeof(real));
        assert_memory_equal(fast.dx, threaded.dx, fast.x * sizeof(real));
        assert_memory_equal(fast.dweight, threaded.dweight, fast.weights * sizeof(real));
    }
    /* Overwriting rubbish gives what adding to 0 gives, and the map is applied to every number. */
    real *scale = numbers((size_t)s.filters, 7), *shift = numbers((size_t)s.filters, 8);
    for (size_t i = 0; i < overwritten.x; i++)
        overwritten.dx[i] = (real)NAN;
    memset(naive.dx, 0, naive.x * sizeof(real));
    reference_conv_backward_data(&s, naive.dy, naive.weight, naive.dx);
    struct channel_map map = {.scale = scale, .shift = shift, .activation = activation_of(ACTIVATION_LEAKY)};
    run(&s, &overwritten, &map, true, 1);
    assert_true(reference_error(overwritten.dx, naive.dx, naive.x) < tolerance);
    for (size_t i = 0; i < naive.y; i++) {
        const int f = (int)(i / (size_t)(s.out_h * s.out_w)) % s.filters;
        const real v = scale[f] * naive.out[i] + shift[f];
        naive.out[i] = v > 0 ? v : (real)0.1 * v;
    }
    assert_true(reference_error(overwritten.out, naive.out, naive.y) < tolerance);
    check_moments(&s, &overwritten, map, 2);
    if (conv_joins(&s, map.activation)) {
        real *residual = numbers(naive.y, 9);
        map.residual = residual;
        map.residual_slope = (real).3;
        run(&s, &overwritten, &map, true, 2);
        for (size_t i = 0; i < naive.y; i++) {
            naive.out[i] += residual[i];
            naive.out[i] *= naive.out[i] > 0 ? 1 : map.residual_slope;
        }
        assert_true(reference_error(overwritten.out, naive.out, naive.y) < tolerance);
        mem_free(residual);
        joined++;
    }
    mem_free(scale);
    mem_free(shift);
    drop(&fast);
    drop(&naive);
    drop(&threaded);
    drop(&overwritten);
}

static void test_small_shapes(void **state)
{
    (void)state;
    static const int sides[] = {1, 5, 7, 13};
    for (int h = 0; h < 4; h++)
        for (int w = 0; w < 4; w++)
            for (int size = 1; size <= 5; size += 2)
                for (int stride = 1; stride <= 3; stride++)
                    for (int pad = 0; pad <= size; pad += size / 2 + 1)
                        for (int groups = 1; groups <= 4; groups++) {
                            if (groups == 3)
                                continue;
                            const struct conv_shape s = {.batch = stride == 2 ? 1 : 3,
                                                         .channels = 4,
                                                         .height = sides[h],
                                                         .width = sides[w],
                                                         .filters = 8,
                                                         .size = size,
                                                         .stride_x = stride,
                                                         .stride_y = stride,
                                                         .padding = pad,
                                                         .dilation = 1,
                                                         .groups = groups};
                            check(s);
                        }
}

static void test_depthwise(void **state)
{
    (void)state;
    static const int sides[] = {1, 5, 7, 13, 40};
    for (int h = 0; h < 5; h++)
        for (int size = 2; size <= 7; size++)
            for (int stride = 1; stride <= 3; stride++)
                for (int pad = 0; pad <= size; pad++)
                    for (int dilation = 1; dilation <= 2; dilation++)
                        check((struct conv_shape){.batch = pad % 2 ? 1 : 3,
                                                  .channels = 3,
                                                  .height = sides[h],
                                                  .width = sides[(h + size) % 5],
                                                  .filters = 3,
                                                  .size = size,
                                                  .stride_x = stride,
                                                  .stride_y = size % 3 + 1,
                                                  .padding = pad,
                                                  .dilation = dilation,
                                                  .groups = 3});
}

static void test_uneven(void **state)
{
    (void)state;
    check((struct conv_shape){2, 6, 9, 14, 10, 3, 1, 2, 1, 1, 2, 0, 0, false, CONV_FP32, false, 0, 0});
    check((struct conv_shape){2, 6, 9, 14, 10, 3, 2, 1, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0});
    check((struct conv_shape){2, 6, 9, 14, 4, 3, 1, 1, 2, 2, 2, 0, 0, false, CONV_FP32, false, 0, 0});
    check((struct conv_shape){2, 3, 17, 12, 4, 3, 2, 2, 4, 4, 1, 0, 0, false, CONV_FP32, false, 0, 0});
    check((struct conv_shape){1, 3, 3, 3, 4, 7, 1, 1, 3, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0}); /* window larger than the image */
    check((struct conv_shape){1, 2, 4, 4, 4, 2, 1, 1, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0}); /* even window: the output grows */
    check((struct conv_shape){1, 1, 1, 50, 3, 1, 1, 1, 0, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0});
    check((struct conv_shape){2, 2, 1, 4, 2, 5, 1, 1, 2, 3, 1, 0, 0, false, CONV_FP32, false, 0, 0}); /* taps further out than the width */
    check((struct conv_shape){3, 4, 6, 5, 6, 1, 2, 2, 0, 1, 2, 0, 0, false, CONV_FP32, false, 0, 0});
    check((struct conv_shape){3, 4, 6, 5, 6, 1, 1, 1, 1, 1, 2, 0, 0, false, CONV_FP32, false, 0, 0}); /* a 1 x 1 kernel with padding */
}

/* Kernels of any height and width: of one row on signals, of one column, and between. */
static void test_oblong(void **state)
{
    (void)state;
    static const struct {
        int h, w, kernel_h, kernel_w, pad_y, pad_x;
    } forms[] = {{1, 40, 1, 3, 0, 1}, {1, 300, 1, 80, 0, 40}, {1, 9, 1, 9, 0, 0}, {1, 1, 1, 5, 0, 2}, {40, 1, 7, 1, 3, 0},
                 {9, 12, 3, 1, 1, 0}, {9, 12, 1, 3, 0, 1},    {8, 7, 2, 5, 0, 3}, {8, 7, 3, 3, 1, 0}, {6, 5, 1, 1, 2, 0}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (int stride = 1; stride <= 4; stride++)
            for (int groups = 1; groups <= 4; groups += 3)
                for (int dilation = 1; dilation <= 2; dilation++)
                    check((struct conv_shape){.batch = 3,
                                              .channels = 4,
                                              .height = forms[i].h,
                                              .width = forms[i].w,
                                              .filters = 8,
                                              .size = forms[i].kernel_w,
                                              .size_y = forms[i].kernel_h,
                                              .stride_x = stride,
                                              .stride_y = stride / 2 + 1,
                                              .padding = forms[i].pad_x,
                                              .padding_y = forms[i].pad_y,
                                              .dilation = dilation,
                                              .groups = groups,
                                              .winograd = true});
    check((struct conv_shape){.batch = 2,
                              .channels = 24,
                              .height = 1,
                              .width = 1300,
                              .filters = 40,
                              .size = 5,
                              .size_y = 1,
                              .stride_x = 1,
                              .stride_y = 1,
                              .padding = 2,
                              .dilation = 1,
                              .groups = 1});
}

/* Large enough that several strips, blocks of channels and partial sums come into play, by every algorithm. */
static void test_cut_shapes(void **state)
{
    (void)state;
    static const struct conv_shape shapes[] = {
        {1, 3, 61, 67, 16, 3, 1, 1, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
        {3, 16, 40, 33, 8, 3, 1, 1, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
        {2, 256, 13, 13, 320, 3, 1, 1, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0}, /* packed weights, shared by threads */
        {8, 96, 13, 13, 24, 3, 1, 1, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
        {2, 80, 13, 13, 136, 3, 2, 2, 1, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
        {1, 200, 26, 26, 72, 1, 1, 1, 0, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
        {4, 64, 50, 50, 33, 1, 1, 1, 0, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
        {1, 130, 30, 31, 20, 5, 1, 1, 2, 1, 1, 0, 0, false, CONV_FP32, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int winograd = 0; winograd <= 1; winograd++) {
            struct conv_shape s = shapes[i];
            s.winograd = winograd;
            check(s);
        }
    assert_true((joined > 0 && summed > 0) || cpu_best() < CPU_AVX2);
}

/* The maximum of each 2 x 2 window, written in place of the outputs, is that of the outputs. */
static void check_halved(struct conv_shape s, enum activation_kind kind)
{
    s.stride_x = s.stride_y = s.dilation = s.groups = 1;
    s.padding = s.size / 2;
    s.out_h = s.height;
    s.out_w = s.width;
    s.winograd = s.halve = true;
    struct data d = make(&s);
    const size_t planes = (size_t)s.batch * (size_t)s.filters, plane = (size_t)s.out_h * (size_t)s.out_w;
    const struct channel_map map = {.scale = d.dweight, .shift = d.dx, .activation = activation_of((int)kind)};
    assert_true(d.weights >= (size_t)s.filters && d.x >= (size_t)s.filters);
    if (!conv_halves(&s))
        fail_msg("%d channels, %d x %d, %d filters: expected an algorithm that pools", s.channels, s.height, s.width, s.filters);
    struct conv_shape whole = s;
    whole.halve = false;
    size_t n[2];
    real *scratch[2] = {scratch_for(&whole, CONV_FORWARD, 2, &n[0]), scratch_for(&s, CONV_FORWARD, 2, &n[1])};
    real *packed = mem_try(conv_packed_size(&s), sizeof(real)), *halved = numbers(d.y, 9);
    conv_pack(&s, d.weight, packed, 2);
    conv_forward(&whole, d.image, d.weight, NULL, &map, d.out, scratch[0], 2);
    for (int with = 0; with < 2; with++) {
        conv_forward(&s, d.image, d.weight, with ? packed : NULL, &map, halved, scratch[1], 2);
        double largest = 0, worst = 0;
        for (size_t p = 0; p < planes; p++)
            for (size_t i = 0; i < plane / 4; i++) {
                const size_t half = (size_t)s.out_w / 2, row = 2 * (i / half), col = 2 * (i % half);
                const real *v = d.out + p * plane + row * (size_t)s.out_w + col;
                const double want = fmax(fmax((double)v[0], (double)v[1]), fmax((double)v[s.out_w], (double)v[s.out_w + 1]));
                largest = fmax(largest, fabs(want));
                worst = fmax(worst, fabs(want - (double)halved[p * (plane / 4) + i]));
            }
        assert_true(worst <= 1e-5 * largest); /* the two may run with other tiles */
    }
    drop_scratch(scratch[0], n[0]);
    drop_scratch(scratch[1], n[1]);
    mem_free(packed);
    mem_free(halved);
    drop(&d);
}

static void test_halved(void **state)
{
    (void)state;
    static const struct conv_shape shapes[] = {
        {.batch = 1, .channels = 16, .height = 24, .width = 40, .filters = 20, .size = 3},
        {.batch = 3, .channels = 9, .height = 10, .width = 6, .filters = 33, .size = 3},
        {.batch = 1, .channels = 200, .height = 14, .width = 14, .filters = 300, .size = 3},
    };
    /* First layers; the direct kernels that do them take AVX2. */
    static const struct conv_shape first[] = {
        {.batch = 1, .channels = 3, .height = 48, .width = 40, .filters = 16, .size = 3},
        {.batch = 2, .channels = 1, .height = 12, .width = 60, .filters = 21, .size = 5},
        {.batch = 3, .channels = 4, .height = 10, .width = 64, .filters = 7, .size = 7},
        {.batch = 1, .channels = 3, .height = 2, .width = 30, .filters = 40, .size = 3},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_halved(shapes[i], ACTIVATION_LEAKY);
        check_halved(shapes[i], ACTIVATION_MISH);
    }
    for (size_t i = 0; i < sizeof first / sizeof *first && cpu_best() >= CPU_AVX2; i++) {
        check_halved(first[i], ACTIVATION_LEAKY);
        check_halved(first[i], ACTIVATION_MISH);
    }
    struct conv_shape odd = {.batch = 1, .channels = 16, .height = 13, .width = 13, .filters = 16, .size = 3, .padding = 1};
    odd.stride_x = odd.stride_y = odd.dilation = odd.groups = 1;
    odd.out_h = odd.out_w = 13;
    odd.winograd = odd.halve = true;
    assert_false(conv_halves(&odd));
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_shapes), cmocka_unit_test(test_depthwise),  cmocka_unit_test(test_uneven),
        cmocka_unit_test(test_oblong),       cmocka_unit_test(test_cut_shapes), cmocka_unit_test(test_halved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
