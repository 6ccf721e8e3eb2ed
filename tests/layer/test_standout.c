#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "draws.h"
#include "math/gemm.h"
#include "walk.h"

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* The larger a, the more often it is kept. */
static void moments(void **state)
{
    (void)state;
    for (double a = -1.5; a < 2; a += 1) {
        const double q = logistic(1.3 * a - .4), p = 1 - q;
        draws_expect("[net]\nwidth=31\nheight=9\nchannels=5\n[standout]\nactivation=linear\nalpha=1.3\nbeta=-.4\n", a, q, p * q,
                     p * q * (q * q * q + p * p * p));
    }
}

/* Ba and Frey 2013: y = f(Wx)·g(alpha·Wx + beta), the same weights in both. */
static void evaluation(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\ninputs=5\n[connected]\noutput=9\nactivation=linear\n[standout]\nactivation=tanh\nalpha=-.8\n"
                                    "beta=.3\n",
                                    3, true);
    double want[27];
    for (int b = 0; b < 3; b++)
        for (int o = 0; o < 9; o++) {
            double a = 0;
            for (int i = 0; i < 5; i++)
                a += (double)net->input.x[b * 5 + i] * (double)net->param[1]->value[o * 5 + i];
            want[b * 9 + o] = tanh(a) * logistic(.3 - .8 * a);
        }
    walk_expect(walk_forward(net, MODE_EVAL, 0), want, 27, 1e-6);
    network_free(net);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(moments), cmocka_unit_test(evaluation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
