/* Strings as the command line and the formats need them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void test_list(void **state)
{
    (void)state;
    struct text_list list = {0};
    char word[] = "a";
    for (int i = 0; i < 100; i++)
        text_list_add(&list, word);
    word[0] = 'b'; /* the list has copies */
    assert_int_equal(list.n, 100);
    assert_string_equal(list.item[99], "a");
    text_list_free(&list);
    assert_int_equal(list.n, 0);
    assert_null(list.item);
}

static void test_trim(void **state)
{
    (void)state;
    char a[] = " \t a b \r\n", b[] = "   ", c[] = "", d[] = "x";
    assert_string_equal(text_trim(a), "a b");
    assert_string_equal(text_trim(b), "");
    assert_string_equal(text_trim(c), "");
    assert_string_equal(text_trim(d), "x");
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(text_starts("train", "tr"));
    assert_false(text_starts("tr", "train"));
    assert_false(text_starts("Train", "tr"));
    assert_true(text_ends("a.JPG", ".jpg"));
    assert_false(text_ends("jpg", ".jpg"));
    assert_true(text_ends("x", ""));
}

static void test_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{".1", .1},
                {"1.", 1},
                {"1e-3", .001},
                {"-2.5", -2.5},
                {"+3", 3},
                {"0", 0},
                {"1E5", 1e5},
                {"007", 7},
                {"-.5e1", -5},
                {"1e308", 1e308},
                {"2.2250738585072014e-308", DBL_MIN}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double v = 99;
        assert_true(text_to_double(good[i].text, &v));
        assert_true(v == good[i].value);
    }
    static const char *const bad[] = {"",      " 1",   "1 ",  "1x",    "x", "nan", "inf", "-inf", "infinity",
                                      "1e999", "0x10", "1,5", "1.2.3", ".", "-",   "e5",  "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double v = 99;
        if (text_to_double(bad[i], &v))
            fail_msg("'%s' passes for a number", bad[i]);
        assert_true(v == 99);
    }
}

static void test_long(void **state)
{
    (void)state;
    long v = 0;
    assert_true(text_to_long("-9223372036854775808", &v));
    assert_true(v == INT64_MIN);
    assert_true(text_to_long("9223372036854775807", &v));
    assert_true(v == INT64_MAX);
    assert_true(text_to_long("010", &v)); /* decimal */
    assert_int_equal(v, 10);
    static const char *const bad[] = {"", "9223372036854775808", "1.0", "1e3", " 1", "1 ", "0x1", "a", "-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_to_long(bad[i], &v));
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"convolutional", "maxpool", "avgpool", "softmax", "yolo", "net"};
    const int n = sizeof words / sizeof *words;
    static const struct {
        const char *word, *nearest;
    } cases[] = {{"convolutonal", "convolutional"},  {"Maxpool", "maxpool"}, {"maxpol", "maxpool"}, {"avgpol", "avgpool"}, {"yool", "yolo"},
                 {"convolutoinal", "convolutional"}, {"sofmtax", "softmax"}, {"nte", "net"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(text_nearest(cases[i].word, words, n), cases[i].nearest);
    assert_null(text_nearest("recurrent", words, n));
    assert_null(text_nearest("", words, n));
    assert_null(text_nearest("yolo", words, 0));
    char huge[5000];
    memset(huge, 'a', sizeof huge);
    huge[sizeof huge - 1] = 0;
    assert_null(text_nearest(huge, words, n));
}

static void path_is(char *path, const char *expected)
{
    assert_string_equal(path, expected);
    free(path);
}

static void test_paths(void **state)
{
    (void)state;
    path_is(text_dirname("a/b/c.cfg"), "a/b");
    path_is(text_dirname("c.cfg"), ".");
    path_is(text_dirname("/c.cfg"), "/");
    path_is(text_join("a", "b.jpg"), "a/b.jpg");
    path_is(text_join("a/", "b.jpg"), "a/b.jpg");
    path_is(text_join("a", "/b.jpg"), "/b.jpg");
    path_is(text_join(".", "b.jpg"), "b.jpg");
    path_is(text_join("", "b.jpg"), "b.jpg");
    assert_string_equal(text_basename("a/b/c.cfg"), "c.cfg");
    assert_string_equal(text_basename("c.cfg"), "c.cfg");
}

static void expands(const char *text, const char *expected)
{
    const char *bad = NULL;
    char *s = text_expand(text, &bad);
    assert_non_null(s);
    assert_string_equal(s, expected);
    free(s);
}

static void test_expand(void **state)
{
    (void)state;
    setenv("DLNET_TEST_A", "x y", 1);
    setenv("DLNET_TEST_EMPTY", "", 1);
    unsetenv("DLNET_TEST_NONE");
    expands("plain $5 {}", "plain $5 {}");
    expands("${DLNET_TEST_A}", "x y");
    expands("a/${DLNET_TEST_A}/${DLNET_TEST_NONE:-b}c", "a/x y/bc");
    expands("${DLNET_TEST_EMPTY}|${DLNET_TEST_EMPTY:-d}|${DLNET_TEST_NONE:-}", "|d|");
    expands("${DLNET_TEST_NONE:-:-}", ":-");
    const char *bad = NULL;
    const char *text = "a ${DLNET_TEST_NONE} b";
    assert_null(text_expand(text, &bad));
    assert_ptr_equal(bad, text + 2);
    text = "${DLNET_TEST_A} ${open";
    assert_null(text_expand(text, &bad));
    assert_string_equal(bad, "${open");
    assert_null(text_expand("${}", &bad));
    /* a default of a later variable is not this one's */
    text = "${DLNET_TEST_NONE} ${DLNET_TEST_NONE:-x}";
    assert_null(text_expand(text, &bad));
    assert_ptr_equal(bad, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list), cmocka_unit_test(test_trim),    cmocka_unit_test(test_starts_and_ends), cmocka_unit_test(test_double),
        cmocka_unit_test(test_long), cmocka_unit_test(test_nearest), cmocka_unit_test(test_paths),           cmocka_unit_test(test_expand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
