#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void shapes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=5\nchannels=3\n[avgpool]\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=1\n[avgpool]\n[cost]\n",
        "[net]\nwidth=4\nheight=13\nchannels=17\n[avgpool]\n[avgpool]\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=5\n[upsample]\n[avgpool]\n[scale_channels]\nfrom=-2\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
