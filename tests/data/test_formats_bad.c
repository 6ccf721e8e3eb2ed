/* Bad inputs: what is said, with file and line, and the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "helpers.h"
#include "support.h"

static char *dir; /* one folder for all cases */

static const char *at(const char *name)
{
    return support_path(dir, name);
}

static void make_dir(const char *name)
{
    assert_int_equal(mkdir(at(name), 0777), 0);
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    struct error err = ERROR_INIT;
    assert_int_equal(file_write(at(name), bytes, size, &err), 0);
}

/* An idx file with the header given, and `size` bytes after it. */
static void write_idx(const char *name, const unsigned *words, int n, size_t size)
{
    unsigned char *bytes = mem_new(16 + size, 1);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            bytes[4 * i + k] = (unsigned char)(words[i] >> (24 - 8 * k));
    write_bytes(name, bytes, 4 * (size_t)n + size);
    free(bytes);
}

/* An MNIST folder: images and labels with these headers and this many bytes. */
static void mnist_folder(const char *name, const unsigned images[4], size_t image_bytes, const unsigned labels[2], size_t label_bytes)
{
    make_dir(name);
    char *i = mem_format("%s/train-images-idx3-ubyte", name), *l = mem_format("%s/train-labels-idx1-ubyte", name);
    write_idx(i, images, 4, image_bytes);
    write_idx(l, labels, 2, label_bytes);
    free(i);
    free(l);
}

static void voc_folder(const char *name, const char *xml)
{
    static const char *const parts[] = {"", "/Annotations", "/JPEGImages", "/ImageSets", "/ImageSets/Main"};
    for (int i = 0; i < 5; i++) {
        char *part = mem_format("%s%s", name, parts[i]);
        make_dir(part);
        free(part);
    }
    char *file = mem_format("%s/JPEGImages/a.png", name);
    write_image(at(file), 20, 10, 0);
    free(file);
    file = mem_format("%s/ImageSets/Main/train.txt", name);
    support_write(at(file), "a\n");
    free(file);
    file = mem_format("%s/Annotations/a.xml", name);
    support_write(at(file), xml);
    free(file);
}

/* A detection list of one image whose label file holds `text`. */
static void label_case(const char *name, const char *text)
{
    char *file = mem_format("%s.png", name), *label = mem_format("%s.txt", name), *list = mem_format("%s.list", name);
    write_image(at(file), 8, 8, 0);
    support_write(at(label), text);
    support_write(at(list), file);
    free(file);
    free(label);
    free(list);
}

#define XML_HEAD "<annotation>\n<size><width>20</width><height>10</height></size>\n"
#define XML_BOX(a, b, c, d) "<bndbox><xmin>" a "</xmin><ymin>" b "</ymin><xmax>" c "</xmax><ymax>" d "</ymax></bndbox>"
#define XML_END "\n</object>\n</annotation>\n"

static int setup(void **state)
{
    (void)state;
    dir = support_make_dir();
    support_write(at("two.names"), "cat\ndog\n");
    support_write(at("gap.names"), "cat\n\ndog\n");
    support_write(at("empty.names"), "\n\n");

    const unsigned good[4] = {0x803, 10, 4, 4}, labels[2] = {0x801, 10};
    mnist_folder("short", good, 100, labels, 10);
    mnist_folder("long", good, 161, labels, 10);
    mnist_folder("huge", (const unsigned[4]){0x803, 0x7fffffff, 65535, 65535}, 100, (const unsigned[2]){0x801, 0x7fffffff}, 10);
    mnist_folder("beyond", (const unsigned[4]){0x803, 0xffffffff, 28, 28}, 100, labels, 10);
    mnist_folder("nosize", (const unsigned[4]){0x803, 10, 0, 4}, 100, labels, 10);
    mnist_folder("magic", (const unsigned[4]){0x801, 10, 4, 4}, 160, labels, 10);
    mnist_folder("counts", good, 160, (const unsigned[2]){0x801, 9}, 9);
    mnist_folder("labelscut", good, 160, labels, 7);
    mnist_folder("good", good, 160, labels, 10);
    make_dir("header");
    write_bytes("header/train-images-idx3-ubyte", "\0\0\x08\x03\0", 5);
    write_idx("header/train-labels-idx1-ubyte", labels, 2, 10);
    make_dir("nolabels");
    write_idx("nolabels/train-images-idx3-ubyte", good, 4, 160);
    make_dir("gz");
    write_idx("gz/train-labels-idx1-ubyte", labels, 2, 10);
    gzFile gz = gzopen(at("gz/train-images-idx3-ubyte.gz"), "wb");
    unsigned char noise[4096];
    struct rng rng = rng_make(1, RNG_TEST, 0, 0); /* incompressible */
    for (int i = 0; i < 4096; i++)
        noise[i] = (unsigned char)rng_below(&rng, 256);
    const unsigned char head[16] = {0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 16, 0, 0, 0, 25};
    gzwrite(gz, head, 16);
    gzwrite(gz, noise, 4000);
    gzclose(gz);
    size_t size;
    char *whole = file_read(at("gz/train-images-idx3-ubyte.gz"), 1 << 20, &size, NULL);
    whole[size - 100] = (char)(whole[size - 100] ^ 0x55);
    write_bytes("gz/train-images-idx3-ubyte.gz", whole, size);
    make_dir("gzcut");
    write_idx("gzcut/train-labels-idx1-ubyte", labels, 2, 10);
    whole[size - 100] = (char)(whole[size - 100] ^ 0x55);
    write_bytes("gzcut/train-images-idx3-ubyte.gz", whole, size - 1000);
    mem_free(whole);

    voc_folder("broken", "<annotation>\n<object>\n</annotation>\n");
    voc_folder("emptyxml", "");
    voc_folder("bomb", "<?xml version=\"1.0\"?>\n<!DOCTYPE a [\n<!ENTITY a \"aaaaaaaaaa\">\n<!ENTITY b \"&a;&a;&a;&a;\">\n]>\n"
                       "<annotation><object><name>&b;</name></object></annotation>");
    voc_folder("outside", "<?xml version=\"1.0\"?>\n<!DOCTYPE a [\n<!ENTITY x SYSTEM \"file:///etc/passwd\">\n]>\n"
                          "<annotation><object><name>&x;</name></object></annotation>");
    voc_folder("unknown", XML_HEAD "<object>\n<name>dig</name>\n" XML_BOX("1", "1", "9", "9") XML_END);
    voc_folder("flat", XML_HEAD "<object><name>dog</name>\n\n" XML_BOX("5", "5", "5", "9") XML_END);
    voc_folder("vocnan", XML_HEAD "<object><name>dog</name>\n" XML_BOX("nan", "5", "7", "9") XML_END);
    voc_folder("far", XML_HEAD "<object><name>dog</name>\n" XML_BOX("30", "2", "40", "9") XML_END);
    voc_folder("edge", XML_HEAD "<object><name>dog</name>\n<bndbox>\n<xmin>1</xmin><ymin>2</ymin><ymax>3</ymax></bndbox>" XML_END);
    voc_folder("noname", XML_HEAD "<object>\n" XML_BOX("1", "1", "9", "9") XML_END);
    voc_folder("noxml", "");
    remove(at("noxml/Annotations/a.xml"));
    voc_folder("noimage", XML_HEAD "<object><name>dog</name>\n" XML_BOX("1", "1", "9", "9") XML_END);
    remove(at("noimage/JPEGImages/a.png"));

    label_case("four", "0 .5 .5 .2 .2\n1 .5 .5 .2\n");
    label_case("six", "0 .5 .5 .2 .2 .9\n");
    label_case("nan", "\n0 nan .5 .2 .2\n");
    label_case("word", "0 .5 .5 .2 wide\n");
    label_case("classname", "dog .5 .5 .2 .2\n");
    label_case("range", "2 .5 .5 .2 .2\n");
    label_case("negative", "-1 .5 .5 .2 .2\n");
    label_case("zero", "0 .5 .5 0 .2\n");
    label_case("pixels", "0 120 200 50 60\n");
    label_case("wide", "0 .5 .5 3 .5\n");
    label_case("inf", "0 .5 1e999 .2 .2\n");
    support_write(at("blank.list"), "\n\n");
    support_write(at("lost.list"), "\nnowhere.png\n");
    support_write(at("horse.list"), "\nfour.png\n");
    support_write(at("both.list"), "cat_dog.png\n");
    write_image(at("cat_dog.png"), 4, 4, 0);
    make_dir("emptydir");
    write_bytes("binary.list", "\0\1\2", 3);
    make_dir("folders");
    make_dir("folders/train");
    make_dir("folders/train/cat");
    make_dir("folders/train/dig");
    write_image(at("folders/train/dig/1.png"), 4, 4, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    support_remove_dir(dir);
    return 0;
}

static const struct bad_case {
    const char *keys;
    enum task task;
    int n_classes;
    int status;
    const char *expected[3]; /* parts of the message; %s stands nowhere */
} cases[] = {
    {"train=short", TASK_CLASSIFY, 10, 65, {"short/train-images-idx3-ubyte: ", "found 100 bytes", "expected 160"}},
    {"train=long", TASK_CLASSIFY, 10, 65, {"found 161 bytes", "expected 160"}},
    {"train=huge", TASK_CLASSIFY, 10, 65, {"found 100 bytes", "cut short"}},
    {"train=beyond", TASK_CLASSIFY, 10, 65, {"4294967295 items of 28 x 28"}},
    {"train=nosize", TASK_CLASSIFY, 10, 65, {"10 items of 4 x 0", "expected sides of 1 to 65535"}},
    {"train=magic", TASK_CLASSIFY, 10, 65, {"magic number 0x00000801", "expected 0x00000803"}},
    {"train=counts", TASK_CLASSIFY, 10, 65, {"counts/train-labels-idx1-ubyte: found 9 labels, expected 10"}},
    {"train=labelscut", TASK_CLASSIFY, 10, 65, {"train-labels-idx1-ubyte: found 7 bytes", "expected 10"}},
    {"train=header", TASK_CLASSIFY, 10, 65, {"found 5 bytes, expected an idx header of 16"}},
    {"train=nolabels", TASK_CLASSIFY, 10, 66, {"labels aren't there"}},
    {"train=gz", TASK_CLASSIFY, 10, 65, {"train-images-idx3-ubyte.gz: the gzip data is damaged"}},
    {"train=gzcut", TASK_CLASSIFY, 10, 65, {"train-images-idx3-ubyte.gz: found ", "expected 4000", "cut short"}},
    {"test=good", TASK_CLASSIFY, 10, 66, {"has no t10k-images-idx3-ubyte"}},
    {"train=good", TASK_DETECT, 10, 65, {"data set for classification", "detector"}},
    {"train=good", TASK_CLASSIFY, 5, 65, {"has 10 classes, but the network has 5", "test.cfg:4: ", "an output of 10"}},
    {"train=good\ntrain_count=11", TASK_CLASSIFY, 10, 65, {"holds 10 images", "train_count=11"}},
    {"train=good\ntrain_count=8\nvalid_count=3", TASK_CLASSIFY, 10, 65, {"train_count=8 and valid_count=3"}},
    {"valid=good\ntrain_count=10", TASK_CLASSIFY, 10, 65, {"no image of 10 is left for valid="}},

    {"train=broken", TASK_DETECT, 2, 65, {"broken/Annotations/a.xml:3: the XML is broken: mismatched tag"}},
    {"train=emptyxml", TASK_DETECT, 2, 65, {"emptyxml/Annotations/a.xml:1: the XML is broken"}},
    {"train=bomb", TASK_DETECT, 2, 65, {"bomb/Annotations/a.xml:3: found a declaration of the entity 'a'"}},
    {"train=outside", TASK_DETECT, 2, 65, {"outside/Annotations/a.xml:3: found a declaration of the entity 'x'"}},
    {"train=unknown\nnames=two.names", TASK_DETECT, 2, 65, {"unknown/Annotations/a.xml:4: found class 'dig'", "did you mean 'dog'?"}},
    {"train=flat", TASK_DETECT, 2, 65, {"flat/Annotations/a.xml:5: found a box without area"}},
    {"train=vocnan", TASK_DETECT, 2, 65, {"vocnan/Annotations/a.xml:4: found xmin 'nan', expected a number"}},
    {"train=far", TASK_DETECT, 2, 65, {"far/Annotations/a.xml:4: found a box whose centre (1.75"}},
    {"train=edge", TASK_DETECT, 2, 65, {"edge/Annotations/a.xml:4: found a box without xmax"}},
    {"train=noname", TASK_DETECT, 2, 65, {"noname/Annotations/a.xml:3: found an object without a name"}},
    {"train=noxml\nnames=two.names", TASK_DETECT, 2, 65, {"noxml/ImageSets/Main/train.txt:1: found 'a', but its annotation can't be read"}},
    {"train=noimage", TASK_DETECT, 2, 65, {"noimage/ImageSets/Main/train.txt:1: found 'a', but", "JPEGImages has no image"}},
    {"valid=unknown", TASK_DETECT, 2, 66, {"ImageSets/Main/val.txt: No such file"}},
    {"train=unknown", TASK_CLASSIFY, 2, 65, {"data set with boxes, but the network is a classifier"}},

    {"train=four.list", TASK_DETECT, 2, 65, {"four.txt:2: found 4 fields, expected 5: class x y width height"}},
    {"train=six.list", TASK_DETECT, 2, 65, {"six.txt:1: found 6 fields"}},
    {"train=nan.list", TASK_DETECT, 2, 65, {"nan.txt:2: found x 'nan', expected a number"}},
    {"train=word.list", TASK_DETECT, 2, 65, {"word.txt:1: found height 'wide'"}},
    {"train=inf.list", TASK_DETECT, 2, 65, {"inf.txt:1: found y '1e999'"}},
    {"train=classname.list", TASK_DETECT, 2, 65, {"classname.txt:1: found class 'dog', expected a whole number"}},
    {"train=range.list", TASK_DETECT, 2, 65, {"range.txt:1: found class 2, expected 0..1 (2 classes)"}},
    {"train=negative.list", TASK_DETECT, 0, 65, {"negative.txt:1: found class -1"}},
    {"train=zero.list", TASK_DETECT, 2, 65, {"zero.txt:1: found a box without area (width 0,"}},
    {"train=pixels.list", TASK_DETECT, 2, 65, {"pixels.txt:1: found a box whose centre (120, 200) lies outside"}},
    {"train=wide.list", TASK_DETECT, 2, 65, {"wide.txt:1: found a box larger than the image (width 3,"}},
    {"train=blank.list", TASK_DETECT, 2, 65, {"blank.list: holds no image for train="}},
    {"train=lost.list", TASK_DETECT, 2, 65, {"lost.list:2: found 'nowhere.png', but there is no such image"}},
    {"train=horse.list\nnames=two.names", TASK_CLASSIFY, 2, 65, {"horse.list:2: found '", "expected one of the 2 class names"}},
    {"train=both.list\nnames=two.names", TASK_CLASSIFY, 2, 65, {"both.list:1: found '", "may be 'cat' or 'dog'"}},
    {"train=horse.list", TASK_CLASSIFY, 2, 65, {"horse.list: ", "expected names= in [data]"}},
    {"train=horse.list\nnames=two.names\nlabels=no.labels", TASK_CLASSIFY, 2, 66, {"no.labels: No such file"}},
    {"train=emptydir", TASK_DETECT, 2, 65, {"test.cfg:4: train=", "none of the forms of data", "Pascal VOC: a folder"}},
    {"train=binary.list", TASK_DETECT, 2, 65, {"test.cfg:4: train=", "none of the forms of data"}},
    {"train=folders\nnames=two.names", TASK_CLASSIFY, 2, 65, {"folders/train/dig: found a folder of class 'dig'", "did you mean 'dog'?"}},
    {"valid=folders", TASK_CLASSIFY, 2, 66, {"folders: has no folder valid or val"}},

    {"train=is/not/there",
     TASK_DETECT,
     2,
     66,
     {"test.cfg:4: train=is/not/there: no such file or folder (looked for ", "/is/not/there, is/not/there)"}},
    {"valid=x", TASK_DETECT, 2, 65, {"test.cfg: [data] has no train="}},
    {"train=four.list\nnames=no.names", TASK_DETECT, 2, 66, {"test.cfg:5: names=no.names: no such file"}},
    {"train=four.list\nnames=gap.names", TASK_DETECT, 2, 65, {"gap.names:2: found an empty line, expected the name of class 1"}},
    {"train=four.list\nnames=empty.names", TASK_DETECT, 2, 65, {"empty.names: found no class name"}},
    {"train=four.list\nnames=two.names", TASK_DETECT, 1, 65, {"test.cfg:5: ", "two.names has 2 classes, but the network has 1"}},
    {"train=four.list\nclasses=3", TASK_DETECT, 2, 65, {"test.cfg:5: classes=3, but the network has 2"}},
    {"train=four.list\nnames=two.names\nclasses=3", TASK_DETECT, 0, 65, {"test.cfg:6: classes=3, but ", "two.names has 2 names"}},
};

static int open_case(const struct bad_case *c, const char *on_bad, struct dataset *d, struct error *err)
{
    char *keys = mem_format("%s\n%s", c->keys, on_bad);
    struct data_options o = options_from(dir, keys);
    const enum split split = strncmp(c->keys, "train", 5) == 0 || strncmp(c->keys, "valid=x", 7) == 0 ? SPLIT_TRAIN
                             : strncmp(c->keys, "valid", 5) == 0                                      ? SPLIT_VALID
                                                                                                      : SPLIT_TEST;
    const int result = dataset_open(d, &o, split, c->task, c->n_classes, 8, 8, 3, 1, err);
    data_options_free(&o);
    free(keys);
    return result;
}

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        struct dataset d;
        if (open_case(&cases[i], "on_bad=error", &d, &err) != -1)
            fail_msg("%s: accepted", cases[i].keys);
        if ((int)err.status != cases[i].status)
            fail_msg("%s: status %d: %s", cases[i].keys, (int)err.status, err.text);
        for (int k = 0; k < 3 && cases[i].expected[k]; k++)
            if (!strstr(err.text, cases[i].expected[k]))
                fail_msg("%s: expected '%s' in: %s", cases[i].keys, cases[i].expected[k], err.text);
    }
}

/* With on_bad=skip the same mistakes in labels leave the image and count; the message is kept for the warning. */
static void test_skip_keeps_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *first;
        int boxes, bad;
    } skipped[] = {{"train=four.list", "four.txt:2:", 1, 1},
                   {"train=range.list", "range.txt:1:", 0, 1},
                   {"train=flat", "flat/Annotations/a.xml:5:", 0, 1},
                   {"train=vocnan", "vocnan/Annotations/a.xml:4:", 0, 1}};
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) {
        const struct bad_case c = {.keys = skipped[i].keys, .task = TASK_DETECT, .n_classes = 2};
        struct error err = ERROR_INIT;
        struct dataset d;
        if (open_case(&c, "on_bad=skip", &d, &err) != 0)
            fail_msg("%s: %s", c.keys, err.text);
        assert_int_equal(d.n_samples, 1);
        assert_int_equal(d.sample[0].n_boxes, skipped[i].boxes);
        assert_int_equal(d.bad, skipped[i].bad);
        assert_non_null(strstr(d.first_bad.text, skipped[i].first));
        dataset_close(&d);
    }
    /* Nothing left: an error that tells the first mistake. */
    const struct bad_case lost = {.keys = "train=lost.list", .task = TASK_DETECT, .n_classes = 2};
    struct error err = ERROR_INIT;
    struct dataset d;
    assert_int_equal(open_case(&lost, "on_bad=skip", &d, &err), -1);
    assert_non_null(strstr(err.text, "no image for train= is left: 1 mistake, the first is: "));
    assert_non_null(strstr(err.text, "lost.list:2: "));
}

static void test_data_keys(void **state)
{
    (void)state;
    struct config c;
    struct data_options o;
    struct error err = ERROR_INIT;
    assert_int_equal(config_parse(&c, "a.cfg", "[net]\n[data]\ntrian=x\non_bad=maybe\nclasses=-1\n", &err), 0);
    assert_int_equal(data_options_read(&o, &c, NULL, &err), -1);
    assert_non_null(strstr(err.text, "a.cfg:3: unknown key 'trian'"));
    assert_non_null(strstr(err.text, "'train'"));
    assert_non_null(strstr(err.text, "a.cfg:4: on_bad=maybe"));
    assert_non_null(strstr(err.text, "a.cfg:5: classes=-1"));
    data_options_free(&o);

    struct config empty;
    err = ERROR_INIT;
    assert_int_equal(config_parse(&empty, "b.cfg", "[net]\n", &err), 0);
    support_write(at("bad.data"), "classes=2\n[data]\nnmaes=x\nclasses=3\n");
    assert_int_equal(data_options_read(&o, &empty, at("bad.data"), &err), -1);
    assert_int_equal(err.status, 65);
    assert_non_null(strstr(err.text, "bad.data:2: found '[data]', expected key = value"));
    assert_non_null(strstr(err.text, "bad.data:4: found 'classes' again, expected it once: line 1 has it"));
    data_options_free(&o);
    err = ERROR_INIT;
    support_write(at("bad.data"), "\nnmaes=x\n");
    assert_int_equal(data_options_read(&o, &empty, at("bad.data"), &err), -1);
    assert_non_null(strstr(err.text, "bad.data:2: unknown key 'nmaes'"));
    data_options_free(&o);
    err = ERROR_INIT;
    assert_int_equal(data_options_read(&o, &empty, at("missing.data"), &err), -1);
    assert_int_equal(err.status, 66);
    data_options_free(&o);

    struct dataset d;
    err = ERROR_INIT;
    assert_int_equal(data_options_read(&o, &empty, NULL, &err), 0);
    assert_int_equal(dataset_open(&d, &o, SPLIT_VALID, TASK_DETECT, 2, 8, 8, 3, 1, &err), -1);
    assert_non_null(strstr(err.text, "expected valid= in a [data] section"));
    data_options_free(&o);
    config_free(&empty);
    config_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_skip_keeps_the_rest),
        cmocka_unit_test(test_data_keys),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
