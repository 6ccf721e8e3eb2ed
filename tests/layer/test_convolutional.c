#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "layercase.h"
#include "math/gemm.h"
#include "reference.h"
#include "walk.h"

static void fill(struct param *p, double lo, double hi, uint64_t number)
{
    struct rng r = rng_make(4, RNG_TEST, number, 0);
    for (size_t i = 0; i < shape_size(p->shape); i++)
        p->value[i] = (real)rng_range(&r, lo, hi);
}

/* The Conv cases of ONNX with equal padding on all sides. */
static void onnx(void **state)
{
    (void)state;
    static const char *const names[] = {"basic_conv_with_padding", "basic_conv_without_padding", "conv_with_strides_no_padding",
                                        "conv_with_strides_padding", "conv_with_autopad_same"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct layercase c;
        if (!layercase_open(&c, names[i]))
            skip();
        const int *x = c.input[0].dim, *w = c.input[1].dim;
        const int stride = (int)layercase_attribute(&c, "strides", 0, 1);
        const int same = ((x[2] + stride - 1) / stride - 1) * stride + w[2] - x[2];
        const int padding =
            (int)layercase_attribute(&c, "pads", 0, strcmp(layercase_text(&c, "auto_pad"), "SAME_LOWER") == 0 ? same / 2 : 0);
        char text[512];
        snprintf(text, sizeof text,
                 "[net]\nwidth=%d\nheight=%d\nchannels=%d\n[convolutional]\nfilters=%d\nsize=%d\nstride=%d\npadding=%d\nbias=0\n"
                 "activation=linear\n",
                 x[3], x[2], x[1], w[0], w[2], stride, padding);
        struct network *net = walk_open(text, x[0], false);
        assert_int_equal(shape_size(net->layer[0].out.shape), c.output[0].size);
        memcpy(net->input.x, c.input[0].data, c.input[0].size * sizeof(real));
        memcpy(net->param[0]->value, c.input[1].data, c.input[1].size * sizeof(real));
        layercase_expect(&c.output[0], walk_forward(net, MODE_EVAL, 0), names[i]);
        network_free(net);
        layercase_close(&c);
    }
}

static void expect_names(const char *text, const char *const *names)
{
    struct network *net = walk_open(text, 1, false);
    int n = 0;
    for (; names[n]; n++) {
        assert_true(n < net->n_params);
        assert_string_equal(net->param[n]->name, names[n]);
    }
    assert_int_equal(net->n_params, n);
    network_free(net);
}

/* Darknet's order in weight files. */
static void order_of_params(void **state)
{
    (void)state;
    expect_names("[net]\nwidth=4\nheight=4\nchannels=2\n[convolutional]\nbatch_normalize=1\nfilters=3\n[conv]\n[convolutional]\nbias=0\n"
                 "[convolutional]\nbias=0\nbatch_normalize=1\n",
                 (const char *const[]){"0.convolutional.bias", "0.convolutional.scale", "0.convolutional.mean", "0.convolutional.variance",
                                       "0.convolutional.weight", "1.convolutional.bias", "1.convolutional.weight", "2.convolutional.weight",
                                       "3.convolutional.bias", "3.convolutional.scale", "3.convolutional.mean", "3.convolutional.variance",
                                       "3.convolutional.weight", NULL});
}

/* Output sizes that Darknet prints for the same keys. */
static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int w, h;
    } cases[] = {
        {"size=3\nstride=1\npad=1", 13, 9},
        {"size=3\nstride=2\npad=1", 7, 5},
        {"size=3", 11, 7},
        {"size=5\npadding=1", 11, 7},
        {"size=3\npad=1\ndilation=2", 13, 9},
        {"size=1\npad=1\ndilation=3", 13, 9},
        {"size=3\npad=1\nstride_x=2", 7, 9},
        {"size=3\npad=1\nstride=3\nstride_y=1", 5, 9},
        {"size=2\npad=1", 14, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\nwidth=13\nheight=9\nchannels=2\n[convolutional]\nfilters=5\n%s\n", cases[i].keys);
        struct network *net = walk_open(text, 2, false);
        const struct shape o = net->layer[0].out.shape;
        assert_true(o.n == 2 && o.c == 5 && o.w == cases[i].w && o.h == cases[i].h);
        network_free(net);
    }
}

/* Of a network over one dimension, and kernels that aren't square. */
static void oblong(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int net_w, net_h, w, h, kernel_w, kernel_h;
    } cases[] = {
        {"size=3\npad=1", 13, 1, 13, 1, 3, 1},
        {"size=3", 13, 1, 11, 1, 3, 1},
        {"size=8\nstride=4\npad=1", 40, 1, 11, 1, 8, 1},
        {"size=5\npadding=3\nstride=2", 13, 1, 8, 1, 5, 1},
        {"size=3\npad=1\ndilation=2", 13, 1, 13, 1, 3, 1},
        {"size=1\nstride=2", 13, 1, 7, 1, 1, 1},
        {"size=3\nsize_y=3\npad=1", 13, 1, 13, 1, 3, 3},
        {"size=3\npad=1", 1, 1, 1, 1, 3, 3}, /* one pixel is no signal */
        {"size=3\npad=1", 1, 13, 1, 13, 3, 3},
        {"size_x=1\nsize_y=3\npad=1", 6, 9, 6, 9, 1, 3},
        {"size_x=5\nsize_y=1\npad=1", 6, 9, 6, 9, 5, 1},
        {"size=3\nsize_x=5", 6, 9, 2, 7, 5, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\nwidth=%d\nheight=%d\nchannels=2\n[convolutional]\nfilters=5\n%s\n", cases[i].net_w,
                 cases[i].net_h, cases[i].keys);
        struct network *net = walk_open(text, 2, false);
        const struct shape o = net->layer[0].out.shape, k = net->layer[0].param[1]->shape;
        if (o.w != cases[i].w || o.h != cases[i].h || k.w != cases[i].kernel_w || k.h != cases[i].kernel_h)
            fail_msg("%s: output %d x %d, kernel %d x %d", cases[i].keys, o.w, o.h, k.w, k.h);
        network_free(net);
    }
}

/* Evaluation with batch norm: what the definition says of running statistics, and the same after folding. */
static void evaluation(void **state)
{
    (void)state;
    static const char *const keys[] = {"size=3\npad=1", "size=1", "size=3\ngroups=4\nstride=2", "size=3\npad=1\ngroups=2"};
    for (int i = 0; i < 4; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "[net]\nwidth=9\nheight=7\nchannels=4\n[convolutional]\nfilters=4\nbatch_normalize=1\nactivation=leaky\n%s\n", keys[i]);
        struct network *net = walk_open(text, 3, false);
        struct layer *l = &net->layer[0];
        fill(l->param[0], -1, 1, 0);
        fill(l->param[1], -2, 2, 1);
        fill(l->param[2], -1, 1, 2);
        fill(l->param[3], .1, 3, 3);
        const struct shape o = l->out.shape, in = net->input.shape, w = l->param[4]->shape;
        const int stride = i == 2 ? 2 : 1;
        const struct conv_shape s = {in.n, in.c,       in.h, in.w, o.c,   w.h,       stride, stride, i == 0 || i == 3,
                                     1,    in.c / w.c, o.h,  o.w,  false, CONV_FP32, false,  0,      0};
        const size_t n = shape_size(o);
        real *want = mem_new(n, sizeof(real)), *input = mem_new(shape_size(in), sizeof(real));
        memcpy(input, net->input.x, shape_size(in) * sizeof(real));
        reference_conv_forward(&s, input, l->param[4]->value, want);
        for (size_t k = 0; k < n; k++) {
            const size_t f = k / (size_t)(o.h * o.w) % (size_t)o.c;
            const double v = ((double)want[k] - (double)l->param[2]->value[f]) / sqrt((double)l->param[3]->value[f] + 1e-5) *
                                 (double)l->param[1]->value[f] +
                             (double)l->param[0]->value[f];
            want[k] = (real)(v > 0 ? v : .1 * v);
        }
        assert_true(reference_error(walk_forward(net, MODE_EVAL, 0), want, n) < 1e-5);
        network_fold(net);
        struct error err = ERROR_INIT;
        assert_int_equal(network_plan(net, 3, 0, 0, false, &err), 0);
        memcpy(net->input.x, input, shape_size(in) * sizeof(real));
        assert_true(reference_error(walk_forward(net, MODE_EVAL, 0), want, n) < 1e-5);
        free(want);
        free(input);
        network_free(net);
    }
}

/* Packed weights change no bit, also when the plan changes under them; the plain ones go only for good. */
static void packed(void **state)
{
    (void)state;
    static const char text[] = "[net]\nwidth=20\nheight=20\nchannels=3\n"
                               "[convolutional]\nfilters=16\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                               "[convolutional]\nfilters=40\nsize=3\npad=1\nactivation=relu\n"
                               "[convolutional]\nfilters=24\nsize=1\nactivation=linear\n";
    struct error err = ERROR_INIT;
    struct network *net = walk_open(text, 2, false);
    network_fold(net);
    const size_t n = shape_size(network_output(net)->out.shape), inputs = shape_size(net->input.shape);
    real *want = mem_new(n, sizeof(real)), *input = mem_new(inputs, sizeof(real));
    memcpy(input, net->input.x, inputs * sizeof(real));
    memcpy(want, walk_forward(net, MODE_EVAL, 0), n * sizeof(real));
    for (int i = 0; i < 4; i++) {
        /* packed; not any more at batch 1; not any more; packed for good */
        assert_int_equal(network_plan(net, i == 1 ? 1 : 2, 0, 0, false, &err), 0);
        if (i == 0 || i == 3)
            network_pack(net, i == 3);
        memcpy(net->input.x, input, shape_size(net->input.shape) * sizeof(real));
        const real *y = walk_forward(net, MODE_EVAL, 0);
        if (i == 1)
            assert_true(reference_error(y, want, n / 2) < 1e-5); /* another batch may take another algorithm */
        else
            assert_memory_equal(y, want, n * sizeof(real));
    }
    const struct param *weight = net->param[4];
    assert_string_equal(weight->name, "0.convolutional.weight");
    const struct conv_shape s = {2, 3, 20, 20, 16, 3, 1, 1, 1, 1, 1, 20, 20, true, CONV_FP32, false, 0, 0};
    assert_true((weight->value == NULL) == (conv_packed_size(&s) > 0));
    free(want);
    free(input);
    network_free(net);
}

/* Running statistics move in training and stand still in a frozen layer, which normalises with them. */
static void frozen(void **state)
{
    (void)state;
    for (int freeze = 0; freeze <= 1; freeze++) {
        char text[256];
        snprintf(
            text, sizeof text,
            "[net]\nwidth=5\nheight=5\nchannels=2\n[convolutional]\nfilters=3\nsize=3\nbatch_normalize=1\nactivation=mish\nlr_mult=%d\n"
            "[convolutional]\nactivation=linear\n",
            1 - freeze);
        struct network *net = walk_open(text, 4, true);
        struct layer *l = &net->layer[0];
        fill(l->param[2], -.1, .1, 2);
        fill(l->param[3], .5, 2, 3);
        real mean[3], variance[3];
        memcpy(mean, l->param[2]->value, sizeof mean);
        memcpy(variance, l->param[3]->value, sizeof variance);
        real trained[4 * 9], evaluated[4 * 9], input[4 * 50];
        memcpy(input, net->input.x, sizeof input);
        memcpy(trained, walk_forward(net, MODE_TRAIN, 0), sizeof trained);
        for (int k = 0; k < 3; k++) {
            assert_true((l->param[2]->value[k] == mean[k]) == freeze);
            assert_true((l->param[3]->value[k] == variance[k]) == freeze);
        }
        memcpy(net->input.x, input, sizeof input);
        memcpy(evaluated, walk_forward(net, MODE_EVAL, 0), sizeof evaluated);
        assert_true((reference_error(trained, evaluated, 4 * 9) < 1e-5) == freeze);
        network_free(net);
    }
}

static const char deep[] = "[net]\nwidth=37\nheight=29\nchannels=3\n"
                           "[convolutional]\nfilters=16\nsize=3\npad=1\nbatch_normalize=1\nactivation=mish\n"
                           "[convolutional]\nfilters=32\nsize=3\npad=1\nstride=2\nbatch_normalize=1\nactivation=leaky\n"
                           "[convolutional]\nfilters=32\nsize=5\npad=1\ngroups=32\nbatch_normalize=1\nactivation=swish\n"
                           "[convolutional]\nfilters=64\nsize=1\nactivation=relu\n"
                           "[batchnorm]\n[activation]\nactivation=tanh\n"
                           "[connected]\noutput=70\nbatch_normalize=1\nactivation=selu\n"
                           "[connected]\noutput=5\nactivation=linear\n[cost]\ntype=sse\n";

static void same_bits(void **state)
{
    (void)state;
    struct network *first = NULL;
    double loss = 0;
    for (int threads = 1; threads <= 4; threads *= 2) {
        parallel_set(threads);
        struct network *net = walk_open(deep, 5, true);
        const real label[25] = {1, 0, 2, [24] = -1};
        const struct targets targets = {.label = label, .n_labels = 5};
        const struct run run = {.mode = MODE_TRAIN, .targets = &targets};
        network_zero_grads(net);
        const double now = network_forward(net, &run);
        network_backward(net, &run);
        if (!first) {
            first = net;
            loss = now;
            continue;
        }
        assert_true(now == loss);
        for (int i = 0; i < net->n_params; i++) {
            const struct param *a = net->param[i], *b = first->param[i];
            assert_memory_equal(a->value, b->value, shape_size(a->shape) * sizeof(real)); /* the running statistics */
            if (a->grad)
                assert_memory_equal(a->grad, b->grad, shape_size(a->shape) * sizeof(real));
        }
        network_free(net);
    }
    network_free(first);
    parallel_set(0);
}

/* More threads than the plan was made for use no more scratch than there is. */
static void threads_change(void **state)
{
    (void)state;
    parallel_set(1);
    struct network *net = walk_open(deep, 5, false);
    const size_t n = shape_size(net->input.shape);
    real *input = mem_new(n, sizeof(real)), answer[25];
    memcpy(input, net->input.x, n * sizeof(real));
    memcpy(answer, walk_forward(net, MODE_EVAL, 0), sizeof answer);
    parallel_set(4);
    memcpy(net->input.x, input, n * sizeof(real));
    assert_memory_equal(walk_forward(net, MODE_EVAL, 0), answer, sizeof answer);
    parallel_set(0);
    free(input);
    network_free(net);
}

static void mistakes(void **state)
{
    (void)state;
#define NET "[net]\nwidth=5\nheight=4\nchannels=6\n[convolutional]\nfilters=8\n"
    walk_refuse(NET "groups=4\n", "test.cfg:7|groups=4|6 input channels|filters=8");
    walk_refuse(NET "groups=3\n", "test.cfg:7|groups=3|filters=8");
    walk_refuse("[net]\nwidth=2\nheight=2\nchannels=65536\n[convolutional]\nsize=1000\npad=1\n", "test.cfg:6|1000 x 1000|65536");
    walk_refuse(NET "size=6\n", "test.cfg:7|6 x 6|5 x 4");
    walk_refuse(NET "size=3\ndilation=2\n", "test.cfg:7|5 x 5");
    walk_refuse(NET "activation=leeky\n", "test.cfg:7|leeky|leaky");
    walk_refuse(NET "filtres=3\n", "test.cfg:7|filtres|filters");
    walk_refuse(NET "stride=0\n", "test.cfg:7|stride");
#undef NET
}

/* winograd=0 takes another way to the same answer. */
static void without_winograd(void **state)
{
    (void)state;
#define NET(key) "[net]\nwidth=26\nheight=26\nchannels=16\n" key "[convolutional]\nfilters=32\nsize=3\npad=1\nactivation=leaky\n"
    struct network *with = walk_open(NET(""), 2, false), *without = walk_open(NET("winograd=0\n"), 2, false);
#undef NET
    const size_t n = shape_size(network_output(with)->out.shape);
    const real *a = walk_forward(with, MODE_EVAL, 0), *b = walk_forward(without, MODE_EVAL, 0);
    double largest = 0, difference = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)b[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    assert_true(difference > 0); /* the key has an effect */
    assert_true(difference < 1e-5 * largest);
    network_free(with);
    network_free(without);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx),           cmocka_unit_test(order_of_params), cmocka_unit_test(oblong),           cmocka_unit_test(sizes),
        cmocka_unit_test(evaluation),     cmocka_unit_test(frozen),          cmocka_unit_test(same_bits),        cmocka_unit_test(packed),
        cmocka_unit_test(threads_change), cmocka_unit_test(mistakes),        cmocka_unit_test(without_winograd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
