#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "walk.h"

/* y[i][j] = scale·x[i / stride][j / stride], for every channel and image. */
static void nearest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int stride;
        double scale;
    } cases[] = {
        {"[net]\nwidth=5\nheight=3\nchannels=2\n[upsample]\n", 2, 1},
        {"[net]\nwidth=5\nheight=3\nchannels=2\n[upsample]\nstride=1\nscale=.25\n", 1, .25},
        {"[net]\nwidth=5\nheight=3\nchannels=2\n[upsample]\nstride=3\nscale=-2\n", 3, -2},
        {"[net]\nwidth=5\nheight=3\nchannels=2\n[upsample]\nstride=4\n", 4, 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct network *net = walk_open(cases[k].text, 3, false);
        const int s = cases[k].stride, w = 5 * s, h = 3 * s;
        const real *y = walk_forward(net, MODE_EVAL, 0);
        assert_int_equal(net->layer[0].out.shape.w, w);
        assert_int_equal(net->layer[0].out.shape.h, h);
        for (int p = 0; p < 6; p++)
            for (int i = 0; i < h; i++)
                for (int j = 0; j < w; j++)
                    assert_true(y[(p * h + i) * w + j] == (real)cases[k].scale * net->input.x[(p * 3 + i / s) * 5 + j / s]);
        network_free(net);
    }
    walk_refuse("[net]\nwidth=5\nheight=3\nchannels=2\n[upsample]\nstride=-2\n", "test.cfg:6:|stride=-2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nearest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
