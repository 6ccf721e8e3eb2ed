/* Tables of keys: how values are read, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/option.h"

struct state {
    int filters, flag, choice, any;
    int64_t seed;
    double rate, open;
    char *text, *path;
    struct option_ints ints;
    struct option_floats floats;
};

static const char *const choices[] = {"linear", "leaky", "logistic", NULL};

#define AT(field) offsetof(struct state, field)
static const struct config_key table[] = {
    {"filters", OPTION_INT, AT(filters), "1", 1, 65536, .help = "number of output channels"},
    {"flag", OPTION_FLAG, AT(flag), "1", .help = "a flag"},
    {"activation", OPTION_CHOICE, AT(choice), "logistic", .choices = choices, .help = "a function"},
    {"any", OPTION_INT, AT(any), "-3", .help = "no bounds"},
    {"seed", OPTION_LONG, AT(seed), "7", 0, INFINITY, .help = "a large number"},
    {"rate", OPTION_FLOAT, AT(rate), ".001", 0, 1, .help = "a fraction"},
    {"open", OPTION_FLOAT, AT(open), "0", -INFINITY, 5, .help = "open below"},
    {"text", OPTION_TEXT, AT(text), "", .help = "words"},
    {"path", OPTION_PATH, AT(path), "a/b", .help = "a file"},
    {"ints", OPTION_INTS, AT(ints), "1,2", -10, 10, .help = "whole numbers"},
    {"floats", OPTION_FLOATS, AT(floats), "", .help = "numbers"},
    {"old", OPTION_IGNORED, .help = "nothing"},
    {"mixup", OPTION_UNSUPPORTED, 0, "0", .help = "blends"},
    {"resize_step", OPTION_UNSUPPORTED, 0, "32", .help = "steps"},
    {0},
};

struct common {
    int lr;
    char *name;
};
static const struct config_key extra[] = {
    {"lr_mult", OPTION_INT, offsetof(struct common, lr), "1", 0, 9, .help = "factor"},
    {"name", OPTION_TEXT, offsetof(struct common, name), "x", .help = "a name"},
    {0},
};

/* Fills from the lines of a section that begins in line 1 of net.cfg. */
struct filled {
    struct config config;
    struct state state;
    struct common common;
    struct error err;
    int result;
};

static void fill(struct filled *f, const char *lines)
{
    *f = (struct filled){0};
    char text[2048];
    snprintf(text, sizeof text, "[convolutional]\n%s", lines);
    assert_int_equal(config_parse(&f->config, "net.cfg", text, &f->err), 0);
    f->result = option_fill(&f->config, &f->config.section[0], table, &f->state, extra, &f->common, &f->err);
}

static void release(struct filled *f)
{
    option_free(table, &f->state);
    option_free(extra, &f->common);
    config_free(&f->config);
}

/* The lines are wrong; the whole message. The fields still hold their defaults. */
static void wrong(const char *lines, const char *message)
{
    struct filled f;
    fill(&f, lines);
    assert_int_equal(f.result, -1);
    assert_string_equal(f.err.text, message);
    assert_int_equal(f.err.status, EXIT_DATA);
    assert_int_equal(f.state.filters, 1);
    assert_float_equal(f.state.rate, .001, 0);
    assert_int_equal(f.state.ints.n, 2);
    release(&f);
}

static void test_defaults(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "");
    assert_int_equal(f.result, 0);
    assert_int_equal(f.state.filters, 1);
    assert_int_equal(f.state.flag, 1);
    assert_int_equal(f.state.choice, 2);
    assert_int_equal(f.state.any, -3);
    assert_int_equal(f.state.seed, 7);
    assert_float_equal(f.state.rate, .001, 0);
    assert_string_equal(f.state.text, "");
    assert_string_equal(f.state.path, "a/b");
    assert_int_equal(f.state.ints.n, 2);
    assert_int_equal(f.state.ints.v[1], 2);
    assert_int_equal(f.state.floats.n, 0);
    assert_int_equal(f.common.lr, 1);
    assert_string_equal(f.common.name, "x");
    release(&f);
}

static void test_values(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "filters=64\nflag=0\nactivation=leaky\nany=-2147483648\nseed=9007199254740993\nrate=1e-3\nopen=-1e300\n"
             "text=two words\npath=/x y/z\nints=3, -4,5\nfloats = .1, 1., 1e-3,-2\nold=anything\nmixup=1\nlr_mult=0\nname=\n");
    if (f.result != 0)
        fail_msg("%s", f.err.text);
    assert_int_equal(f.state.filters, 64);
    assert_int_equal(f.state.flag, 0);
    assert_int_equal(f.state.choice, 1);
    assert_int_equal(f.state.any, INT_MIN);
    assert_true(f.state.seed == 9007199254740993); /* not to be had by way of a double */
    assert_float_equal(f.state.rate, .001, 0);
    assert_true(f.state.open == -1e300);
    assert_string_equal(f.state.text, "two words");
    assert_string_equal(f.state.path, "/x y/z");
    assert_int_equal(f.state.ints.n, 3);
    assert_int_equal(f.state.ints.v[0], 3);
    assert_int_equal(f.state.ints.v[1], -4);
    assert_int_equal(f.state.ints.v[2], 5);
    assert_int_equal(f.state.floats.n, 4);
    assert_float_equal(f.state.floats.v[0], .1, 0);
    assert_float_equal(f.state.floats.v[1], 1, 0);
    assert_float_equal(f.state.floats.v[2], .001, 0);
    assert_float_equal(f.state.floats.v[3], -2, 0);
    assert_int_equal(f.common.lr, 0);
    assert_string_equal(f.common.name, "");
    release(&f);
}

static void test_whole_numbers_written_as_floats(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "filters=3.0\nany=5.\nflag=1.0\nseed=1e3\nints=1.0 2\n");
    assert_int_equal(f.result, 0);
    assert_int_equal(f.state.filters, 3);
    assert_int_equal(f.state.any, 5);
    assert_int_equal(f.state.flag, 1);
    assert_int_equal(f.state.seed, 1000);
    assert_int_equal(f.state.ints.n, 2); /* spaces part numbers too: cspx-p7-mish_hp.cfg has "61,45    61,45" */
    assert_int_equal(f.state.ints.v[1], 2);
    release(&f);
}

static void test_wrong_values(void **state)
{
    (void)state;
    wrong("\nfilters=0\n", "net.cfg:3: filters=0 found, expected a whole number in 1..65536");
    wrong("filters=3.5\n", "net.cfg:2: filters=3.5 found, expected a whole number in 1..65536");
    wrong("filters=abc\n", "net.cfg:2: filters=abc found, expected a whole number in 1..65536");
    wrong("filters=12abc\n", "net.cfg:2: filters=12abc found, expected a whole number in 1..65536");
    wrong("filters=\n", "net.cfg:2: filters= has no value, expected a whole number in 1..65536");
    wrong("filters=99999999999999999999\n", "net.cfg:2: filters=99999999999999999999 found, expected a whole number in 1..65536");
    wrong("any=2147483648\n", "net.cfg:2: any=2147483648 found, expected a whole number");
    wrong("seed=-1\n", "net.cfg:2: seed=-1 found, expected a whole number of 0 or more");
    wrong("flag=2\n", "net.cfg:2: flag=2 found, expected 0 or 1");
    wrong("flag=yes\n", "net.cfg:2: flag=yes found, expected 0 or 1");
    wrong("rate=1.5\n", "net.cfg:2: rate=1.5 found, expected a number in 0..1");
    wrong("rate=nan\n", "net.cfg:2: rate=nan found, expected a number in 0..1");
    wrong("rate=0,5\n", "net.cfg:2: rate=0,5 found, expected a number in 0..1");
    wrong("open=6\n", "net.cfg:2: open=6 found, expected a number of 5 or less");
    wrong("open=inf\n", "net.cfg:2: open=inf found, expected a number of 5 or less");
    wrong("activation=leeky\n", "net.cfg:2: activation=leeky found, expected linear, leaky or logistic; did you mean 'leaky'?");
    wrong("activation=q\n", "net.cfg:2: activation=q found, expected linear, leaky or logistic");
    wrong("ints=1,x,3\n", "net.cfg:2: ints=1,x,3 has 'x' in it, expected whole numbers in -10..10, separated by commas");
    wrong("ints=1,11\n", "net.cfg:2: ints=1,11 has '11' in it, expected whole numbers in -10..10, separated by commas");
    wrong("ints=1,,2\n", "net.cfg:2: ints=1,,2 has nothing beside a comma, expected whole numbers in -10..10, separated by commas");
    wrong("ints=1,2,\n", "net.cfg:2: ints=1,2, has nothing beside a comma, expected whole numbers in -10..10, separated by commas");
    wrong("floats=1;2\n", "net.cfg:2: floats=1;2 found, expected numbers, separated by commas");
}

static void test_unknown_keys(void **state)
{
    (void)state;
    wrong("filtres=4\n", "net.cfg:2: unknown key 'filtres' in [convolutional]; did you mean 'filters'?");
    wrong("lr_mul=4\n", "net.cfg:2: unknown key 'lr_mul' in [convolutional]; did you mean 'lr_mult'?");
    wrong("Filters=4\n", "net.cfg:2: unknown key 'Filters' in [convolutional]; did you mean 'filters'?");
    wrong("wholly_other=4\n",
          "net.cfg:2: unknown key 'wholly_other' in [convolutional]; its keys are filters, flag, activation, any, seed, "
          "rate, open, text, path, ints, floats, old, mixup, resize_step, lr_mult, name");
}

static void test_all_mistakes_in_one_run(void **state)
{
    (void)state;
    wrong("flag=3\nfiltres=1\nrate=x\n", "net.cfg:2: flag=3 found, expected 0 or 1\n"
                                         "net.cfg:3: unknown key 'filtres' in [convolutional]; did you mean 'filters'?\n"
                                         "net.cfg:4: rate=x found, expected a number in 0..1");
}

static void test_missing_key(void **state)
{
    (void)state;
    struct needed {
        int size;
        char *file;
    } n = {0};
    const struct config_key needs[] = {
        {"size", OPTION_INT, offsetof(struct needed, size), NULL, 3, 9, .help = ""},
        {"file", OPTION_PATH, offsetof(struct needed, file), NULL, .help = ""},
        {0},
    };
    struct config c;
    struct error err = ERROR_INIT;
    assert_int_equal(config_parse(&c, "net.cfg", "[net]\n\n[local]\n", &err), 0);
    assert_int_equal(option_fill(&c, &c.section[1], needs, &n, NULL, NULL, &err), -1);
    assert_string_equal(err.text, "net.cfg:3: [local] needs size=, expected a whole number in 3..9\n"
                                  "net.cfg:3: [local] needs file=, expected a path");
    assert_int_equal(n.size, 3); /* valid, so that later checks can go on */
    assert_string_equal(n.file, "");
    option_free(needs, &n);
    assert_null(n.file);
    config_free(&c);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("DLNET_TEST_N", "12", 1);
    setenv("DLNET_TEST_EMPTY", "", 1);
    unsetenv("DLNET_TEST_NONE");
    struct filled f;
    fill(&f, "filters=${DLNET_TEST_N}\nrate=.${DLNET_TEST_N}5\ntext=${DLNET_TEST_NONE:-a b}/c/${DLNET_TEST_EMPTY:-d}\n"
             "path=$HOME/${DLNET_TEST_NONE:-}x\n");
    if (f.result != 0)
        fail_msg("%s", f.err.text);
    assert_int_equal(f.state.filters, 12);
    assert_float_equal(f.state.rate, .125, 0);
    assert_string_equal(f.state.text, "a b/c/d");
    assert_string_equal(f.state.path, "$HOME/x");
    assert_string_equal(config_get(&f.config.section[0], "filters")->value, "${DLNET_TEST_N}");
    release(&f);
    wrong("text=a/${DLNET_TEST_NONE}/b\n",
          "net.cfg:2: text=a/${DLNET_TEST_NONE}/b: ${DLNET_TEST_NONE} is not set in the environment and has no "
          "default (${NAME:-default})");
    wrong("text=${DLNET\n", "net.cfg:2: text=${DLNET: ${DLNET has no closing }");
    wrong("filters=${DLNET_TEST_NONE:-x}\n", "net.cfg:2: filters=x found, expected a whole number in 1..65536");
}

static void test_set_is_checked_as_strictly(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "filters=4\n");
    release(&f);
    struct config c;
    struct error err = ERROR_INIT;
    struct state s = {0};
    assert_int_equal(config_parse(&c, "net.cfg", "[convolutional]\nfilters=4\n", &err), 0);
    assert_int_equal(config_set(&c, "0.filters=x", &err), 0);
    assert_int_equal(config_set(&c, "0.flagg=1", &err), 0);
    assert_int_equal(option_fill(&c, &c.section[0], table, &s, NULL, NULL, &err), -1);
    assert_string_equal(err.text, "--set 0.filters=x: filters=x found, expected a whole number in 1..65536\n"
                                  "--set 0.flagg=1: unknown key 'flagg' in [convolutional]; did you mean 'flag'?");
    option_free(table, &s);
    config_free(&c);
}

static void test_error_at_the_line_of_a_key(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "flag=1\nfilters=4\n");
    struct error err = ERROR_INIT;
    const struct config_section *s = &f.config.section[0];
    assert_int_equal(option_error(&f.config, s, "filters", &err, "%d is odd", 5), -1);
    assert_int_equal(option_error(&f.config, s, "rate", &err, "not given"), -1);
    assert_int_equal(option_error(&f.config, s, NULL, &err, "the section"), -1);
    assert_string_equal(err.text, "net.cfg:3: 5 is odd\nnet.cfg:1: not given\nnet.cfg:1: the section");
    assert_int_equal(err.status, EXIT_DATA);
    release(&f);
}

static void collect(void *context, const struct config_key *key, const char *message)
{
    assert_non_null(key);
    char *text = context;
    strcat(text, message);
    strcat(text, "\n");
}

static void test_unsupported_keys_are_told(void **state)
{
    (void)state;
    struct filled f;
    char told[512] = "";
    fill(&f, "mixup=1\nresize_step=32.0\nold=5\n");
    assert_int_equal(f.result, 0);
    struct error err = ERROR_INIT;
    assert_int_equal(option_unsupported(&f.config.section[0], table, collect, told), 1);
    assert_string_equal(told, "net.cfg:2: mixup=1 has no effect in this version\n");
    assert_int_equal(config_set(&f.config, "0.resize_step=64", &err), 0);
    assert_int_equal(config_set(&f.config, "0.mixup=0", &err), 0);
    *told = 0;
    assert_int_equal(option_unsupported(&f.config.section[0], table, collect, told), 1);
    assert_string_equal(told, "--set 0.resize_step=64: resize_step=64 has no effect in this version\n");
    release(&f);
}

static void test_manual(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    option_print(f, table);
    fclose(f);
    for (const struct config_key *k = table; k->key; k++)
        assert_non_null(strstr(text, k->key));
    assert_non_null(strstr(text, "  filters                 number of output channels (a whole number in 1..65536; default 1)\n"));
    assert_non_null(strstr(text, "  activation              a function (linear, leaky or logistic; default logistic)\n"));
    for (char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        assert_true(length <= 100);
        line += length + 1;
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_whole_numbers_written_as_floats),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_all_mistakes_in_one_run),
        cmocka_unit_test(test_missing_key),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_set_is_checked_as_strictly),
        cmocka_unit_test(test_error_at_the_line_of_a_key),
        cmocka_unit_test(test_unsupported_keys_are_told),
        cmocka_unit_test(test_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
