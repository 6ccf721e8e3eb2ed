/* The memory plan: what it reuses must not change a single bit of what is computed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/network.h"

static const char branches[] = "[net]\nwidth=24\nheight=20\nchannels=3\n"
                               "[convolutional]\nfilters=8\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                               "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=mish\n"
                               "[shortcut]\nfrom=-2\nactivation=linear\n"
                               "[maxpool]\nsize=2\nstride=2\n"
                               "[convolutional]\nfilters=6\nsize=1\nactivation=swish\n"
                               "[upsample]\nstride=2\n"
                               "[route]\nlayers=-1,0\n"
                               "[convolutional]\nfilters=4\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=relu\n"
                               "[avgpool]\n"
                               "[connected]\noutput=5\nactivation=linear\n"
                               "[softmax]\n";

static struct network *build(const char *text)
{
    struct config c;
    struct error err = ERROR_INIT;
    assert_int_equal(config_parse(&c, "test.cfg", text, &err), 0);
    struct network *net = network_build(&c, 3, &err);
    if (!net)
        fail_msg("%s", err.text);
    return net;
}

static void fill(struct network *net)
{
    struct rng r = rng_make(5, RNG_TEST, 0, 0);
    for (size_t i = 0; i < shape_size(net->input.shape); i++)
        net->input.x[i] = (real)rng_uniform(&r);
}

/* One training pass; returns the gradients of all params behind one another. */
static real *gradients(struct network *net, size_t *n)
{
    real label[3 * 5] = {0};
    for (int i = 0; i < 3; i++)
        label[i * 5 + i] = 1;
    const struct targets targets = {.label = label, .n_labels = 5};
    const struct run run = {.mode = MODE_TRAIN, .seed = 1, .targets = &targets};
    fill(net);
    network_zero_grads(net);
    network_forward(net, &run);
    network_backward(net, &run);
    *n = 0;
    for (int i = 0; i < net->n_params; i++)
        *n += net->param[i]->grad ? shape_size(net->param[i]->shape) : 0;
    real *all = mem_new(*n, sizeof *all), *at = all;
    for (int i = 0; i < net->n_params; i++)
        if (net->param[i]->grad) {
            memcpy(at, net->param[i]->grad, shape_size(net->param[i]->shape) * sizeof(real));
            at += shape_size(net->param[i]->shape);
        }
    return all;
}

/* Inference shares more memory than training, so equal outputs show that nothing that is still needed was overwritten. */
static void test_inference_equals_training_memory(void **state)
{
    (void)state;
    struct network *net = build(branches);
    struct error err = ERROR_INIT;
    const struct run run = {.mode = MODE_EVAL};
    assert_int_equal(network_plan(net, 3, 0, 0, true, &err), 0);
    const size_t training = net->arena_bytes;
    fill(net);
    network_forward(net, &run);
    real out[3 * 5];
    memcpy(out, network_output(net)->out.x, sizeof out);
    size_t inference;
    assert_int_equal(network_plan_bytes(net, 3, 0, 0, false, &inference, &err), 0);
    assert_true(inference < training);
    assert_int_equal(network_plan(net, 3, 0, 0, false, &err), 0);
    fill(net);
    network_forward(net, &run);
    assert_memory_equal(out, network_output(net)->out.x, sizeof out);
    network_free(net);
}

/* The same gradients whether or not every array has memory of its own: poisoning between the walks would show in the second pass, and
 * planning at another size in between changes every address. */
static void test_replanning_changes_nothing(void **state)
{
    (void)state;
    struct network *a = build(branches), *b = build(branches);
    struct error err = ERROR_INIT;
    size_t n, m;
    assert_int_equal(network_plan(a, 3, 0, 0, true, &err), 0);
    assert_int_equal(network_plan(b, 5, 48, 40, true, &err), 0);
    memset(b->arena, 0xff, b->arena_bytes); /* not-a-numbers everywhere */
    assert_int_equal(network_plan(b, 3, 0, 0, true, &err), 0);
    real *x = gradients(a, &n), *y = gradients(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n * sizeof(real));
    free(x);
    free(y);
    network_free(a);
    network_free(b);
}

static void test_frozen_layers_get_no_gradient(void **state)
{
    (void)state;
    char text[sizeof branches + 64];
    const char *cut = strstr(branches, "[maxpool]");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(cut - branches), branches, "[maxpool]\nstopbackward=1\n", cut + strlen("[maxpool]\n"));
    struct network *net = build(text);
    struct error err = ERROR_INIT;
    assert_int_equal(network_plan(net, 3, 0, 0, true, &err), 0);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < net->layer[i].n_params; k++)
            assert_null(net->layer[i].param[k]->grad);
    assert_false(net->layer[1].runs_backward);
    assert_null(net->layer[3].out.dx);
    assert_non_null(net->layer[7].out.dx);
    assert_non_null(net->layer[4].param[1]->grad);
    real before[8];
    const struct param *mean = net->layer[0].param[2];
    assert_string_equal(mean->name, "0.convolutional.mean");
    memcpy(before, mean->value, sizeof before);
    size_t n;
    free(gradients(net, &n));
    assert_memory_equal(before, mean->value, sizeof before); /* statistics of frozen layers stay */
    network_free(net);
}

static void test_no_memory_is_reported(void **state)
{
    (void)state;
    struct network *net = build(branches);
    struct error err = ERROR_INIT;
    mem_fail_next(1);
    assert_int_equal(network_plan(net, 3, 0, 0, true, &err), -1);
    assert_non_null(strstr(err.text, "out of memory"));
    assert_int_equal(err.status, EXIT_FAIL);
    err = ERROR_INIT;
    assert_int_equal(network_plan(net, 3, 0, 0, true, &err), 0); /* and can be tried again */
    network_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inference_equals_training_memory),
        cmocka_unit_test(test_replanning_changes_nothing),
        cmocka_unit_test(test_frozen_layers_get_no_gradient),
        cmocka_unit_test(test_no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
