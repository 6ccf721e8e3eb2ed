#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "layercase.h"
#include "math/gemm.h"
#include "nets.h"
#include "walk.h"

/* ONNX Gemm: a·bᵀ + c is a layer on the rows of a. */
static void onnx(void **state)
{
    (void)state;
    struct layercase c;
    if (!layercase_open(&c, "gemm_transposeB"))
        skip();
    const int n = c.input[0].dim[0], in = c.input[0].dim[1], out = c.input[1].dim[0];
    char text[256];
    snprintf(text, sizeof text, "[net]\ninputs=%d\n[connected]\noutput=%d\nactivation=linear\n", in, out);
    struct network *net = walk_open(text, n, false);
    assert_int_equal(c.input[2].size, out);
    memcpy(net->input.x, c.input[0].data, c.input[0].size * sizeof(real));
    memcpy(net->param[0]->value, c.input[2].data, c.input[2].size * sizeof(real));
    memcpy(net->param[1]->value, c.input[1].data, c.input[1].size * sizeof(real));
    layercase_expect(&c.output[0], walk_forward(net, MODE_EVAL, 0), "gemm_transposeB");
    network_free(net);
    layercase_close(&c);
}

static void order_of_params(void **state)
{
    (void)state;
    static const char *const names[] = {"0.connected.bias", "0.connected.weight", "0.connected.scale", "0.connected.mean",
                                        "0.connected.variance"};
    struct network *net = walk_open("[net]\ninputs=3\n[connected]\nbatch_normalize=1\noutput=2\n", 1, false);
    assert_int_equal(net->n_params, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(net->param[i]->name, names[i]);
    assert_true(net->param[1]->shape.n == 2 && net->param[1]->shape.c == 3);
    network_free(net);
}

/* Evaluation with batch norm, unfolded and folded: by hand, one output. */
static void fold(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\ninputs=2\n[connected]\nbatch_normalize=1\noutput=1\nactivation=linear\n", 1, false);
    static const real values[] = {.5f, 2, 3, 3, 1, 4}; /* bias; weights; scale; mean; variance */
    int at = 0;
    for (int i = 0; i < net->n_params; i++)
        for (size_t k = 0; k < shape_size(net->param[i]->shape); k++)
            net->param[i]->value[k] = values[at++];
    const double want = 3 * (2 * 1.5 + 3 * -2 - 1) / 2.0000025 + .5; /* √(4 + 1e-5) */
    for (int folded = 0; folded <= 1; folded++) {
        net->input.x[0] = (real)1.5;
        net->input.x[1] = -2;
        walk_expect(walk_forward(net, MODE_EVAL, 0), &want, 1, 1e-5);
        network_fold(net);
    }
    network_free(net);
}

static void input_size_changes(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=4\nheight=4\nchannels=1\n[connected]\noutput=2\n", 1, false);
    struct error err = ERROR_INIT;
    assert_int_equal(network_plan(net, 1, 5, 4, false, &err), -1);
    nets_expect(&err, EXIT_DATA, ":5|20 numbers|16");
    network_free(net);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx),
        cmocka_unit_test(order_of_params),
        cmocka_unit_test(fold),
        cmocka_unit_test(input_size_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
