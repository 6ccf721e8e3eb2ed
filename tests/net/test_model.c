/* .safetensors models: what is written follows the published format (read here with cJSON and byte by byte), and no file can do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/model.h"
#include "nets.h"
#include "support.h"

static char *dir;

static const char small[] = "[net]\nwidth=4\nheight=4\nchannels=2\nletter_box=1\n"
                            "[convolutional]\nfilters=3\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                            "[connected]\noutput=2\nactivation=linear\n"
                            "[softmax]\n";

static struct network *named(uint64_t seed)
{
    struct network *net = nets_build(small, seed);
    net->names = mem_new(2, sizeof *net->names);
    net->names[0] = mem_string("caf\xc3\xa9 \"au lait\"");
    net->names[1] = mem_string("back\\slash\ttab");
    return net;
}

static char *slurp(const char *path, size_t *size)
{
    struct error err = ERROR_INIT;
    char *bytes = file_read(path, 1 << 24, size, &err);
    assert_non_null(bytes);
    return bytes;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *a = named(1);
    nets_count(a, -2);
    a->seen = 18446744073709551615u;
    real slots[6] = {1, 2, 3, 4, 5, 6};
    struct model_extra extra = {.tensor = &(struct model_tensor){"slot.momentum.0.x", {1, 2, 3, 1}, slots},
                                .n_tensors = 1,
                                .text = (struct model_text[]){{"train.iteration", "17"}, {"train.note", "a \"b\"\n"}},
                                .n_texts = 2};
    const char *path = support_path(dir, "round.safetensors");
    assert_int_equal(model_write(a, path, &extra, &err), 0);

    struct model_file *m = model_open(path, &err);
    assert_non_null(m);
    assert_string_equal(model_text(m, "format"), "dlnet");
    assert_string_equal(model_text(m, "train.iteration"), "17");
    assert_string_equal(model_text(m, "train.note"), "a \"b\"\n");
    assert_null(model_text(m, "train.nothing"));
    struct network *b = model_build(m, path, NULL, 0, &err);
    if (!b)
        fail_msg("%s", err.text);
    nets_same(a, b);
    assert_true(b->seen == 18446744073709551615u);
    assert_int_equal(b->n_classes, 2);
    assert_string_equal(b->names[0], a->names[0]);
    assert_string_equal(b->names[1], a->names[1]);
    assert_int_equal(b->options.letter_box, 1);
    assert_string_equal(b->config.folder, a->config.folder);
    real back[6] = {0};
    assert_int_equal(model_tensor(m, "slot.momentum.0.x", (struct shape){1, 2, 3, 1}, back, &err), 0);
    assert_memory_equal(back, slots, sizeof slots);
    assert_int_equal(model_tensor(m, "slot.momentum.0.x", (struct shape){1, 3, 2, 1}, back, &err), -1);
    nets_expect(&err, EXIT_DATA, "slot.momentum.0.x|[1 x 2 x 3 x 1]|[1 x 3 x 2 x 1]");
    assert_int_equal(model_tensor(m, "slot.other", (struct shape){1, 2, 3, 1}, back, &err), -1);
    nets_expect(&err, EXIT_DATA, "no tensor \"slot.other\"");

    /* What was read is written to the same bytes. */
    const char *second = support_path(dir, "second.safetensors");
    assert_int_equal(model_write(b, second, &extra, &err), 0);
    size_t a_size, b_size;
    char *x = slurp(path, &a_size), *y = slurp(second, &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(x, y, a_size);
    mem_free(x);
    mem_free(y);
    model_close(m);
    network_free(a);
    network_free(b);
}

/* The format as published: u64 length, JSON, data at a multiple of 8, tensors without holes in the order of the params. */
static void test_layout(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = named(3);
    nets_count(net, 1);
    const char *path = support_path(dir, "layout.safetensors");
    assert_int_equal(model_write(net, path, NULL, &err), 0);
    size_t size;
    char *bytes = slurp(path, &size);
    uint64_t length;
    memcpy(&length, bytes, 8);
    assert_int_equal(length % 8, 0);
    assert_true(8 + length < size);
    assert_int_equal(bytes[8], '{');
    cJSON *header = cJSON_ParseWithLength(bytes + 8, length);
    assert_non_null(header);
    const char *const keys[] = {"format", "cfg", "cfg_folder", "names", "seen"};
    const cJSON *v = cJSON_GetObjectItem(header, "__metadata__")->child;
    for (int i = 0; i < 5; i++, v = v->next)
        assert_string_equal(v->string, keys[i]);
    assert_null(v);
    v = header->child->next;
    size_t expected = 0;
    for (int i = 0; i < net->n_params; i++, v = v->next) {
        const struct param *p = net->param[i];
        assert_string_equal(v->string, p->name);
        assert_string_equal(cJSON_GetObjectItem(v, "dtype")->valuestring, "F32");
        const cJSON *offsets = cJSON_GetObjectItem(v, "data_offsets"), *d = cJSON_GetObjectItem(v, "shape")->child;
        const int shape[4] = {p->shape.n, p->shape.c, p->shape.h, p->shape.w};
        for (int k = 0; k < 4; k++, d = d->next)
            assert_int_equal(d->valueint, shape[k]);
        assert_int_equal(offsets->child->valueint, expected);
        float first;
        memcpy(&first, bytes + 8 + length + expected, 4);
        assert_true(first == (float)p->value[0]);
        expected += shape_size(p->shape) * 4;
        assert_int_equal(offsets->child->next->valueint, expected);
    }
    assert_null(v);
    assert_int_equal(size, 8 + length + expected);
    cJSON_Delete(header);
    mem_free(bytes);
    network_free(net);
}

/* A file from a header and so many bytes of data, all zero. */
static const char *make(const char *header, size_t data)
{
    const char *path = support_path(dir, "made.safetensors");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    const uint64_t length = strlen(header);
    fwrite(&length, 8, 1, f);
    fwrite(header, 1, length, f);
    for (size_t i = 0; i < data; i++)
        fputc(0, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

#define T(name, rest) "\"" name "\":{\"dtype\":\"F32\"," rest "}"

static void test_hostile_headers(void **state)
{
    (void)state;
    const struct {
        const char *header;
        size_t data;
        const char *expected; /* words of the message; NULL: a good file */
    } cases[] = {
        {"{}", 0, NULL},
        {"{}   ", 0, NULL},
        {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,8]") "}", 8, NULL},
        {"{" T("a", "\"shape\":[],\"data_offsets\":[0,4]") "}", 4, NULL},
        {"{" T("a", "\"shape\":[0,7],\"data_offsets\":[0,0]") "}", 0, NULL},
        {"{" T("b", "\"shape\":[1],\"data_offsets\":[4,8]") "," T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "}", 8, NULL},
        {"", 0, "not JSON"},
        {"[]", 0, "not JSON"},
        {" {}", 0, "not JSON"},
        {"{\"a\":", 0, "not JSON"},
        {"{} x", 0, "more text after the JSON"},
        {"{\"a\":3}", 0, "tensor \"a\"|expected an object"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
        {"{\"__metadata__\":{\"cfg\":3}}", 0, "\"cfg\" is not a string"},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no \"dtype\""},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "has the dtype \"F16\"|only F32"},
        {"{\"a\":{\"dtype\":\"Q4\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "unknown dtype \"Q4\""},
        {"{" T("a", "\"data_offsets\":[0,4]") "}", 4, "\"shape\" is not an array"},
        {"{" T("a", "\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]") "}", 4, "at most 8"},
        {"{" T("a", "\"shape\":[-1],\"data_offsets\":[0,4]") "}", 4, "not a whole number"},
        {"{" T("a", "\"shape\":[1.5],\"data_offsets\":[0,4]") "}", 4, "not a whole number"},
        {"{" T("a", "\"shape\":[3000000000],\"data_offsets\":[0,4]") "}", 4, "not a whole number"},
        {"{" T("a", "\"shape\":[2000000000,2000000000,2000000000],\"data_offsets\":[0,4]") "}", 4, "more numbers than memory"},
        {"{" T("a", "\"shape\":[2000000000,2000000000,2],\"data_offsets\":[0,4]") "}", 4, "8000000000000000000 numbers|4 bytes of data"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0]") "}", 4, "\"data_offsets\" is not"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,1e400]") "}", 4, "\"data_offsets\" is not"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[4,0]") "}", 4, "4..0"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[4,8]") "}", 4, "4..8|4 bytes of data"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,9007199254740992]") "}", 4, "4 bytes of data"},
        {"{" T("a", "\"shape\":[3],\"data_offsets\":[0,8]") "}", 8, "3 numbers|8 bytes"},
        {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,8]") "," T("b", "\"shape\":[1],\"data_offsets\":[4,8]") "}", 8,
         "\"b\" overlaps that of \"a\""},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T("b", "\"shape\":[1],\"data_offsets\":[8,12]") "}", 12,
         "4 bytes before the data of tensor \"b\""},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "}", 7, "3 bytes after the last tensor"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T("a", "\"shape\":[1],\"data_offsets\":[4,8]") "}", 8,
         "\"a\": is there twice"},
        {"{\"\\u001b[31m\":3}", 0, "tensor \"?[31m\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        struct model_file *m = model_open(make(cases[i].header, cases[i].data), &err);
        if (!m != (cases[i].expected != NULL))
            fail_msg("%s: %s", cases[i].header, m ? "was accepted" : err.text);
        if (cases[i].expected)
            nets_expect(&err, EXIT_DATA, cases[i].expected);
        model_close(m);
    }
}

/* Lengths that lie, nesting without end, more values than a model has. */
static void test_hostile_sizes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const struct {
        uint64_t length;
        const char *expected;
    } cases[] = {{3, "too short: a header of 3 bytes"},
                 {99999999, "too short: a header of 99999999 bytes"},
                 {100000001, "at most 100000000"},
                 {UINT64_MAX, "18446744073709551615 bytes is announced"},
                 {UINT64_MAX - 7, "is announced"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = make("{}", 0);
        FILE *f = fopen(path, "r+b");
        fwrite(&cases[i].length, 8, 1, f);
        fclose(f);
        assert_null(model_open(path, &err));
        nets_expect(&err, EXIT_DATA, cases[i].expected);
    }
    const char *path = make("{}", 0);
    for (int size = 7; size >= 0; size--) {
        assert_int_equal(truncate(path, size), 0);
        assert_null(model_open(path, &err));
        nets_expect(&err, EXIT_DATA, "too short for a .safetensors file");
    }
    const size_t many = 5000000;
    char *text = mem_new(many + 8, 1);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', 100000);
    assert_null(model_open(make(text, 0), &err));
    nets_expect(&err, EXIT_DATA, "not JSON");
    memset(text + 5, ',', many);
    assert_null(model_open(make(text, 0), &err));
    nets_expect(&err, EXIT_DATA, "more than 4000000 values");
    free(text);
    assert_null(model_open(support_path(dir, "none.safetensors"), &err));
    nets_expect(&err, EXIT_NO_INPUT, "none.safetensors");
    assert_null(model_open(dir, &err));
    nets_expect(&err, EXIT_DATA, "expected a model file");
}

/* A good file cut anywhere, or with any one byte of its header changed, is an error or a model; never a crash. */
static void test_damaged(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = named(1);
    const char *path = support_path(dir, "damaged.safetensors");
    assert_int_equal(model_write(net, path, NULL, &err), 0);
    size_t size;
    char *bytes = slurp(path, &size);
    uint64_t length;
    memcpy(&length, bytes, 8);
    for (size_t i = 0; i < 8 + length; i += 1 + i / 40) {
        bytes[i] ^= 0x15;
        assert_int_equal(file_write(path, bytes, size, &err), 0);
        bytes[i] ^= 0x15;
        err = ERROR_INIT;
        struct model_file *m = model_open(path, &err);
        assert_true(m ? err.count == 0 : err.count > 0);
        struct network *built = m ? model_build(m, path, NULL, 0, &err) : NULL;
        network_free(built);
        model_close(m);
    }
    assert_int_equal(file_write(path, bytes, size, &err), 0);
    for (size_t cut = size - 1; cut > size / 2; cut -= size / 37) {
        assert_int_equal(truncate(path, (off_t)cut), 0);
        err = ERROR_INIT;
        assert_null(model_open(path, &err));
        assert_int_equal(err.status, EXIT_DATA);
    }
    mem_free(bytes);
    network_free(net);
}

/* The params of one network into another: what is missing, left over, of another shape or not finite is told. */
static void test_mismatch(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    static const char other[] = "[net]\nwidth=4\nheight=4\nchannels=2\n"
                                "[convolutional]\nfilters=3\nsize=3\nstride=1\npad=1\nactivation=leaky\n"
                                "[connected]\noutput=7\nactivation=linear\n";
    struct network *a = named(1), *b = nets_build(other, 1);
    const char *path = support_path(dir, "a.safetensors");
    assert_int_equal(model_write(a, path, NULL, &err), 0);
    struct model_file *m = model_open(path, &err);
    assert_int_equal(model_load_params(m, b, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);
    assert_int_equal(err.count, 5); /* three of batch norm left over, two of the head have another shape */
    assert_non_null(strstr(err.text, "\"0.convolutional.mean\""));
    assert_non_null(strstr(err.text, "has no place in the network"));
    assert_non_null(strstr(err.text, "tensor \"1.connected.weight\" has the shape [2 x 48 x 1 x 1], the network's is [7 x 48 x 1 x 1]"));
    model_close(m);

    err = ERROR_INIT;
    assert_int_equal(model_write(b, path, NULL, &err), 0);
    m = model_open(path, &err);
    assert_int_equal(model_load_params(m, a, &err), -1);
    assert_int_equal(err.count, 5);
    assert_non_null(strstr(err.text, "no tensor \"0.convolutional.mean\""));
    model_close(m);

    err = ERROR_INIT;
    b->param[0]->value[1] = (real)NAN;
    assert_int_equal(model_write(b, path, NULL, &err), 0);
    m = model_open(path, &err);
    assert_int_equal(model_load_params(m, b, &err), -1);
    nets_expect(&err, EXIT_DATA, "0.convolutional.bias|number 1 of 3|NaN");
    model_close(m);
    network_free(a);
    network_free(b);
}

static void test_build(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *a = named(1);
    free(a->config.folder);
    a->config.folder = mem_string("some/where");
    const char *path = support_path(dir, "build.safetensors");
    assert_int_equal(model_write(a, path, NULL, &err), 0);
    struct model_file *m = model_open(path, &err);
    char *good[] = {"net.batch=16", "net.letter_box=0"};
    struct network *b = model_build(m, path, good, 2, &err);
    if (!b)
        fail_msg("%s", err.text);
    assert_int_equal(b->options.batch, 16);
    assert_int_equal(b->options.letter_box, 0);
    assert_string_equal(b->config.folder, "some/where");
    network_free(b);
    char *unknown[] = {"net.bach=16"};
    assert_null(model_build(m, path, unknown, 1, &err));
    nets_expect(&err, EXIT_DATA, "bach|batch");
    char *reshaped[] = {"0.filters=4"};
    assert_null(model_build(m, path, reshaped, 1, &err));
    assert_non_null(strstr(err.text, "has the shape [3 x 2 x 3 x 3], the network's is [4 x 2 x 3 x 3]"));
    model_close(m);
    network_free(a);

    err = ERROR_INIT;
    path = make("{\"__metadata__\":{\"cfg\":\"[net]\\nwidth=4\\nheight=4\\nchannels=1\\n[convolutonal]\\n\"}}", 0);
    m = model_open(path, &err);
    assert_null(model_build(m, path, NULL, 0, &err));
    nets_expect(&err, EXIT_DATA, "made.safetensors:cfg:5: |convolutonal");
    model_close(m);
    m = model_open(make("{}", 0), &err);
    assert_null(model_build(m, path, NULL, 0, &err));
    nets_expect(&err, EXIT_DATA, "holds no cfg");
    model_close(m);
}

static void test_metadata(void **state)
{
    (void)state;
    const struct {
        const char *key, *value, *expected;
    } cases[] = {{"names", "[\"one\",\"two\"]", NULL},
                 {"names", "[]", NULL},
                 {"names", "[\"one\"]", "1 class names, the network has 2 classes"},
                 {"names", "{}", "not a JSON array"},
                 {"names", "[1,2]", "not a JSON array"},
                 {"names", "", "not a JSON array"},
                 {"seen", "12x", "\"seen\" is not a number"},
                 {"seen", "-1", "\"seen\" is not a number"},
                 {"seen", "18446744073709551616", "\"seen\" is not a number"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        struct network *net = nets_build("[net]\ninputs=1\n[connected]\noutput=2\nactivation=linear\n", 1);
        char *quoted = cJSON_PrintUnformatted(&(cJSON){.type = cJSON_String, .valuestring = (char *)cases[i].value});
        char *header =
            mem_format("{\"__metadata__\":{\"%s\":%s}," T("0.connected.bias", "\"shape\":[%d,%d,1,1],\"data_offsets\":[0,8]") "," T(
                           "0.connected.weight", "\"shape\":[2,1,1,1],\"data_offsets\":[8,16]") "}",
                       cases[i].key, quoted, net->param[0]->shape.n, net->param[0]->shape.c);
        struct model_file *m = model_open(make(header, 16), &err);
        const int result = m ? model_load_params(m, net, &err) : -1;
        if ((result == 0) != !cases[i].expected)
            fail_msg("%s %s: %s", cases[i].key, cases[i].value, err.text);
        if (cases[i].expected)
            nets_expect(&err, EXIT_DATA, cases[i].expected);
        model_close(m);
        free(header);
        cJSON_free(quoted);
        network_free(net);
    }
}

/* Training may start from a model of other classes: what has dontload=1 and the names stay out. */
static void test_start_from(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *a = named(1);
    nets_count(a, -2);
    const char *path = support_path(dir, "start.safetensors");
    assert_int_equal(model_write(a, path, NULL, &err), 0);
    struct network *b = nets_build("[net]\nwidth=4\nheight=4\nchannels=2\n"
                                   "[convolutional]\nfilters=3\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                                   "[connected]\noutput=5\nactivation=linear\ndontload=1\n"
                                   "[softmax]\n",
                                   2);
    const struct param *head = b->layer[1].param[1];
    const real before = head->value[0];
    struct model_file *m = model_open(path, &err);
    assert_non_null(m);
    assert_int_equal(model_start_from(m, b, &err), 0);
    assert_int_equal(err.count, 0);
    for (int k = 0; k < b->layer[0].n_params; k++)
        assert_memory_equal(b->layer[0].param[k]->value, a->layer[0].param[k]->value,
                            shape_size(a->layer[0].param[k]->shape) * sizeof(real));
    assert_memory_equal(&before, head->value, sizeof before);
    assert_null(b->names);
    assert_int_equal(model_load_params(m, b, &err), -1); /* a whole model is not to be taken in part */
    model_close(m);
    network_free(a);
    network_free(b);
}

/* Latin-1 in a name list must not make a file that strict JSON readers refuse. */
static void test_not_utf8(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = named(1);
    free(net->names[0]);
    net->names[0] = mem_string("caf\xe9");
    const char *path = support_path(dir, "latin.safetensors");
    assert_int_equal(model_write(net, path, NULL, &err), 0);
    struct model_file *m = model_open(path, &err);
    assert_string_equal(model_text(m, "names"), "[\"caf\xef\xbf\xbd\",\"back\\\\slash\\ttab\"]");
    model_close(m);
    network_free(net);
}

static int begin(void **state)
{
    (void)state;
    dir = support_make_dir();
    return 0;
}

static int end(void **state)
{
    (void)state;
    support_remove_dir(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_layout),   cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_hostile_sizes), cmocka_unit_test(test_damaged),  cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_build),         cmocka_unit_test(test_metadata), cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_start_from),
    };
    return cmocka_run_group_tests_name("net/model", tests, begin, end);
}
