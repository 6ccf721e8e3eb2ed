#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void types(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=3\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=5\n[cost]\ntype=sse\nscale=2.5\n",
        "[net]\nwidth=1\nheight=3\nchannels=5\n[cost]\ntype=masked\n",
        "[net]\nwidth=1\nheight=1\nchannels=40\n[cost]\ntype=smooth\n",
        "[net]\nwidth=1\nheight=2\nchannels=9\n[cost]\ntype=L1\nscale=.3\n",
        "[net]\nwidth=1\nheight=2\nchannels=9\n[cost]\ntype=l1\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.low = -3, .high = 3});
}

/* Two losses that share what is below, and a layer that reads the copy. */
static void several(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=1\nheight=1\nchannels=6\n[upsample]\nscale=.5\n[cost]\n[route]\nlayers=0\n[cost]\ntype=smooth\n",
        "[net]\nwidth=1\nheight=1\nchannels=6\n[cost]\n[upsample]\nstride=1\nscale=3\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(several)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
