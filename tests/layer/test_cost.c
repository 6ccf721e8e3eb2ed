#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "walk.h"

/* Input p, targets t; by hand. */
static const real p[4] = {.5, 3, -2, 1}, t[4] = {1, 1, 1, 1};

static double loss_of(const char *keys, const real *labels)
{
    char *text = mem_format("[net]\nwidth=1\nheight=1\nchannels=4\n[cost]\n%s", keys);
    struct network *net = walk_open(text, 1, false);
    memcpy(net->input.x, p, sizeof p);
    const struct targets targets = {.label = labels, .n_labels = 4};
    const double loss = network_forward(net, &(struct run){.mode = MODE_EVAL, .targets = &targets});
    walk_expect(net->layer[0].out.x, (double[]){.5, 3, -2, 1}, 4, 0); /* the output is the input */
    network_free(net);
    free(text);
    return loss;
}

static void types(void **state)
{
    (void)state;
    const real masked[4] = {1, -1234, 1, -1234};
    assert_true(fabs(loss_of("", t) - .5 * (.25 + 4 + 9)) < 1e-6);
    assert_true(fabs(loss_of("type=sse\nscale=4\n", t) - 2 * (.25 + 4 + 9)) < 1e-6);
    assert_true(fabs(loss_of("type=smooth\n", t) - (.125 + 1.5 + 2.5)) < 1e-6);
    assert_true(fabs(loss_of("type=L1\n", t) - (.5 + 2 + 3)) < 1e-6);
    assert_true(fabs(loss_of("type=l1\n", t) - (.5 + 2 + 3)) < 1e-6);
    assert_true(fabs(loss_of("type=masked\n", masked) - .5 * (.25 + 9)) < 1e-6);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse("[net]\nwidth=1\nheight=1\nchannels=4\n[cost]\ntype=wgan\n", "test.cfg:6:|type=wgan is not supported");
    walk_refuse("[net]\nwidth=1\nheight=1\nchannels=4\n[cost]\ntype=ssd\n", "test.cfg:6:|type=ssd|sse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
