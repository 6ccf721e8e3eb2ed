#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "draws.h"
#include "math/gemm.h"
#include "nets.h"
#include "walk.h"

enum { IN = 150, OUT = 4, BATCH = 3, DRAWS = 4000 };

static struct network *open_layer(const char *keys, int inputs)
{
    char text[512];
    snprintf(text, sizeof text, "[net]\ninputs=%d\n[dropconnect]\noutput=%d\n%s[cost]\n", inputs, OUT, keys);
    struct network *net = nets_build(text, 1);
    struct error err = ERROR_INIT;
    network_want_input_gradient(net);
    assert_int_equal(network_plan(net, BATCH, 0, 0, true, &err), 0);
    for (int i = 0; i < BATCH * inputs; i++)
        net->input.x[i] = (real)(1 + sin(i)); /* sums far from 0 */
    for (int o = 0; o < OUT; o++)
        net->param[0]->value[o] = (real)(.1 * o - .2);
    return net;
}

/* (1 − p)·Wx + b and p(1 − p)·(W∘W)(x∘x) of object b's output o. */
static void moments_of(const struct network *net, double p, int b, int o, double *mean, double *variance)
{
    const int in = net->param[1]->shape.c;
    *mean = (double)net->param[0]->value[o];
    *variance = 0;
    for (int i = 0; i < in; i++) {
        const double wx = (double)net->param[1]->value[o * in + i] * (double)net->input.x[b * in + i];
        *mean += (1 - p) * wx;
        *variance += p * (1 - p) * wx * wx;
    }
}

/* Outputs are sums of so many terms that they are normal: fourth moment 3·variance². */
static void outputs(void **state)
{
    (void)state;
    struct network *net = open_layer("activation=linear\nprobability=.3\n", IN);
    struct moments y[BATCH * OUT] = {{0}}, product = {0};
    double mean[BATCH * OUT], variance[BATCH * OUT];
    for (int k = 0; k < BATCH * OUT; k++)
        moments_of(net, .3, k / OUT, k % OUT, &mean[k], &variance[k]);
    for (uint64_t step = 0; step < DRAWS; step++) {
        network_forward_layer(net, 0, &(struct run){.mode = MODE_TRAIN, .seed = 2, .step = step});
        const real *out = net->layer[0].out.x;
        for (int k = 0; k < BATCH * OUT; k++)
            moments_add(&y[k], (double)out[k]);
        /* Objects draw masks of their own. */
        moments_add(&product, ((double)out[0] - mean[0]) * ((double)out[OUT] - mean[OUT]) / sqrt(variance[0] * variance[OUT]));
    }
    for (int k = 0; k < BATCH * OUT; k++)
        moments_expect(&y[k], mean[k], variance[k], 3 * variance[k] * variance[k], "output");
    assert_true(fabs(product.mean) < 3 / sqrt(DRAWS));
    network_free(net);
}

/* With one term each the moments of the gradients are those of single Bernoulli numbers. */
static void gradients(void **state)
{
    (void)state;
    const double p = .4, q = 1 - p, fourth = p * q * (q * q * q + p * p * p);
    struct network *net = open_layer("activation=linear\nprobability=.4\n", IN);
    const struct layer *l = &net->layer[0];
    struct moments weight = {0}, input = {0};
    for (uint64_t step = 0; step < DRAWS / 4; step++) {
        const struct run run = {.mode = MODE_TRAIN, .seed = 2, .step = step};
        network_zero_grads(net);
        network_forward_layer(net, 0, &run);
        memset(l->out.dx, 0, BATCH * OUT * sizeof(real));
        l->out.dx[OUT + 2] = 3; /* object 1, output 2 alone */
        network_backward_layer(net, 0, &run);
        for (int i = 0; i < IN; i++) {
            moments_add(&weight, (double)net->param[1]->grad[2 * IN + i] / (3 * (double)net->input.x[IN + i]));
            moments_add(&input, (double)net->input.dx[IN + i] / (3 * (double)net->param[1]->value[2 * IN + i]));
            assert_true(net->param[1]->grad[i] == 0 && net->input.dx[i] == 0 && net->input.dx[2 * IN + i] == 0);
        }
        /* The mask of backward is that of forward: W∘M x = Σ W·(gradient of W) */
        double y = (double)net->param[0]->value[2];
        for (int i = 0; i < IN; i++)
            y += (double)net->param[1]->value[2 * IN + i] * (double)net->param[1]->grad[2 * IN + i] / 3;
        assert_true(fabs(y - (double)l->out.x[OUT + 2]) < 1e-5);
    }
    moments_expect(&weight, q, p * q, fourth, "gradient of the weights");
    moments_expect(&input, q, p * q, fourth, "gradient of the input");
    network_free(net);
}

static double relu_mean(double mean, double deviation)
{
    const double z = mean / deviation;
    return mean * erfc(-z / sqrt(2)) / 2 + deviation * exp(-z * z / 2) / sqrt(2 * M_PI);
}

/* The mean of relu over a Gaussian has a closed form; one of any f is compared with many draws of the masks. */
static void moment_matching(void **state)
{
    (void)state;
    static const char *const functions[] = {"relu", "tanh", "logistic", "mish"};
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        char keys[128];
        snprintf(keys, sizeof keys, "activation=%s\nprobability=.6\n", functions[f]);
        struct network *net = open_layer(keys, IN);
        struct moments y[BATCH * OUT] = {{0}};
        real got[BATCH * OUT];
        network_forward_layer(net, 0, &(struct run){.mode = MODE_EVAL});
        memcpy(got, net->layer[0].out.x, sizeof got);
        for (int k = 0; k < BATCH * OUT && f == 0; k++) {
            double mean, variance;
            moments_of(net, .6, k / OUT, k % OUT, &mean, &variance);
            assert_true(fabs((double)got[k] - relu_mean(mean, sqrt(variance))) < 1e-3 * sqrt(variance));
        }
        for (uint64_t step = 0; step < DRAWS; step++) {
            network_forward_layer(net, 0, &(struct run){.mode = MODE_TRAIN, .seed = 3, .step = step});
            for (int k = 0; k < BATCH * OUT; k++)
                moments_add(&y[k], (double)net->layer[0].out.x[k]);
        }
        for (int k = 0; k < BATCH * OUT; k++) {
            const double error = sqrt(moments_variance(&y[k]) / DRAWS);
            if (!(fabs((double)got[k] - y[k].mean) < 3 * error + 2e-3))
                fail_msg("%s, output %d: %.6f, the draws' mean is %.6f +- %.6f", functions[f], k, (double)got[k], y[k].mean, error);
        }
        network_free(net);
    }
}

/* Linear, or one sample: (1 − p)·Wx + b through f. An object's answer doesn't depend on its place in the batch or on the step. */
static void evaluation(void **state)
{
    (void)state;
    struct network *net = open_layer("activation=linear\nprobability=.3\n", 7);
    double want[BATCH * OUT], variance;
    for (int k = 0; k < BATCH * OUT; k++)
        moments_of(net, .3, k / OUT, k % OUT, &want[k], &variance);
    network_forward_layer(net, 0, &(struct run){.mode = MODE_EVAL});
    walk_expect(net->layer[0].out.x, want, BATCH * OUT, 1e-6);
    network_free(net);
    net = open_layer("activation=tanh\nprobability=.3\nsamples=1\n", 7);
    for (int k = 0; k < BATCH * OUT; k++) {
        moments_of(net, .3, k / OUT, k % OUT, &want[k], &variance);
        want[k] = tanh(want[k]);
    }
    network_forward_layer(net, 0, &(struct run){.mode = MODE_EVAL});
    walk_expect(net->layer[0].out.x, want, BATCH * OUT, 1e-6);
    network_free(net);
    net = open_layer("activation=tanh\nprobability=.3\n", 7);
    memcpy(net->input.x + 14, net->input.x, 7 * sizeof(real));
    network_forward_layer(net, 0, &(struct run){.mode = MODE_EVAL, .step = 6});
    assert_memory_equal(net->layer[0].out.x, net->layer[0].out.x + 2 * OUT, OUT * sizeof(real));
    network_free(net);
}

/* Batch norm in the weights gives the same answers. */
static void folding(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\ninputs=20\n[dropconnect]\noutput=6\nactivation=relu\nbatch_normalize=1\n", 5, false);
    for (int i = 0; i < 6; i++) {
        net->param[0]->value[i] = (real)(.1 * i);      /* shift */
        net->param[2]->value[i] = (real)(1 + .2 * i);  /* scale */
        net->param[3]->value[i] = (real)(.3 - .1 * i); /* mean */
        net->param[4]->value[i] = (real)(.5 + .1 * i); /* variance */
    }
    double want[30];
    real input[100];
    memcpy(input, net->input.x, sizeof input);
    const real *y = walk_forward(net, MODE_EVAL, 0);
    for (int i = 0; i < 30; i++)
        want[i] = (double)y[i];
    network_fold(net);
    memcpy(net->input.x, input, sizeof input);
    walk_expect(walk_forward(net, MODE_EVAL, 0), want, 30, 2e-6);
    network_free(net);
}

static void threads(void **state)
{
    (void)state;
    static const enum mode modes[] = {MODE_TRAIN, MODE_EVAL};
    real first[2][BATCH * OUT], grad[OUT * IN], dx[BATCH * IN];
    for (int n = 1; n <= 4; n += 3) {
        parallel_set(n);
        for (int m = 0; m < 2; m++) {
            struct network *net = open_layer("activation=mish\nprobability=.3\n", IN);
            const struct run run = {.mode = modes[m], .seed = 3, .step = 8};
            network_forward_layer(net, 0, &run);
            if (n == 1)
                memcpy(first[m], net->layer[0].out.x, sizeof first[m]);
            assert_memory_equal(first[m], net->layer[0].out.x, sizeof first[m]);
            if (modes[m] == MODE_TRAIN) {
                network_zero_grads(net);
                for (int k = 0; k < BATCH * OUT; k++)
                    net->layer[0].out.dx[k] = (real)(.1 * k);
                network_backward_layer(net, 0, &run);
                if (n == 1) {
                    memcpy(grad, net->param[1]->grad, sizeof grad);
                    memcpy(dx, net->input.dx, sizeof dx);
                }
                assert_memory_equal(grad, net->param[1]->grad, sizeof grad);
                assert_memory_equal(dx, net->input.dx, sizeof dx);
            }
            network_free(net);
        }
    }
    parallel_set(0);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(outputs),    cmocka_unit_test(gradients), cmocka_unit_test(moment_matching),
                                       cmocka_unit_test(evaluation), cmocka_unit_test(folding),   cmocka_unit_test(threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
