#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layercase.h"
#include "walk.h"

/* ONNX cases whose parameters are ours. */
static void onnx(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"relu", "relu"},         {"leakyrelu", "leaky"},   {"elu_default", "elu"},
        {"selu_default", "selu"}, {"sigmoid", "logistic"},  {"sigmoid_example", "logistic"},
        {"tanh", "tanh"},         {"tanh_example", "tanh"}, {"mish", "mish"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct layercase c;
        if (!layercase_open(&c, cases[i][0]))
            skip();
        char text[256];
        snprintf(text, sizeof text, "[net]\ninputs=%zu\n[activation]\nactivation=%s\n", c.input[0].size, cases[i][1]);
        struct network *net = walk_open(text, 1, false);
        memcpy(net->input.x, c.input[0].data, c.input[0].size * sizeof(real));
        layercase_expect(&c.output[0], walk_forward(net, MODE_EVAL, 0), cases[i][0]);
        network_free(net);
        layercase_close(&c);
    }
}

/* Darknet's default. */
static void linear_by_default(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\ninputs=2\n[activation]\n", 1, false);
    net->input.x[0] = -3;
    net->input.x[1] = 4;
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){-3, 4}, 2, 0);
    network_free(net);
}

static void expect(const char *keys, const double *x, const double *y, int n)
{
    char text[256];
    snprintf(text, sizeof text, "[net]\nwidth=1\nheight=1\nchannels=%d\n[activation]\n%s", n, keys);
    struct network *net = walk_open(text, 1, false);
    for (int i = 0; i < n; i++)
        net->input.x[i] = (real)x[i];
    walk_expect(walk_forward(net, MODE_EVAL, 0), y, n, 1e-6);
    network_free(net);
}

/* Over the channels of a pixel; by hand. */
static void of_channels(void **state)
{
    (void)state;
    const double x[3] = {1, -1, 3}, e[3] = {exp(1), exp(-1), exp(3)}, sum = e[0] + e[1] + e[2], max = exp(-3);
    expect("activation=softmax\n", x, (double[]){e[0] / sum, e[1] / sum, e[2] / sum}, 3);
    expect("activation=norm_chan\n", x, (double[]){1 / 4.0001, 0, 3 / 4.0001}, 3);
    expect("activation=normalize_channels\n", x, (double[]){1 / 4.0001, 0, 3 / 4.0001}, 3);
    expect("activation=norm_chan_softmax\n", x, (double[]){e[0] / (sum + 1e-4), e[1] / (sum + 1e-4), e[2] / (sum + 1e-4)}, 3);
    const double from_max = sum * max + 1e-4;
    expect("activation=norm_chan_softmax_maxval\n", x, (double[]){e[0] * max / from_max, e[1] * max / from_max, 1 / from_max}, 3);
    expect("activation=norm_chan_softmax\n", (double[]){1e4, -1e4, 0}, (double[]){1, 0, 0}, 3);
    expect("activation=norm_chan_softmax\n", (double[]){-1e4, -1e4, -1e4}, (double[]){0, 0, 0}, 3);
    expect("activation=softmax\n", (double[]){1e4, -1e4, 1e4}, (double[]){.5, 0, .5}, 3);

    struct network *net = walk_open("[net]\nwidth=2\nheight=1\nchannels=2\n[activation]\nactivation=softmax\n", 1, false);
    memcpy(net->input.x, (real[]){0, 1, 0, 3}, 4 * sizeof(real)); /* pixels (0, 0) and (1, 3) */
    const double p = 1 / (1 + exp(2));
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){.5, p, .5, 1 - p}, 4, 1e-6);
    network_free(net);
}

static void parameters(void **state)
{
    (void)state;
    expect("activation=leaky\nslope=.25\n", (double[]){-2, 2}, (double[]){-.5, 2}, 2);
    expect("activation=elu\nalpha=2\n", (double[]){-1, 2}, (double[]){2 * expm1(-1), 2}, 2);
    expect("activation=swish\nalpha=3\n", (double[]){-1, 2}, (double[]){-1 / (1 + exp(3)), 2 / (1 + exp(-6))}, 2);
    expect("activation=threshold\nthreshold=1.5\n", (double[]){1.5, 1.6, -3}, (double[]){0, 1, 0}, 3);
    walk_refuse("[net]\ninputs=4\n[activation]\nactivation=relu\nslope=.2\n", "test.cfg:5:|slope=|activation=leaky");
    walk_refuse("[net]\ninputs=4\n[connected]\nactivation=leaky\nalpha=.2\n", "test.cfg:5:|alpha=|activation=elu");
    walk_refuse("[net]\ninputs=4\n[connected]\nthreshold=.2\nactivation=tanh\n", "test.cfg:4:|threshold=|activation=tanh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx),
        cmocka_unit_test(linear_by_default),
        cmocka_unit_test(of_channels),
        cmocka_unit_test(parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
