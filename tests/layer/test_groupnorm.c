#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "walk.h"

/* Mean 0 and variance 1 over `size` numbers. */
static void expect_normal(const real *y, size_t size)
{
    double mean = 0, variance = 0;
    for (size_t i = 0; i < size; i++)
        mean += (double)y[i] / (double)size;
    for (size_t i = 0; i < size; i++)
        variance += ((double)y[i] - mean) * ((double)y[i] - mean) / (double)size;
    assert_true(fabs(mean) < 1e-5 && fabs(variance - 1) < 1e-3);
}

static void groups(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=5\nheight=4\nchannels=6\n[groupnorm]\ngroups=3\n", 2, true);
    const real *y = walk_forward(net, MODE_TRAIN, 0);
    for (size_t i = 0; i < 6; i++)
        expect_normal(y + i * 40, 40);
    network_free(net);
    net = walk_open("[net]\nwidth=5\nheight=4\nchannels=6\n[layernorm]\n", 2, true);
    y = walk_forward(net, MODE_TRAIN, 0);
    for (size_t i = 0; i < 2; i++)
        expect_normal(y + i * 120, 120);
    network_free(net);
    walk_refuse("[net]\nwidth=5\nheight=4\nchannels=6\n[groupnorm]\ngroups=4\n", "test.cfg:6:|groups=4|6 input channels");
    walk_refuse("[net]\nwidth=5\nheight=4\nchannels=6\n[groupnorm]\n", "test.cfg:5:|groups=32|6 input channels");
}

/* An image's answer is the same in training and evaluation, alone and among others. */
static void alone(void **state)
{
    (void)state;
    static const char *const cfgs[] = {
        "[net]\nwidth=5\nheight=4\nchannels=6\n[groupnorm]\ngroups=2\n[layernorm]\n",
        "[net]\ninputs=6\n[layernorm]\n[groupnorm]\ngroups=6\n",
    };
    for (int i = 0; i < 2; i++) {
        struct network *many = walk_open(cfgs[i], 3, true), *one = walk_open(cfgs[i], 1, false);
        const size_t each = shape_each(many->input.shape);
        memcpy(one->input.x, many->input.x + 2 * each, each * sizeof(real));
        const real *all = walk_forward(many, MODE_TRAIN, 0), *single = walk_forward(one, MODE_EVAL, 0);
        assert_memory_equal(all + 2 * each, single, each * sizeof(real));
        for (size_t k = 0; k < each; k++)
            assert_true(isfinite(single[k]));
        network_free(many);
        network_free(one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(groups), cmocka_unit_test(alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
