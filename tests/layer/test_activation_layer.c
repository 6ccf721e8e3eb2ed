#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx),
        cmocka_unit_test(linear_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
