/* The figures of the official demo's 100 images are those of scripts/reference/data_counts.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "data/coco_json.h"
#include "helpers.h"
#include "support.h"

static int open_keys(struct dataset *d, const char *dir, const char *keys, enum split split, int classes, struct error *err)
{
    struct data_options o = options_from(dir, keys);
    *err = ERROR_INIT;
    const int result = dataset_open(d, &o, split, TASK_DETECT, classes, 8, 8, 3, 1, err);
    data_options_free(&o);
    return result;
}

static int no_bad(void *context, int line, const char *message)
{
    (void)context;
    fail_msg("%d: %s", line, message);
    return -1;
}

static void test_demo(void **state)
{
    (void)state;
    const char *demo = support_data("detector-metrics/coco-demo/instances_val2014_100.json");
    if (!demo)
        skip();
    char *json = mem_string(demo), *dir = support_make_dir();
    struct error err = ERROR_INIT;
    /* Boxes need no pixels, only files of these names. */
    struct coco c = {.bad = no_bad};
    assert_int_equal(coco_read(&c, json, &err), 0);
    assert_int_equal(c.n_images, 100);
    assert_int_equal(c.n_boxes, 839);
    for (int i = 0; i < c.n_images; i++)
        support_write(support_path(dir, c.image[i].file), "");
    coco_free(&c);
    char *keys = mem_format("valid=%s\nimages=%s\non_bad=error", json, dir);
    struct dataset d;
    if (open_keys(&d, ".", keys, SPLIT_VALID, 80, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(d.n_samples, 100);
    assert_int_equal(d.names.n, 80);
    assert_string_equal(d.names.item[0], "person");
    assert_string_equal(d.names.item[79], "toothbrush");
    int boxes = 0, crowd = 0, people = 0, chairs = 0;
    double area = 0;
    for (int i = 0; i < d.n_samples; i++)
        for (int k = 0; k < d.sample[i].n_boxes; k++, boxes++) {
            const struct truth_box *b = &d.sample[i].box[k];
            crowd += b->difficult;
            people += b->class_id == 0;
            chairs += b->class_id == 56;
            area += (double)b->box.w * (double)b->box.h;
        }
    assert_int_equal(boxes, 839);
    assert_int_equal(crowd, 9);
    assert_int_equal(people, 256);
    assert_int_equal(chairs, 46);
    assert_true(fabs(area - 59.67810) < 1e-3);
    dataset_close(&d);
    free(keys);
    free(json);
    support_remove_dir(dir);
}

static const char small[] = "{\"info\": {\"year\": [2017, {\"deep\": null}]},\n"
                            "\"annotations\": [\n"
                            " {\"id\": 1, \"image_id\": 7, \"category_id\": 18, \"bbox\": [10, 5, 20.5, 10], \"iscrowd\": 0, "
                            "\"segmentation\": [[1, 2, 3]], \"area\": 5},\n"
                            " {\"bbox\": [0, 0, 40, 20], \"image_id\": 9, \"category_id\": 3, \"iscrowd\": 1,\n"
                            "  \"segmentation\": {\"counts\": [3, 4], \"size\": [20, 40]}}],\n"
                            "\"images\": [{\"id\": 7, \"file_name\": \"a b.png\", \"width\": 40, \"height\": 20},\n"
                            " {\"id\": 9, \"file_name\": \"\\u0441.png\"}],\n"
                            "\"categories\": [{\"id\": 18, \"name\": \"dog\"}, {\"id\": 3, \"name\": \"car\"}]}\n";

static void test_places_and_names(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    struct error err;
    struct dataset d;
    mkdir(support_path(dir, "annotations"), 0777);
    mkdir(support_path(dir, "val2017"), 0777);
    support_write(support_path(dir, "annotations/instances_val2017.json"), small);
    write_image(support_path(dir, "val2017/a b.png"), 40, 20, 9);
    write_image(support_path(dir, "val2017/\xD1\x81.png"), 40, 20, 9);
    if (open_keys(&d, dir, "valid=.\non_bad=error", SPLIT_VALID, 2, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(d.n_samples, 2);
    assert_string_equal(d.names.item[0], "car"); /* in the order of the ids */
    const struct truth_box *b = &d.sample[0].box[0];
    assert_int_equal(d.sample[0].n_boxes, 1);
    assert_int_equal(b->class_id, 1);
    assert_true(fabs((double)b->box.x - 20.25 / 40) < 1e-6 && fabs((double)b->box.y - .5) < 1e-6);
    assert_true(fabs((double)b->box.w - 20.5 / 40) < 1e-6 && fabs((double)b->box.h - .5) < 1e-6);
    b = &d.sample[1].box[0]; /* its size comes from the image */
    assert_int_equal(b->difficult, 1);
    assert_true(b->box.w == 1 && b->box.h == 1);
    struct image im;
    assert_int_equal(dataset_image(&d, 1, &im, &err), 0);
    assert_int_equal(im.w, 40);
    image_free(&im);
    dataset_close(&d);
    support_write(support_path(dir, "x.names"), "dog\ncat\ncar\n");
    assert_int_equal(open_keys(&d, dir, "valid=annotations/instances_val2017.json\nnames=x.names", SPLIT_VALID, 3, &err), 0);
    assert_int_equal(d.sample[0].box[0].class_id, 0);
    assert_int_equal(d.sample[1].box[0].class_id, 2);
    dataset_close(&d);
    assert_int_equal(open_keys(&d, dir, "train=.", SPLIT_TRAIN, 2, &err), -1);
    assert_non_null(strstr(err.text, "has no annotations/instances_train*.json"));
    /* both parts of one file */
    int n = 0;
    for (int split = 0; split < 2; split++) {
        assert_int_equal(open_keys(&d, dir, "train=annotations/instances_val2017.json\nfolds=2", split, 2, &err), 0);
        n += d.n_samples;
        dataset_close(&d);
    }
    assert_int_equal(n, 2);
    support_remove_dir(dir);
}

/* Each a file and what is told of it. */
static const struct {
    const char *text, *message;
} mistakes[] = {
    {"", "a.json:1: the JSON is broken at byte 0: parse error: premature EOF"},
    {"[]", "a.json:1: found an array, expected an object with images"},
    {"{\"images\": 5}", "a.json:1: found a number as \"images\", expected an array"},
    {"{\"images\": [],\n\"images\": []}", "a.json:2: found images, annotations or categories twice"},
    {"{\"images\": [\n[]]}", "a.json:2: found an array in \"images\", expected objects"},
    {"{\"images\": [], \"annotations\": []}", "a.json: has no \"categories\""},
    {"{\"images\": [],\n\"annotations\": [{\"id\": 1,,}]}", "a.json:2: the JSON is broken at byte 41: parse error"},
    {"{\"images\": [{\"id\": 1}]}", "a.json:1: an image (id 1): has no file_name"},
    {"{\"images\": [{\"id\": \"1\", \"file_name\": \"a\"}]}", "a.json:1: an image: found a text as id, expected a number"},
    {"{\"images\": [{\"id\": 1.5, \"file_name\": \"a\"}]}", "an image (id 0): found the number 1.5, expected a whole number"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"a\", \"width\": 1e999}]}", "found the number 1e999, expected a finite one"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"a\\u0000b\"}]}", "found a zero byte in a name"},
    {"{\"annotations\": [{\"id\": 4, \"image_id\": 1, \"category_id\": 1,\n\"bbox\": [1, 2, 3]}]}",
     "a.json:1: an annotation (id 4): has a bbox of 3 numbers, expected 4"},
    {"{\"annotations\": [{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, null, 3]}]}", "found null in bbox, expected numbers"},
    {"{\"annotations\": [{\"image_id\": 1, \"category_id\": 1, \"bbox\": {}}]}", "found an object as bbox, expected an array of 4 numbers"},
    {"{\"annotations\": [{\"image_id\": 1, \"bbox\": [1, 2, 3, 4]}]}", "an annotation: has no category_id"},
    {"{\"categories\": [{\"id\": 1, \"name\": 5}]}", "found a number as name, expected a text"},
    {"{\"images\": [], \"annotations\": [], \"categories\": [{\"id\": 1, \"name\": \"a\"},\n{\"id\": 1, \"name\": \"b\"}]}",
     "a.json:2: a category has the id 1, as another before"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"x.png\"}], \"annotations\": [], \"categories\": []}",
     "a.json:1: found the image 'x.png', but"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"y.png\"},\n{\"id\": 1, \"file_name\": \"y.png\"}], \"annotations\": [], \"categories\": "
     "[]}",
     "a.json:2: an image has the id 1, as another before"},
    {"{\"images\": [], \"annotations\": [\n{\"id\": 3, \"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]}], \"categories\": []}",
     "a.json:2: annotation 3 is of image 1, which is none of the 0"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"y.png\"}], \"annotations\": [\n{\"id\": 3, \"image_id\": 1, \"category_id\": 1, \"bbox\": "
     "[1, 2, "
     "3, 4]}], \"categories\": []}",
     "a.json:2: annotation 3 has category 1, which is none of the 0"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"y.png\"}], \"annotations\": [\n{\"id\": 3, \"image_id\": 1, \"category_id\": 1, \"bbox\": "
     "[1, 2, "
     "0, 4]}], \"categories\": [{\"id\": 1, \"name\": \"a\"}]}",
     "a.json:2: found a box without area"},
    {"{\"images\": [{\"id\": 1, \"file_name\": \"y.png\"}], \"annotations\": [], \"categories\": [{\"id\": 1, \"name\": \"a\"}]}",
     "a.json: holds no annotations with a bbox"},
};

static void test_mistakes(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    write_image(support_path(dir, "y.png"), 8, 8, 5);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct error err;
        struct dataset d;
        support_write(support_path(dir, "a.json"), mistakes[i].text);
        assert_int_equal(open_keys(&d, dir, "train=a.json\non_bad=error", SPLIT_TRAIN, 1, &err), -1);
        if (!strstr(err.text, mistakes[i].message))
            fail_msg("expected '%s', found '%s'", mistakes[i].message, err.text);
    }
    /* skipped, the rest is there */
    struct error err;
    struct dataset d;
    support_write(
        support_path(dir, "a.json"),
        "{\"images\": [{\"id\": 1, \"file_name\": \"y.png\"}, {\"id\": 2}], \"annotations\": [{\"image_id\": 1, \"category_id\": 5, "
        "\"bbox\": [0, 0, 4, 8]}, {\"image_id\": 2, \"category_id\": 5, \"bbox\": [0, 0, 4, 8]}, {}], \"categories\": [{\"id\": 5, "
        "\"name\": \"a\"}]}");
    assert_int_equal(open_keys(&d, dir, "train=a.json", SPLIT_TRAIN, 1, &err), 0);
    assert_int_equal(d.n_samples, 1);
    assert_int_equal(d.sample[0].n_boxes, 1);
    assert_int_equal(d.bad, 3);
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_deep(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    char *text = mem_new(200001, 1);
    memset(text, '[', 200000);
    memcpy(text, "{\"x\":", 5);
    support_write(support_path(dir, "a.json"), text);
    struct error err;
    struct dataset d;
    assert_int_equal(open_keys(&d, dir, "train=a.json", SPLIT_TRAIN, 1, &err), -1);
    assert_non_null(strstr(err.text, "a.json:1: is nested deeper than 64 levels"));
    free(text);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_demo), cmocka_unit_test(test_places_and_names),
                                       cmocka_unit_test(test_mistakes), cmocka_unit_test(test_deep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
