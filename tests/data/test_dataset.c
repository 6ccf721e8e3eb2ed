/* Counts of the real sets are those of scripts/reference/data_counts.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "data/names.h"
#include "helpers.h"
#include "support.h"

static struct dataset open_keys(const char *folder, const char *keys, enum split split, enum task task, int n_classes)
{
    struct error err = ERROR_INIT;
    struct data_options o = options_from(folder, keys);
    struct dataset d;
    if (dataset_open(&d, &o, split, task, n_classes, 8, 8, 3, 1, &err) != 0)
        fail_msg("%s", err.text);
    data_options_free(&o);
    return d;
}

static int count_boxes(const struct dataset *d, int class_id)
{
    int n = 0;
    for (int i = 0; i < d->n_samples; i++)
        for (int k = 0; k < d->sample[i].n_boxes; k++)
            n += class_id < 0 || d->sample[i].box[k].class_id == class_id;
    return n;
}

static double sum_areas(const struct dataset *d)
{
    double sum = 0;
    for (int i = 0; i < d->n_samples; i++)
        for (int k = 0; k < d->sample[i].n_boxes; k++)
            sum += (double)d->sample[i].box[k].box.w * (double)d->sample[i].box[k].box.h;
    return sum;
}

static void test_bccd(void **state)
{
    (void)state;
    const char *root = support_data("bccd");
    if (!root)
        skip();
    char *keys = mem_format("train=%s\nvalid=%s\ntest=%s", root, root, root);
    static const struct {
        int images, boxes, of_class[3], bad;
        double areas;
    } expected[] = {
        {205, 2804, {209, 2381, 214}, 1, 107.153470}, {87, 1137, {83, 967, 87}, 1, 44.171188}, {72, 945, {69, 805, 71}, 0, 35.924749}};
    for (int split = 0; split < 3; split++) {
        struct dataset d = open_keys(".", keys, split, TASK_DETECT, 3);
        assert_int_equal(d.n_samples, expected[split].images);
        assert_int_equal(count_boxes(&d, -1), expected[split].boxes);
        assert_int_equal(d.names.n, 3);
        assert_string_equal(d.names.item[0], "Platelets");
        assert_string_equal(d.names.item[1], "RBC");
        assert_string_equal(d.names.item[2], "WBC");
        for (int k = 0; k < 3; k++)
            assert_int_equal(count_boxes(&d, k), expected[split].of_class[k]);
        assert_true(fabs(sum_areas(&d) - expected[split].areas) < 1e-3);
        assert_int_equal(d.bad, expected[split].bad);
        if (d.bad) { /* the box without area, at its line */
            assert_non_null(strstr(d.first_bad.text, split == SPLIT_TRAIN ? "BloodImage_00343.xml:" : "BloodImage_00338.xml:"));
            assert_non_null(strstr(d.first_bad.text, "without area"));
        }
        struct image im;
        struct error err = ERROR_INIT;
        assert_int_equal(dataset_image(&d, 0, &im, &err), 0);
        assert_int_equal(im.w, 640);
        assert_int_equal(im.h, 480);
        image_free(&im);
        dataset_close(&d);
    }
    free(keys);
}

static void test_voc_list_and_names(void **state)
{
    (void)state;
    const char *root = support_data("bccd");
    if (!root)
        skip();
    char *dir = support_make_dir();
    support_write(support_path(dir, "x.names"), "WBC\nRBC\nPlatelets\n");
    char *keys = mem_format("train=%s/ImageSets/Main/trainval.txt\nnames=x.names", root);
    struct dataset d = open_keys(dir, keys, SPLIT_TRAIN, TASK_DETECT, 3);
    assert_int_equal(d.n_samples, 292);
    assert_int_equal(count_boxes(&d, 0), 214 + 87); /* the order of names= counts */
    dataset_close(&d);
    free(keys);
    support_remove_dir(dir);
}

static void test_mnist(void **state)
{
    (void)state;
    const char *root = support_data("mnist");
    if (!root)
        skip();
    char *keys = mem_format("train=%s\nvalid=%s\ntest=%s", root, root, root);
    static const struct {
        int images, histogram[10], first_sum, last_sum;
    } expected[] = {{55000, {5434, 6212, 5465, 5622, 5343, 4963, 5436, 5702, 5357, 5466}, 27525, 41380},
                    {5000, {489, 530, 493, 509, 499, 458, 482, 563, 494, 483}, 12743, 20920},
                    {10000, {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, 18454, 41833}};
    for (int split = 0; split < 3; split++) {
        struct dataset d = open_keys(".", keys, split, TASK_CLASSIFY, 10);
        assert_int_equal(d.n_samples, expected[split].images);
        int histogram[10] = {0};
        for (int i = 0; i < d.n_samples; i++)
            histogram[d.sample[i].label]++;
        assert_memory_equal(histogram, expected[split].histogram, sizeof histogram);
        assert_int_equal(d.names.n, 10);
        assert_string_equal(d.names.item[7], "7");
        for (int end = 0; end < 2; end++) {
            struct image im;
            struct error err = ERROR_INIT;
            assert_int_equal(dataset_image(&d, end ? d.n_samples - 1 : 0, &im, &err), 0);
            int sum = 0;
            for (int i = 0; i < 784; i++)
                sum += im.data[i];
            assert_int_equal(sum, end ? expected[split].last_sum : expected[split].first_sum);
            assert_int_equal(im.w * 1000 + im.h * 10 + im.c, 28281);
            image_free(&im);
        }
        dataset_close(&d);
    }
    free(keys);
    keys = mem_format("train=%s\nvalid=%s\ntrain_count=60000", root, root);
    struct dataset d = open_keys(".", keys, SPLIT_TRAIN, TASK_CLASSIFY, 10);
    assert_int_equal(d.n_samples, 60000);
    dataset_close(&d);
    free(keys);
    keys = mem_format("test=%s/t10k-images-idx3-ubyte.gz\ntest_count=100", root);
    d = open_keys(".", keys, SPLIT_TEST, TASK_CLASSIFY, 10);
    assert_int_equal(d.n_samples, 100);
    assert_int_equal(d.sample[0].label, 7);
    dataset_close(&d);
    free(keys);
}

static void test_coco128(void **state)
{
    (void)state;
    const char *root = support_data("coco128");
    if (!root)
        skip();
    char *keys = mem_format("train=%s/train2017.txt\nnames=%s/coco.names", root, root);
    struct dataset d = open_keys(".", keys, SPLIT_TRAIN, TASK_DETECT, 80);
    assert_int_equal(d.n_samples, 128);
    assert_int_equal(count_boxes(&d, -1), 929);
    assert_int_equal(count_boxes(&d, 0), 254);
    assert_int_equal(d.unlabelled, 2);
    assert_int_equal(d.bad, 0);
    assert_int_equal(d.n_classes, 80);
    assert_true(fabs(sum_areas(&d) - 75.486199) < 1e-3);
    const struct box b = d.sample[0].box[0].box; /* the first line of the first label file: 45 0.479492 0.688771 0.955609 0.5955 */
    assert_int_equal(d.sample[0].box[0].class_id, 45);
    assert_true(fabs((double)b.x - .479492) < 1e-6 && fabs((double)b.y - .688771) < 1e-6);
    assert_true(fabs((double)b.w - .955609) < 1e-6 && fabs((double)b.h - .5955) < 1e-6);
    dataset_close(&d);
    free(keys);
}

static void test_cifar10(void **state)
{
    (void)state;
    const char *root = support_data("cifar10");
    if (!root)
        skip();
    char *keys = mem_format("train=%s/train.txt\nvalid=%s/test.txt\ntest=%s\nnames=%s/cifar10.names", root, root, root, root);
    for (int split = 0; split < 3; split++) { /* test= is the same files as folders of classes */
        struct dataset d = open_keys(".", keys, split, TASK_CLASSIFY, 10);
        assert_int_equal(d.n_samples, split == SPLIT_TRAIN ? 10000 : 2000);
        int histogram[10] = {0};
        for (int i = 0; i < d.n_samples; i++) {
            histogram[d.sample[i].label]++;
            char *part = mem_format("/%s/", d.names.item[d.sample[i].label]);
            assert_non_null(strstr(d.sample[i].name, part));
            free(part);
        }
        for (int k = 0; k < 10; k++)
            assert_int_equal(histogram[k], split == SPLIT_TRAIN ? 1000 : 200);
        dataset_close(&d);
    }
    free(keys);
}

static void test_folder_classes(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    static const char *const folders[] = {"p",         "p/train",     "p/train/dog", "p/train/cat", "p/val",
                                          "p/val/cat", "p/train/ant", "flat",        "flat/b",      "flat/a"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(support_path(dir, folders[i]), 0777), 0);
    write_image(support_path(dir, "p/train/dog/1.png"), 4, 3, 10);
    write_image(support_path(dir, "p/train/cat/1.png"), 4, 3, 20);
    write_image(support_path(dir, "p/train/cat/2.png"), 4, 3, 30);
    write_image(support_path(dir, "p/val/cat/9.png"), 4, 3, 40);
    write_image(support_path(dir, "flat/b/1.png"), 4, 3, 50);
    support_write(support_path(dir, "p/train/cat/readme.txt"), "not an image");
    struct dataset d = open_keys(dir, "train=p\nvalid=p\ntest=flat", SPLIT_TRAIN, TASK_CLASSIFY, 3);
    assert_int_equal(d.n_samples, 3);
    assert_int_equal(d.names.n, 3); /* ant has no image, but its number */
    assert_string_equal(d.names.item[0], "ant");
    assert_int_equal(d.sample[0].label, 1);
    assert_int_equal(d.sample[2].label, 2);
    dataset_close(&d);
    d = open_keys(dir, "train=p\nvalid=p", SPLIT_VALID, TASK_CLASSIFY, 3);
    assert_int_equal(d.n_samples, 1);
    assert_int_equal(d.sample[0].label, 1); /* as in training, though val has one folder */
    struct image im;
    assert_int_equal(dataset_image(&d, 0, &im, NULL), 0);
    assert_int_equal(im.data[0], 40);
    image_free(&im);
    dataset_close(&d);
    d = open_keys(dir, "train=p/train\nvalid=p/val", SPLIT_VALID, TASK_CLASSIFY, 0);
    assert_int_equal(d.sample[0].label, 1);
    assert_int_equal(d.n_classes, 3);
    dataset_close(&d);
    d = open_keys(dir, "train=flat", SPLIT_TRAIN, TASK_CLASSIFY, 5);
    assert_int_equal(d.n_samples, 1);
    assert_int_equal(d.sample[0].label, 1);
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_list_forms(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    static const char *const folders[] = {"images", "images/a", "labels", "labels/a", "JPEGImages"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(support_path(dir, folders[i]), 0777), 0);
    write_image(support_path(dir, "images/a/1.x.png"), 10, 10, 0);
    write_image(support_path(dir, "JPEGImages/2.png"), 10, 10, 0);
    write_image(support_path(dir, "3.png"), 10, 10, 0);
    support_write(support_path(dir, "labels/a/1.x.txt"), "\xef\xbb\xbf"
                                                         "0 .5 .5 .2 .4\r\n\r\n1\t.25 .25 .5 .5");
    support_write(support_path(dir, "labels/2.txt"), "2 0.02 .5 0.1 1.002\n"); /* a little over two edges */
    support_write(support_path(dir, "3.txt"), "");
    char *list = mem_format("\xef\xbb\xbf"
                            "images/a/1.x.png\r\n\r\n  JPEGImages/2.png  \r\n%s/3.png",
                            dir);
    support_write(support_path(dir, "train.txt"), list);
    struct dataset d = open_keys(dir, "train=train.txt", SPLIT_TRAIN, TASK_DETECT, 0);
    assert_int_equal(d.n_samples, 3);
    assert_int_equal(d.bad, 0);
    assert_int_equal(d.unlabelled, 0);
    assert_int_equal(d.n_classes, 3);
    assert_int_equal(d.sample[0].n_boxes, 2);
    assert_int_equal(d.sample[0].box[1].class_id, 1);
    assert_int_equal(d.sample[2].n_boxes, 0);
    const struct box b = d.sample[1].box[0].box; /* x from −.03 to .07, y from −.001 to 1.001: cut at 0 and 1 */
    assert_true(fabs((double)b.x - .035) < 1e-6 && fabs((double)b.w - .07) < 1e-6);
    assert_true(fabs((double)b.y - .5) < 1e-6 && fabs((double)b.h - 1) < 1e-6);
    dataset_close(&d);
    free(list);
    support_remove_dir(dir);
}

static void test_class_from_path(void **state)
{
    (void)state;
    struct text_list names = {0};
    static const char *const words[] = {"cat", "bear", "polar_bear", "dog", "n02110185"};
    for (int i = 0; i < 5; i++)
        text_list_add(&names, words[i]);
    struct name_index index;
    name_index_init(&index, &names);
    static const struct {
        const char *path;
        int expected;
    } cases[] = {{"data/train/cat/1.jpg", 0},
                 {"dog/train/cat/1.jpg", 0}, /* the folder nearest to the file */
                 {"data/cifar/train/34_dog.png", 3},
                 {"data/7_polar_bear.png", 2}, /* the longest part */
                 {"data/7_bear.png", 1},
                 {"imagenet/n02110185_10047.JPEG", 4},
                 {"data/mycats/1.jpg", 0}, /* anywhere, as Darknet */
                 {"cat_dog.jpg", NAME_AMBIGUOUS},
                 {"catsanddogs/1.jpg", NAME_AMBIGUOUS},
                 {"data/horse/1.jpg", NAME_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int other[2];
        assert_int_equal(name_index_path(&index, cases[i].path, other), cases[i].expected);
    }
    name_index_free(&index);
    text_list_free(&names);
}

static void test_labels_file(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    write_image(support_path(dir, "n2_5.png"), 4, 4, 0);
    support_write(support_path(dir, "list.txt"), "n2_5.png\n");
    support_write(support_path(dir, "short.names"), "husky\ncrane\ncrane\n"); /* equal names for people are fine */
    support_write(support_path(dir, "labels.list"), "n1\nn3\nn2\n");
    struct dataset d = open_keys(dir, "train=list.txt\nnames=short.names\nlabels=labels.list", SPLIT_TRAIN, TASK_CLASSIFY, 3);
    assert_int_equal(d.sample[0].label, 2);
    assert_string_equal(d.names.item[0], "husky");
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_data_file(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    assert_int_equal(mkdir(support_path(dir, "sub"), 0777), 0);
    support_write(support_path(dir, "sub/a.txt"), "x");
    support_write(support_path(dir, "b.txt"), "x");
    char *file = mem_string(support_path(dir, "sub/my.data"));
    support_write(file, "# a comment\nclasses= 2\r\ntrain  = a.txt\nvalid = b.txt\nbackup = backup/\neval=coco\n");
    struct config c;
    struct error err = ERROR_INIT;
    char *cfg = mem_format("%s/x.cfg", dir);
    assert_int_equal(config_parse(&c, cfg, "[net]\n[data]\ntrain=b.txt\ntest=b.txt\non_bad=error\n", &err), 0);
    struct data_options o;
    assert_int_equal(data_options_read(&o, &c, file, &err), 0);
    assert_string_equal(o.train, support_path(dir, "sub/a.txt")); /* beside the .data file, which wins */
    assert_string_equal(o.valid, support_path(dir, "b.txt"));     /* beside the cfg */
    assert_string_equal(o.test, support_path(dir, "b.txt"));      /* from the cfg */
    assert_string_equal(o.backup, "backup/");
    assert_int_equal(o.on_bad, 1);
    assert_int_equal(o.classes, 2);
    assert_int_equal(o.classes_line, 2);
    assert_int_equal(o.train_line, 3);
    data_options_free(&o);
    config_free(&c);
    free(cfg);
    free(file);
    support_remove_dir(dir);
}

/* Beside the cfg first, for --set and the cfg in a model from the working directory first. */
static void test_search_of_paths(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    assert_int_equal(mkdir(support_path(dir, "src"), 0777), 0); /* a folder that the working directory has too */
    char *cfg = mem_format("%s/x.cfg", dir), *model = mem_format("%s/x.safetensors:cfg", dir), *beside = mem_format("%s/src", dir);
    for (int form = 0; form < 3; form++) {
        struct config c;
        struct data_options o;
        struct error err = ERROR_INIT;
        assert_int_equal(config_parse(&c, form == 2 ? model : cfg, "[net]\n[data]\ntrain=src\ntest=nowhere\n", &err), 0);
        if (form == 1)
            assert_int_equal(config_set(&c, "data.train=src", &err), 0);
        assert_int_equal(data_options_read(&o, &c, NULL, &err), 0);
        assert_string_equal(o.train, form == 0 ? beside : "src");
        assert_string_equal(o.test, "nowhere");
        data_options_free(&o);
        config_free(&c);
    }
    free(cfg);
    free(model);
    free(beside);
    support_remove_dir(dir);
}

static void test_voc_size_from_image(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    static const char *const folders[] = {"Annotations", "JPEGImages", "ImageSets", "ImageSets/Main"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(mkdir(support_path(dir, folders[i]), 0777), 0);
    write_image(support_path(dir, "JPEGImages/a.png"), 20, 10, 0);
    support_write(support_path(dir, "ImageSets/Main/train.txt"), "a\n");
    support_write(support_path(dir, "Annotations/a.xml"),
                  "<annotation><size><width>0</width></size><object><name> dog </name><difficult>1</difficult>"
                  "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
                  "<bndbox><xmin>5.0</xmin><ymin>2</ymin><xmax>15</xmax><ymax>8.5</ymax></bndbox></object></annotation>");
    char *keys = mem_format("train=%s", dir);
    struct dataset d = open_keys(".", keys, SPLIT_TRAIN, TASK_DETECT, 1);
    assert_int_equal(d.names.n, 1);
    assert_string_equal(d.names.item[0], "dog");
    assert_int_equal(d.sample[0].n_boxes, 1);
    const struct truth_box t = d.sample[0].box[0];
    assert_int_equal(t.difficult, 1);
    assert_true(fabs((double)t.box.x - .5) < 1e-6 && fabs((double)t.box.w - .5) < 1e-6);
    assert_true(fabs((double)t.box.y - .525) < 1e-6 && fabs((double)t.box.h - .65) < 1e-6);
    dataset_close(&d);
    free(keys);
    support_remove_dir(dir);
}

static void test_shapes_is_a_name(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    assert_int_equal(mkdir(support_path(dir, "shapes"), 0777), 0); /* a folder of that name is not meant */
    struct data_options o = options_from(dir, "train=shapes\ntrain_count=7");
    assert_string_equal(o.train, "shapes");
    data_options_free(&o);
    struct dataset d = open_keys(dir, "train=shapes\ntrain_count=7", SPLIT_TRAIN, TASK_DETECT, 0);
    assert_int_equal(d.n_samples, 7);
    dataset_close(&d);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bccd),
        cmocka_unit_test(test_voc_list_and_names),
        cmocka_unit_test(test_mnist),
        cmocka_unit_test(test_coco128),
        cmocka_unit_test(test_cifar10),
        cmocka_unit_test(test_folder_classes),
        cmocka_unit_test(test_list_forms),
        cmocka_unit_test(test_class_from_path),
        cmocka_unit_test(test_labels_file),
        cmocka_unit_test(test_data_file),
        cmocka_unit_test(test_search_of_paths),
        cmocka_unit_test(test_voc_size_from_image),
        cmocka_unit_test(test_shapes_is_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
