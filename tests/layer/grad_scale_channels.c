#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void channels(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\n[avgpool]\n[scale_channels]\nfrom=-2\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[dropout]\n[avgpool]\n[scale_channels]\nfrom=0\nactivation=leaky\n[cost]\n",
        "[net]\nwidth=1\nheight=7\nchannels=6\n[upsample]\nstride=1\n[avgpool]\n[softmax]\n[scale_channels]\nfrom=-3\nactivation=mish\n["
        "cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

static void places(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=4\n[upsample]\nstride=1\n[route]\nlayers=0\ngroups=4\ngroup_id=2\n[scale_channels]\nfrom="
        "0\nscale_wh=1\nactivation=logistic\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(channels), cmocka_unit_test(places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
