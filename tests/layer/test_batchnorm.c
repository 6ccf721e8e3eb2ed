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
    static const char *const layers[] = {"[batchnorm]\n", "[connected]\noutput=3\nactivation=tanh\nbatch_normalize=1\nbn_after=1\n",
                                         "[convolutional]\nfilters=3\nactivation=mish\nbatch_normalize=1\nbn_after=1\n"};
    for (int i = 0; i < 3; i++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\ninputs=3\n%s", layers[i]);
        struct network *net = walk_open(text, 1, true);
        const real *y = walk_forward(net, MODE_TRAIN, 0);
        walk_expect(y, (double[]){0, 0, 0}, 3, 1e-4); /* 1 / √ε magnifies the rounding */
        for (int p = 0; p < net->n_params; p++)
            for (int k = 0; k < 3; k++)
                assert_true(isfinite(net->param[p]->value[k]));
        network_free(net);
    }
}

/* bn_after=1: batch statistics of f(Wx), then scale and shift; no bias. */
static void after_activation(void **state)
{
    (void)state;
    enum { BATCH = 7, IN = 5, OUT = 4 };
    static const char *const functions[] = {"tanh", "mish", "linear"};
    for (int f = 0; f < 3; f++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\ninputs=5\n[connected]\noutput=4\nactivation=%s\nbatch_normalize=1\nbn_after=1\n", functions[f]);
        struct network *net = walk_open(text, BATCH, true);
        const real *weight = net->param[1]->value, *running_mean = net->param[3]->value, *running_variance = net->param[4]->value;
        double a[BATCH][OUT], want[BATCH * OUT];
        for (int o = 0; o < OUT; o++) {
            net->param[0]->value[o] = (real)(.3 * o - .4);
            net->param[2]->value[o] = (real)(1 - .2 * o);
        }
        for (int k = 0; k < BATCH * OUT; k++) {
            double z = 0;
            for (int i = 0; i < IN; i++)
                z += (double)net->input.x[k / OUT * IN + i] * (double)weight[k % OUT * IN + i];
            a[k / OUT][k % OUT] = f == 0 ? tanh(z) : f == 1 ? z * tanh(log1p(exp(z))) : z;
        }
        const real *y = walk_forward(net, MODE_TRAIN, 0);
        for (int o = 0; o < OUT; o++) {
            double mean = 0, variance = 0;
            for (int b = 0; b < BATCH; b++)
                mean += a[b][o] / BATCH;
            for (int b = 0; b < BATCH; b++)
                variance += (a[b][o] - mean) * (a[b][o] - mean) / BATCH;
            for (int b = 0; b < BATCH; b++)
                want[b * OUT + o] = (1 - .2 * o) * (a[b][o] - mean) / sqrt(variance + 1e-5) + .3 * o - .4;
            assert_true(fabs((double)running_mean[o] - .1 * mean) < 1e-6);
            assert_true(fabs((double)running_variance[o] - (.9 + .1 * variance * BATCH / (BATCH - 1))) < 1e-6);
        }
        walk_expect(y, want, BATCH * OUT, 1e-5);

        /* Evaluation with the running statistics, and the same after the folding of what can be folded. */
        for (int k = 0; k < BATCH * OUT; k++) {
            const int o = k % OUT;
            want[k] = (1 - .2 * o) * (a[k / OUT][o] - (double)running_mean[o]) / sqrt((double)running_variance[o] + 1e-5) + .3 * o - .4;
        }
        real input[BATCH * IN];
        memcpy(input, net->input.x, sizeof input);
        walk_expect(walk_forward(net, MODE_EVAL, 0), want, BATCH * OUT, 1e-5);
        struct error err = ERROR_INIT;
        assert_int_equal(network_plan(net, BATCH, 0, 0, false, &err), 0);
        network_fold(net);
        memcpy(net->input.x, input, sizeof input);
        walk_expect(walk_forward(net, MODE_EVAL, 0), want, BATCH * OUT, 1e-5);
        network_free(net);
    }
    walk_refuse("[net]\ninputs=5\n[connected]\noutput=4\nbn_after=1\n", "test.cfg:5:|without batch_normalize=1");
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx_evaluation),
        cmocka_unit_test(onnx_training),
        cmocka_unit_test(one_number),
        cmocka_unit_test(after_activation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
