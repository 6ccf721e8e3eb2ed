#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "math/gemm.h"
#include "net/monte_carlo.h"
#include "walk.h"

enum { IN = 40, OUT = 3, PASSES = 4000 };

/* One linear layer behind noise with multipliers of this variance: the answer's variance is that times Σ w²x². */
static void check_linear(const char *cfg, double factor, double keep)
{
    struct network *net = walk_open(cfg, 1, false);
    real x[IN];
    double mean[OUT], variance[OUT], again[OUT], other[OUT], unused[OUT];
    memcpy(x, net->input.x, sizeof x);
    network_monte_carlo(net, x, PASSES, 5, mean, variance);
    for (int o = 0; o < OUT; o++) {
        double want = 0, squares = 0;
        for (int i = 0; i < IN; i++) {
            const double wx = (double)net->param[1]->value[o * IN + i] * (double)x[i];
            want += keep * wx;
            squares += factor * wx * wx;
        }
        assert_true(fabs(mean[o] - want) < 3 * sqrt(squares / PASSES));
        assert_true(fabs(variance[o] - squares) < 3 * squares * sqrt(2. / PASSES));
    }
    network_monte_carlo(net, x, PASSES, 5, again, unused);
    network_monte_carlo(net, x, PASSES, 6, other, unused);
    assert_memory_equal(mean, again, sizeof mean);
    assert_true(mean[0] != other[0]);
    assert_true(network_is_noisy(net));
    network_free(net);
}

static void closed_form(void **state)
{
    (void)state;
    check_linear("[net]\ninputs=40\n[dropout]\nprobability=.3\n[connected]\noutput=3\nactivation=linear\n", .3 / .7, 1);
    check_linear("[net]\ninputs=40\n[dropout]\nprobability=.3\nmode=plain\n[connected]\noutput=3\nactivation=linear\n", .3 * .7, .7);
    check_linear("[net]\ninputs=40\n[gaussian_dropout]\nprobability=.2\n[connected]\noutput=3\nactivation=linear\n", .25, 1);
    check_linear("[net]\ninputs=40\n[dropconnect]\noutput=3\nactivation=linear\nprobability=.3\n", .3 * .7, .7);
}

/* Batch norm keeps to its running statistics and leaves them alone. */
static void batch_norm(void **state)
{
    (void)state;
    struct network *net =
        walk_open("[net]\ninputs=40\n[dropout]\nprobability=0\n[connected]\noutput=3\nactivation=relu\nbatch_normalize=1\n"
                  "[batchnorm]\n",
                  1, true);
    double mean[OUT], variance[OUT], want[OUT];
    real before[OUT], x[IN];
    for (int o = 0; o < OUT; o++)
        net->param[3]->value[o] = (real)(.2 * o);
    memcpy(before, net->param[3]->value, sizeof before);
    memcpy(x, net->input.x, sizeof x);
    const real *y = walk_forward(net, MODE_EVAL, 0);
    for (int o = 0; o < OUT; o++)
        want[o] = (double)y[o];
    network_monte_carlo(net, x, 5, 1, mean, variance);
    for (int o = 0; o < OUT; o++)
        assert_true(fabs(mean[o] - want[o]) < 1e-7 && variance[o] < 1e-14);
    assert_memory_equal(before, net->param[3]->value, sizeof before);
    network_free(net);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(closed_form), cmocka_unit_test(batch_norm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
