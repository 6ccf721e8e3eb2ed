#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"
#include "math/gemm.h"

static void test_pca(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\ninputs=7\n[pca]\ncomponents=4\n[connected]\noutput=4\nactivation=tanh\n[cost]\ntype=sse\n",
        "[net]\ninputs=6\n[connected]\noutput=5\nactivation=tanh\n[pca]\nwhiten=1\nepsilon=.1\n[shortcut]\nfrom=-2\nactivation=linear\n"
        "[cost]\ntype=sse\n",
        "[net]\nwidth=3\nheight=2\nchannels=2\n[convolutional]\nfilters=2\nactivation=tanh\n[pca]\ncomponents=5\nzca=1\n[shortcut]\nfrom=-"
        "2\n"
        "activation=linear\n[cost]\ntype=sse\n",
        "[net]\nwidth=3\nheight=2\nchannels=2\n[convolutional]\nfilters=2\nactivation=tanh\n[pca]\ncomponents=3\n[route]\nlayers=-1\n"
        "[cost]\ntype=sse\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pca)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
