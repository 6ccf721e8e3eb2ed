#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void forms(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=6\nheight=4\nchannels=4\n[reorg]\nstride=2\n[cost]\n",
        "[net]\nwidth=6\nheight=3\nchannels=9\n[reorg]\nstride=3\n[cost]\n",
        "[net]\nwidth=5\nheight=3\nchannels=8\n[reorg]\nstride=2\nreverse=1\n[cost]\n",
        "[net]\nwidth=5\nheight=3\nchannels=3\n[reorg]\nstride=1\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[reorg]\nflatten=1\n[cost]\n",
        "[net]\nwidth=6\nheight=4\nchannels=3\n[reorg]\nstride=2\nflatten=1\nreverse=0\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[reorg]\nflatten=1\nreverse=1\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[reorg]\nextra=2\n[cost]\n",
        "[net]\nwidth=4\nheight=4\nchannels=4\n[upsample]\nstride=1\n[reorg]\nstride=2\n[reorg]\nstride=2\nreverse=1\n[route]\nlayers=-1,"
        "0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
