#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"
#include "math/gemm.h"

static void test_standardize(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\ninputs=7\n[standardize]\n[connected]\noutput=4\nactivation=tanh\n[cost]\ntype=sse\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[convolutional]\nfilters=3\nactivation=tanh\n[standardize]\n[shortcut]\nfrom=-2\n"
        "activation=linear\n[cost]\ntype=sse\n",
        "[net]\nwidth=3\nheight=3\nchannels=2\n[connected]\noutput=6\nactivation=tanh\n[standardize]\nper=feature\n[route]\nlayers=-1,0\n"
        "[cost]\ntype=sse\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_standardize)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
