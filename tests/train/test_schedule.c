#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "train/schedule.h"

static void near(double got, double expected)
{
    if (fabs(got - expected) > 1e-12 * fmax(1, fabs(expected)))
        fail_msg("got %.15g, expected %.15g", got, expected);
}

static void test_constant_and_burn_in(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = .5, .policy = POLICY_CONSTANT, .burn_in = 10, .power = 4};
    near(schedule_rate(&o, 1, 0, 100, NULL), .5 * pow(.1, 4));
    near(schedule_rate(&o, 1, 4, 100, NULL), .5 * pow(.5, 4));
    near(schedule_rate(&o, 1, 9, 100, NULL), .5);
    near(schedule_rate(&o, 1, 10, 100, NULL), .5);
    near(schedule_rate(&o, 1, 99, 100, NULL), .5);
}

static void test_step(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = 1, .policy = POLICY_STEP, .step = 30, .scale = .1};
    near(schedule_rate(&o, 1, 0, 100, NULL), 1);
    near(schedule_rate(&o, 1, 29, 100, NULL), 1);
    near(schedule_rate(&o, 1, 30, 100, NULL), .1);
    near(schedule_rate(&o, 1, 60, 100, NULL), .01);
    near(schedule_rate(&o, 1, 99, 100, NULL), .001);
}

static void test_steps(void **state)
{
    (void)state;
    int steps[] = {40, 80};
    double scales[] = {.1, .5};
    const struct net_options o = {.learning_rate = 2, .policy = POLICY_STEPS, .steps = {steps, 2}, .scales = {scales, 2}};
    near(schedule_rate(&o, 1, 39, 100, NULL), 2);
    near(schedule_rate(&o, 1, 40, 100, NULL), .2);
    near(schedule_rate(&o, 1, 79, 100, NULL), .2);
    near(schedule_rate(&o, 1, 80, 100, NULL), .1);
}

static void test_exp_and_poly(void **state)
{
    (void)state;
    const struct net_options e = {.learning_rate = 1, .policy = POLICY_EXP, .gamma = .9};
    near(schedule_rate(&e, 1, 0, 100, NULL), 1);
    near(schedule_rate(&e, 1, 7, 100, NULL), .4782969); /* .9^7 */
    const struct net_options p = {.learning_rate = 1, .policy = POLICY_POLY, .power = 2};
    near(schedule_rate(&p, 1, 0, 100, NULL), 1);
    near(schedule_rate(&p, 1, 50, 100, NULL), .25);
    near(schedule_rate(&p, 1, 100, 100, NULL), 0);
}

static void test_sgdr(void **state)
{
    (void)state;
    /* one cycle over the whole training */
    const struct net_options one = {.learning_rate = 1, .learning_rate_min = .2, .policy = POLICY_SGDR, .sgdr_mult = 2};
    near(schedule_rate(&one, 1, 0, 100, NULL), 1);
    near(schedule_rate(&one, 1, 50, 100, NULL), .6);
    near(schedule_rate(&one, 1, 100, 100, NULL), .2);
    /* warm restarts after 10, then 20 more: 10 + 20 = 30 */
    const struct net_options many = {.learning_rate = 1, .policy = POLICY_SGDR, .sgdr_cycle = 10, .sgdr_mult = 2};
    near(schedule_rate(&many, 1, 5, 100, NULL), .5);
    near(schedule_rate(&many, 1, 10, 100, NULL), 1);
    near(schedule_rate(&many, 1, 20, 100, NULL), .5);
    near(schedule_rate(&many, 1, 30, 100, NULL), 1);
    near(schedule_rate(&many, 1, 50, 100, NULL), .5);
}

/* Huang 2017, eq. 2, as printed, with t from 1; 100 updates in 3 cycles of 34. */
static void test_snapshot(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = .4, .policy = POLICY_SNAPSHOT, .snapshots = 3};
    assert_int_equal(schedule_cycle(&o, 100), 34);
    for (int t = 1; t <= 100; t++)
        near(schedule_rate(&o, 1, t - 1, 100, NULL), .4 / 2 * (cos(M_PI * ((t - 1) % 34) / 34) + 1));
    near(schedule_rate(&o, 1, 34, 100, NULL), .4);
}

static void test_sig(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct net_options o = {
            .learning_rate = .6, .policy = i ? POLICY_SIGMOID : POLICY_SIG, .gamma = .2, .step = 50, .burn_in = 2, .power = 1};
        near(schedule_rate(&o, 1, 0, 100, NULL), .3);
        near(schedule_rate(&o, 1, 1, 100, NULL), .6);
        near(schedule_rate(&o, 1, 2, 100, NULL), .6 / (1 + exp(-9.6)));
        near(schedule_rate(&o, 1, 50, 100, NULL), .3);
        near(schedule_rate(&o, 1, 99, 100, NULL), .6 / (1 + exp(9.8)));
    }
}

static void test_random(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = .5, .policy = POLICY_RANDOM, .power = 2};
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        const double r = schedule_rate(&o, 7, i, 10000, NULL);
        assert_true(r >= 0 && r < .5);
        assert_true(r == schedule_rate(&o, 7, i, 10000, NULL));
        sum += r;
    }
    assert_true(fabs(sum / 10000 - .5 / 3) < .006); /* E(u²) = 1/3; its deviation here is .0015 */
    assert_true(schedule_rate(&o, 7, 0, 100, NULL) != schedule_rate(&o, 8, 0, 100, NULL));
}

static void curve(const struct net_options *o, const double *expected, int n)
{
    for (int i = 0; i < n; i++)
        near(schedule_rate(o, 1, i, n, NULL), expected[i]);
}

/* Figures of scripts/reference/schedules.py (PyTorch). */
static void test_cosine(void **state)
{
    (void)state;
    static const double expected[] = {0.5, 0.490211303259031, 0.46180339887499,  0.417557050458495, 0.36180339887499,
                                      0.3, 0.238196601125011, 0.182442949541505, 0.138196601125011, 0.109788696740969};
    const struct net_options o = {.learning_rate = .5, .learning_rate_min = .1, .policy = POLICY_COSINE};
    curve(&o, expected, 10);
    near(schedule_rate(&o, 1, 10, 10, NULL), .1);
    /* the curve starts where the warm-up ends */
    const struct net_options warm = {.learning_rate = .5, .learning_rate_min = .1, .policy = POLICY_COSINE, .burn_in = 5, .power = 1};
    near(schedule_rate(&warm, 1, 0, 15, NULL), .1);
    near(schedule_rate(&warm, 1, 4, 15, NULL), .5);
    near(schedule_rate(&warm, 1, 5, 15, NULL), .5);
    near(schedule_rate(&warm, 1, 14, 15, NULL), expected[9]);
}

static void test_one_cycle(void **state)
{
    (void)state;
    static const double first[] = {0.016,
                                   0.0526687370800101,
                                   0.14866873708001,
                                   0.26733126291999,
                                   0.36333126291999,
                                   0.4,
                                   0.394985602494035,
                                   0.38019385280539,
                                   0.35636647102842,
                                   0.324698261579905,
                                   0.28677720071652,
                                   0.244504808774516,
                                   0.2000008,
                                   0.155496791225484,
                                   0.11322439928348,
                                   0.0753033384200948,
                                   0.04363512897158,
                                   0.0198077471946105,
                                   0.00501599750596502,
                                   1.6e-06};
    static const double second[] = {0.04,
                                    0.0927207793864214,
                                    0.22,
                                    0.347279220613579,
                                    0.4,
                                    0.361841595476114,
                                    0.261941595476115,
                                    0.138458404523886,
                                    0.0385584045238855,
                                    0.0004};
    const struct net_options o = {
        .learning_rate = .4, .policy = POLICY_ONE_CYCLE, .cycle_rise = .3, .cycle_div = 25, .cycle_final_div = 1e4};
    curve(&o, first, 20);
    const struct net_options q = {
        .learning_rate = .4, .policy = POLICY_ONECYCLE, .cycle_rise = .5, .cycle_div = 10, .cycle_final_div = 100};
    curve(&q, second, 10);
}

/* Rates before each validation. */
static void plateau(const struct net_options *o, const double *figures, const double *expected, int n, bool rising)
{
    struct plateau p = PLATEAU_START;
    for (int i = 0; i < n; i++) {
        near(schedule_rate(o, 1, i, n, &p), expected[i]);
        const int before = p.reductions;
        const bool reduced = schedule_plateau(o, &p, figures[i], rising);
        assert_int_equal(reduced, p.reductions > before);
    }
}

static void test_plateau(void **state)
{
    (void)state;
    static const double loss[] = {5, 4, 3.9999, 3.9998, 4, 3.99, 3.99, 4, 4, 4, 4, 1, 2, 2, 2};
    static const double falling[] = {1, 1, 1, 1, 1, .5, .5, .5, .5, .25, .25, .25, .25, .25, .25};
    const struct net_options o = {
        .learning_rate = 1, .policy = POLICY_PLATEAU, .plateau_factor = .5, .plateau_patience = 2, .plateau_threshold = 1e-4};
    plateau(&o, loss, falling, 15, false);
    static const double metric[] = {.1, .2, .2, .2, .1, .3, .3, .3}, rising[] = {1, 1, 1, 1, .1, .1, .1, .1};
    const struct net_options q = {.learning_rate = 1,
                                  .policy = POLICY_PLATEAU,
                                  .learning_rate_min = .02,
                                  .plateau_factor = .1,
                                  .plateau_patience = 1,
                                  .plateau_threshold = 1e-4};
    plateau(&q, metric, rising, 8, true);
    near(schedule_rate(&q, 1, 0, 1, &(struct plateau){.reductions = 5}), .02); /* not below the minimum */
}

static void test_scaled_by_batch(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = .1, .batch = 256, .lr_scale_batch = 64, .burn_in = 2, .power = 1};
    near(schedule_rate(&o, 1, 0, 100, NULL), .2);
    near(schedule_rate(&o, 1, 2, 100, NULL), .4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_and_burn_in),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_exp_and_poly),
        cmocka_unit_test(test_sgdr),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_sig),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_cosine),
        cmocka_unit_test(test_one_cycle),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test(test_scaled_by_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
