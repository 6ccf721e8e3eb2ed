#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void joins(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=4\nheight=5\nchannels=3\n[upsample]\nstride=1\n[dropout]\n[route]\nlayers=-1,0\n[cost]\n",
        "[net]\nwidth=4\nheight=5\nchannels=3\n[upsample]\nscale=2\n[route]\nlayers=0\n[cost]\n",
        "[net]\nwidth=3\nheight=3\nchannels=4\n[upsample]\nstride=1\nscale=.7\n[route]\nlayers=-1\ngroups=2\ngroup_id=1\n[cost]\n",
        "[net]\nwidth=3\nheight=3\nchannels=6\n[upsample]\nstride=1\n[upsample]\nstride=1\nscale=3\n[route]\nlayers=-1,-2,0\ngroups="
        "3\ngroup_id=0\n[route]\nlayers=-1,-2\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(joins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
