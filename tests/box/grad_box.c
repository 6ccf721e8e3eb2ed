/* Derivatives of the IoU family against central differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/rng.h"
#include "box/box.h"

static struct box random_box(struct rng *r)
{
    return (struct box){rng_range(r, .2, .8), rng_range(r, .2, .8), rng_range(r, .02, .7), rng_range(r, .02, .7)};
}

static void check(enum iou_kind kind, struct box p, struct box t)
{
    const double h = 1e-6;
    struct box g;
    box_iou_grad(kind, p, t, &g);
    const double slope[4] = {g.x, g.y, g.w, g.h};
    for (int i = 0; i < 4; i++) {
        double f[2];
        for (int side = 0; side < 2; side++) {
            double v[4] = {p.x, p.y, p.w, p.h};
            v[i] += side ? h : -h;
            f[side] = box_iou_grad(kind, (struct box){v[0], v[1], v[2], v[3]}, t, NULL);
        }
        const double want = (f[1] - f[0]) / (2 * h);
        if (fabs(slope[i] - want) > 1e-6 * fmax(1, fabs(want)))
            fail_msg("kind %d, component %d: %.10g, the difference is %.10g", kind, i, slope[i], want);
    }
}

static void test_gradients(void **state)
{
    (void)state;
    struct rng r = rng_make(3, RNG_TEST, 0, 0);
    for (int i = 0; i < 5000; i++) {
        const struct box p = random_box(&r), t = random_box(&r);
        for (enum iou_kind kind = IOU_PLAIN; kind <= IOU_CIOU; kind++)
            check(kind, p, t);
    }
    /* one inside the other, and far apart */
    for (enum iou_kind kind = IOU_PLAIN; kind <= IOU_CIOU; kind++) {
        check(kind, (struct box){.51, .52, .3, .2}, (struct box){.5, .5, .6, .7});
        check(kind, (struct box){.51, .52, .6, .7}, (struct box){.5, .5, .3, .2});
        check(kind, (struct box){.1, .12, .1, .05}, (struct box){.9, .8, .13, .1});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
