#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void strides(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=1\n[upsample]\nstride=5\nscale=-2\n[cost]\n",
        "[net]\nwidth=7\nheight=3\nchannels=2\n[upsample]\nstride=3\nscale=.5\n[upsample]\nstride=1\n[cost]\n",
        "[net]\nwidth=3\nheight=3\nchannels=2\n[upsample]\n[upsample]\nstride=1\n[route]\nlayers=-1,-2\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
