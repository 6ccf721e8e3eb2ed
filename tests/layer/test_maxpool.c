#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "layercase.h"
#include "math/pool.h"
#include "walk.h"

/* As Darknet's definition stands: a scan of the window, rows first, strictly greater wins. */
static void naive(const real *x, real *y, int32_t *index, size_t planes, int h, int w, int out_h, int out_w, struct pool_window k)
{
    for (size_t p = 0; p < planes; p++)
        for (int i = 0; i < out_h; i++)
            for (int j = 0; j < out_w; j++) {
                const size_t out = (p * (size_t)out_h + (size_t)i) * (size_t)out_w + (size_t)j;
                y[out] = -INFINITY;
                index[out] = -1;
                for (int r = 0; r < k.kh; r++)
                    for (int q = 0; q < k.kw; q++) {
                        const int a = i * k.stride_h - k.top + r, b = j * k.stride_w - k.left + q;
                        if (a < 0 || a >= h || b < 0 || b >= w)
                            continue;
                        const real v = x[p * (size_t)(h * w) + (size_t)(a * w + b)];
                        if (index[out] < 0 || v > y[out]) {
                            y[out] = v;
                            index[out] = a * w + b;
                        }
                    }
            }
}

static void compare(size_t planes, int h, int w, int out_h, int out_w, struct pool_window k, struct rng *rng)
{
    const size_t n = planes * (size_t)(h * w), m = planes * (size_t)(out_h * out_w), s = pool_max_scratch(k, w, out_w);
    real *x = mem_new(n, sizeof(real)), *y = mem_new(m, sizeof(real)), *want = mem_new(m, sizeof(real)),
         *scratch = mem_new(s + 1, sizeof(real));
    int32_t *index = mem_new(m, sizeof(int32_t)), *at = mem_new(m, sizeof(int32_t)), *scratch_index = mem_new(s + 1, sizeof(int32_t));
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(rng_below(rng, 12) - 6); /* many equal values: the first must win */
    naive(x, want, at, planes, h, w, out_h, out_w, k);
    for (int with_index = 0; with_index < 2; with_index++) {
        memset(y, 1, m * sizeof(real));
        memset(index, 1, m * sizeof(int32_t));
        pool_max_forward(x, y, with_index ? index : NULL, planes, h, w, out_h, out_w, k, scratch, with_index ? scratch_index : NULL);
        assert_memory_equal(y, want, m * sizeof(real));
        if (with_index)
            assert_memory_equal(index, at, m * sizeof(int32_t));
    }
    free(x);
    free(y);
    free(want);
    free(scratch);
    free(index);
    free(at);
    free(scratch_index);
}

static void against_naive(void **state)
{
    (void)state;
    static const int sides[] = {1, 2, 5, 7, 13, 67};
    struct rng rng = rng_make(1, RNG_TEST, 0, 0);
    int cases = 0;
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 6; b++)
            for (int k = 1; k <= 5; k++)
                for (int stride = 1; stride <= 3; stride++)
                    for (int pad = 0; pad < k; pad++) {
                        const int h = sides[a], w = sides[b], room_h = h + pad - k, room_w = w + pad - k;
                        if (room_h < 0 || room_w < 0)
                            continue;
                        compare(3, h, w, room_h / stride + 1, room_w / stride + 1,
                                (struct pool_window){k, k, stride, stride, pad / 2, pad / 2}, &rng);
                        cases++;
                    }
    assert_true(cases > 500);
    compare(100, 9, 9, 9, 9, (struct pool_window){5, 5, 1, 1, 2, 2}, &rng); /* more planes than tiles */
    compare(2, 9, 7, 9, 3, (struct pool_window){3, 1, 1, 2, 1, 0}, &rng);   /* not square */
}

/* The ONNX cases, by the attributes of the operator MaxPool. */
static void onnx(void **state)
{
    (void)state;
    static const char *const names[] = {"maxpool_2d_ceil",
                                        "maxpool_2d_default",
                                        "maxpool_2d_pads",
                                        "maxpool_2d_precomputed_pads",
                                        "maxpool_2d_precomputed_same_upper",
                                        "maxpool_2d_precomputed_strides",
                                        "maxpool_2d_same_lower",
                                        "maxpool_2d_same_upper",
                                        "maxpool_2d_strides",
                                        "maxpool_2d_uint8",
                                        "maxpool_with_argmax_2d_precomputed_pads",
                                        "globalmaxpool",
                                        "globalmaxpool_precomputed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct layercase c;
        if (!layercase_open(&c, names[i]))
            skip();
        const struct layercase_tensor *x = &c.input[0], *y = &c.output[0];
        const int h = x->dim[2], w = x->dim[3], out_h = y->dim[2], out_w = y->dim[3];
        struct pool_window k = {.kh = (int)layercase_attribute(&c, "kernel_shape", 0, h),
                                .kw = (int)layercase_attribute(&c, "kernel_shape", 1, w),
                                .stride_h = (int)layercase_attribute(&c, "strides", 0, 1),
                                .stride_w = (int)layercase_attribute(&c, "strides", 1, 1),
                                .top = (int)layercase_attribute(&c, "pads", 0, 0),
                                .left = (int)layercase_attribute(&c, "pads", 1, 0)};
        const char *same = layercase_text(&c, "auto_pad");
        if (*same) { /* total padding so that out = ceil(in / stride); the odd one goes below, or above for LOWER */
            const int total = (out_h - 1) * k.stride_h + k.kh - h, odd = strcmp(same, "SAME_LOWER") == 0;
            k.top = k.left = (total + odd) / 2;
        }
        const size_t s = pool_max_scratch(k, w, out_w);
        real *got = mem_new(y->size, sizeof(real)), *scratch = mem_new(s + 1, sizeof(real));
        int32_t *index = mem_new(y->size, sizeof(int32_t)), *scratch_index = mem_new(s + 1, sizeof(int32_t));
        pool_max_forward(x->data, got, index, (size_t)(x->dim[0] * x->dim[1]), h, w, out_h, out_w, k, scratch, scratch_index);
        layercase_expect(y, got, names[i]);
        for (size_t j = 0; j < y->size && c.n_outputs == 2; j++)
            assert_int_equal(index[j], (int)c.output[1].data[j]);
        free(got);
        free(scratch);
        free(index);
        free(scratch_index);
        layercase_close(&c);
    }
}

/* padding defaults to size − 1 and is the total: out = (w + p − k) / s + 1. */
static void layer_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int w, h, out_w, out_h;
    } cases[] = {
        {"size=2\nstride=2", 416, 415, 208, 208},
        {"size=2\nstride=1", 13, 7, 13, 7},
        {"size=5\nstride=1", 13, 13, 13, 13},
        {"size=13\nstride=1", 13, 5, 13, 5},
        {"size=3\nstride=2", 227, 55, 114, 28},
        {"size=3\nstride=2\npadding=0", 7, 9, 3, 4},
        {"stride=2", 10, 11, 5, 6},
        {"stride=2\nstride_y=1\nsize=2", 9, 9, 5, 9},
        {"size=4\nstride=4", 1281, 1, 321, 1}, /* a signal: windows of one row */
        {"size=4\nstride=4\npadding=0", 13, 1, 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mem_format("[net]\nwidth=%d\nheight=%d\nchannels=2\n[maxpool]\n%s\n", cases[i].w, cases[i].h, cases[i].keys);
        struct network *net = walk_open(text, 1, false);
        assert_int_equal(net->layer[0].out.shape.w, cases[i].out_w);
        assert_int_equal(net->layer[0].out.shape.h, cases[i].out_h);
        assert_int_equal(net->layer[0].out.shape.c, 2);
        network_free(net);
        free(text);
    }
}

/* Three by three, windows of 2 with stride 1: the padding of 1 lies wholly at the far end. */
static void layer_values(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=3\nheight=3\nchannels=1\n[maxpool]\nsize=2\nstride=1\n", 1, false);
    const real x[] = {-9, -2, -3, -4, -5, -6, -7, -8, -1};
    memcpy(net->input.x, x, sizeof x);
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){-2, -2, -3, -4, -1, -1, -7, -1, -1}, 9, 0);
    network_free(net);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse("[net]\nwidth=3\nheight=3\nchannels=1\n[maxpool]\nstride=2\nsize=5\npadding=1\n", "test.cfg:7:|size=5|padding=1|3 x 3");
    walk_refuse("[net]\nwidth=3\nheight=3\nchannels=1\n[maxpool]\nsize=1\nstride=1\npadding=2\n", "test.cfg:6:|padding=2");
    walk_refuse("[net]\nwidth=3\nheight=3\nchannels=1\n[maxpool]\nsize=2\nmaxpool_depth=1\n",
                "test.cfg:7:|maxpool_depth=1 is not supported");
    walk_refuse("[net]\nwidth=3\nheight=3\nchannels=1\n[maxpool]\nsise=2\n", "test.cfg:6:|sise|size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_naive), cmocka_unit_test(onnx), cmocka_unit_test(layer_shapes),
                                       cmocka_unit_test(layer_values), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
