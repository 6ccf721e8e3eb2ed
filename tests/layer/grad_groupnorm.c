#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"
#include "math/gemm.h"

static void test_groups(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=6\n[groupnorm]\ngroups=3\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=relu\n"
        "[groupnorm]\ngroups=4\n[activation]\nactivation=tanh\n[cost]\ntype=sse\n",
        "[net]\nwidth=3\nheight=3\nchannels=4\n[convolutional]\nfilters=4\nactivation=tanh\n[groupnorm]\ngroups=2\n[shortcut]\nfrom=-2\n"
        "activation=linear\n[cost]\ntype=sse\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

static void test_layer(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\ninputs=7\n[connected]\noutput=40\nactivation=tanh\n[layernorm]\n[connected]\noutput=3\nactivation=linear\n[cost]\ntype="
        "sse\n",
        "[net]\nwidth=4\nheight=5\nchannels=3\n[layernorm]\n[route]\nlayers=-1,0\n[cost]\ntype=sse\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups), cmocka_unit_test(test_layer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
