/* Views of test-time augmentation: what they show, and that answers are their mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tta.h"

static struct network *network_of(const char *net_keys, const char *rest)
{
    struct error err = ERROR_INIT;
    struct config c;
    char *text =
        mem_format("[net]\nwidth=16\nheight=8\nchannels=2\n%s\n%s\n[connected]\noutput=3\nactivation=linear\n[softmax]\n", net_keys, rest);
    assert_int_equal(config_parse(&c, "x.cfg", text, &err), 0);
    struct network *net = network_build(&c, 3, &err);
    if (!net || network_plan(net, 2, 0, 0, false, &err) != 0)
        fail_msg("%s", err.text);
    free(text);
    return net;
}

static void test_when_it_mirrors(void **state)
{
    (void)state;
    static const struct {
        const char *net, *rest;
        int views;
    } cases[] = {{"", "", 12},
                 {"flip=0", "", 6},
                 {"", "[augment]\nnoise=.1", 6},
                 {"", "[augment]\nflip=.5", 12},
                 {"flip=1", "[augment]\nnoise=.1", 12},
                 {"flip=0", "[augment]\nflip=0", 6}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network *net = network_of(cases[i].net, cases[i].rest);
        assert_int_equal(tta_views(net), cases[i].views);
        network_free(net);
    }
}

/* On a plane x + 2y, which a bilinear window continues exactly, each view shows its part. */
static void test_views(void **state)
{
    (void)state;
    enum { W = 16, H = 8, C = 2, N = 2, SIZE = W * H * C * N };
    struct network *net = network_of("", "");
    real in[SIZE], out[SIZE];
    for (int i = 0; i < SIZE; i++)
        in[i] = (real)(i % W + 2 * (i / W % H) + 100 * (i / (W * H)));
    static const double from_x[] = {0, 0, 2, 0, 2, 1}, from_y[] = {0, 0, 0, 1, 1, .5};
    for (int k = 0; k < 12; k++) {
        tta_view(net, k, in, out);
        const double side = k < 2 ? 1 : 7. / 8;
        for (int i = 0; i < SIZE; i++) {
            const int column = k % 2 ? W - 1 - i % W : i % W;
            const double x = fmin(fmax((column + .5) * side + from_x[k / 2] - .5, 0), W - 1);
            const double y = fmin(fmax((i / W % H + .5) * side + from_y[k / 2] - .5, 0), H - 1);
            assert_true(fabs((double)out[i] - (x + 2 * y + 100 * (i / (W * H)))) < 1e-4);
        }
    }
    network_free(net);
}

static void test_mean(void **state)
{
    (void)state;
    struct network *net = network_of("", "");
    const size_t n = shape_size(net->input.shape);
    real *in = mem_new(n, sizeof *in);
    for (size_t i = 0; i < n; i++)
        in[i] = (real)((i * 7919) % 101) / 101;
    double wanted[6] = {0};
    const struct run run = {.mode = MODE_EVAL};
    const real *out = network_output(net)->out.x;
    for (int k = 0; k < 12; k++) {
        tta_view(net, k, in, net->input.x);
        network_forward(net, &run);
        for (int i = 0; i < 6; i++)
            wanted[i] += (double)out[i] / 12;
    }
    memcpy(net->input.x, in, n * sizeof *in);
    tta_forward(net);
    for (int i = 0; i < 6; i++)
        assert_true(fabs((double)out[i] - wanted[i]) < 1e-6);
    free(in);
    network_free(net);
}

static void test_boxes(void **state)
{
    (void)state;
    struct network *net = network_of("", "");
    const struct box b = {(real).2, (real).3, (real).1, (real).4};
    assert_true(fabs((double)tta_box(net, 1, b).x - .8) < 1e-6 && tta_box(net, 1, b).y == b.y && tta_box(net, 1, b).w == b.w);
    assert_true(tta_box(net, 0, b).x == b.x);
    network_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_it_mirrors),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
