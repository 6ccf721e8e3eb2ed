#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define BAD "\xEF\xBF\xBD"

/* Unicode 15, table 3-7 and section 3.9. */
static void test_well_formed(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "caf\xC3\xA9 \xE7\x8A\xAC \xF0\x9F\x90\x95"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(utf8_valid(good[i]));
        char *copy = utf8_clean(good[i]);
        assert_string_equal(copy, good[i]);
        free(copy);
    }
}

static void test_ill_formed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"a\xFFz", "a" BAD "z"},               /* no such byte */
        {"\x80", BAD},                         /* continuation alone */
        {"\xC0\xAF", BAD BAD},                 /* overlong / */
        {"\xC1\xBF", BAD BAD},                 /* overlong */
        {"\xE0\x9F\xBF", BAD BAD BAD},         /* overlong */
        {"\xED\xA0\x80", BAD BAD BAD},         /* surrogate */
        {"\xF0\x8F\xBF\xBF", BAD BAD BAD BAD}, /* overlong */
        {"\xF4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xF5\x80\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"end\xE2\x82", "end" BAD BAD},        /* cut off */
        {"\xC3(", BAD "("},                    /* broken off */
        {"\xC3\xA9\xC3\xC3\xA9", "\xC3\xA9" BAD "\xC3\xA9"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(utf8_valid(cases[i].text));
        char *copy = utf8_clean(cases[i].text);
        assert_string_equal(copy, cases[i].clean);
        assert_true(utf8_valid(copy));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_well_formed), cmocka_unit_test(test_ill_formed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
