/* Average precision: cases by hand, and a published example (R. Padilla, Object-Detection-Metrics: 24.57 % at IoU .3, all points). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "detect/ap.h"
#include "support.h"

/* A box of 10 × 10 at x; `shift` of a second one makes an IoU of (10 − shift)/(10 + shift). */
static struct box at(double x)
{
    return (struct box){(real)x, 5, 10, 10};
}

static struct detection found(double x, double score)
{
    return (struct detection){.box = at(x), .score = (real)score};
}

static struct truth_box truth(double x)
{
    return (struct truth_box){.box = at(x)};
}

static void test_by_hand(void **state)
{
    (void)state;
    struct ap *a = ap_new(2);
    /* three truths; in the order of the scores: right, false, right (IoU 9/11), a second time on the same truth */
    const struct truth_box t[3] = {truth(0), truth(100), truth(200)};
    const struct detection d[4] = {found(101, 0.6), found(0, 0.9), found(500, 0.7), found(100.5, 0.5)};
    ap_add(a, d, 4, t, 3);
    assert_int_equal(ap_truths(a, 0), 3);
    /* precision 1, 1/2, 2/3, 1/2 → envelope 1 up to recall 1/3, 2/3 up to recall 2/3 */
    assert_float_equal(ap_class(a, 0, 0.5), (1 + 2. / 3) / 3, 1e-12);
    /* at IoU .85 only the last one hits the second truth: precision 1, 1/2, 1/3, 2/4 */
    assert_float_equal(ap_class(a, 0, 0.85), (1 + 0.5) / 3, 1e-12);
    assert_true(isnan(ap_class(a, 1, 0.5)));
    assert_float_equal(ap_mean(a, 0.5), (1 + 2. / 3) / 3, 1e-12);
    struct ap_counts c = ap_count(a, -1, 0.5, 0.55);
    assert_int_equal(c.true_positives, 2);
    assert_int_equal(c.false_positives, 1);
    assert_int_equal(c.false_negatives, 1);
    c = ap_count(a, 0, 0.5, 0);
    assert_int_equal(c.true_positives, 2);
    assert_int_equal(c.false_positives, 2);
    assert_int_equal(c.false_negatives, 1);
    ap_free(a);
}

static void test_difficult(void **state)
{
    (void)state;
    struct ap *a = ap_new(1);
    struct truth_box t[2] = {truth(0), truth(100)};
    t[0].difficult = 1;
    /* on the difficult truth: neither right nor wrong, however often */
    const struct detection d[3] = {found(0, 0.9), found(1, 0.8), found(100, 0.7)};
    ap_add(a, d, 3, t, 2);
    assert_int_equal(ap_truths(a, 0), 1);
    assert_float_equal(ap_class(a, 0, 0.5), 1, 1e-12);
    const struct ap_counts c = ap_count(a, -1, 0.5, 0.1);
    assert_int_equal(c.true_positives, 1);
    assert_int_equal(c.false_positives, 0);
    assert_int_equal(c.false_negatives, 0);
    ap_free(a);
}

/* A detection goes to the truth that it overlaps most, even when that one is taken: the other stays missed (VOC). */
static void test_best_truth(void **state)
{
    (void)state;
    struct ap *a = ap_new(1);
    const struct truth_box t[2] = {truth(0), truth(3)};
    const struct detection d[2] = {found(0, 0.9), found(1, 0.8)};
    ap_add(a, d, 2, t, 2);
    assert_float_equal(ap_class(a, 0, 0.5), 0.5, 1e-12);
    ap_free(a);
}

static void test_images_and_classes_apart(void **state)
{
    (void)state;
    struct ap *a = ap_new(3);
    struct truth_box t = truth(0);
    struct detection d = found(0, 0.9);
    t.class_id = 1;
    ap_add(a, NULL, 0, &t, 1);
    d.class_id = 1;
    ap_add(a, &d, 1, NULL, 0); /* the right place in another image */
    d.class_id = 2;
    t.class_id = 2;
    ap_add(a, &d, 1, &t, 1);
    assert_float_equal(ap_class(a, 1, 0.5), 0, 0);
    assert_float_equal(ap_class(a, 2, 0.5), 1, 0);
    assert_float_equal(ap_mean(a, 0.5), 0.5, 0);
    ap_free(a);
    a = ap_new(1);
    assert_true(isnan(ap_mean(a, 0.5)));
    ap_free(a);
}

/* Equal scores count in the order of addition. */
static void test_ties(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct ap *a = ap_new(1);
        const struct truth_box t = truth(0);
        const struct detection d[2] = {found(first ? 50 : 0, 0.5), found(first ? 0 : 50, 0.5)};
        ap_add(a, d, 2, &t, 1);
        assert_float_equal(ap_class(a, 0, 0.5), first ? 0.5 : 1, 0);
        ap_free(a);
    }
}

/* Both ends of a range of pixels belong to it there (the +1 of VOC's kit): a box is one pixel wider than its numbers say. */
static struct box inclusive(double x, double y, double w, double h)
{
    return (struct box){(real)(x + (w + 1) / 2), (real)(y + (h + 1) / 2), (real)(w + 1), (real)(h + 1)};
}

static void test_padilla(void **state)
{
    (void)state;
    struct ap *a = ap_new(1);
    int detections = 0, truths = 0;
    for (int image = 1; image <= 7; image++) {
        struct truth_box t[16];
        struct detection d[16];
        int n_t = 0, n_d = 0;
        double score, x, y, w, h;
        char *name = mem_format("detector-metrics/padilla/groundtruths/%05d.txt", image);
        const char *path = support_data(name);
        free(name);
        if (!path)
            skip();
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        while (fscanf(f, "%*s %lf %lf %lf %lf", &x, &y, &w, &h) == 4)
            t[n_t++] = (struct truth_box){.box = inclusive(x, y, w, h)};
        fclose(f);
        name = mem_format("detector-metrics/padilla/detections/%05d.txt", image);
        f = fopen(support_data(name), "r");
        free(name);
        assert_non_null(f);
        while (fscanf(f, "%*s %lf %lf %lf %lf %lf", &score, &x, &y, &w, &h) == 5)
            d[n_d++] = (struct detection){.box = inclusive(x, y, w, h), .score = (real)score};
        fclose(f);
        ap_add(a, d, n_d, t, n_t);
        detections += n_d;
        truths += n_t;
    }
    assert_int_equal(detections, 24);
    assert_int_equal(truths, 15);
    assert_float_equal(100 * ap_class(a, 0, 0.3), 24.57, 0.005);
    ap_free(a);
}

/* The area under the envelope against its definition: the mean over the truths of the best precision at that recall or beyond. */
static void test_definition(void **state)
{
    (void)state;
    struct rng r = rng_make(5, RNG_TEST, 0, 0);
    for (int round = 0; round < 20; round++) {
        enum { N = 200 };
        struct ap *a = ap_new(1);
        bool hit[N];
        int total = 0;
        for (int i = 0; i < N; i++) { /* scores fall with i; one image each */
            const struct truth_box t = truth(0);
            hit[i] = rng_uniform(&r) < 0.6 - 0.002 * i;
            const struct detection d = found(hit[i] ? 0 : 50, 1 - 0.001 * i);
            ap_add(a, &d, 1, &t, 1);
            total++;
        }
        double want = 0;
        for (int k = 1; k <= total; k++) {
            double best = 0;
            int right = 0;
            for (int i = 0; i < N; i++) {
                right += hit[i];
                if (right >= k)
                    best = fmax(best, (double)right / (i + 1));
            }
            want += best / total;
        }
        assert_float_equal(ap_class(a, 0, 0.5), want, 1e-9);
        ap_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),    cmocka_unit_test(test_difficult),
        cmocka_unit_test(test_best_truth), cmocka_unit_test(test_images_and_classes_apart),
        cmocka_unit_test(test_ties),       cmocka_unit_test(test_padilla),
        cmocka_unit_test(test_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
