/* libjpeg-turbo (jpeg=turbo, jpeg=scaled) against stb on real photographs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "image/codec.h"
#include "image/turbo.h"
#include "support.h"

/* Of COCO, with and without subsampled colours; of BCCD; the one grey picture of coco128. */
static const char *const files[] = {"coco128/images/train2017/000000000009.jpg", "coco128/images/train2017/000000000025.jpg",
                                    "coco128/images/train2017/000000000034.jpg", "coco128/images/train2017/000000000042.jpg",
                                    "coco128/images/train2017/000000000061.jpg", "bccd/JPEGImages/BloodImage_00001.jpg",
                                    "bccd/JPEGImages/BloodImage_00003.jpg",      "darknet-samples/dog.jpg"};
enum { FILES = sizeof files / sizeof *files };

static void read_with(struct image *im, const char *file, struct codec_options o)
{
    struct error err = ERROR_INIT;
    const char *path = support_data(file);
    if (!path || !turbo_is_built_in())
        skip();
    if (codec_read_with(im, path, &o, &err) != 0)
        fail_msg("%s", err.text);
}

/* Mean and largest difference of the bytes, and how many of 10 000 differ by more than 16. */
static void compare(const struct image *a, const struct image *b, const char *file, double mean_limit, int far_limit, int most_limit)
{
    assert_int_equal(a->w, b->w);
    assert_int_equal(a->h, b->h);
    assert_int_equal(a->c, b->c);
    const size_t n = (size_t)a->w * (size_t)a->h * (size_t)a->c;
    double sum = 0;
    size_t far = 0;
    int most = 0;
    for (size_t i = 0; i < n; i++) {
        const int d = abs(a->data[i] - b->data[i]);
        sum += d;
        far += d > 16;
        most = d > most ? d : most;
    }
    if (sum / (double)n > mean_limit || 1e4 * (double)far > far_limit * (double)n || most > most_limit)
        fail_msg("%s: the mean difference is %.3f, %.2f of 10000 are above 16, the largest %d", file, sum / (double)n,
                 1e4 * (double)far / (double)n, most);
}

/* The colours between the samples of halved colour planes are told by other integers: 3 of 255 apart. */
static void test_turbo(void **state)
{
    (void)state;
    for (int k = 0; k < FILES; k++) {
        struct image stb, turbo;
        read_with(&stb, files[k], (struct codec_options){0});
        read_with(&turbo, files[k], (struct codec_options){.turbo = true});
        compare(&stb, &turbo, files[k], .15, 0, 4);
        image_free(&stb);
        image_free(&turbo);
    }
}

/* The mean of squares of 2 × 2, 4 × 4 … pixels. */
static void shrink(const struct image *im, int by, struct image *out)
{
    assert_int_equal(image_new(out, (im->w + by - 1) / by, (im->h + by - 1) / by, im->c, 0, NULL), 0);
    for (int y = 0; y < out->h; y++)
        for (int x = 0; x < out->w; x++)
            for (int c = 0; c < im->c; c++) {
                int sum = 0, n = 0;
                for (int v = y * by; v < (y + 1) * by && v < im->h; v++)
                    for (int u = x * by; u < (x + 1) * by && u < im->w; u++, n++)
                        sum += im->data[((size_t)v * (size_t)im->w + (size_t)u) * (size_t)im->c + (size_t)c];
                out->data[((size_t)y * (size_t)out->w + (size_t)x) * (size_t)im->c + (size_t)c] = (unsigned char)((sum + n / 2) / n);
            }
}

static void test_scaled(void **state)
{
    (void)state;
    for (int k = 0; k < FILES; k++)
        for (int by = 1; by <= 8; by *= 2) {
            struct image full, small, scaled;
            read_with(&full, files[k], (struct codec_options){0});
            shrink(&full, by, &small);
            read_with(&scaled, files[k], (struct codec_options){.turbo = true, .least_w = small.w, .least_h = small.h});
            compare(&small, &scaled, files[k], by == 1 ? .15 : 2, by == 1 ? 0 : 150, by == 1 ? 4 : 64);
            image_free(&scaled);
            /* A pixel more than that: the next larger scale. */
            read_with(&scaled, files[k], (struct codec_options){.turbo = true, .least_w = small.w + 1, .least_h = small.h});
            assert_true(by == 1 ? scaled.w == full.w : scaled.w > small.w);
            image_free(&full);
            image_free(&small);
            image_free(&scaled);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_turbo), cmocka_unit_test(test_scaled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
