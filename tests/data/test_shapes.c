#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "data/formats.h"
#include "data/shapes.h"

static struct shapes_key key_of(uint64_t seed, enum split split, int number)
{
    return (struct shapes_key){.seed = seed, .split = split, .number = number};
}

/* The extent is computed from corners and discs, the inside from distances: a fine grid of points inside must fill the extent, and no more.
 */
static void test_extents_are_tight(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        const struct shapes_key key = key_of(5, SPLIT_TRAIN, i);
        struct shapes_layout l;
        shapes_layout(&key, 200, 200, &l);
        for (int k = 0; k < l.n; k++) {
            double c[4], found[4] = {1e9, 1e9, -1e9, -1e9};
            const double step = .2;
            shapes_extent(&l.figure[k], c);
            for (double y = c[1] - 5; y < c[3] + 5; y += step)
                for (double x = c[0] - 5; x < c[2] + 5; x += step)
                    if (shapes_distance(&l.figure[k], x, y) <= 0) {
                        found[0] = fmin(found[0], x);
                        found[1] = fmin(found[1], y);
                        found[2] = fmax(found[2], x);
                        found[3] = fmax(found[3], y);
                    }
            for (int side = 0; side < 4; side++) { /* a sharp corner reaches between the points of the grid */
                const double short_by = side < 2 ? found[side] - c[side] : c[side] - found[side];
                assert_true(short_by >= -1e-9 && short_by < 1.2);
            }
        }
    }
}

/* Areas against the formulas for a figure of circumradius (square: half side, heart: half diagonal) one unit's worth. */
static void test_areas(void **state)
{
    (void)state;
    const double t = tan(M_PI / 10);
    const double areas[SHAPES_CLASSES] = {M_PI, 4 * .8 * .8, 3 * sqrt(3) / 4, 10 * t / (3 - t * t), 2 * .8 * .8 + M_PI * .8 * .8 / 2};
    for (int class_id = 0; class_id < SHAPES_CLASSES; class_id++) {
        const struct shapes_figure f = {.class_id = class_id, .x = 3, .y = -2, .scale = 50, .cos = cos(.4), .sin = sin(.4)};
        long inside = 0;
        for (int y = -300; y < 300; y++)
            for (int x = -300; x < 300; x++)
                inside += shapes_distance(&f, 3 + (x + .5) / 4, -2 + (y + .5) / 4) <= 0;
        const double area = (double)inside / 16 / (50 * 50);
        assert_true(fabs(area - areas[class_id]) < .01 * areas[class_id]);
    }
}

/* A pixel 1 away from all outlines is wholly in or out; the painter relies on distances never being too large. */
static void test_distances_are_honest(void **state)
{
    (void)state;
    for (int class_id = 0; class_id < SHAPES_CLASSES; class_id++) {
        const struct shapes_figure f = {.class_id = class_id, .x = 0, .y = 0, .scale = 30, .cos = cos(1), .sin = sin(1)};
        for (int i = 0; i < 100 * 100; i++) {
            const double x = i % 100 - 50, y = (double)(i / 100) - 50, d = shapes_distance(&f, x, y);
            for (int k = 0; k < 8; k++) {
                const double e = shapes_distance(&f, x + cos(k * M_PI / 4), y + sin(k * M_PI / 4));
                assert_true(fabs(e - d) <= 1 + 1e-9);
            }
        }
    }
}

static void test_sizes_and_occlusion(void **state)
{
    (void)state;
    int counts[SHAPES_CLASSES] = {0}, figures[SHAPES_MOST + 1] = {0};
    for (int i = 0; i < 300; i++) {
        const struct shapes_key key = key_of(1, SPLIT_TRAIN, i);
        struct shapes_layout l;
        shapes_layout(&key, 96, 64, &l);
        assert_in_range(l.n, 1, SHAPES_MOST);
        figures[l.n]++;
        for (int k = 0; k < l.n; k++) {
            counts[l.figure[k].class_id]++;
            double c[4];
            shapes_extent(&l.figure[k], c);
            const double size = fmax(c[2] - c[0], c[3] - c[1]);
            assert_true(size > .1199 * 64 && size < .4501 * 64);
            int inside = 0, hidden = 0;
            for (double y = c[1]; y < c[3]; y += .37)
                for (double x = c[0]; x < c[2]; x += .37)
                    if (shapes_distance(&l.figure[k], x, y) <= 0) {
                        inside++;
                        bool over = false;
                        for (int j = k + 1; j < l.n; j++)
                            over = over || shapes_distance(&l.figure[j], x, y) <= 0;
                        hidden += over;
                    }
            assert_true(hidden <= .4 * inside);
            const struct truth_box t = shapes_box(&l.figure[k], 96, 64);
            assert_true(t.box.x - t.box.w / 2 > -1e-6 && t.box.x + t.box.w / 2 < 1 + 1e-6);
            assert_true(t.box.y - t.box.h / 2 > -1e-6 && t.box.y + t.box.h / 2 < 1 + 1e-6);
            assert_true(t.box.w > 0 && t.box.h > 0);
            assert_true(fabs((t.box.x + t.box.w / 2) * 96 - fmin(c[2], 96)) < 1e-4);
            assert_true(fabs((t.box.y - t.box.h / 2) * 64 - fmax(c[1], 0)) < 1e-4);
        }
    }
    for (int k = 0; k < SHAPES_CLASSES; k++)
        assert_true(counts[k] > 80);
    for (int n = 1; n <= SHAPES_MOST; n++)
        assert_true(figures[n] > 20);
}

static void make(struct shapes_key key, int w, int h, struct image *im)
{
    struct error err = ERROR_INIT;
    if (shapes_image(&key, w, h, im, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(im->w == w && im->h == h && im->c == 3);
}

static void test_pictures_depend_on_their_key_alone(void **state)
{
    (void)state;
    struct image first, again;
    make(key_of(1, SPLIT_TRAIN, 7), 96, 96, &first);
    make(key_of(1, SPLIT_TRAIN, 7), 96, 96, &again);
    assert_memory_equal(first.data, again.data, 96 * 96 * 3);
    image_free(&again);
    const struct shapes_key others[] = {key_of(2, SPLIT_TRAIN, 7), key_of(1, SPLIT_VALID, 7), key_of(1, SPLIT_TEST, 7),
                                        key_of(1, SPLIT_TRAIN, 8)};
    for (int i = 0; i < 4; i++) {
        struct shapes_layout a, b;
        const struct shapes_key key = key_of(1, SPLIT_TRAIN, 7);
        shapes_layout(&key, 96, 96, &a);
        shapes_layout(&others[i], 96, 96, &b);
        assert_true(a.figure[0].x != b.figure[0].x && a.figure[0].scale != b.figure[0].scale);
        make(others[i], 96, 96, &again);
        int same = 0;
        for (int k = 0; k < 96 * 96 * 3; k++)
            same += first.data[k] == again.data[k];
        assert_true(same < 96 * 96 * 3 / 4);
        image_free(&again);
    }
    image_free(&first);
}

/* What lies far from every figure is the same without them; what lies inside them differs from the ground, mostly. */
static void test_figures_stand_out(void **state)
{
    (void)state;
    int clear = 0, n = 0;
    for (int i = 0; i < 100; i++) {
        const struct shapes_key key = {.seed = 3, .split = SPLIT_TEST, .number = i, .single = true};
        struct image im;
        struct shapes_layout l;
        make(key, 96, 96, &im);
        shapes_layout(&key, 96, 96, &l);
        assert_int_equal(l.n, 1);
        double mean[2][3] = {{0}}, count[2] = {0}; /* just outside and inside of the outline */
        for (int k = 0; k < 96 * 96; k++) {
            const double d = shapes_distance(&l.figure[0], k % 96 + .5, (double)(k / 96) + .5);
            if (d > 8 || fabs(d) < 1)
                continue;
            count[d < 0]++;
            for (int c = 0; c < 3; c++)
                mean[d < 0][c] += im.data[3 * k + c];
        }
        double distance = 0;
        for (int c = 0; c < 3; c++)
            distance += pow(mean[0][c] / count[0] - mean[1][c] / count[1], 2);
        clear += sqrt(distance) > 50;
        n++;
        image_free(&im);
    }
    assert_true(clear >= .9 * n);
}

static void test_odd_sizes(void **state)
{
    (void)state;
    static const int sizes[][2] = {{97, 61}, {8, 8}, {1, 1}, {5, 40}, {200, 3}, {416, 416}};
    for (int i = 0; i < 6; i++) {
        struct image im;
        make(key_of(1, SPLIT_TRAIN, i), sizes[i][0], sizes[i][1], &im);
        image_free(&im);
    }
    /* Twice the size is the same picture, larger. */
    const struct shapes_key key = key_of(1, SPLIT_TRAIN, 3);
    struct shapes_layout a, b;
    shapes_layout(&key, 96, 72, &a);
    shapes_layout(&key, 192, 144, &b);
    assert_int_equal(a.n, b.n);
    for (int k = 0; k < a.n; k++) {
        assert_true(fabs(2 * a.figure[k].x - b.figure[k].x) < 1e-9);
        assert_true(fabs(2 * a.figure[k].scale - b.figure[k].scale) < 1e-9);
    }
}

static void test_data_set(void **state)
{
    (void)state;
    struct data_options o = {.train = "shapes", .valid = "shapes", .train_count = 12};
    struct dataset d;
    struct error err = ERROR_INIT;
    if (dataset_open(&d, &o, SPLIT_TRAIN, TASK_DETECT, 5, 64, 48, 3, 9, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(d.n_samples, 12);
    assert_int_equal(d.n_classes, 5);
    assert_string_equal(d.names.item[3], "star");
    struct image im, direct;
    assert_int_equal(dataset_image(&d, 11, &im, &err), 0);
    make(key_of(9, SPLIT_TRAIN, 11), 64, 48, &direct);
    assert_memory_equal(im.data, direct.data, 64 * 48 * 3);
    struct shapes_layout l;
    const struct shapes_key key = key_of(9, SPLIT_TRAIN, 11);
    shapes_layout(&key, 64, 48, &l);
    assert_int_equal(d.sample[11].n_boxes, l.n);
    assert_int_equal(d.sample[11].box[0].class_id, l.figure[0].class_id);
    image_free(&im);
    image_free(&direct);
    dataset_close(&d);

    assert_int_equal(dataset_open(&d, &o, SPLIT_VALID, TASK_CLASSIFY, 5, 0, 0, 3, 9, &err), 0);
    assert_int_equal(d.n_samples, 400);
    for (int i = 0; i < d.n_samples; i++)
        assert_true(d.sample[i].label >= 0 && d.sample[i].label < 5 && d.sample[i].n_boxes == 0);
    assert_int_equal(dataset_image(&d, 0, &im, &err), 0);
    assert_true(im.w == 96 && im.h == 96);
    image_free(&im);
    dataset_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extents_are_tight),
        cmocka_unit_test(test_areas),
        cmocka_unit_test(test_distances_are_honest),
        cmocka_unit_test(test_sizes_and_occlusion),
        cmocka_unit_test(test_figures_stand_out),
        cmocka_unit_test(test_pictures_depend_on_their_key_alone),
        cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_data_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
