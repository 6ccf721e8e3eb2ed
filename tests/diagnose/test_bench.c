/* The pieces of bench that don't depend on the machine's speed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "diagnose/bench.h"
#include "diagnose/peak.h"
#include "math/gemm.h"
#include "nets.h"

#define NET                                                                                                                                \
    "[net]\nwidth=6\nheight=4\nchannels=2\nbatch=4\n"                                                                                      \
    "[convolutional]\nfilters=3\nsize=3\npad=1\nbatch_normalize=1\nactivation=relu\n"                                                      \
    "[maxpool]\nsize=2\nstride=2\n"                                                                                                        \
    "[connected]\noutput=5\nactivation=linear\n"

static void test_median(void **state)
{
    (void)state;
    double one[] = {3}, odd[] = {9, 1, 5}, even[] = {8, 1, 2, 4}, same[] = {2, 2, 2, 2};
    assert_true(bench_median(one, 1) == 3);
    assert_true(bench_median(odd, 3) == 5);
    assert_true(bench_median(even, 4) == 3);
    assert_true(bench_median(same, 4) == 2);
}

static void test_rate(void **state)
{
    (void)state;
    const struct bench_pass two = {.ms = 500, .flops = 1e9}, none = {.ms = 1}, untimed = {.flops = 1};
    assert_true(bench_rate(&two) == 2);
    assert_true(bench_rate(&none) == 0);
    assert_true(bench_rate(&untimed) == 0);
}

/* A copy of all parameters, in order. */
static real *values(const struct network *net, size_t *n)
{
    *n = 0;
    for (int i = 0; i < net->n_params; i++)
        *n += shape_size(net->param[i]->shape);
    real *copy = mem_new(*n, sizeof *copy), *at = copy;
    for (int i = 0; i < net->n_params; i++) {
        memcpy(at, net->param[i]->value, shape_size(net->param[i]->shape) * sizeof *at);
        at += shape_size(net->param[i]->shape);
    }
    return copy;
}

static void test_inference(void **state)
{
    (void)state;
    struct network *net = nets_build(NET, 1);
    struct error err = ERROR_INIT;
    struct bench b;
    const struct bench_options options = {.batch = 3, .reps = 4};
    assert_int_equal(bench_run(net, &options, &b, &err), 0);
    assert_int_equal(b.reps, 4);
    assert_true(net->folded);
    assert_int_equal(net->input.shape.n, 3);
    /* multiplications and additions: 2 for each weight and place */
    assert_true(b.forward[0].flops == 3 * 2.0 * (3 * 2 * 9) * (6 * 4));
    assert_true(b.forward[2].flops == 3 * 2.0 * 5 * (3 * 3 * 2));
    assert_true(b.total[0].flops == b.forward[0].flops + b.forward[1].flops + b.forward[2].flops);
    assert_true(b.total[1].flops == 0);
    /* maxpool: 3 channels of 6 x 4 are read and of 3 x 2 written */
    assert_true(b.forward[1].bytes == 3 * 3 * (6 * 4 + 3 * 2) * sizeof(real));
    double sum = 0;
    for (int i = 0; i < net->n_layers; i++) {
        assert_true(b.forward[i].ms > 0);
        assert_true(b.backward[i].ms == 0 && b.backward[i].flops == 0 && b.backward[i].bytes == 0);
        sum += b.forward[i].bytes;
    }
    assert_true(b.total[0].bytes == sum);
    assert_true(b.total[0].ms > 0 && b.total[1].ms == 0 && b.step_ms > 0);
    bench_free(&b);
    network_free(net);
}

static void test_training(void **state)
{
    (void)state;
    struct network *net = nets_build(NET "[softmax]\n", 1);
    struct error err = ERROR_INIT;
    struct bench b;
    size_t n;
    real *before = values(net, &n);
    const struct bench_options options = {.batch = 4, .train = true, .reps = 3};
    assert_int_equal(bench_run(net, &options, &b, &err), 0);
    assert_false(net->folded);
    assert_true(b.backward[0].flops == b.forward[0].flops); /* images want no gradient */
    assert_true(b.backward[1].flops == b.forward[1].flops); /* nor has it weights */
    assert_true(b.backward[2].flops == 2 * b.forward[2].flops);
    assert_true(b.total[1].flops == b.backward[0].flops + b.backward[1].flops + b.backward[2].flops);
    for (int i = 0; i < net->n_layers; i++)
        assert_true(b.forward[i].ms > 0 && b.backward[i].ms > 0 && b.backward[i].bytes > 0);
    assert_true(b.step_ms > 0 && b.total[1].ms > 0);
    real *after = values(net, &n);
    assert_true(memcmp(before, after, n * sizeof *before) != 0); /* the update was among what was timed */
    free(before);
    free(after);
    bench_free(&b);
    network_free(net);
}

/* As many walks with one thread as with all; afterwards the threads are what they were. */
static void test_scaling(void **state)
{
    (void)state;
    for (int train = 0; train < 2; train++) {
        struct network *net = nets_build(NET "[softmax]\n", 1);
        struct error err = ERROR_INIT;
        struct bench b;
        const struct bench_options options = {.batch = 4, .train = train, .reps = 7, .scaling = true};
        parallel_set(2);
        assert_int_equal(bench_run(net, &options, &b, &err), 0);
        assert_int_equal(parallel_threads(), 2);
        assert_int_equal(b.reps, 7);
        assert_true(b.quickest.ms > 0 && b.quickest.ms <= b.median.ms && b.median.ms == b.step_ms);
        assert_true(b.quickest.ms_one > 0 && b.quickest.ms_one <= b.median.ms_one);
        assert_true(b.median.peak > 0 && b.quickest.peak >= b.median.peak);
        assert_true(b.median.peak_one > 0 && b.quickest.peak_one >= b.median.peak_one);
        for (int i = 0; i < net->n_layers; i++) {
            assert_true(b.forward[i].ms > 0 && b.forward[i].ms_one > 0);
            assert_int_equal(b.backward[i].ms > 0, train);
            assert_int_equal(b.backward[i].ms_one > 0, train);
        }
        bench_free(&b);
        network_free(net);
    }
}

static void test_nothing_to_train_with(void **state)
{
    (void)state;
    struct network *net = nets_build(NET, 1);
    struct error err = ERROR_INIT;
    struct bench b;
    const struct bench_options options = {.batch = 1, .train = true, .reps = 1};
    assert_int_equal(bench_run(net, &options, &b, &err), -1);
    nets_expect(&err, EXIT_DATA, "no layer computes a loss");
    bench_free(&b);
    network_free(net);
}

static void test_peak(void **state)
{
    (void)state;
    assert_true(peak_gflops(1) > 0);
    assert_true(peak_gflops(2) > 0);
    assert_true(peak_gemm_gflops(2) > 0);
    assert_true(peak_bf16_gflops(1) > 0);
    assert_true(peak_bf16_gflops(2) > 0);
}

static void test_library(void **state)
{
    (void)state;
    const struct gemm_library g = gemm_library();
    assert_non_null(strstr(g.config, "OpenBLAS"));
    assert_true(g.core && *g.core);
    assert_true(strcmp(g.threads, "serial") == 0 || strcmp(g.threads, "pthread") == 0 || strcmp(g.threads, "OpenMP") == 0);
    assert_true(g.isa <= cpu_best());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),   cmocka_unit_test(test_rate),    cmocka_unit_test(test_inference),
        cmocka_unit_test(test_training), cmocka_unit_test(test_scaling), cmocka_unit_test(test_nothing_to_train_with),
        cmocka_unit_test(test_peak),     cmocka_unit_test(test_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
