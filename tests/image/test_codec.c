#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/codec.h"
#include "image/exif.h"
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

/* Value of a channel, grey counted as equal red, green, blue. */
static int sample(const struct image *im, int x, int y, int c)
{
    return im->data[((size_t)y * (size_t)im->w + (size_t)x) * (size_t)im->c + (size_t)(im->c == 3 ? c : 0)];
}

/* Blocks of 16 × 16 pixels, so that JPEG keeps them apart: the value says which block it is. */
static void make_blocks(struct image *im, int columns, int rows)
{
    assert_int_equal(image_new(im, 16 * columns, 16 * rows, 1, 0, NULL), 0);
    for (int y = 0; y < im->h; y++)
        for (int x = 0; x < im->w; x++)
            im->data[y * im->w + x] = (unsigned char)(40 * (y / 16 * columns + x / 16));
}

static char *encode(void **state, const struct image *im, const char *name, size_t *size)
{
    const char *path = support_path(*state, name);
    assert_int_equal(codec_write(im, path, NULL), 0);
    char *bytes = file_read(path, 1 << 24, size, NULL);
    assert_non_null(bytes);
    return bytes;
}

static void test_png_suite(void **state)
{
    (void)state;
    const char *folder = support_data("pngsuite/primary");
    if (folder == NULL)
        skip();
    struct text_list names = {0};
    assert_int_equal(file_list_dir(folder, &names, NULL), 0);
    int compared = 0;
    for (int i = 0; i < names.n; i++) {
        /* The check files show transparency over a ground (tbb…) or keep 16 bits; those with an alpha channel hold the same colours. */
        char path[256];
        struct image a, b;
        struct error err = ERROR_INIT;
        snprintf(path, sizeof(path), "pngsuite/primary/%s", names.item[i]);
        if (codec_read(&a, support_data(path), &err) != 0)
            fail_msg("%s", err.text);
        snprintf(path, sizeof(path), "pngsuite/primary_check/%s", names.item[i]);
        if (codec_read(&b, support_data(path), &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(a.w, b.w);
        assert_int_equal(a.h, b.h);
        for (int k = 0; k < a.w * a.h * 3; k++)
            if (sample(&a, k / 3 % a.w, k / 3 / a.w, k % 3) != sample(&b, k / 3 % a.w, k / 3 / a.w, k % 3))
                fail_msg("%s differs at %d, %d", names.item[i], k / 3 % a.w, k / 3 / a.w);
        image_free(&a);
        image_free(&b);
        compared++;
    }
    assert_true(compared >= 30);
    text_list_free(&names);
}

static void test_png_returns_what_was_written(void **state)
{
    for (int c = 1; c <= 3; c += 2) {
        struct image im, back;
        assert_int_equal(image_new(&im, 37, 23, c, 0, NULL), 0);
        for (int i = 0; i < 37 * 23 * c; i++)
            im.data[i] = (unsigned char)(i * 101 + i / 7);
        const char *path = support_path(*state, "a.png");
        assert_int_equal(codec_write(&im, path, NULL), 0);
        assert_int_equal(codec_read(&back, path, NULL), 0);
        assert_int_equal(back.w, 37);
        assert_int_equal(back.h, 23);
        assert_int_equal(back.c, c);
        assert_memory_equal(back.data, im.data, 37 * 23 * (size_t)c);
        image_free(&im);
        image_free(&back);
    }
}

/* An APP1 segment with one directory entry, behind the SOI of a JPEG. */
static char *with_orientation(const char *jpeg, size_t size, int orientation, bool big, size_t *out_size)
{
    unsigned char app1[36] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0};
    static const unsigned char little_tiff[26] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0};
    static const unsigned char big_tiff[26] = {'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1};
    memcpy(app1 + 10, big ? big_tiff : little_tiff, 26);
    app1[10 + (big ? 19 : 18)] = (unsigned char)orientation;
    char *out = malloc(size + sizeof(app1));
    memcpy(out, jpeg, 2);
    memcpy(out + 2, app1, sizeof(app1));
    memcpy(out + 2 + sizeof(app1), jpeg + 2, size - 2);
    *out_size = size + sizeof(app1);
    return out;
}

/* EXIF 2.3, 4.6.4 A: the sides of the upright picture on which row 0 and column 0 of the file lie. */
enum side { TOP, BOTTOM, LEFT, RIGHT };
static const enum side sides[9][2] = {{0},         {TOP, LEFT},  {TOP, RIGHT},    {BOTTOM, RIGHT}, {BOTTOM, LEFT},
                                      {LEFT, TOP}, {RIGHT, TOP}, {RIGHT, BOTTOM}, {LEFT, BOTTOM}};

static void test_exif_orientations(void **state)
{
    enum { COLUMNS = 3, ROWS = 2 };
    struct image blocks;
    make_blocks(&blocks, COLUMNS, ROWS);
    size_t size;
    char *jpeg = encode(state, &blocks, "a.jpg", &size);
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int big = 0; big < 2; big++) {
            size_t turned_size;
            char *turned = with_orientation(jpeg, size, orientation, big, &turned_size);
            struct image im;
            assert_int_equal(codec_decode(&im, turned, turned_size, "a.jpg", NULL), 0);
            const bool swap = orientation >= 5;
            assert_int_equal(im.w, 16 * (swap ? ROWS : COLUMNS));
            assert_int_equal(im.h, 16 * (swap ? COLUMNS : ROWS));
            for (int row = 0; row < ROWS; row++)
                for (int column = 0; column < COLUMNS; column++) {
                    int x = 0, y = 0; /* distances of the block from the sides that row 0 and column 0 lie on */
                    const int distance[2] = {16 * row + 8, 16 * column + 8};
                    for (int k = 0; k < 2; k++)
                        switch (sides[orientation][k]) {
                        case TOP:
                            y = distance[k];
                            break;
                        case BOTTOM:
                            y = im.h - distance[k];
                            break;
                        case LEFT:
                            x = distance[k];
                            break;
                        case RIGHT:
                            x = im.w - distance[k];
                            break;
                        }
                    assert_in_range(sample(&im, x, y, 0) + 6, 40 * (row * COLUMNS + column), 40 * (row * COLUMNS + column) + 12);
                }
            image_free(&im);
            free(turned);
        }
    mem_free(jpeg);
    image_free(&blocks);
}

static void test_exif_damaged(void **state)
{
    (void)state;
    static const unsigned char good[26] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
    assert_int_equal(exif_orientation(good, sizeof(good)), 6);
    for (size_t n = 0; n < 22; n++) { /* an exact copy of each length, so that reading beyond is noticed */
        unsigned char *copy = malloc(n ? n : 1);
        memcpy(copy, good, n);
        assert_int_equal(exif_orientation(copy, n), 1);
        free(copy);
    }
    for (int at = 0; at < 22; at++)
        for (int v = 0; v < 256; v++) {
            unsigned char bad[22];
            memcpy(bad, good, 22);
            bad[at] = (unsigned char)v;
            assert_in_range(exif_orientation(bad, 22), 1, 8);
        }
    unsigned char nine[26];
    memcpy(nine, good, 26);
    nine[18] = 9;
    assert_int_equal(exif_orientation(nine, 26), 1);
}

static void expect_data_error(const void *bytes, size_t size, const char *word)
{
    struct image im;
    struct error err = ERROR_INIT;
    char *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    const int status = codec_decode(&im, copy, size, "photo.x", &err);
    free(copy);
    if (status == 0)
        fail_msg("the first %zu bytes were taken for an image", size);
    assert_int_equal(err.status, EXIT_DATA);
    assert_non_null(strstr(err.text, "photo.x: "));
    if (word)
        assert_non_null(strstr(err.text, word));
    assert_null(im.data);
}

static void test_truncated(void **state)
{
    struct image im;
    make_blocks(&im, 4, 3);
    static const char *const names[] = {"a.jpg", "a.png"};
    for (int k = 0; k < 2; k++) {
        size_t size;
        char *bytes = encode(state, &im, names[k], &size);
        for (size_t cut = 1; cut < size; cut += 7)
            expect_data_error(bytes, size - cut, NULL);
        expect_data_error(bytes, size * 9 / 10, "truncated");
        char *longer = malloc(size + 5); /* cameras and careless tools leave bytes behind the end */
        memcpy(longer, bytes, size);
        memcpy(longer + size, "junk", 5);
        struct image back;
        assert_int_equal(codec_decode(&back, longer, size + 5, "photo.x", NULL), 0);
        image_free(&back);
        free(longer);
        mem_free(bytes);
    }
    image_free(&im);
}

static void test_truncated_bitmaps(void **state)
{
    (void)state;
    unsigned char bmp[54 + 8 * 12] = {'B', 'M', 150, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 1, 0, 24};
    char ppm[11 + 48] = "P6 4 4 255\n";
    struct image im;
    struct error err = ERROR_INIT;
    memset(bmp + 54, 7, 8 * 12);
    if (codec_decode(&im, bmp, sizeof(bmp), "photo.x", &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(im.h, 8);
    assert_int_equal(im.data[0], 7);
    image_free(&im);
    expect_data_error(bmp, sizeof(bmp) - 1, "truncated");
    expect_data_error(bmp, 80, "truncated");
    if (codec_decode(&im, ppm, sizeof(ppm), "photo.x", &err) != 0)
        fail_msg("%s", err.text);
    image_free(&im);
    expect_data_error(ppm, sizeof(ppm) - 1, "truncated");
}

static void test_damaged_bytes(void **state)
{
    struct image im;
    make_blocks(&im, 3, 2);
    static const char *const names[] = {"a.jpg", "a.png"};
    for (int k = 0; k < 2; k++) {
        size_t size;
        char *bytes = encode(state, &im, names[k], &size);
        for (size_t at = 0; at < size; at += 3) { /* any answer is right, as long as it is one */
            const char was = bytes[at];
            bytes[at] ^= 0x55;
            struct image back;
            struct error err = ERROR_INIT;
            if (codec_decode(&back, bytes, size, "photo.x", &err) == 0)
                image_free(&back);
            else
                assert_int_equal(err.count, 1);
            bytes[at] = was;
        }
        mem_free(bytes);
    }
    image_free(&im);
}

static void test_messages(void **state)
{
    struct image im;
    struct error err = ERROR_INIT;
    char want[512];
    const char *path = support_path(*state, "none.png");
    assert_int_equal(codec_read(&im, path, &err), -1);
    assert_int_equal(err.status, EXIT_NO_INPUT);
    snprintf(want, sizeof(want), "%s: No such file", path);
    assert_non_null(strstr(err.text, want));

    err = ERROR_INIT;
    assert_int_equal(codec_read(&im, *state, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);
    assert_non_null(strstr(err.text, "is a directory"));

    err = ERROR_INIT;
    path = support_path(*state, "empty.jpg");
    support_write(path, "");
    assert_int_equal(codec_read(&im, path, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);
    assert_non_null(strstr(err.text, "empty file"));

    expect_data_error("just some text, no picture at all", 33, "not an image that can be read (PNG, JPEG,");

    err = ERROR_INIT;
    assert_int_equal(image_new(&im, 4, 4, 3, 0, NULL), 0);
    assert_int_equal(codec_write(&im, support_path(*state, "a.webp"), &err), -1);
    assert_non_null(strstr(err.text, ".png"));
    image_free(&im);
}

static void test_too_large(void **state)
{
    (void)state;
    /* The header of a PNG of 20000 × 20000 pixels. */
    static const unsigned char png[] = {0x89, 'P', 'N', 'G',  '\r', '\n', 0x1A, '\n', 0,    0,   0, 13, 'I', 'H', 'D',
                                        'R',  0,   0,   0x4E, 0x20, 0,    0,    0x4E, 0x20, 8,   0, 0,  0,   0,   0,
                                        0,    0,   0,   0,    0,    0,    'I',  'E',  'N',  'D', 0, 0,  0,   0};
    expect_data_error(png, sizeof(png), "too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_suite),
        cmocka_unit_test_setup_teardown(test_png_returns_what_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exif_orientations, setup, teardown),
        cmocka_unit_test(test_exif_damaged),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test(test_truncated_bitmaps),
        cmocka_unit_test_setup_teardown(test_damaged_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
