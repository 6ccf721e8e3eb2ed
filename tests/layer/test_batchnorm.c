#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layercase.h"
#include "math/gemm.h"
#include "walk.h"

/* The params of the layer from a case's inputs 1 .. 4 (scale, bias, mean, variance). */
static struct network *open_case(const struct layercase *c, bool training)
{
    const int *d = c->input[0].dim;
    char text[256];
    snprintf(text, sizeof text, "[net]\nwidth=%d\nheight=%d\nchannels=%d\n[batchnorm]\n", d[3], d[2], d[1]);
    struct network *net = walk_open(text, d[0], training);
    static const int from[] = {2, 1, 3, 4}; /* Darknet's order: bias, scale, mean, variance */
    assert_int_equal(net->n_params, 4);
    for (int i = 0; i < 4; i++)
        memcpy(net->param[i]->value, c->input[from[i]].data, (size_t)d[1] * sizeof(real));
    memcpy(net->input.x, c->input[0].data, c->input[0].size * sizeof(real));
    return net;
}

static void onnx_evaluation(void **state)
{
    (void)state;
    struct layercase c;
    if (!layercase_open(&c, "batchnorm_example"))
        skip();
    struct network *net = open_case(&c, false);
    layercase_expect(&c.output[0], walk_forward(net, MODE_EVAL, 0), "y");
    network_free(net);
    layercase_close(&c);
}

static void onnx_training(void **state)
{
    (void)state;
    struct layercase c;
    if (!layercase_open(&c, "batchnorm_example_training_mode"))
        skip();
    struct network *net = open_case(&c, true);
    const real *y = walk_forward(net, MODE_TRAIN, 0);
    for (size_t i = 0; i < c.output[0].size; i++)
        assert_true(fabs((double)y[i] - (double)c.output[0].data[i]) < 1e-5);
    layercase_expect(&c.output[1], net->param[2]->value, "running mean");
    /* ONNX's running variance is over N, ours over N − 1: the batch's share is to be N / (N − 1) larger. */
    const double n = (double)c.input[0].size / c.input[0].dim[1];
    for (size_t k = 0; k < c.output[2].size; k++) {
        const double old = .9 * (double)c.input[4].data[k], batch = (double)c.output[2].data[k] - old;
        assert_true(fabs((double)net->param[3]->value[k] - (old + batch * n / (n - 1))) < 1e-6);
    }
    network_free(net);
    layercase_close(&c);
}

/* One image of one number: no NaN. */
static void one_number(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\ninputs=3\n[batchnorm]\n", 1, true);
    const real *y = walk_forward(net, MODE_TRAIN, 0);
    walk_expect(y, (double[]){0, 0, 0}, 3, 1e-4); /* 1 / √ε magnifies the rounding */
    for (int i = 0; i < net->n_params; i++)
        for (int k = 0; k < 3; k++)
            assert_true(isfinite(net->param[i]->value[k]));
    network_free(net);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx_evaluation),
        cmocka_unit_test(onnx_training),
        cmocka_unit_test(one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
