/* Weighted box fusion against another program (scripts/reference/fuse.py made fuse.txt), and by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "box/fuse.h"

static struct detection of_corners(int class_id, double score, double x1, double y1, double x2, double y2)
{
    const struct box b = {(real)((x1 + x2) / 2), (real)((y1 + y2) / 2), (real)(x2 - x1), (real)(y2 - y1)};
    return (struct detection){b, class_id, (real)score};
}

static struct detection read_row(FILE *f)
{
    int class_id;
    double v[5];
    assert_int_equal(fscanf(f, "%d %lf %lf %lf %lf %lf", &class_id, v, v + 1, v + 2, v + 3, v + 4), 6);
    return of_corners(class_id, v[0], v[1], v[2], v[3], v[4]);
}

static void test_reference(void **state)
{
    (void)state;
    FILE *f = fopen("tests/box/fuse.txt", "r");
    assert_non_null(f);
    int models, n_in, n_out, cases = 0, joined = 0;
    double iou;
    assert_int_equal(fscanf(f, "#%*[^\n]"), 0);
    for (; fscanf(f, "%d %lf %d %d", &models, &iou, &n_in, &n_out) == 4; cases++) {
        struct detections d = {0};
        for (int i = 0; i < n_in; i++)
            detections_add(&d, read_row(f));
        fuse_boxes(&d, models, iou);
        assert_int_equal(d.n, n_out);
        joined += n_in - n_out;
        for (int i = 0; i < n_out; i++) {
            const struct detection e = read_row(f), *a = &d.item[i];
            assert_int_equal(a->class_id, e.class_id);
            assert_float_equal(a->score, e.score, 1e-6);
            assert_float_equal(a->box.x, e.box.x, 2e-6);
            assert_float_equal(a->box.y, e.box.y, 2e-6);
            assert_float_equal(a->box.w, e.box.w, 2e-6);
            assert_float_equal(a->box.h, e.box.h, 2e-6);
        }
        detections_free(&d);
    }
    fclose(f);
    assert_int_equal(cases, 40);
    assert_true(joined > 100);
}

/* Two models see one object with .9 and .6, one of them sees another with .8: (.9 + .6)/2, and .8 · 1/2. */
static void test_by_hand(void **state)
{
    (void)state;
    struct detections d = {0};
    detections_add(&d, of_corners(0, .9, 0, 0, 10, 10));
    detections_add(&d, of_corners(0, .8, 50, 50, 60, 60));
    detections_add(&d, of_corners(0, .6, 1, 0, 11, 10));
    detections_add(&d, of_corners(1, .5, 0, 0, 10, 10));
    fuse_boxes(&d, 2, FUSE_IOU);
    assert_int_equal(d.n, 3);
    assert_float_equal(d.item[0].score, .75, 1e-6);
    assert_float_equal(d.item[0].box.x, 5 + .4, 1e-5); /* 1 · .6/1.5 to the right */
    assert_float_equal(d.item[0].box.w, 10, 1e-5);
    assert_float_equal(d.item[1].score, .4, 1e-6);
    assert_float_equal(d.item[2].score, .25, 1e-6);
    assert_int_equal(d.item[2].class_id, 1);
    detections_free(&d);
    fuse_boxes(&d, 3, FUSE_IOU); /* none */
    assert_int_equal(d.n, 0);
    detections_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
