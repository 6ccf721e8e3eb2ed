#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "layercase.h"
#include "math/spatial.h"
#include "walk.h"

/* ONNX SpaceToDepth is the gather, DepthToSpace in DCR mode the scatter. */
static void onnx(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool gather;
    } cases[] = {{"spacetodepth", true}, {"spacetodepth_example", true}, {"depthtospace_example", false}};
    for (size_t i = 0; i < 3; i++) {
        struct layercase c;
        if (!layercase_open(&c, cases[i].name))
            skip();
        const struct layercase_tensor *x = &c.input[0], *y = &c.output[0], *small = cases[i].gather ? y : x;
        const int s = (int)layercase_attribute(&c, "blocksize", 0, 0);
        real *got = mem_new(y->size, sizeof(real));
        (cases[i].gather ? spatial_reorg_gather : spatial_reorg_scatter)(x->data, got, small->dim[0], small->dim[1], small->dim[2],
                                                                         small->dim[3], s, true);
        layercase_expect(y, got, cases[i].name);
        free(got);
        layercase_close(&c);
    }
}

/* A picture whose numbers are their own places: what [reorg] makes of 4 × 4 × 4 with stride 2, by the published formula. With w, h, c = 4,
 * 4, 4 it reads its input as c' = 4 / 2² = 1 channel of 8 × 8: element (k, j, i) of the output memory, seen as 4 × 4 × 4, is element (k mod
 * 1, 2j + (k / 1) / 2, 2i + (k / 1) mod 2) of the input memory, seen as 1 × 8 × 8. */
static void darknets_mapping(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=4\nheight=4\nchannels=4\n[reorg]\nstride=2\n", 2, false);
    const struct shape out = net->layer[0].out.shape;
    assert_true(out.c == 16 && out.h == 2 && out.w == 2);
    for (int i = 0; i < 128; i++)
        net->input.x[i] = (real)i;
    const real *y = walk_forward(net, MODE_EVAL, 0);
    double want[128];
    for (int b = 0; b < 2; b++)
        for (int k = 0; k < 4; k++)
            for (int j = 0; j < 4; j++)
                for (int i = 0; i < 4; i++)
                    want[b * 64 + (k * 4 + j) * 4 + i] = b * 64 + (2 * j + k / 2) * 8 + 2 * i + k % 2;
    walk_expect(y, want, 128, 0);
    walk_expect(y, (double[]){0, 2, 4, 6, 16, 18, 20, 22}, 8, 0); /* and so it begins, by hand */
    network_free(net);
}

/* The first numbers of YOLOv2's reorg: 26 × 26 × 64, read as 16 channels of 52 × 52. */
static void yolov2(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=26\nheight=26\nchannels=64\n[reorg]\nstride=2\n", 1, false);
    const struct shape out = net->layer[0].out.shape;
    assert_true(out.c == 256 && out.h == 13 && out.w == 13);
    for (int i = 0; i < 26 * 26 * 64; i++)
        net->input.x[i] = (real)i;
    const real *y = walk_forward(net, MODE_EVAL, 0);
    assert_true(y[1] == 2);
    assert_true(y[26] == 2 * 52);       /* next row of 26: two rows of 52 on */
    assert_true(y[26 * 26] == 52 * 52); /* k = 1: next of the 16 channels */
    assert_true(y[26 * 26 * 16] == 1);  /* k = 16: one to the right */
    assert_true(y[26 * 26 * 63] == 15 * 52 * 52 + 52 + 1);
    network_free(net);
}

/* reverse=1 undoes what reorg would be with the right shapes: DepthToSpace. */
static void reverse_flatten_extra(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=2\nheight=1\nchannels=4\n[reorg]\nstride=2\nreverse=1\n", 1, false);
    for (int i = 0; i < 8; i++)
        net->input.x[i] = (real)i;
    assert_true(net->layer[0].out.shape.w == 4 && net->layer[0].out.shape.h == 2 && net->layer[0].out.shape.c == 1);
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){0, 2, 1, 3, 4, 6, 5, 7}, 8, 0);
    network_free(net);

    net = walk_open("[net]\nwidth=3\nheight=1\nchannels=2\n[reorg]\nflatten=1\n", 1, false);
    for (int i = 0; i < 6; i++)
        net->input.x[i] = (real)i;
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){0, 3, 1, 4, 2, 5}, 6, 0); /* channel by channel → pixel by pixel */
    network_free(net);

    net = walk_open("[net]\nwidth=3\nheight=1\nchannels=1\n[reorg]\nextra=2\n", 2, false);
    for (int i = 0; i < 6; i++)
        net->input.x[i] = (real)i + 1;
    assert_int_equal(net->layer[0].out.shape.c, 5);
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){1, 2, 3, 0, 0, 4, 5, 6, 0, 0}, 10, 0);
    network_free(net);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse("[net]\nwidth=5\nheight=4\nchannels=4\n[reorg]\nstride=2\n", "test.cfg:6:|stride=2|5 x 4 x 4");
    walk_refuse("[net]\nwidth=4\nheight=4\nchannels=3\n[reorg]\nstride=2\n", "test.cfg:6:|4 divides");
    walk_refuse("[net]\nwidth=1024\nheight=1024\nchannels=2048\n[reorg]\nstride=1024\nflatten=1\n", "test.cfg:6:|2048 channels");
    walk_refuse("[net]\nwidth=4\nheight=4\nchannels=6\n[reorg]\nstride=2\nreverse=1\n", "test.cfg:6:|6 channels|multiple of 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(onnx), cmocka_unit_test(darknets_mapping), cmocka_unit_test(yolov2),
                                       cmocka_unit_test(reverse_flatten_extra), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
