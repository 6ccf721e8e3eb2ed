/* Files made here by the published layout of the records; real pixels never stand in a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "helpers.h"
#include "support.h"

enum { PIXELS = 3072 };

/* Record i of a file: class (7·i + start) mod classes; byte k of its pixels is (i + 3·k) mod 251. */
static void write_records(const char *path, int n, int start, int labels, int classes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < n; i++) {
        if (labels == 2)
            fputc(i % 20, f);
        fputc((7 * i + start) % classes, f);
        for (int k = 0; k < PIXELS; k++)
            fputc((i + 3 * k) % 251, f);
    }
    assert_int_equal(fclose(f), 0);
}

static int open_split(struct dataset *d, const char *dir, const char *keys, enum split split, int classes, struct error *err)
{
    struct data_options o = options_from(dir, keys);
    *err = ERROR_INIT;
    const int result = dataset_open(d, &o, split, TASK_CLASSIFY, classes, 32, 32, 3, 1, err);
    data_options_free(&o);
    return result;
}

static void test_ten(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        write_records(support_path(dir, name), 20, i, 1, 10);
    }
    write_records(support_path(dir, "test_batch.bin"), 7, 0, 1, 10);
    support_write(support_path(dir, "batches.meta.txt"), "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
    static const int counts[] = {90, 10, 7};
    struct error err;
    struct dataset d;
    for (int split = 0; split < 3; split++) {
        assert_int_equal(open_split(&d, dir, "train=.\nvalid=.\ntest=.", split, 10, &err), 0);
        assert_int_equal(d.n_samples, counts[split]);
        assert_string_equal(d.names.item[9], "truck");
        /* the validation set begins with record 10 of the fifth file */
        assert_int_equal(d.sample[0].label, split == SPLIT_TRAIN ? 1 : split == SPLIT_VALID ? (7 * 10 + 5) % 10 : 0);
        struct image im;
        assert_int_equal(dataset_image(&d, d.n_samples - 1, &im, &err), 0);
        const int record = split == SPLIT_TRAIN ? 9 : split == SPLIT_VALID ? 19 : 6;
        assert_int_equal(im.w, 32);
        assert_int_equal(im.c, 3);
        for (int y = 0; y < 32; y += 31)
            for (int x = 0; x < 32; x += 5)
                for (int c = 0; c < 3; c++)
                    assert_int_equal(im.data[(y * 32 + x) * 3 + c], (record + 3 * (c * 1024 + y * 32 + x)) % 251);
        image_free(&im);
        dataset_close(&d);
    }
    /* the parts of all 100 when the validation set is drawn */
    assert_int_equal(open_split(&d, dir, "train=.\nvalid_fraction=.25", SPLIT_TRAIN, 10, &err), 0);
    assert_int_equal(d.n_samples, 75);
    dataset_close(&d);
    assert_int_equal(open_split(&d, dir, "train=data_batch_2.bin", SPLIT_TRAIN, 10, &err), 0);
    assert_int_equal(d.n_samples, 20);
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_hundred(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    write_records(support_path(dir, "train.bin"), 40, 0, 2, 100);
    write_records(support_path(dir, "test.bin"), 3, 50, 2, 100);
    struct error err;
    struct dataset d;
    assert_int_equal(open_split(&d, dir, "train=.\nvalid=.\ntest=.", SPLIT_TEST, 100, &err), 0);
    assert_int_equal(d.n_samples, 3);
    assert_int_equal(d.n_classes, 100);
    assert_int_equal(d.sample[2].label, 64); /* the fine class */
    struct image im;
    assert_int_equal(dataset_image(&d, 2, &im, &err), 0);
    assert_int_equal(im.data[1], (2 + 3 * 1024) % 251);
    image_free(&im);
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_mistakes(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    write_records(support_path(dir, "data_batch_1.bin"), 4, 8, 1, 17); /* classes 8, 15, 5, 12 */
    struct error err;
    struct dataset d;
    assert_int_equal(open_split(&d, dir, "train=.\non_bad=error", SPLIT_TRAIN, 10, &err), -1);
    assert_non_null(strstr(err.text, "data_batch_1.bin: found class 15 in record 1, expected 0..9"));
    assert_int_equal(open_split(&d, dir, "train=.", SPLIT_TRAIN, 10, &err), 0);
    assert_int_equal(d.n_samples, 2);
    assert_int_equal(d.bad, 2);
    assert_int_equal(truncate(support_path(dir, "data_batch_1.bin"), 3000), 0);
    struct image im;
    assert_int_equal(dataset_image(&d, 1, &im, &err), -1);
    assert_non_null(strstr(err.text, "data_batch_1.bin: record 2 can't be read: the file has become shorter"));
    dataset_close(&d);
    assert_int_equal(open_split(&d, dir, "train=.", SPLIT_TRAIN, 10, &err), -1);
    assert_non_null(strstr(err.text, "data_batch_1.bin: found 3000 bytes, expected a multiple of 3073 (records of CIFAR-10)"));
    assert_int_equal(open_split(&d, dir, "test=.", SPLIT_TEST, 10, &err), -1);
    assert_non_null(strstr(err.text, "has no test_batch.bin"));
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ten), cmocka_unit_test(test_hundred), cmocka_unit_test(test_mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
