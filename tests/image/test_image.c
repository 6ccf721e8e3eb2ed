#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

/* The picture of scripts/reference/resize.py. */
static void make_pattern(struct image *im, int w, int h, int c)
{
    assert_int_equal(image_new(im, w, h, c, 0, NULL), 0);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int k = 0; k < c; k++)
                im->data[(y * w + x) * c + k] = (unsigned char)((73 * x + 151 * y + 59 * k + 31 * x * y) % 256);
}

static float *make_output(int w, int h, int c)
{
    float *out = malloc(sizeof(float) * (size_t)w * (size_t)h * (size_t)c);
    for (int i = 0; i < w * h * c; i++)
        out[i] = -9; /* every value must be written */
    return out;
}

static void test_resize_as_opencv(void **state)
{
    (void)state;
    FILE *f = fopen("tests/image/resize.txt", "r");
    assert_non_null(f);
    char comment[256];
    assert_non_null(fgets(comment, sizeof(comment), f));
    int w, h, c, out_w, out_h, cases = 0;
    while (fscanf(f, "%d %d %d %d %d", &w, &h, &c, &out_w, &out_h) == 5) {
        struct image im;
        make_pattern(&im, w, h, c);
        float *out = make_output(out_w, out_h, c);
        image_to_input(&im, out, out_w, out_h, c, 0);
        for (int i = 0; i < out_w * out_h * c; i++) {
            double want;
            assert_int_equal(fscanf(f, "%lf", &want), 1);
            if (fabs(out[i] - want) > 4e-7)
                fail_msg("%d x %d x %d to %d x %d, value %d: %.8g, expected %.8g", w, h, c, out_w, out_h, i, (double)out[i], want);
        }
        free(out);
        image_free(&im);
        cases++;
    }
    assert_int_equal(cases, 10);
    fclose(f);
}

static void test_same_size_is_exact(void **state)
{
    (void)state;
    struct image im;
    make_pattern(&im, 16, 16, 3);
    float *out = make_output(16, 16, 3), *warped = make_output(16, 16, 3);
    const double identity[6] = {1, 0, 0, 0, 1, 0};
    for (int letterbox = 0; letterbox < 2; letterbox++) {
        const struct placement p = image_to_input(&im, out, 16, 16, 3, letterbox);
        assert_true(p.scale_x == 1 && p.scale_y == 1 && p.offset_x == 0 && p.offset_y == 0);
        for (int i = 0; i < 256; i++)
            for (int c = 0; c < 3; c++)
                assert_true(out[c * 256 + i] == (float)im.data[3 * i + c] / 255.0f);
    }
    image_warp(&im, identity, raster_of(warped, 16, 16, 3), .5f);
    assert_memory_equal(out, warped, 3 * 256 * sizeof(float));
    free(out);
    free(warped);
    image_free(&im);
}

static void test_letterbox(void **state)
{
    (void)state;
    struct image im;
    assert_int_equal(image_new(&im, 200, 100, 3, 255, NULL), 0);
    float *out = make_output(64, 64, 3);
    const struct placement p = image_to_input(&im, out, 64, 64, 3, 1);
    assert_true(p.scale_x == 64.0 / 200 && p.scale_y == 32.0 / 100 && p.offset_x == 0 && p.offset_y == 16);
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 64; x++) {
            const float want = y >= 16 && y < 48 ? 1 : .5f;
            assert_true(fabsf(out[y * 64 + x] - want) < 1e-6f);
        }
    image_free(&im);

    /* Inside the frame it is the plain resize. */
    make_pattern(&im, 9, 21, 1);
    float *boxed = make_output(30, 42, 1), *plain = make_output(18, 42, 1);
    const struct placement q = image_to_input(&im, boxed, 30, 42, 1, 1);
    assert_true(q.scale_x == 2 && q.scale_y == 2 && q.offset_x == 6 && q.offset_y == 0);
    image_to_input(&im, plain, 18, 42, 1, 0);
    for (int y = 0; y < 42; y++)
        for (int x = 0; x < 18; x++)
            assert_true(fabsf(boxed[y * 30 + 6 + x] - plain[y * 18 + x]) < 1e-6f);
    free(boxed);
    free(plain);
    free(out);
    image_free(&im);
}

static void test_channels(void **state)
{
    (void)state;
    struct image im;
    assert_int_equal(image_new(&im, 2, 1, 3, 0, NULL), 0);
    memcpy(im.data, (unsigned char[]){255, 0, 0, 10, 20, 30}, 6);
    float grey[2];
    image_to_input(&im, grey, 2, 1, 1, 0); /* ITU-R BT.601 luma */
    assert_true(fabsf(grey[0] - 0.299f) < 1e-6f);
    assert_true(fabsf(grey[1] - (0.299f * 10 + 0.587f * 20 + 0.114f * 30) / 255) < 1e-6f);
    image_free(&im);

    make_pattern(&im, 5, 4, 1);
    float out[3 * 7 * 6];
    image_to_input(&im, out, 7, 6, 3, 0);
    assert_memory_equal(out, out + 42, sizeof(float) * 42);
    assert_memory_equal(out, out + 84, sizeof(float) * 42);
    const double turn[6] = {.8, .3, .1, -.3, .8, 1};
    image_warp(&im, turn, raster_of(out, 7, 6, 3), .25f);
    assert_memory_equal(out, out + 42, sizeof(float) * 42);
    image_free(&im);
}

static void test_warp_moves_and_turns(void **state)
{
    (void)state;
    enum { W = 70, H = 9 };
    struct image im;
    make_pattern(&im, W, H, 3);
    float *out = make_output(W, H, 3);
    const double shift[6] = {1, 0, 3, 0, 1, -2}; /* out (x, y) is source (x + 3, y − 2) */
    image_warp(&im, shift, raster_of(out, W, H, 3), .25f);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++) {
                const int sx = x + 3, sy = y - 2;
                const float want = sx < W && sy >= 0 ? (float)im.data[(sy * W + sx) * 3 + c] / 255 : .25f;
                assert_true(out[(c * H + y) * W + x] == want);
            }
    /* A quarter turn: out (x, y) of H × W pixels is source (y, H − 1 − x). */
    const double quarter[6] = {0, 1, 0, -1, 0, H};
    image_warp(&im, quarter, raster_of(out, H, W, 3), .25f);
    for (int y = 0; y < W; y++)
        for (int x = 0; x < H; x++)
            for (int c = 0; c < 3; c++)
                assert_true(fabsf(out[(c * W + y) * H + x] - (float)im.data[((H - 1 - x) * W + y) * 3 + c] / 255) < 1e-6f);
    free(out);
    image_free(&im);
}

/* The general path against bilinear interpolation written out, and against the fast path for maps without rotation. */
static double bilinear(const struct image *im, double sx, double sy, int c, double outside)
{
    if (sx < 0 || sy < 0 || sx > im->w || sy > im->h)
        return outside;
    double sum = 0;
    const double u = sx - .5, v = sy - .5;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            const int x = (int)floor(u) + i, y = (int)floor(v) + j;
            const double weight = (1 - fabs(u - x)) * (1 - fabs(v - y));
            const int cx = x < 0 ? 0 : x >= im->w ? im->w - 1 : x, cy = y < 0 ? 0 : y >= im->h ? im->h - 1 : y;
            sum += weight * im->data[(cy * im->w + cx) * im->c + c];
        }
    return sum / 255;
}

static void test_warp_is_bilinear(void **state)
{
    (void)state;
    static const int sizes[][2] = {{13, 7}, {1, 5}, {6, 1}, {1, 1}, {40, 33}};
    static const double maps[][6] = {{.7, .2, -1, -.3, .9, 2}, {-1.3, 0, 13, 0, .6, .4}, {.31, 0, .2, 0, 2.2, -1}, {.5, .5, 0, .5, -.5, 3}};
    for (int s = 0; s < 5; s++)
        for (int k = 0; k < 4; k++) {
            enum { W = 67, H = 11 };
            struct image im;
            make_pattern(&im, sizes[s][0], sizes[s][1], 3);
            float *out = make_output(W, H, 3);
            image_warp(&im, maps[k], raster_of(out, W, H, 3), .25f);
            for (int i = 0; i < 3 * W * H; i++) {
                const double x = i % W + .5, y = i / W % H + .5, *m = maps[k];
                const double sx = m[0] * x + m[1] * y + m[2], sy = m[3] * x + m[4] * y + m[5];
                const double want = bilinear(&im, sx, sy, i / (W * H), .25);
                const double border = fmin(fmin(fabs(sx), fabs(sy)), fmin(fabs(sx - im.w), fabs(sy - im.h)));
                if (border > 1e-9 && fabs(out[i] - want) > 2e-6)
                    fail_msg("size %d map %d value %d: %.8g, expected %.8g", s, k, i, (double)out[i], want);
            }
            free(out);
            image_free(&im);
        }
}

static void test_impossible_sizes(void **state)
{
    (void)state;
    struct image im;
    struct error err = ERROR_INIT;
    assert_int_equal(image_new(&im, 0, 5, 3, 0, &err), -1);
    assert_int_equal(image_new(&im, 5, 65536, 1, 0, &err), -1);
    assert_int_equal(err.count, 2);
    assert_null(im.data);
}

static void test_enlarge(void **state)
{
    (void)state;
    struct image im, large;
    assert_int_equal(image_new(&im, 2, 1, 3, 0, NULL), 0);
    memcpy(im.data, "\1\2\3\4\5\6", 6);
    assert_int_equal(image_enlarge(&im, 2, &large, NULL), 0);
    static const unsigned char row[] = {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6};
    assert_int_equal(large.w, 4);
    assert_int_equal(large.h, 2);
    assert_memory_equal(large.data, row, sizeof row);
    assert_memory_equal(large.data + sizeof row, row, sizeof row);
    image_free(&large);
    struct error err = ERROR_INIT;
    assert_int_equal(image_enlarge(&im, 40000, &large, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);
    image_free(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_as_opencv),
        cmocka_unit_test(test_same_size_is_exact),
        cmocka_unit_test(test_letterbox),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_warp_moves_and_turns),
        cmocka_unit_test(test_warp_is_bilinear),
        cmocka_unit_test(test_impossible_sizes),
        cmocka_unit_test(test_enlarge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
