/* gemm against the definition, with every transposition, strides, alpha and beta; the same bits with any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "math/gemm.h"
#include "reference.h"

static real *numbers(size_t n, uint64_t stream)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(2, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, -1, 1);
    return v;
}

static void check(int m, int n, int k, int ta, int tb, int gap, double alpha, double beta)
{
    const int lda = (ta ? m : k) + gap, ldb = (tb ? k : n) + gap, ldc = n + gap;
    const size_t size = (size_t)m * (size_t)ldc;
    real *a = numbers((size_t)(ta ? k : m) * (size_t)lda, 1), *b = numbers((size_t)(tb ? n : k) * (size_t)ldb, 2);
    real *want = numbers(size, 3), *got = numbers(size, 3), *again = numbers(size, 3);
    reference_gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, want, ldc);
    parallel_set(1);
    gemm(ta, tb, m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, got, ldc);
    const double error = reference_error(got, want, size); /* the gaps between the rows are compared too: they must stay */
    if (!(error < 1e-5))
        fail_msg("m %d n %d k %d, transposed %d %d, alpha %g beta %g: error %g", m, n, k, ta, tb, alpha, beta, error);
    for (int threads = 2; threads <= 4; threads += 2) {
        real *c = numbers(size, 3);
        parallel_set(threads);
        gemm(ta, tb, m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, c, ldc);
        assert_memory_equal(c, got, size * sizeof(real));
        mem_free(c);
    }
    gemm_serial(ta, tb, m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, again, ldc);
    assert_true(reference_error(again, want, size) < 1e-5);
    parallel_set(0);
    mem_free(a);
    mem_free(b);
    mem_free(want);
    mem_free(got);
    mem_free(again);
}

static void test_shapes(void **state)
{
    (void)state;
    static const int sides[] = {1, 5, 7, 13, 64, 100};
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            for (int p = 0; p < 6; p++)
                for (int t = 0; t < 4; t++)
                    check(sides[i], sides[j], sides[p], t & 1, t >> 1, (i + j) % 3, t == 2 ? 0.5 : 1, t == 1 ? 1 : t == 3 ? -0.25 : 0);
}

static void test_many_tiles(void **state)
{
    (void)state;
    for (int t = 0; t < 4; t++) {
        check(300, 517, 129, t & 1, t >> 1, 3, 1, 1);
        check(1, 3000, 700, t & 1, t >> 1, 0, 1, 0);
        check(1, 1003, 700, t & 1, t >> 1, 2, 0.5, -1);
        check(2000, 3, 700, t & 1, t >> 1, 0, 1, 0);
        check(16, 9000, 27, t & 1, t >> 1, 0, 1, 0);
    }
}

static void test_overwrites_rubbish(void **state)
{
    (void)state;
    const real a[] = {1, 2}, b[] = {3, 4};
    real c[] = {(real)NAN, 5};
    gemm(0, 0, 1, 1, 2, 1, a, 2, b, 1, 0, c, 1);
    assert_true(c[0] == 11 && c[1] == 5);
    c[0] = (real)NAN;
    gemm(0, 1, 1, 1, 2, 1, a, 2, b, 2, 0, c, 1);
    assert_true(c[0] == 11 && c[1] == 5);
}

static void test_grid_covers_all(void **state)
{
    (void)state;
    for (int m = 1; m < 3000; m = m * 3 + 1)
        for (int n = 1; n < 100000; n = n * 4 + 1)
            for (int k = 1; k < 5000; k = k * 5 + 2) {
                const struct gemm_grid g = gemm_tiles(m, n, k, 16);
                assert_true(g.rows >= 1 && g.cols >= 1 && (long)g.rows * g.down >= m && (long)g.cols * g.across >= n);
                assert_true((long)g.rows * (g.down - 1) < m && (long)g.cols * (g.across - 1) < n); /* none is empty */
            }
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_many_tiles),
        cmocka_unit_test(test_overwrites_rubbish),
        cmocka_unit_test(test_grid_covers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
