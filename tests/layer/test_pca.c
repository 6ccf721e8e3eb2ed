/* [pca] against numpy's SVD (pca.txt is made by scripts/reference/pca.py) and against what whitening promises. */
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
#include "base/rng.h"
#include "math/gemm.h"
#include "nets.h"
#include "walk.h"

#define FIGURES "tests/layer/pca.txt"
enum { SHOWN = 9 };

static double *numbers(FILE *f, int n)
{
    double *x = mem_new((size_t)n, sizeof *x);
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &x[i]), 1);
    return x;
}

static void expect(FILE *f, const real *got, int n, double tolerance)
{
    double *want = numbers(f, n);
    walk_expect(got, want, (size_t)n, tolerance);
    free(want);
}

/* A network of one [pca], fitted to n rows that come `at_once` at a time; planned for all rows and run on them. */
static struct network *fit(const char *keys, const double *x, int n, int d, int at_once, struct fit_report *report)
{
    char cfg[300];
    struct error err = ERROR_INIT;
    snprintf(cfg, sizeof cfg, "[net]\ninputs=%d\n[pca]\n%s", d, keys);
    struct network *net = nets_build(cfg, 1);
    struct layer *l = &net->layer[0];
    assert_ptr_equal(network_unfitted(net), l);
    void *sums = l->type->fit->begin(l, &err);
    assert_non_null(sums);
    for (int i = 0, m; i < n; i += m) {
        m = n - i < at_once ? n - i : at_once;
        assert_int_equal(network_plan(net, m, 0, 0, false, &err), 0);
        for (int k = 0; k < m * d; k++)
            net->input.x[k] = (real)x[i * d + k];
        l->type->fit->add(l, sums);
    }
    assert_int_equal(l->type->fit->finish(l, sums, report, &err), 0);
    l->type->fit->drop(sums);
    l->fitted->value[0] = (real)n;
    assert_null(network_unfitted(net));
    assert_int_equal(network_plan(net, n, 0, 0, false, &err), 0);
    for (int k = 0; k < n * d; k++)
        net->input.x[k] = (real)x[k];
    network_forward(net, &(struct run){.mode = MODE_EVAL});
    return net;
}

static const real *output(const struct network *net)
{
    return net->layer[0].out.x;
}

static void numpy(void **state)
{
    (void)state;
    FILE *f = fopen(FIGURES, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*[^\n]"), 0);
    int n, d, k, cases = 0;
    double epsilon;
    for (; fscanf(f, "%d %d %d %lf", &n, &d, &k, &epsilon) == 4; cases++) {
        double *x = numbers(f, n * d);
        char keys[200];
        struct fit_report report = {0};
        snprintf(keys, sizeof keys, "components=%d\n", k);
        struct network *net = fit(keys, x, n, d, 4, &report);
        struct param *const *p = net->layer[0].param;
        const int shown = n < SHOWN ? n : SHOWN;
        expect(f, p[0]->value, d, 1e-5);
        expect(f, p[2]->value, k, 1e-4);
        expect(f, p[1]->value, k * d, 1e-5);
        expect(f, output(net), shown * k, 1e-4);
        real *z = mem_new((size_t)(n * k), sizeof *z), *v = mem_new((size_t)(k * d), sizeof *v), *mean = mem_new((size_t)d, sizeof *mean);
        memcpy(z, output(net), (size_t)(n * k) * sizeof *z);
        memcpy(v, p[1]->value, (size_t)(k * d) * sizeof *v);
        memcpy(mean, p[0]->value, (size_t)d * sizeof *mean);
        network_free(net);

        snprintf(keys, sizeof keys, "components=%d\nepsilon=%g\nwhiten=1\n", k, epsilon);
        net = fit(keys, x, n, d, n, &report);
        expect(f, output(net), shown * k, 1e-4);
        network_free(net);
        snprintf(keys, sizeof keys, "components=%d\nepsilon=%g\nzca=1\n", k, epsilon);
        net = fit(keys, x, n, d, n, &report);
        expect(f, output(net), shown * d, 1e-4);
        network_free(net);

        double error = 0;
        real *again = mem_new((size_t)(n * d), sizeof *again);
        for (int i = 0; i < n * d; i++) {
            double sum = (double)mean[i % d];
            for (int c = 0; c < k; c++)
                sum += (double)z[i / d * k + c] * (double)v[c * d + i % d];
            again[i] = (real)sum;
            error += pow(sum - x[i], 2) / n;
        }
        expect(f, again, shown * d, 1e-4);
        const real found = (real)error;
        expect(f, &found, 1, 1e-4);
        free(x);
        free(z);
        free(v);
        free(mean);
        free(again);
    }
    assert_int_equal(cases, 5);
    fclose(f);
}

/* Correlated rows of numbers far from 0. */
static double *rows(int n, int d)
{
    struct rng r = rng_make(8, RNG_TEST, 0, 0);
    double *x = mem_new((size_t)(n * d), sizeof *x);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < d; k++)
            x[i * d + k] = (double)(float)(20 * (k + 1) + rng_normal(&r) * (k + 1) + (k > 0 ? .7 * (x[i * d + k - 1] - 20 * k) : 0));
    return x;
}

/* The covariance of what comes out is the identity; ZCA's map is symmetric, so that the covariance with what went in is too. */
static void whitened(void **state)
{
    (void)state;
    enum { N = 500, D = 6 };
    double *x = rows(N, D);
    for (int zca = 0; zca < 2; zca++) {
        struct fit_report report = {0};
        struct network *net = fit(zca ? "zca=1\nepsilon=0\n" : "whiten=1\nepsilon=0\n", x, N, D, 33, &report);
        const real *y = output(net), *mean = net->layer[0].param[0]->value;
        double own[D][D] = {{0}}, with[D][D] = {{0}};
        for (int i = 0; i < N; i++)
            for (int a = 0; a < D; a++)
                for (int b = 0; b < D; b++) {
                    own[a][b] += (double)y[i * D + a] * (double)y[i * D + b] / N;
                    with[a][b] += (double)y[i * D + a] * (x[i * D + b] - (double)mean[b]) / N;
                }
        for (int a = 0; a < D; a++)
            for (int b = 0; b < D; b++) {
                assert_float_equal(own[a][b], a == b, 1e-4);
                if (zca)
                    assert_float_equal(with[a][b], with[b][a], 1e-3);
            }
        network_free(net);
    }
    free(x);
}

/* The same bytes whatever comes at a time and whatever the threads, here and where the covariance has several tiles. */
static void same_bytes(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        const int n = big ? 70 : 600, d = big ? 300 : 6;
        double *x = rows(n, d);
        struct fit_report report = {0};
        parallel_set(2);
        struct network *a = fit("", x, n, d, 7, &report);
        parallel_set(1);
        struct network *b = fit("", x, n, d, 64, &report);
        parallel_set(0);
        nets_same(a, b);
        assert_memory_equal(output(a), output(b), (size_t)(n * d) * sizeof(real));
        network_free(a);
        network_free(b);
        free(x);
    }
}

/* Columns without variance and columns twice: nothing is divided by zero, and the rest comes out white. */
static void without_variance(void **state)
{
    (void)state;
    enum { N = 50, D = 4 };
    double *from = rows(N, 2), x[N * D];
    for (int i = 0; i < N; i++) {
        x[i * D] = from[i * 2];
        x[i * D + 1] = from[i * 2 + 1];
        x[i * D + 2] = 7.5;
        x[i * D + 3] = from[i * 2];
    }
    struct fit_report report = {0};
    struct network *net = fit("whiten=1\nepsilon=0\n", x, N, D, N, &report);
    assert_non_null(
        strstr(report.text, "4 principal components of 4 numbers (only 2 of them have variance), with 100.00 % of the variance"));
    for (int k = 0; k < D; k++) {
        double variance = 0;
        for (int i = 0; i < N; i++)
            variance += pow((double)output(net)[i * D + k], 2) / N;
        assert_float_equal(variance, k < 2, 1e-3);
    }
    network_free(net);
    free(from);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse("[net]\ninputs=6\n[pca]\ncomponents=7\n", "test.cfg:4:|components=7|6 numbers");
    walk_refuse("[net]\nwidth=40\nheight=40\nchannels=3\n[pca]\n", "test.cfg:5:|4800 numbers|at most 4096");
    walk_refuse("[net]\ninputs=6\n[pca]\nzca=1\nwhiten=0\n", "test.cfg:5:|whiten=0|zca=1");
    struct network *net = nets_build("[net]\ninputs=2\n[pca]\n", 1);
    struct layer *l = &net->layer[0];
    struct error err = ERROR_INIT;
    struct fit_report report;
    assert_int_equal(network_plan(net, 3, 0, 0, false, &err), 0);
    for (int i = 0; i < 6; i++)
        net->input.x[i] = i == 3 ? (real)INFINITY : (real)i;
    void *sums = l->type->fit->begin(l, &err);
    l->type->fit->add(l, sums);
    assert_int_equal(l->type->fit->finish(l, sums, &report, &err), -1);
    nets_expect(&err, EXIT_DATA, "test.cfg:3:|isn't finite");
    l->type->fit->drop(sums);
    network_free(net);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(numpy), cmocka_unit_test(whitened), cmocka_unit_test(same_bytes),
                                       cmocka_unit_test(without_variance), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
