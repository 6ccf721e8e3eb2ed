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
    near(schedule_rate(&o, 0, 100), .5 * pow(.1, 4));
    near(schedule_rate(&o, 4, 100), .5 * pow(.5, 4));
    near(schedule_rate(&o, 9, 100), .5);
    near(schedule_rate(&o, 10, 100), .5);
    near(schedule_rate(&o, 99, 100), .5);
}

static void test_step(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = 1, .policy = POLICY_STEP, .step = 30, .scale = .1};
    near(schedule_rate(&o, 0, 100), 1);
    near(schedule_rate(&o, 29, 100), 1);
    near(schedule_rate(&o, 30, 100), .1);
    near(schedule_rate(&o, 60, 100), .01);
    near(schedule_rate(&o, 99, 100), .001);
}

static void test_steps(void **state)
{
    (void)state;
    int steps[] = {40, 80};
    double scales[] = {.1, .5};
    const struct net_options o = {.learning_rate = 2, .policy = POLICY_STEPS, .steps = {steps, 2}, .scales = {scales, 2}};
    near(schedule_rate(&o, 39, 100), 2);
    near(schedule_rate(&o, 40, 100), .2);
    near(schedule_rate(&o, 79, 100), .2);
    near(schedule_rate(&o, 80, 100), .1);
}

static void test_exp_and_poly(void **state)
{
    (void)state;
    const struct net_options e = {.learning_rate = 1, .policy = POLICY_EXP, .gamma = .9};
    near(schedule_rate(&e, 0, 100), 1);
    near(schedule_rate(&e, 7, 100), .4782969); /* .9^7 */
    const struct net_options p = {.learning_rate = 1, .policy = POLICY_POLY, .power = 2};
    near(schedule_rate(&p, 0, 100), 1);
    near(schedule_rate(&p, 50, 100), .25);
    near(schedule_rate(&p, 100, 100), 0);
}

static void test_sgdr(void **state)
{
    (void)state;
    /* one cycle over the whole training */
    const struct net_options one = {.learning_rate = 1, .learning_rate_min = .2, .policy = POLICY_SGDR, .sgdr_mult = 2};
    near(schedule_rate(&one, 0, 100), 1);
    near(schedule_rate(&one, 50, 100), .6);
    near(schedule_rate(&one, 100, 100), .2);
    /* warm restarts after 10, then 20 more: 10 + 20 = 30 */
    const struct net_options many = {.learning_rate = 1, .policy = POLICY_SGDR, .sgdr_cycle = 10, .sgdr_mult = 2};
    near(schedule_rate(&many, 5, 100), .5);
    near(schedule_rate(&many, 10, 100), 1);
    near(schedule_rate(&many, 20, 100), .5);
    near(schedule_rate(&many, 30, 100), 1);
    near(schedule_rate(&many, 50, 100), .5);
}

/* Huang 2017, eq. 2, as printed, with t from 1; 100 updates in 3 cycles of 34. */
static void test_snapshot(void **state)
{
    (void)state;
    const struct net_options o = {.learning_rate = .4, .policy = POLICY_SNAPSHOT, .snapshots = 3};
    assert_int_equal(schedule_cycle(&o, 100), 34);
    for (int t = 1; t <= 100; t++)
        near(schedule_rate(&o, t - 1, 100), .4 / 2 * (cos(M_PI * ((t - 1) % 34) / 34) + 1));
    near(schedule_rate(&o, 34, 100), .4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant_and_burn_in), cmocka_unit_test(test_step), cmocka_unit_test(test_steps),
        cmocka_unit_test(test_exp_and_poly),         cmocka_unit_test(test_sgdr), cmocka_unit_test(test_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
