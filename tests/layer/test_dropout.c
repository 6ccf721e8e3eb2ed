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

static const char cfg[] = "[net]\nwidth=100\nheight=100\nchannels=3\n[dropout]\nprobability=.3\n[dropout]\nprobability=.3\n";

/* The first layer's mask: 1 where the value was dropped. */
static size_t dropped(const struct network *net, int layer, unsigned char *mask)
{
    const real *y = net->layer[layer].out.x, *x = net->layer[layer].in[0]->x;
    const size_t n = shape_size(net->layer[layer].out.shape);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        mask[i] = x[i] == 0 || y[i] == 0;
        count += mask[i];
        if (!mask[i])
            assert_true(fabs((double)y[i] - (double)x[i] / .7) < 1e-6 * fabs((double)x[i]) + 1e-9);
    }
    return count;
}

static void statistics(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=100\nheight=100\nchannels=3\n[dropout]\nprobability=.3\n", 2, true);
    const size_t n = shape_size(net->input.shape);
    unsigned char *a = mem_new(n, 1), *b = mem_new(n, 1);
    walk_forward(net, MODE_TRAIN, 1);
    const double share = (double)dropped(net, 0, a) / (double)n;
    assert_true(fabs(share - .3) < 4 * sqrt(.3 * .7 / (double)n)); /* four standard deviations */
    walk_forward(net, MODE_TRAIN, 1);
    dropped(net, 0, b);
    assert_memory_equal(a, b, n); /* the same step: the same mask */
    walk_forward(net, MODE_TRAIN, 2);
    dropped(net, 0, b);
    size_t both = 0, neighbours = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        both += a[i] && b[i];
        neighbours += b[i] && b[i + 1];
    }
    /* Masks of two steps, and neighbours of one mask, are independent. */
    assert_true(fabs((double)both / (double)n - .09) < 4 * sqrt(.09 * .91 / (double)n));
    assert_true(fabs((double)neighbours / (double)n - .09) < 6 * sqrt(.09 * .91 / (double)n));
    free(a);
    free(b);
    network_free(net);
}

static void layers_differ(void **state)
{
    (void)state;
    struct network *net = walk_open(cfg, 1, true);
    const size_t n = shape_size(net->input.shape);
    for (size_t i = 0; i < n; i++)
        net->input.x[i] = 1;
    walk_forward(net, MODE_TRAIN, 1);
    const real *y = net->layer[1].out.x;
    size_t zero = 0;
    for (size_t i = 0; i < n; i++)
        zero += y[i] == 0;
    assert_true(fabs((double)zero / (double)n - .51) < 4 * sqrt(.51 * .49 / (double)n));
    network_free(net);
}

static void evaluation(void **state)
{
    (void)state;
    for (int training = 0; training < 2; training++) {
        struct network *net = walk_open(cfg, 1, training);
        const size_t n = shape_size(net->input.shape);
        assert_memory_equal(walk_forward(net, MODE_EVAL, 3), net->input.x, n * sizeof(real));
        network_free(net);
    }
}

static void ends(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=5\nheight=1\nchannels=1\n[dropout]\nprobability=0\n", 1, true);
    assert_memory_equal(walk_forward(net, MODE_TRAIN, 3), net->input.x, 5 * sizeof(real));
    network_free(net);
    net = walk_open("[net]\nwidth=5\nheight=1\nchannels=1\n[dropout]\nprobability=1\n", 1, true);
    walk_expect(walk_forward(net, MODE_TRAIN, 3), (double[5]){0}, 5, 0);
    network_free(net);
    walk_refuse("[net]\nwidth=5\nheight=1\nchannels=1\n[dropout]\nprobability=1.5\n", "test.cfg:6:|probability=1.5|0..1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statistics), cmocka_unit_test(layers_differ), cmocka_unit_test(evaluation),
                                       cmocka_unit_test(ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
