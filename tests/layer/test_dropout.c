#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "draws.h"
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

/* Moments of k·Bernoulli(q) and of single values, plain and inverted. */
static void moments(void **state)
{
    (void)state;
    for (double p = .1; p < 1; p += .4) {
        const double q = 1 - p, fourth = p * q * (q * q * q + p * p * p);
        char text[256];
        snprintf(text, sizeof text, "[net]\nwidth=31\nheight=9\nchannels=5\n[dropout]\nprobability=%g\n", p);
        draws_expect(text, -.7, 1, p / q, fourth / pow(q, 4));
        snprintf(text, sizeof text, "[net]\nwidth=31\nheight=9\nchannels=5\n[dropout]\nmode=plain\nprobability=%g\n", p);
        draws_expect(text, -.7, q, p * q, fourth);
    }
}

static void plain_evaluation(void **state)
{
    (void)state;
    static const char *const keys[] = {"", "dropblock=1\ndropblock_size_abs=2\n"};
    for (int i = 0; i < 2; i++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\nwidth=8\nheight=5\nchannels=3\n[dropout]\nprobability=.3\nmode=plain\n%s", keys[i]);
        struct network *net = walk_open(text, 2, false);
        double want[240];
        for (size_t k = 0; k < 240; k++)
            want[k] = .7 * (double)net->input.x[k];
        walk_expect(walk_forward(net, MODE_EVAL, 3), want, 240, 1e-7);
        network_free(net);
    }
}

enum { SIDE = 12, BLOCK = 3, PLANES = 8 };

/* Every dropped number lies in a BLOCK x BLOCK square of dropped ones. Returns how many are dropped. */
static int check_squares(const real *y)
{
    int dropped = 0;
    for (int r = 0; r < SIDE; r++)
        for (int c = 0; c < SIDE; c++) {
            bool inside = false;
            for (int top = r - BLOCK + 1; top <= r; top++)
                for (int left = c - BLOCK + 1; left <= c; left++) {
                    bool all = top >= 0 && left >= 0 && top + BLOCK <= SIDE && left + BLOCK <= SIDE;
                    for (int i = 0; i < BLOCK * BLOCK && all; i++)
                        all = y[(top + i / BLOCK) * SIDE + left + i % BLOCK] == 0;
                    inside |= all;
                }
            assert_int_equal(y[r * SIDE + c] == 0, inside);
            dropped += inside;
        }
    return dropped;
}

/* Share of a plane that algorithm 1 of Ghiasi 2018 drops: a number is kept when no square that covers it starts. */
static double dropped_share(double p)
{
    const int starts = SIDE - BLOCK + 1;
    const double gamma = p / (BLOCK * BLOCK) * SIDE * SIDE / (starts * starts);
    double share = 0;
    for (int r = 0; r < SIDE; r++)
        for (int c = 0; c < SIDE; c++) {
            int cover = 0;
            for (int top = 0; top < starts; top++)
                for (int left = 0; left < starts; left++)
                    cover += top <= r && r < top + BLOCK && left <= c && c < left + BLOCK;
            share += 1 - pow(1 - gamma, cover);
        }
    return share / (SIDE * SIDE);
}

static void dropblock(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=12\nheight=12\nchannels=8\n[dropout]\nprobability=.2\ndropblock=1\n"
                                    "dropblock_size_rel=.27\n", /* 3.24: 3 */
                                    2, true);
    const size_t plane = SIDE * SIDE, n = 2 * PLANES * plane;
    struct moments share = {0};
    for (uint64_t step = 0; step < 150; step++) {
        for (size_t i = 0; i < n; i++)
            net->input.x[i] = 1;
        const real *y = walk_forward(net, MODE_TRAIN, step);
        for (int image = 0; image < 2; image++) {
            double sum = 0;
            int dropped = 0;
            for (int k = 0; k < PLANES; k++) {
                const real *at = y + (size_t)(image * PLANES + k) * plane;
                const int here = check_squares(at);
                moments_add(&share, (double)here / (double)plane);
                dropped += here;
                for (size_t i = 0; i < plane; i++)
                    sum += (double)at[i];
            }
            /* The numbers that are left make up for those that aren't. */
            assert_true(dropped > 0);
            assert_true(fabs(sum - (double)plane * PLANES) < 1e-3);
        }
    }
    const double error = sqrt(moments_variance(&share) / share.n);
    assert_true(fabs(share.mean - dropped_share(.2)) < 3 * error);
    assert_true(error < .005);
    network_free(net);
}

/* A block is never larger than the layer: one square takes all there is, or nothing. */
static void dropblock_small(void **state)
{
    (void)state;
    static const char *const sizes[] = {"1", "2"};
    for (int i = 0; i < 2; i++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\nwidth=%s\nheight=%s\nchannels=50\n[dropout]\nprobability=.5\ndropblock=1\n", sizes[i],
                 sizes[i]);
        struct network *net = walk_open(text, 1, true);
        const size_t plane = (size_t)((i + 1) * (i + 1));
        int dropped = 0;
        const real *y = walk_forward(net, MODE_TRAIN, 1);
        for (size_t k = 0; k < 50; k++) {
            for (size_t j = 1; j < plane; j++)
                assert_int_equal(y[k * plane] == 0, y[k * plane + j] == 0);
            dropped += y[k * plane] == 0;
        }
        assert_true(dropped > 10 && dropped < 40);
        network_free(net);
    }
    walk_refuse("[net]\nwidth=5\nheight=1\nchannels=1\n[dropout]\ndropblock_size_abs=3\n", "test.cfg:6:|without dropblock=1");
}

/* Directly before a loss, or as the answer: told once, unless last=1 says that it is meant. */
static void last(void **state)
{
    (void)state;
    static const struct {
        const char *layers;
        int notes;
    } cases[] = {
        {"[dropout]\n[softmax]\n", 1},
        {"[connected]\noutput=3\n[standout]\nactivation=relu\n[cost]\n", -1}, /* logistic before: refused */
        {"[connected]\noutput=3\nactivation=linear\n[standout]\n[cost]\n", 1},
        {"[gaussian_dropout]\n", 1},
        {"[dropconnect]\noutput=3\nactivation=linear\n[softmax]\n", 1},
        {"[dropout]\nlast=1\n[softmax]\n", 0},
        {"[dropconnect]\noutput=3\nactivation=linear\nlast=1\n[softmax]\n", 0},
        {"[dropout]\n[connected]\noutput=3\nactivation=linear\n[softmax]\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "[net]\ninputs=4\n%s", cases[i].layers);
        if (cases[i].notes < 0) {
            walk_refuse(text, "test.cfg:5:|activation=logistic|activation=linear");
            continue;
        }
        struct network *net = walk_open(text, 1, true);
        assert_int_equal(net->config.notes.n, cases[i].notes);
        if (cases[i].notes)
            assert_non_null(strstr(net->config.notes.item[0], "last=1"));
        network_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(statistics), cmocka_unit_test(layers_differ),   cmocka_unit_test(evaluation),
                                       cmocka_unit_test(ends),       cmocka_unit_test(moments),         cmocka_unit_test(plain_evaluation),
                                       cmocka_unit_test(dropblock),  cmocka_unit_test(dropblock_small), cmocka_unit_test(last)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
