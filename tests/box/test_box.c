/* The IoU family against its definitions written with corners, sorting of detections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/rng.h"
#include "box/box.h"

struct corners {
    double l, t, r, b;
};

static struct corners corners_of(struct box b)
{
    return (struct corners){(double)b.x - (double)b.w / 2, (double)b.y - (double)b.h / 2, (double)b.x + (double)b.w / 2,
                            (double)b.y + (double)b.h / 2};
}

static double area(struct corners c)
{
    return fmax(c.r - c.l, 0) * fmax(c.b - c.t, 0);
}

/* By the definitions of Rezatofighi 2019 and Zheng 2020, with a for the prediction and b for the truth. */
static double by_definition(enum iou_kind kind, struct box a, struct box b)
{
    const struct corners p = corners_of(a), q = corners_of(b);
    const struct corners inside = {fmax(p.l, q.l), fmax(p.t, q.t), fmin(p.r, q.r), fmin(p.b, q.b)};
    const struct corners around = {fmin(p.l, q.l), fmin(p.t, q.t), fmax(p.r, q.r), fmax(p.b, q.b)};
    const double inter = area(inside), uni = area(p) + area(q) - inter, iou = inter / uni;
    if (kind == IOU_PLAIN)
        return iou;
    if (kind == IOU_GIOU)
        return iou - (area(around) - uni) / area(around);
    const double diagonal = pow(around.r - around.l, 2) + pow(around.b - around.t, 2);
    const double diou = iou - (pow((double)a.x - (double)b.x, 2) + pow((double)a.y - (double)b.y, 2)) / diagonal;
    if (kind == IOU_DIOU)
        return diou;
    const double v = 4 / (M_PI * M_PI) * pow(atan((double)b.w / (double)b.h) - atan((double)a.w / (double)a.h), 2);
    return diou - v * v / (1 - iou + v);
}

static struct box random_box(struct rng *r)
{
    return (struct box){(real)rng_range(r, .2, .8), (real)rng_range(r, .2, .8), (real)rng_range(r, .02, .7), (real)rng_range(r, .02, .7)};
}

static void test_definitions(void **state)
{
    (void)state;
    struct rng r = rng_make(1, RNG_TEST, 0, 0);
    int apart = 0;
    for (int i = 0; i < 20000; i++) {
        const struct box a = random_box(&r), b = random_box(&r);
        apart += box_iou(a, b) == 0;
        for (enum iou_kind kind = IOU_PLAIN; kind <= IOU_CIOU; kind++) {
            const double got = (double)box_iou_grad(kind, a, b, NULL), want = by_definition(kind, a, b);
            if (fabs(got - want) > 2e-5)
                fail_msg("kind %d: %.9g, expected %.9g", kind, got, want);
        }
        assert_true(fabs((double)box_iou(a, b) - (double)box_iou(b, a)) < 1e-6);
    }
    assert_true(apart > 1000); /* boxes that don't meet were among them */
}

static void test_by_hand(void **state)
{
    (void)state;
    const struct box unit = {0.5, 0.5, 1, 1};
    assert_float_equal(box_iou(unit, unit), 1, 0);
    assert_float_equal(box_iou(unit, (struct box){1, 0.5, 1, 1}), 1. / 3, 1e-6);
    assert_float_equal(box_iou(unit, (struct box){0.5, 0.5, 0.5, 0.5}), 0.25, 0);
    assert_float_equal(box_iou(unit, (struct box){1.5, 0.5, 1, 1}), 0, 0); /* touching */
    /* Two unit squares one unit apart: the hull is 3, the union 2. */
    assert_float_equal(box_iou_grad(IOU_GIOU, unit, (struct box){2.5, 0.5, 1, 1}, NULL), -1. / 3, 1e-6);
    /* The same: centres 2 apart, the hull's diagonal is √(9 + 1). */
    assert_float_equal(box_iou_grad(IOU_DIOU, unit, (struct box){2.5, 0.5, 1, 1}, NULL), -0.4, 1e-6);
}

static void test_empty(void **state)
{
    (void)state;
    const struct box empty = {0.5, 0.5, 0, 0}, negative = {0.5, 0.5, -1, 2}, unit = {0.5, 0.5, 1, 1};
    const struct box all[] = {empty, negative, unit};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            for (enum iou_kind kind = IOU_PLAIN; kind <= IOU_CIOU; kind++) {
                struct box g;
                assert_true(isfinite(box_iou_grad(kind, all[i], all[k], &g)));
                assert_true(isfinite(g.x) && isfinite(g.y) && isfinite(g.w) && isfinite(g.h));
            }
    assert_float_equal(box_iou(empty, empty), 0, 0);
    assert_float_equal(box_iou(negative, unit), 0, 0);
    assert_float_equal(box_iou(negative, negative), 0, 0);
}

static void test_sort(void **state)
{
    (void)state;
    struct detections d = {0};
    struct rng r = rng_make(2, RNG_TEST, 0, 0);
    for (int i = 0; i < 5000; i++)
        detections_add(&d, (struct detection){.class_id = i, .score = (real)rng_below(&r, 50) / 50});
    detections_sort(&d);
    assert_int_equal(d.n, 5000);
    for (int i = 1; i < d.n; i++) {
        assert_true(d.item[i - 1].score >= d.item[i].score);
        if (d.item[i - 1].score == d.item[i].score)
            assert_true(d.item[i - 1].class_id < d.item[i].class_id);
    }
    detections_free(&d);
    detections_sort(&d);
    assert_int_equal(d.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
