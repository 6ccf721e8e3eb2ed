/* Ten steps of SGD with momentum and decay against PyTorch's; trajectory.txt is made by scripts/reference/trajectory.py. */
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
#include "nets.h"
#include "train/optimizer.h"

#define FIGURES "tests/train/trajectory.txt"
enum { BATCH = 4, CLASSES = 3, IMAGE = 2 * 6 * 6, PARAMS = 7 };

static const char cfg[] = "[net]\nbatch=4\nwidth=6\nheight=6\nchannels=2\nmomentum=.9\ndecay=.01\n"
                          "[convolutional]\nfilters=5\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                          "[maxpool]\nsize=2\nstride=2\n"
                          "[connected]\noutput=3\nactivation=linear\n"
                          "[softmax]\n";

/* The numbers of the record of that name: "name count number …". Free with free(). */
static double *record(const char *name, int expected)
{
    FILE *f = fopen(FIGURES, "r");
    if (!f)
        fail_msg("%s: cannot be read", FIGURES);
    char word[64];
    int n;
    double *v = NULL, number;
    if (fscanf(f, "#%*[^\n]") != 0)
        fail_msg("%s: no first line", FIGURES);
    while (!v && fscanf(f, "%63s %d", word, &n) == 2) {
        if (strcmp(word, name) == 0) {
            assert_int_equal(n, expected);
            v = mem_new((size_t)n, sizeof *v);
        }
        for (int i = 0; i < n; i++) {
            assert_int_equal(fscanf(f, "%lf", &number), 1);
            if (v)
                v[i] = number;
        }
    }
    fclose(f);
    if (!v)
        fail_msg("%s: no record %s", FIGURES, name);
    return v;
}

static double *param_record(const char *what, int i, const struct param *p)
{
    char name[64];
    snprintf(name, sizeof name, "%s%d", what, i);
    return record(name, (int)shape_size(p->shape));
}

/* Relative to the tensor's largest number: single ones near 0 carry the rounding of their neighbours. */
static double worst_error(const real *x, const double *expected, size_t n)
{
    double largest = 0, worst = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)x[i] - expected[i]) / largest);
    return worst;
}

/* Trains as the figures were made, and leaves the ten mean losses in losses. */
static struct network *train(double *losses)
{
    struct error err = ERROR_INIT;
    struct network *net = nets_build(cfg, 1);
    assert_int_equal(net->n_params, PARAMS);
    for (int i = 0; i < PARAMS; i++) {
        double *v = param_record("initial", i, net->param[i]);
        for (size_t k = 0; k < shape_size(net->param[i]->shape); k++)
            net->param[i]->value[k] = (real)v[k];
        free(v);
    }
    if (network_plan(net, BATCH, 0, 0, true, &err) != 0)
        fail_msg("%s", err.text);
    struct optimizer o;
    assert_int_equal(optimizer_init(&o, net, &err), 0);

    double *hyper = record("hyper", 4), *inputs = record("inputs", 2 * BATCH * IMAGE), *labels = record("labels", 2 * BATCH);
    assert_true(hyper[2] == net->options.momentum && hyper[3] == net->options.decay);
    for (int step = 0; step < (int)hyper[0]; step++) {
        const int turn = step % 2;
        real target[BATCH * CLASSES] = {0};
        for (int i = 0; i < BATCH; i++)
            target[i * CLASSES + (int)labels[turn * BATCH + i]] = 1;
        for (int i = 0; i < BATCH * IMAGE; i++)
            net->input.x[i] = (real)inputs[turn * BATCH * IMAGE + i];
        const struct targets targets = {.label = target, .n_labels = CLASSES};
        const struct run run = {.mode = MODE_TRAIN, .seed = 1, .step = (uint64_t)step, .targets = &targets};
        network_zero_grads(net);
        losses[step] = network_forward(net, &run) / BATCH;
        network_backward(net, &run);
        assert_null(optimizer_step(&o, net, hyper[1], BATCH, step));
    }
    optimizer_free(&o);
    free(hyper);
    free(inputs);
    free(labels);
    return net;
}

static void test_against_pytorch(void **state)
{
    (void)state;
    double losses[10], *expected = record("losses", 10);
    struct network *net = train(losses);
    for (int i = 0; i < 10; i++)
        if (!(fabs(losses[i] - expected[i]) <= 1e-4 * expected[i]))
            fail_msg("step %d: loss %.9g, PyTorch's is %.9g", i, losses[i], expected[i]);
    free(expected);
    for (int i = 0; i < PARAMS; i++) {
        const struct param *p = net->param[i];
        double *v = param_record("final", i, p);
        const double worst = worst_error(p->value, v, shape_size(p->shape));
        if (!(worst <= 1e-4))
            fail_msg("%s: %.3g away from PyTorch's", p->name, worst);
        free(v);
    }
    network_free(net);
}

static void test_threads(void **state)
{
    (void)state;
    double one[10], other[10];
    parallel_set(1);
    struct network *a = train(one);
    for (int threads = 2; threads <= 4; threads += 2) {
        parallel_set(threads);
        struct network *b = train(other);
        nets_same(a, b);
        assert_memory_equal(one, other, sizeof one);
        network_free(b);
    }
    parallel_set(0);
    network_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_pytorch), cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests_name("train/trajectory", tests, NULL, NULL);
}
