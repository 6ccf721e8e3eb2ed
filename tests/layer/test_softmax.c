#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "layercase.h"
#include "math/softmax.h"
#include "walk.h"

/* ONNX Softmax over any axis of an array: outer × axis × inner. */
static void onnx(void **state)
{
    (void)state;
    static const char *const names[] = {"softmax_axis_0",  "softmax_axis_1",       "softmax_axis_2",       "softmax_default_axis",
                                        "softmax_example", "softmax_large_number", "softmax_negative_axis"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct layercase c;
        if (!layercase_open(&c, names[i]))
            skip();
        const struct layercase_tensor *x = &c.input[0];
        int axis = (int)layercase_attribute(&c, "axis", 0, -1);
        axis += axis < 0 ? x->n_dims : 0;
        size_t outer = 1, step = 1;
        for (int d = 0; d < x->n_dims; d++)
            *(d < axis ? &outer : &step) *= (size_t)(d == axis ? 1 : x->dim[d]);
        real *y = mem_new(x->size, sizeof(real));
        softmax_forward(x->data, y, outer, x->dim[axis], step, 1);
        layercase_expect(&c.output[0], y, names[i]);
        free(y);
        layercase_close(&c);
    }
}

/* ONNX SoftmaxCrossEntropyLoss with class numbers as targets. */
static void onnx_cross_entropy(void **state)
{
    (void)state;
    static const char *const names[] = {"sce_sum", "sce_mean", "sce_mean_3d"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct layercase c;
        if (!layercase_open(&c, names[i]))
            skip();
        const struct layercase_tensor *x = &c.input[0], *label = &c.input[1];
        const int n = x->dim[0], k = x->dim[1];
        const size_t step = x->size / (size_t)n / (size_t)k;
        real *t = mem_new(x->size, sizeof(real));
        for (size_t row = 0; row < label->size; row++)
            t[(row / step * (size_t)k + (size_t)label->data[row]) * step + row % step] = 1;
        real loss = (real)softmax_cross_entropy(x->data, t, (size_t)n, k, step, 1);
        if (strcmp(layercase_text(&c, "reduction"), "mean") == 0)
            loss /= (real)label->size;
        layercase_expect(&c.output[0], &loss, names[i]);
        free(t);
        layercase_close(&c);
    }
}

/* The loss is exact where the probability itself is 0 in float. */
static void extreme(void **state)
{
    (void)state;
    const real x[3] = {1000, 0, -1000}, t[3] = {0, .25, .75};
    assert_true(fabs(softmax_cross_entropy(x, t, 1, 3, 1, 1) - (.25 * 1000 + .75 * 2000)) < 1e-9);
    assert_true(fabs(softmax_cross_entropy(x, t, 1, 3, 1, 10) - (.25 * 100 + .75 * 200)) < 1e-9);
    real y[3], dx[3];
    softmax_forward(x, y, 1, 3, 1, 1);
    walk_expect(y, (double[]){1, 0, 0}, 3, 0);
    softmax_cross_entropy_backward(y, t, 1, dx, 1, 3, 1, 1, true);
    walk_expect(dx, (double[]){1, -.25, -.75}, 3, 0); /* p − t */
}

/* Last, or followed by [cost] only: the loss; else, or with noloss=1, none. */
static void when_it_is_the_loss(void **state)
{
    (void)state;
    static const struct {
        const char *layers;
        bool softmax, cost;
    } cases[] = {
        {"[softmax]\n", true, false},
        {"[softmax]\n[cost]\ntype=sse\n", true, false},
        {"[softmax]\n[cost]\n[cost]\n", true, false},
        {"[softmax]\n[data]\ntrain=x\n", true, false},
        {"[softmax]\nnoloss=1\n[cost]\n", false, true},
        {"[softmax]\n[dropout]\n[cost]\n", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = mem_format("[net]\nwidth=1\nheight=1\nchannels=3\n%s", cases[i].layers);
        struct network *net = walk_open(text, 1, false);
        assert_int_equal(net->layer[0].is_loss, cases[i].softmax);
        assert_int_equal(net->layer[net->n_layers - 1].is_loss && net->n_layers > 1, cases[i].cost);
        const real t[3] = {0, 1, 0};
        const real x[3] = {0, 0, 0};
        memcpy(net->input.x, x, sizeof x);
        const struct targets targets = {.label = t, .n_labels = 3};
        const double loss = network_forward(net, &(struct run){.mode = MODE_EVAL, .targets = &targets});
        assert_true(fabs(loss - (cases[i].softmax ? log(3) : .5 * (4 + 1 + 1) / 9)) < 1e-6);
        assert_true(network_forward(net, &(struct run){.mode = MODE_EVAL}) == 0); /* no targets, no loss */
        network_free(net);
        free(text);
    }
}

static void groups_and_spatial(void **state)
{
    (void)state;
    const double a = 1 / (1 + exp(-1)), b = 1 - a; /* softmax of two numbers 1 apart */
    struct network *net = walk_open("[net]\nwidth=1\nheight=1\nchannels=4\n[softmax]\ngroups=2\n", 1, false);
    memcpy(net->input.x, (real[]){1, 2, 2, 1}, 4 * sizeof(real));
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){b, a, a, b}, 4, 1e-6);
    network_free(net);
    net = walk_open("[net]\nwidth=2\nheight=1\nchannels=2\n[softmax]\nspatial=1\ntemperature=2\n", 1, false);
    memcpy(net->input.x, (real[]){2, 6, 4, 4}, 4 * sizeof(real));
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){b, a, a, b}, 4, 1e-6);
    network_free(net);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse("[net]\nwidth=1\nheight=1\nchannels=4\n[softmax]\ngroups=3\n", "test.cfg:6:|groups=3|4 values");
    walk_refuse("[net]\nwidth=2\nheight=1\nchannels=4\n[softmax]\nspatial=1\ngroups=2\n", "test.cfg:7:|groups=2|spatial");
    walk_refuse("[net]\nwidth=2\nheight=1\nchannels=4\n[softmax]\ntemperature=0\n", "test.cfg:6:|temperature=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(onnx),
                                       cmocka_unit_test(onnx_cross_entropy),
                                       cmocka_unit_test(extreme),
                                       cmocka_unit_test(when_it_is_the_loss),
                                       cmocka_unit_test(groups_and_spatial),
                                       cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
