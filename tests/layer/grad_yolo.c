/* The gradient of [yolo] against central differences: every loss, form of coordinates and way of assignment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gradcheck.h"

/* 2 anchors of 3, 3 classes: 16 channels on a grid of 5 × 4 cells, inputs of 5 × 4 pixels. */
static void check(const char *keys, double low, double high, int boxes)
{
    char *cfg = mem_format("[net]\nwidth=5\nheight=4\nchannels=16\n[yolo]\nclasses=3\nnum=3\nmask=0,2\nanchors=1,1, 2,2, 3,2\n%s\n", keys);
    const struct gradcheck_options o = {.batch = 2, .seed = 5, .low = low, .high = high, .boxes = boxes};
    gradcheck_cfg(cfg, &o);
    free(cfg);
}

static void test_losses(void **state)
{
    (void)state;
    check("", -2, 2, 3);
    check("iou_loss=mse\niou_normalizer=.5\nignore_thresh=.2", -2, 2, 3);
    check("iou_loss=iou", -2, 2, 3);
    check("iou_loss=giou\niou_normalizer=2", -2, 2, 3);
    check("iou_loss=diou", -2, 2, 3);
    check("iou_loss=ciou\nignore_thresh=.1", -2, 2, 3);
}

static void test_forms(void **state)
{
    (void)state;
    static const char *const losses[] = {"mse", "iou", "giou", "diou", "ciou"};
    for (int i = 0; i < 5; i++) {
        char *keys = mem_format("scale_x_y=1.2\niou_loss=%s", losses[i]);
        check(keys, -2, 2, 4);
        free(keys);
        keys = mem_format("new_coords=1\nscale_x_y=2\niou_loss=%s\ncls_normalizer=.5\nobj_normalizer=.4", losses[i]);
        check(keys, .1, .9, 4);
        free(keys);
    }
}

static void test_assignment(void **state)
{
    (void)state;
    check("iou_thresh=.2\niou_loss=ciou", -2, 2, 5);
    check("iou_thresh=.2\niou_thresh_kind=giou", -2, 2, 12); /* several truths in a cell */
    check("truth_thresh=.3\nignore_thresh=.2", -1, 1, 6);
    check("label_smooth_eps=.1\ncounters_per_class=10,40,5", -2, 2, 3);
    check("max=2", -2, 2, 6);
}

/* Far from 0: nothing overflows, and the gradient is still the slope. */
static void test_extremes(void **state)
{
    (void)state;
    check("iou_loss=mse", -60, 60, 3);
    check("iou_loss=ciou", -9, 9, 3);
}

static void test_below_a_convolution(void **state)
{
    (void)state;
    const struct gradcheck_options o = {.batch = 2, .seed = 7, .boxes = 3};
    gradcheck_cfg("[net]\nwidth=12\nheight=8\nchannels=2\n"
                  "[convolutional]\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=leaky\n"
                  "[convolutional]\nfilters=14\nsize=1\nactivation=linear\n"
                  "[yolo]\nclasses=2\nnum=2\nanchors=3,3, 6,4\niou_loss=ciou\n"
                  "[route]\nlayers=0\n"
                  "[convolutional]\nfilters=7\nsize=3\nstride=2\npad=1\nactivation=linear\n"
                  "[yolo]\nclasses=2\nnum=1\nanchors=6,5\n",
                  &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_assignment),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_below_a_convolution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
