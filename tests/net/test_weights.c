/* Darknet's .weights: order and headers as Darknet's parser.c defines them, files built here byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/weights.h"
#include "nets.h"
#include "support.h"

static char *dir;

static const char small[] = "[net]\nwidth=4\nheight=4\nchannels=2\n"
                            "[convolutional]\nfilters=3\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                            "[maxpool]\nsize=2\nstride=2\n"
                            "[connected]\noutput=5\nactivation=linear\n"
                            "[softmax]\n";
/* convolution: bias 3, scale 3, mean 3, variance 3, weight 3·2·3·3 = 54; connected: bias 5, weight 5·12 = 60 */
enum { CONV = 66, CONNECTED = 65, ALL = CONV + CONNECTED };

/* A file with the numbers first, first + 1/64, … after a header of 16 or 20 bytes. */
static const char *make(const char *name, const int32_t version[3], uint64_t seen, int seen_bytes, int n, float first)
{
    const char *path = support_path(dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(version, 4, 3, f);
    fwrite(&seen, (size_t)seen_bytes, 1, f);
    for (int i = 0; i < n; i++) {
        const float v = first + (float)i / 64;
        fwrite(&v, 4, 1, f);
    }
    assert_int_equal(fclose(f), 0);
    return path;
}

static const int32_t v025[3] = {0, 2, 5}, v010[3] = {0, 1, 0};

static real at(const struct network *net, int layer, const char *what, int i)
{
    for (int k = 0; k < net->layer[layer].n_params; k++) {
        const struct param *p = net->layer[layer].param[k];
        const char *dot = strrchr(p->name, '.');
        if (strcmp(dot + 1, what) == 0)
            return p->value[i];
    }
    fail_msg("layer %d has no %s", layer, what);
    return 0;
}

static int index_of(real v)
{
    return (int)lround((double)(v - 1) * 64);
}

static void test_order(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = nets_build(small, 1);
    assert_int_equal(weights_read(net, make("order", v025, 77, 8, ALL, 1), 0, &err), 0);
    assert_int_equal(net->seen, 77);
    const struct layer *conv = &net->layer[0], *connected = &net->layer[2];
    assert_int_equal(conv->n_params, 5);
    const size_t sizes[5] = {3, 3, 3, 3, 54};
    for (int k = 0; k < 5; k++)
        assert_int_equal(shape_size(conv->param[k]->shape), sizes[k]);
    /* bias, scale, mean, variance, weights: told apart by their roles and names */
    assert_int_equal(conv->param[0]->role, PARAM_BIAS);
    assert_int_equal(conv->param[1]->role, PARAM_BIAS);
    assert_int_equal(conv->param[2]->role, PARAM_STATISTIC);
    assert_int_equal(conv->param[3]->role, PARAM_STATISTIC);
    assert_int_equal(conv->param[4]->role, PARAM_WEIGHT);
    assert_int_equal(index_of(at(net, 0, "bias", 0)), 0);
    assert_int_equal(index_of(at(net, 0, "mean", 0)), 6);
    assert_int_equal(index_of(at(net, 0, "variance", 2)), 11);
    assert_int_equal(index_of(at(net, 0, "weight", 0)), 12);
    assert_int_equal(index_of(at(net, 0, "weight", 53)), 65);
    assert_int_equal(connected->n_params, 2);
    assert_int_equal(index_of(at(net, 2, "bias", 4)), 70);
    assert_int_equal(index_of(at(net, 2, "weight", 0)), 71);
    assert_int_equal(index_of(at(net, 2, "weight", 59)), 130);
    network_free(net);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *a = nets_build(small, 1), *b = nets_build(small, 2);
    nets_count(a, -1);
    a->seen = 0x100000002u;
    const char *path = support_path(dir, "round");
    assert_int_equal(weights_write(a, path, 0, &err), 0);
    size_t size;
    unsigned char *bytes = (unsigned char *)file_read(path, 1 << 20, &size, &err);
    const unsigned char header[20] = {0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0};
    assert_int_equal(size, 20 + 4 * ALL);
    assert_memory_equal(bytes, header, 20);
    const unsigned char minus_one[4] = {0, 0, 0x80, 0xbf};
    assert_memory_equal(bytes + 20, minus_one, 4);
    mem_free(bytes);
    assert_int_equal(weights_read(b, path, 0, &err), 0);
    assert_int_equal(b->seen, 0x100000002u);
    nets_same(a, b);
    network_free(a);
    network_free(b);
}

/* `seen` is u64 from version 0.2 on, and u32 before and when major or minor is 1000 or more. */
static void test_headers(void **state)
{
    (void)state;
    const struct {
        int32_t version[3];
        int seen_bytes;
    } cases[] = {{{0, 1, 0}, 4}, {{0, 1, 9}, 4}, {{0, 2, 0}, 8}, {{1, 0, 0}, 8}, {{0, 999, 0}, 8}, {{1000, 0, 0}, 4}, {{0, 1000, 0}, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = ERROR_INIT;
        struct network *net = nets_build(small, 1);
        const char *path = make("header", cases[i].version, 123456, cases[i].seen_bytes, ALL, 1);
        if (weights_read(net, path, 0, &err) != 0)
            fail_msg("version %d.%d: %s", cases[i].version[0], cases[i].version[1], err.text);
        assert_int_equal(net->seen, 123456);
        assert_int_equal(index_of(at(net, 2, "weight", 1)), 72);
        network_free(net);
    }
}

static void test_transposed(void **state)
{
    (void)state;
    const int32_t versions[2][3] = {{1001, 0, 0}, {0, 1001, 0}};
    for (int v = 0; v < 2; v++) {
        struct error err = ERROR_INIT;
        struct network *net = nets_build(small, 1);
        assert_int_equal(weights_read(net, make("transposed", versions[v], 0, 4, ALL, 1), 0, &err), 0);
        for (int out = 0; out < 5; out++)
            for (int in = 0; in < 12; in++)
                assert_int_equal(index_of(at(net, 2, "weight", out * 12 + in)), 71 + in * 5 + out);
        assert_int_equal(index_of(at(net, 0, "weight", 1)), 13); /* a convolution's are as ever */
        network_free(net);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = nets_build(small, 1);
    assert_int_equal(weights_read(net, make("short", v025, 0, 8, CONV + 3, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "short: too short by 248 bytes|layer 2 [connected]|2.connected.bias");
    assert_int_equal(weights_read(net, make("short", v025, 0, 8, 11, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too short by 480 bytes|layer 0 [convolutional]|variance");
    assert_int_equal(weights_read(net, make("long", v025, 0, 8, ALL + 2, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too long by 8 bytes|layer 2 [connected]");
    assert_int_equal(weights_read(net, make("old", v010, 0, 8, ALL, 1), 0, &err), -1); /* 4 bytes more than its header says */
    nets_expect(&err, EXIT_DATA, "too long by 4 bytes");

    const char *path = make("cut", v025, 0, 8, ALL, 1);
    const int cuts[] = {0, 3, 15, 19, 20 + 4 * ALL - 1};
    const char *words[] = {"0 bytes", "3 bytes", "15 bytes", "header of 20 bytes", "too short by 1 bytes"};
    for (int i = 4; i >= 0; i--) {
        assert_int_equal(truncate(path, cuts[i]), 0);
        assert_int_equal(weights_read(net, path, 0, &err), -1);
        nets_expect(&err, EXIT_DATA, words[i]);
    }
    network_free(net);
}

static void test_partial(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *a = nets_build(small, 1), *b = nets_build(small, 2);
    const real before = at(b, 2, "weight", 7);
    nets_count(a, 1);
    const char *path = support_path(dir, "partial");
    assert_int_equal(weights_write(a, path, 2, &err), 0);
    size_t size;
    mem_free(file_read(path, 1 << 20, &size, &err));
    assert_int_equal(size, 20 + 4 * CONV);
    assert_int_equal(weights_read(b, path, 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too short by 260 bytes|layer 2");
    assert_int_equal(weights_read(b, path, 2, &err), 0);
    assert_int_equal(index_of(at(b, 0, "weight", 53)), 65);
    assert_true(at(b, 2, "weight", 7) == before);
    assert_int_equal(weights_read(b, make("whole", v025, 0, 8, ALL, 2), 1, &err), 0); /* a longer file is right */
    assert_true(at(b, 0, "bias", 0) == 2);
    assert_true(at(b, 2, "weight", 7) == before);
    assert_int_equal(weights_read(b, path, 5, &err), -1);
    nets_expect(&err, EXIT_DATA, "5 layers were asked for, the network has 4");
    network_free(a);
    network_free(b);
}

static const char keep_last[] = "[net]\nwidth=4\nheight=4\nchannels=2\n"
                                "[convolutional]\nfilters=3\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                                "[maxpool]\nsize=2\nstride=2\n"
                                "[connected]\noutput=5\nactivation=linear\ndontload=1\n";
static const char keep_first[] = "[net]\nwidth=4\nheight=4\nchannels=2\n"
                                 "[convolutional]\nfilters=3\nsize=3\nstride=1\npad=1\nbatch_normalize=1\nactivation=leaky\ndontload=1\n"
                                 "[maxpool]\nsize=2\nstride=2\n"
                                 "[connected]\noutput=5\nactivation=linear\n";

static void test_dontload(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = nets_build(keep_last, 1);
    const real before = at(net, 2, "weight", 7);
    /* the whole network, the body alone, the body and another head */
    const int lengths[] = {ALL, CONV, CONV + 700};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(weights_read(net, make("last", v025, 0, 8, lengths[i], (float)i), 0, &err), 0);
        assert_true(at(net, 0, "bias", 0) == i);
        assert_true(at(net, 2, "weight", 7) == before);
    }
    assert_int_equal(weights_read(net, make("last", v025, 0, 8, CONV - 1, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too short by 4 bytes|layer 0");
    network_free(net);

    net = nets_build(keep_first, 1);
    const real kept = at(net, 0, "weight", 7);
    assert_int_equal(weights_read(net, make("first", v025, 0, 8, ALL, 1), 0, &err), 0);
    assert_int_equal(index_of(at(net, 2, "bias", 0)), CONV);
    assert_int_equal(weights_read(net, make("first", v025, 0, 8, CONNECTED, 1), 0, &err), 0);
    assert_int_equal(index_of(at(net, 2, "bias", 0)), 0);
    assert_true(at(net, 0, "weight", 7) == kept);
    assert_int_equal(weights_read(net, make("first", v025, 0, 8, CONNECTED - 2, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too short by 8 bytes|layer 2");
    assert_int_equal(weights_read(net, make("first", v025, 0, 8, CONNECTED + 1, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too long by 4 bytes");
    network_free(net);
}

static void test_bad_numbers(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = nets_build(small, 1);
    const float values[] = {NAN, INFINITY, -INFINITY};
    const char *words[] = {"layer 0 [convolutional]|weight|number 1 of 54|NaN", "number 1 of 54|infinite", "number 1 of 54|infinite"};
    for (int i = 0; i < 3; i++) {
        const char *path = make("bad", v025, 0, 8, ALL, 1);
        FILE *f = fopen(path, "r+b");
        fseek(f, 20 + 4 * 13, SEEK_SET);
        fwrite(&values[i], 4, 1, f);
        fclose(f);
        assert_int_equal(weights_read(net, path, 0, &err), -1);
        nets_expect(&err, EXIT_DATA, words[i]);
    }
    const int32_t negative[3] = {0, -7, 0};
    assert_int_equal(weights_read(net, make("negative", negative, 0, 8, ALL, 1), 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "version 0.-7.0|not a .weights file");
    network_free(net);
}

static void test_paths(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = nets_build(small, 1);
    assert_int_equal(weights_read(net, support_path(dir, "nowhere"), 0, &err), -1);
    nets_expect(&err, EXIT_NO_INPUT, "nowhere: No such file");
    assert_int_equal(weights_read(net, dir, 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "expected a model file");
    assert_int_equal(weights_write(net, support_path(dir, "no/such/folder"), 0, &err), -1);
    nets_expect(&err, EXIT_IO, "no/such/folder");
    network_free(net);
}

/* A published file: read, and written again to the same bytes. */
static void test_published(void **state)
{
    (void)state;
    const char *cfg = support_data("yolo-fastest-1.1_coco/yolo-fastest-1.1.cfg");
    const char *weights = support_data("yolo-fastest-1.1_coco/yolo-fastest-1.1.weights");
    if (!cfg || !weights)
        skip();
    struct error err = ERROR_INIT;
    struct config config;
    assert_int_equal(config_read(&config, cfg, &err), 0);
    struct network *net = network_build(&config, 1, &err);
    if (!net || weights_read(net, weights, 0, &err) != 0)
        fail_msg("%s", err.text);
    const char *path = support_path(dir, "again");
    assert_int_equal(weights_write(net, path, 0, &err), 0);
    size_t a_size, b_size;
    char *a = file_read(weights, 1 << 24, &a_size, &err), *b = file_read(path, 1 << 24, &b_size, &err);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    mem_free(a);
    mem_free(b);
    network_free(net);
}

/* What the file doesn't fill begins as in any network; the rest isn't drawn in vain. */
static void test_built_to_load(void **state)
{
    (void)state;
    static const char *const cfgs[] = {keep_last, keep_first};
    for (int i = 0; i < 4; i++) {
        struct error err = ERROR_INIT;
        struct network *whole = nets_build(cfgs[i % 2], 1);
        struct config config;
        assert_int_equal(config_parse(&config, "x.cfg", cfgs[i % 2], &err), 0);
        struct network *net = network_build_to_load(&config, 1, &err);
        assert_non_null(net);
        const real drawn = at(whole, 0, "weight", 7);
        assert_true(drawn != 0 && at(net, 0, "weight", 7) == 0);
        const char *path = make("to_load", v025, 0, 8, ALL, 1);
        const int layers = i < 2 ? 0 : 1;
        assert_int_equal(weights_read(net, path, layers, &err), 0);
        assert_int_equal(weights_read(whole, path, layers, &err), 0);
        nets_same(net, whole);
        network_free(net);
        network_free(whole);
    }
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
        cmocka_unit_test(test_order),      cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_headers),
        cmocka_unit_test(test_transposed), cmocka_unit_test(test_sizes),         cmocka_unit_test(test_partial),
        cmocka_unit_test(test_dontload),   cmocka_unit_test(test_bad_numbers),   cmocka_unit_test(test_paths),
        cmocka_unit_test(test_published),  cmocka_unit_test(test_built_to_load),
    };
    return cmocka_run_group_tests_name("net/weights", tests, begin, end);
}
