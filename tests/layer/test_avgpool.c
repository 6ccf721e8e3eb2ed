#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "layercase.h"
#include "math/pool.h"
#include "walk.h"

static void onnx(void **state)
{
    (void)state;
    static const char *const names[] = {"globalaveragepool", "globalaveragepool_precomputed"};
    for (size_t i = 0; i < 2; i++) {
        struct layercase c;
        if (!layercase_open(&c, names[i]))
            skip();
        real got[8];
        assert_true(c.output[0].size <= 8);
        pool_mean_forward(c.input[0].data, got, c.output[0].size, c.input[0].size / c.output[0].size);
        layercase_expect(&c.output[0], got, names[i]);
        layercase_close(&c);
    }
}

static void layer(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=7\nheight=5\nchannels=3\n[avgpool]\n", 2, false);
    const struct shape out = net->layer[0].out.shape;
    assert_true(out.n == 2 && out.c == 3 && out.h == 1 && out.w == 1);
    for (int i = 0; i < 2 * 3 * 35; i++)
        net->input.x[i] = (real)(i % 35 + 100 * (i / 35));
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){17, 117, 217, 317, 417, 517}, 6, 1e-4);
    network_free(net);
    walk_refuse("[net]\nwidth=3\nheight=3\nchannels=1\n[avgpool]\nsize=2\n", "test.cfg:6:|size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(onnx), cmocka_unit_test(layer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
