#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/codec.h"
#include "image/draw.h"
#include "support.h"

static int setup(void **state)
{
    *state = support_make_dir();
    return 0;
}

static int teardown(void **state)
{
    support_remove_dir(*state);
    return 0;
}

static const unsigned char *pixel(const struct image *im, int x, int y)
{
    return im->data + ((size_t)y * (size_t)im->w + (size_t)x) * (size_t)im->c;
}

static bool is_colour(const struct image *im, int x, int y, int index)
{
    double rgb[3];
    draw_colour(index, rgb);
    for (int i = 0; i < 3; i++)
        if (fabs(pixel(im, x, y)[i] - 255 * rgb[i]) > 2)
            return false;
    return true;
}

static bool is_value(const struct image *im, int x, int y, int value)
{
    return pixel(im, x, y)[0] == value && pixel(im, x, y)[1] == value && pixel(im, x, y)[2] == value;
}

static void test_frame_without_caption(void **state)
{
    (void)state;
    struct image im, out;
    assert_int_equal(image_new(&im, 300, 200, 1, 90, NULL), 0);
    const struct draw_box box = {50, 40, 250, 160, NULL, 3};
    assert_int_equal(draw_boxes(&im, &box, 1, &out, NULL), 0);
    assert_int_equal(out.c, 3);
    assert_true(out.w == 300 && out.h == 200);
    for (int y = 0; y < 200; y++)
        for (int x = 0; x < 300; x++) {
            const double dx = fmax(50 - (x + .5), x + .5 - 250), dy = fmax(40 - (y + .5), y + .5 - 160), away = fabs(fmax(dx, dy));
            if (away > 4)
                assert_true(is_value(&out, x, y, 90));
        }
    for (int y = 60; y < 140; y++) /* the line's pixels lie on one side or the other of x = 50 */
        assert_true(!is_value(&out, 49, y, 90) || !is_value(&out, 50, y, 90));
    assert_int_equal(im.data[100 * 300 + 50], 90); /* drawn on a copy */
    image_free(&im);
    image_free(&out);
}

/* Pixels of exactly the palette's colour in a rectangle. */
static int count_colour(const struct image *im, int x1, int y1, int x2, int y2, int colour)
{
    int n = 0;
    for (int y = y1; y < y2; y++)
        for (int x = x1; x < x2; x++)
            n += is_colour(im, x, y, colour);
    return n;
}

static void test_captions_stay_inside(void **state)
{
    (void)state;
    static const struct draw_box boxes[] = {
        {100, 100, 200, 150, "in the middle", 0}, {-50, -50, 60, 60, "corner", 1},
        {350, 250, 500, 400, "far corner", 2},    {250, -5, 390, 100, "top", 4},
        {-1e30, 10, 1e30, 1e30, "huge", 5},
    };
    for (int i = 0; i < 5; i++) {
        struct image im, out;
        assert_int_equal(image_new(&im, 400, 300, 3, 90, NULL), 0);
        assert_int_equal(draw_boxes(&im, &boxes[i], 1, &out, NULL), 0);
        /* The ground of the caption is a filled rectangle: far more of the colour than the frame's lines. */
        const int colour = boxes[i].colour, all = count_colour(&out, 0, 0, 400, 300, colour);
        struct draw_box bare = boxes[i];
        struct image plain;
        bare.label = NULL;
        assert_int_equal(draw_boxes(&im, &bare, 1, &plain, NULL), 0);
        assert_true(all > count_colour(&plain, 0, 0, 400, 300, colour) + 150);
        image_free(&plain);
        image_free(&out);
        image_free(&im);
    }
}

static void test_strange_boxes(void **state)
{
    (void)state;
    struct image im, out;
    assert_int_equal(image_new(&im, 40, 30, 3, 90, NULL), 0);
    const struct draw_box boxes[] = {{NAN, 0, 10, 10, "x", 0}, {0, 0, INFINITY, 10, "x", 0}};
    assert_int_equal(draw_boxes(&im, boxes, 2, &out, NULL), 0);
    assert_memory_equal(im.data, out.data, 40 * 30 * 3);
    image_free(&out);
    const struct draw_box broken = {5, 20, 30, 28, "\xff\xc3(\xed\xa0\x80 a name that is much longer than the picture is wide", -7};
    assert_int_equal(draw_boxes(&im, &broken, 1, &out, NULL), 0);
    assert_memory_not_equal(im.data, out.data, 40 * 30 * 3);
    image_free(&out);
    image_free(&im);
    struct error err = ERROR_INIT;
    assert_int_equal(image_new(&im, 40000, 1, 1, 0, NULL), 0);
    assert_int_equal(draw_boxes(&im, NULL, 0, &out, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);
    image_free(&im);
}

static void test_colours_are_distinct(void **state)
{
    (void)state;
    for (int a = 0; a < 20; a++)
        for (int b = 0; b < a; b++) {
            double p[3], q[3], distance = 0;
            draw_colour(a, p);
            draw_colour(b, q);
            for (int i = 0; i < 3; i++) {
                assert_true(p[i] >= 0 && p[i] <= 1);
                distance += (p[i] - q[i]) * (p[i] - q[i]);
            }
            assert_true(sqrt(distance) > .08);
        }
}

enum { N = 60 };

/* A chart of `n` points and `panels` panels; the values make a line from the lower left to the upper right. */
static void draw(const char *path, int n, int panels, int log)
{
    double x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = log ? pow(10, -6 + i * 6.0 / (N - 1)) : i * 100;
        y[i] = log ? pow(10, i * 3.0 / (N - 1)) : i;
    }
    const struct draw_series series = {"loss", x, y, n, 0, 0};
    const struct draw_panel panel[2] = {{"loss", log, 0, 0, &series, 1}, {"nothing", 0, 0, 1, NULL, 0}};
    const struct draw_mark mark = {log ? 1e-3 : 2000, "here", 3};
    const struct draw_chart chart = {"A title", "iteration", log, panel, panels, &mark, 1};
    struct error err = ERROR_INIT;
    if (draw_chart_file(&chart, path, &err) != 0)
        fail_msg("%s", err.text);
}

static void test_chart_as_png(void **state)
{
    const char *path = support_path(*state, "chart.png");
    int height[3] = {0};
    for (int panels = 1; panels <= 2; panels++)
        for (int log = 0; log < 2; log++) {
            draw(path, N, panels, log);
            struct image im;
            assert_int_equal(codec_read(&im, path, NULL), 0);
            assert_int_equal(im.w, 900);
            height[panels] = im.h;
            /* The curve begins at the lower left of the first panel and ends at its upper right, mark line in its colour between. */
            assert_true(count_colour(&im, 70, 200, 300, 330, 0) > 30);
            assert_true(count_colour(&im, 650, 70, 880, 200, 0) > 30);
            assert_int_equal(count_colour(&im, 70, 70, 300, 190, 0), 0);
            assert_true(count_colour(&im, 70, 70, 880, 330, 3) > 30);
            image_free(&im);
        }
    assert_int_equal(height[2] - height[1], 300);
}

static void test_chart_with_few_points(void **state)
{
    const char *path = support_path(*state, "chart.png");
    struct image none, one;
    draw(path, 0, 2, 0);
    assert_int_equal(codec_read(&none, path, NULL), 0);
    draw(path, 1, 2, 0);
    assert_int_equal(codec_read(&one, path, NULL), 0);
    const int plot[4] = {60, 70, 900, 330}; /* the panel without its legend */
    assert_int_equal(count_colour(&none, plot[0], plot[1], plot[2], plot[3], 0), 0);
    assert_in_range(count_colour(&one, plot[0], plot[1], plot[2], plot[3], 0), 9, 60);
    image_free(&none);
    image_free(&one);
}

/* Pixels that are clearly blue: the line of the first colour, smoothed edges included. */
static int count_blue(const struct image *im, int x1, int y1, int x2, int y2)
{
    int n = 0;
    for (int y = y1; y < y2; y++)
        for (int x = x1; x < x2; x++)
            n += pixel(im, x, y)[2] > pixel(im, x, y)[0] + 40;
    return n;
}

static void test_gaps(void **state)
{
    /* Not-a-number in the middle: the left and the right part are there, the middle is empty. */
    double x[3 * N], y[3 * N];
    for (int i = 0; i < 3 * N; i++) {
        x[i] = i;
        y[i] = i / N == 1 ? NAN : 1;
    }
    const struct draw_series series = {NULL, x, y, 3 * N, 0, 0};
    const struct draw_panel panel = {"y", 0, 0, 2, &series, 1};
    const struct draw_chart chart = {"Gap", "x", 0, &panel, 1, NULL, 0};
    const char *path = support_path(*state, "chart.png");
    struct image im;
    assert_int_equal(draw_chart_file(&chart, path, NULL), 0);
    assert_int_equal(codec_read(&im, path, NULL), 0);
    assert_true(count_blue(&im, 80, 70, 330, 330) > 200);
    assert_int_equal(count_blue(&im, 350, 70, 600, 330), 0);
    assert_true(count_blue(&im, 620, 70, 870, 330) > 200);
    image_free(&im);
}

static void test_files_are_reproducible(void **state)
{
    static const char *const endings[] = {"svg", "png"};
    for (int k = 0; k < 2; k++) {
        char name[2][16];
        size_t size[2];
        char *bytes[2];
        for (int i = 0; i < 2; i++) {
            snprintf(name[i], sizeof(name[i]), "chart%d.%s", i, endings[k]);
            draw(support_path(*state, name[i]), N, 2, 0);
            bytes[i] = file_read(support_path(*state, name[i]), 1 << 24, &size[i], NULL);
            assert_non_null(bytes[i]);
        }
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(bytes[0], bytes[1], size[0]);
        if (k == 0) {
            assert_non_null(strstr(bytes[0], "<svg"));
            assert_non_null(strstr(bytes[0], "</svg>"));
            assert_null(strstr(bytes[0], "date"));
        }
        mem_free(bytes[0]);
        mem_free(bytes[1]);
    }
}

static void test_chart_errors(void **state)
{
    struct error err = ERROR_INIT;
    const struct draw_chart chart = {"A", "x", 0, NULL, 0, NULL, 0};
    assert_int_equal(draw_chart_file(&chart, support_path(*state, "chart.pdf"), &err), -1);
    assert_non_null(strstr(err.text, ".svg or .png"));
    err = ERROR_INIT;
    assert_int_equal(draw_chart_file(&chart, support_path(*state, "no/such/chart.png"), &err), -1);
    assert_true(err.count == 1 && err.status != EXIT_OK);
    assert_int_equal(draw_chart_file(&chart, support_path(*state, "empty.svg"), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_without_caption),
        cmocka_unit_test(test_captions_stay_inside),
        cmocka_unit_test(test_strange_boxes),
        cmocka_unit_test(test_colours_are_distinct),
        cmocka_unit_test_setup_teardown(test_chart_as_png, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chart_with_few_points, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gaps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_are_reproducible, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chart_errors, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
