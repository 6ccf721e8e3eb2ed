/* Another number of classes: the cfg, and a file that was made for the old number. Frozen layers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/heads.h"
#include "net/model.h"
#include "net/weights.h"
#include "nets.h"
#include "support.h"

static char *dir;

/* Two heads of 2 and 1 anchors behind a common body; entries of 5 + classes. */
#define DETECTOR(classes, first, second)                                                                                                   \
    "[net]\nwidth=8\nheight=8\nchannels=2\n"                                                                                               \
    "[convolutional]\nfilters=3\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky\n"                                           \
    "[convolutional]\nfilters=" first "\nsize=1\nactivation=linear\n"                                                                      \
    "[yolo]\nmask=0,1\nnum=3\nanchors=1,1, 2,2, 4,4\nclasses=" classes "\n"                                                                \
    "[route]\nlayers=0\n"                                                                                                                  \
    "[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=leaky\n"                                                                        \
    "[convolutional]\nfilters=" second "\nsize=1\nactivation=linear\n"                                                                     \
    "[yolo]\nmask=2\nnum=3\nanchors=1,1, 2,2, 4,4\nclasses=" classes "\n"
static const char seven[] = DETECTOR("7", "24", "12"), three[] = DETECTOR("3", "16", "8");

static const char classifier[] = "[net]\nwidth=4\nheight=4\nchannels=2\n"
                                 "[connected]\noutput=6\nactivation=relu\n"
                                 "[connected]\noutput=5\nactivation=linear\n"
                                 "[dropout]\nlast=1\n"
                                 "[softmax]\n";
static const char pooled[] = "[net]\nwidth=4\nheight=4\nchannels=2\n"
                             "[convolutional]\nfilters=6\nsize=3\nactivation=relu\n"
                             "[convolutional]\nfilters=5\nsize=1\nactivation=linear\n"
                             "[avgpool]\n"
                             "[softmax]\n";

static int set(const char *text, int classes, char **out, struct error *err)
{
    struct config c;
    assert_int_equal(config_parse(&c, "test.cfg", text, err), 0);
    if (heads_set_classes(&c, classes, err) != 0)
        return -1;
    *out = config_text(&c);
    config_free(&c);
    return 0;
}

static void same_cfg(const char *text, int classes, const char *wanted)
{
    struct error err = ERROR_INIT;
    struct config c;
    char *got = NULL;
    assert_int_equal(set(text, classes, &got, &err), 0);
    assert_int_equal(config_parse(&c, "test.cfg", wanted, &err), 0);
    char *expected = config_text(&c);
    assert_string_equal(got, expected);
    config_free(&c);
    free(expected);
    free(got);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    return mem_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void test_classes(void **state)
{
    (void)state;
    same_cfg(seven, 3, three);
    same_cfg(three, 7, seven);
    char *wanted = replaced(classifier, "output=5", "output=9");
    same_cfg(classifier, 9, wanted);
    free(wanted);
    wanted = replaced(pooled, "filters=5", "filters=2");
    same_cfg(pooled, 2, wanted);
    free(wanted);
}

static void test_wrong_classes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char *got;
    assert_int_equal(set("[net]\nwidth=4\nheight=4\nchannels=2\n[maxpool]\nsize=2\n[softmax]\n", 3, &got, &err), -1);
    nets_expect(&err, EXIT_DATA, "--classes 3|no head");
    char *text = replaced(three, "filters=16", "filters=15");
    assert_int_equal(set(text, 4, &got, &err), -1);
    nets_expect(&err, EXIT_DATA, "classes=3 needs 16 channels");
    free(text);
    text = replaced(three, "[yolo]", "[route]\nlayers=-1,-1\n[yolo]\nmax=9");
    char *shared = replaced(text, "filters=16", "filters=8");
    assert_int_equal(set(shared, 4, &got, &err), -1);
    nets_expect(&err, EXIT_DATA, "no layer with filters= stands directly before this head");
    free(shared);
    free(text);
}

static bool same_layer(const struct network *a, const struct network *b, int i)
{
    for (int k = 0; k < a->layer[i].n_params; k++) {
        const struct param *p = a->layer[i].param[k], *q = b->layer[i].param[k];
        if (memcmp(&p->shape, &q->shape, sizeof p->shape) != 0 || memcmp(p->value, q->value, shape_size(p->shape) * sizeof(real)) != 0)
            return false;
    }
    return true;
}

/* Starting `to` from `from` in both file formats takes the layers told in `taken` ('1', '0'; '-' without parameters) and leaves the others.
 */
static void starts(const char *from, const char *to, const char *taken)
{
    struct error err = ERROR_INIT;
    struct network *a = nets_build(from, 1), *fresh = nets_build(to, 2);
    nets_count(a, -2);
    const char *darknet = support_path(dir, "from.weights");
    assert_int_equal(weights_write(a, darknet, 0, &err), 0);
    const char *path = support_path(dir, "from.safetensors");
    assert_int_equal(model_write(a, path, NULL, &err), 0);
    for (int format = 0; format < 2; format++) {
        struct network *b = nets_build(to, 2);
        if (format == 0) {
            assert_int_equal(weights_start_from(b, support_path(dir, "from.weights"), 0, &err), 0);
        } else {
            struct model_file *m = model_open(support_path(dir, "from.safetensors"), &err);
            assert_non_null(m);
            assert_int_equal(model_start_from(m, b, &err), 0);
            model_close(m);
        }
        for (int i = 0; i < b->n_layers; i++) {
            if (taken[i] == '-')
                continue;
            assert_int_equal(b->layer[i].loaded, taken[i] == '1');
            assert_true(same_layer(b, taken[i] == '1' ? a : fresh, i));
        }
        network_free(b);
    }
    network_free(a);
    network_free(fresh);
}

static void test_start(void **state)
{
    (void)state;
    starts(three, three, "11--11-");
    starts(seven, three, "10--10-");
    starts(three, seven, "10--10-");
    char *nine = replaced(classifier, "output=5", "output=9");
    starts(nine, classifier, "10--");
    starts(classifier, nine, "10--");
    free(nine);
    nine = replaced(pooled, "filters=5", "filters=9");
    starts(nine, pooled, "10--");
    free(nine);
}

/* A model file tells its shapes, so that any layer may differ; a .weights file doesn't. */
static void test_other_body(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *a = nets_build(three, 1);
    char *text = replaced(three, "filters=4", "filters=6");
    struct network *b = nets_build(text, 2);
    const char *path = support_path(dir, "body.safetensors");
    assert_int_equal(model_write(a, path, NULL, &err), 0);
    struct model_file *m = model_open(path, &err);
    assert_int_equal(model_start_from(m, b, &err), 0);
    const char taken[] = "11--00-";
    for (int i = 0; i < b->n_layers; i++)
        assert_int_equal(b->layer[i].loaded, taken[i] == '1');
    struct network *c = nets_build(classifier, 1);
    assert_int_equal(model_start_from(m, c, &err), -1);
    nets_expect(&err, EXIT_DATA, "body.safetensors: no layer of it fits");
    model_close(m);

    path = support_path(dir, "body.weights");
    assert_int_equal(weights_write(a, path, 0, &err), 0);
    assert_int_equal(weights_start_from(b, path, 0, &err), -1);
    nets_expect(&err, EXIT_DATA, "too short by");
    assert_int_equal(weights_read(a, path, 0, &err), 0);
    network_free(a);
    a = nets_build(seven, 1);
    assert_int_equal(weights_read(a, path, 0, &err), -1); /* for use, a file has to fit */
    nets_expect(&err, EXIT_DATA, "too short by");
    network_free(a);
    network_free(b);
    network_free(c);
    free(text);
}

static void frozen(const char *freeze, const char *wanted)
{
    char *keys = mem_format("[net]\nfreeze=%s\n", freeze), *text = replaced(three, "[net]\n", keys);
    struct network *net = nets_build(text, 1);
    for (int i = 0; i < net->n_layers; i++) {
        if (net->layer[i].n_params == 0)
            continue;
        assert_int_equal(net->layer[i].trainable, wanted[i] == '0');
        for (int k = 0; k < net->layer[i].n_params; k++)
            if (net->layer[i].param[k]->role != PARAM_STATISTIC)
                assert_true(net->layer[i].param[k]->lr_mult == (wanted[i] == '0'));
    }
    network_free(net);
    free(text);
    free(keys);
}

static void test_freeze(void **state)
{
    (void)state;
    frozen("0", "00--00-");
    frozen("1", "10--00-");
    frozen("5", "11--10-");
    frozen("7", "11--11-");
    frozen("1-3", "01--00-");
    frozen("0-0, 5-5", "10--01-");
    frozen("all-but-heads", "10--10-");
    static const char *const wrong[] = {"8", "-1", "0-7", "3-2", "1,2", "heads", "1-x", "4-"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = ERROR_INIT;
        struct config c;
        char *keys = mem_format("[net]\nfreeze=%s\n", wrong[i]), *text = replaced(three, "[net]\n", keys);
        assert_int_equal(config_parse(&c, "test.cfg", text, &err), 0);
        assert_null(network_build(&c, 1, &err));
        nets_expect(&err, EXIT_DATA, "test.cfg:2: freeze=|expected a number of layers from the start (up to 7), ranges");
        free(text);
        free(keys);
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
        cmocka_unit_test(test_classes),    cmocka_unit_test(test_wrong_classes), cmocka_unit_test(test_start),
        cmocka_unit_test(test_other_body), cmocka_unit_test(test_freeze),
    };
    return cmocka_run_group_tests_name("net/heads", tests, begin, end);
}
