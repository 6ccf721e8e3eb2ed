/* k-means of shapes: known clusters are found, the figure is what it says, the same seed gives the same anchors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "box/anchors.h"

enum { N = 900 };

static void make(struct box_shape *s, uint64_t seed, double spread)
{
    static const struct box_shape centre[3] = {{10, 14}, {60, 30}, {120, 200}};
    struct rng r = rng_make(seed, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        s[i].w = centre[i % 3].w * rng_range(&r, 1 - spread, 1 + spread);
        s[i].h = centre[i % 3].h * rng_range(&r, 1 - spread, 1 + spread);
    }
}

static void test_clusters(void **state)
{
    (void)state;
    struct box_shape s[N], a[3], b[3];
    for (uint64_t seed = 1; seed < 6; seed++) {
        make(s, seed, 0.2);
        const double mean = anchors_kmeans(s, N, 3, seed, a);
        struct box_shape want[3] = {{0, 0}};
        for (int i = 0; i < N; i++) { /* each third of the shapes is one cluster */
            want[i % 3].w += s[i].w / (N / 3);
            want[i % 3].h += s[i].h / (N / 3);
        }
        double iou = 0;
        for (int i = 0; i < N; i++)
            iou += shape_iou(s[i], a[i % 3]) / N;
        for (int k = 0; k < 3; k++) {
            assert_float_equal(a[k].w, want[k].w, 0.02 * want[k].w);
            assert_float_equal(a[k].h, want[k].h, 0.02 * want[k].h);
        }
        assert_float_equal(mean, iou, 1e-9);
        assert_float_equal(anchors_kmeans(s, N, 3, seed, b), mean, 0);
        assert_memory_equal(a, b, sizeof a);
    }
}

static void test_more_is_better(void **state)
{
    (void)state;
    struct box_shape s[N], a[9];
    make(s, 7, 0.6);
    double last = 0;
    for (int k = 1; k <= 9; k++) {
        const double mean = anchors_kmeans(s, N, k, 1, a);
        assert_true(mean > last);
        last = mean;
        for (int i = 1; i < k; i++)
            assert_true(a[i - 1].w * a[i - 1].h <= a[i].w * a[i].h);
    }
}

static void test_few(void **state)
{
    (void)state;
    const struct box_shape s[2] = {{3, 4}, {30, 10}};
    struct box_shape a[4];
    assert_float_equal(anchors_kmeans(s, 2, 4, 1, a), 1, 1e-12);
    assert_float_equal(anchors_kmeans(s, 1, 1, 1, a), 1, 1e-12);
    assert_float_equal(a[0].w, 3, 0);
    assert_float_equal(shape_iou(s[0], s[1]), 12 / 300., 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_more_is_better),
        cmocka_unit_test(test_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
