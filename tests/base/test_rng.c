/* Random numbers: the published sequence, and the statistics that training relies on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"

/* The first outputs of SplitMix64 for the seed 1234567, as published with Vigna's splitmix64.c (and in Rosetta Code's "Pseudo-random
 * numbers/Splitmix64"). */
static void test_splitmix64(void **state)
{
    (void)state;
    static const uint64_t published[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
                                         16408922859458223821u};
    for (uint64_t i = 0; i < 5; i++)
        assert_true(rng_at(1234567, i) == published[i]);
    struct rng r = {.key = 1234567};
    for (int i = 0; i < 5; i++)
        assert_true(rng_bits(&r) == published[i]);
}

/* Saved models and resumed runs depend on these: they may never change. Figures of scripts/reference/rng.py. */
static void test_streams_are_frozen(void **state)
{
    (void)state;
    struct rng a = rng_make(1, RNG_INIT, 0, 0), b = rng_make(42, RNG_AUGMENT, 3, 1000), c = rng_make(UINT64_MAX, RNG_MIX, UINT64_MAX, 7);
    assert_true(rng_bits(&a) == 12644303994431466053u);
    assert_true(rng_bits(&b) == 4651021945091135097u);
    assert_true(rng_bits(&c) == 1866694842449322325u);
}

static void test_same_key_same_numbers(void **state)
{
    (void)state;
    struct rng a = rng_make(7, RNG_DROPOUT, 3, 4), b = rng_make(7, RNG_DROPOUT, 3, 4);
    for (int i = 0; i < 100; i++)
        rng_bits(&a);
    struct rng copy = a;
    assert_true(rng_bits(&a) == rng_at(b.key, 100));
    assert_true(rng_bits(&copy) == rng_at(b.key, 100));
}

static int by_value(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

/* No two of many neighbouring (seed, stream, a, b) share a key, in any order of the numbers. */
static void test_keys_differ(void **state)
{
    (void)state;
    enum { SIDE = 12 };
    static uint64_t key[SIDE * SIDE * SIDE * SIDE];
    int n = 0;
    for (uint64_t seed = 0; seed < SIDE; seed++)
        for (int stream = 0; stream < SIDE; stream++)
            for (uint64_t a = 0; a < SIDE; a++)
                for (uint64_t b = 0; b < SIDE; b++)
                    key[n++] = rng_make(seed, (enum rng_stream)stream, a, b).key;
    qsort(key, (size_t)n, sizeof *key, by_value);
    for (int i = 1; i < n; i++)
        assert_true(key[i] != key[i - 1]);
}

/* Mean, variance and chi-squared of 100 cells; bounds are five standard deviations of the statistic. */
static void test_uniform(void **state)
{
    (void)state;
    enum { N = 1000000, CELLS = 100 };
    struct rng r = rng_make(3, RNG_TEST, 0, 0);
    double sum = 0, squares = 0, chi = 0;
    int cell[CELLS] = {0};
    for (int i = 0; i < N; i++) {
        const double u = rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
        cell[(int)(u * CELLS)]++;
    }
    for (int i = 0; i < CELLS; i++)
        chi += pow(cell[i] - N / CELLS, 2) / (N / CELLS);
    const double mean = sum / N;
    assert_float_equal(mean, .5, 5 * sqrt(1. / 12 / N));
    assert_float_equal(squares / N - mean * mean, 1. / 12, 5 * sqrt(1. / 180 / N));
    assert_float_equal(chi, CELLS - 1, 5 * sqrt(2. * (CELLS - 1)));
}

/* The first numbers of neighbouring steps (how masks use the generator) are as good as one sequence. */
static void test_neighbouring_steps_are_independent(void **state)
{
    (void)state;
    enum { N = 100000 };
    double sum = 0, products = 0, before = .5;
    for (uint64_t step = 0; step < N; step++) {
        struct rng r = rng_make(1, RNG_DROPOUT, step, 5);
        const double u = rng_uniform(&r);
        sum += u;
        products += (u - .5) * (before - .5);
        before = u;
    }
    assert_float_equal(sum / N, .5, 5 * sqrt(1. / 12 / N));
    assert_float_equal(products / N, 0, 5 / 12. / sqrt(N));
}

static void test_range(void **state)
{
    (void)state;
    struct rng r = rng_make(4, RNG_TEST, 0, 0);
    double low = 9, high = -9;
    for (int i = 0; i < 10000; i++) {
        const double v = rng_range(&r, -2, 3);
        low = fmin(low, v);
        high = fmax(high, v);
    }
    assert_true(low >= -2 && low < -1.99 && high < 3 && high > 2.99);
}

static void test_below(void **state)
{
    (void)state;
    enum { N = 600000 };
    struct rng r = rng_make(5, RNG_TEST, 0, 0);
    int seen[6] = {0};
    for (int i = 0; i < N; i++) {
        const int k = rng_below(&r, 6);
        assert_in_range(k, 0, 5);
        seen[k]++;
    }
    for (int k = 0; k < 6; k++)
        assert_float_equal(seen[k], N / 6., 5 * sqrt(N * (1. / 6) * (5. / 6)));
    assert_int_equal(rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, INT32_MAX) >= 0);
}

/* The first four moments of N(0, 1), and the share beyond 1.96. */
static void test_normal(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct rng r = rng_make(6, RNG_TEST, 0, 0);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, tail = 0;
    for (int i = 0; i < N; i++) {
        const double z = rng_normal(&r);
        assert_true(isfinite(z));
        m1 += z;
        m2 += z * z;
        m3 += z * z * z;
        m4 += z * z * z * z;
        tail += fabs(z) > 1.959963984540054;
    }
    assert_float_equal(m1 / N, 0, 5 * sqrt(1. / N));
    assert_float_equal(m2 / N, 1, 5 * sqrt(2. / N));
    assert_float_equal(m3 / N, 0, 5 * sqrt(15. / N));
    assert_float_equal(m4 / N, 3, 5 * sqrt(96. / N));
    assert_float_equal(tail / N, .05, 5 * sqrt(.05 * .95 / N));
}

/* Every order of 4 things is as frequent as any other. */
static void test_permute(void **state)
{
    (void)state;
    enum { N = 240000 };
    struct rng r = rng_make(8, RNG_TEST, 0, 0);
    int seen[256] = {0}, orders = 0;
    for (int i = 0; i < N; i++) {
        int p[4];
        rng_permute(&r, p, 4);
        assert_int_equal(1 << p[0] | 1 << p[1] | 1 << p[2] | 1 << p[3], 15);
        seen[p[0] | p[1] << 2 | p[2] << 4 | p[3] << 6]++;
    }
    for (int i = 0; i < 256; i++)
        if (seen[i]) {
            orders++;
            assert_float_equal(seen[i], N / 24., 5 * sqrt(N / 24.));
        }
    assert_int_equal(orders, 24);
    rng_permute(&r, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitmix64),
        cmocka_unit_test(test_streams_are_frozen),
        cmocka_unit_test(test_same_key_same_numbers),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_neighbouring_steps_are_independent),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_permute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
