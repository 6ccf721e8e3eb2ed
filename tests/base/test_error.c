/* Mistakes of the user: collected, cut at whole lines, counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/error.h"

static void test_lines_and_status(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(err.status, EXIT_OK);
    assert_int_equal(error_add(&err, EXIT_NO_INPUT, "%s is %d", "a", 1), -1);
    assert_int_equal(error_at(&err, EXIT_DATA, "net.cfg", 12, "found %s", "x"), -1);
    assert_int_equal(error_at(&err, EXIT_DATA, "net.cfg", 0, "whole file"), -1);
    assert_string_equal(err.text, "a is 1\nnet.cfg:12: found x\nnet.cfg: whole file");
    assert_int_equal(err.status, EXIT_NO_INPUT); /* of the first */
    assert_int_equal(err.count, 3);
}

static void test_nobody_wants_to_know(void **state)
{
    (void)state;
    assert_int_equal(error_add(NULL, EXIT_DATA, "x"), -1);
    assert_int_equal(error_at(NULL, EXIT_DATA, "f", 1, "x"), -1);
}

/* More mistakes than the text has room for: counted all, whole lines kept, nothing written past the end. */
static void test_overflow(void **state)
{
    (void)state;
    struct {
        struct error err;
        char fence[64];
    } s = {.err = ERROR_INIT};
    memset(s.fence, '#', sizeof s.fence);
    for (int i = 0; i < 5000; i++)
        error_at(&s.err, EXIT_DATA, "net.cfg", i + 1, "mistake");
    assert_int_equal(s.err.count, 5000);
    const size_t length = strlen(s.err.text);
    assert_true(length < sizeof s.err.text && length > sizeof s.err.text - 64);
    assert_string_equal(s.err.text + length - strlen(": mistake"), ": mistake");
    for (size_t i = 0; i < sizeof s.fence; i++)
        assert_int_equal(s.fence[i], '#');
}

static void test_long_message(void **state)
{
    (void)state;
    static char word[20000];
    memset(word, 'w', sizeof word - 1);
    struct error err = ERROR_INIT;
    error_add(&err, EXIT_DATA, "%s", word);
    error_at(&err, EXIT_DATA, word, 1, "%s", word);
    assert_int_equal(err.count, 2);
    assert_true(strlen(err.text) < sizeof err.text);
    assert_true(strncmp(err.text, "wwww", 4) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_status),
        cmocka_unit_test(test_nobody_wants_to_know),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_long_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
