#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "draws.h"
#include "walk.h"

static void moments(void **state)
{
    (void)state;
    for (double p = .2; p < 1; p += .3) {
        char text[256];
        const double variance = p / (1 - p);
        snprintf(text, sizeof text, "[net]\nwidth=31\nheight=9\nchannels=5\n[gaussian_dropout]\nprobability=%g\n", p);
        draws_expect(text, .3, 1, variance, 3 * variance * variance);
    }
}

static void evaluation(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=5\nheight=4\nchannels=3\n[gaussian_dropout]\n", 2, true);
    assert_memory_equal(walk_forward(net, MODE_EVAL, 3), net->input.x, 120 * sizeof(real));
    network_free(net);
    walk_refuse("[net]\nwidth=5\nheight=1\nchannels=1\n[gaussian_dropout]\nprobability=1\n", "test.cfg:6:|probability=1|0.999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moments), cmocka_unit_test(evaluation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
