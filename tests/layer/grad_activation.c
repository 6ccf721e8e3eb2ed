#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gradcheck.h"
#include "math/activation.h"
#include "math/gemm.h"

static void test_each(void **state)
{
    (void)state;
    for (int a = 0; activation_names[a]; a++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "[net]\nwidth=4\nheight=3\nchannels=2\n[convolutional]\nfilters=3\nactivation=linear\n[activation]\nactivation=%s\n"
                 "[convolutional]\nfilters=2\nactivation=linear\n[cost]\ntype=sse\n",
                 activation_names[a]);
        gradcheck_cfg(text, &(struct gradcheck_options){.low = -4, .high = 8});
    }
}

/* Their parameters, in a layer of their own and in others. */
static void test_parameters(void **state)
{
    (void)state;
    static const char *const keys[] = {"leaky\nslope=.3", "elu\nalpha=.7", "swish\nalpha=1.702", "threshold\nthreshold=.25"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "[net]\nwidth=4\nheight=3\nchannels=2\n[convolutional]\nfilters=3\nactivation=%s\n[activation]\nactivation=%s\n"
                 "[connected]\noutput=4\nactivation=%s\nbatch_normalize=1\n[connected]\noutput=2\nactivation=linear\n[cost]\n",
                 keys[i], keys[i], keys[i]);
        gradcheck_cfg(text, NULL);
    }
}

static void test_shared_input(void **state)
{
    (void)state;
    gradcheck_cfg("[net]\nwidth=4\nheight=3\nchannels=2\n[convolutional]\nfilters=3\nactivation=linear\n[activation]\nactivation=swish\n"
                  "[shortcut]\nfrom=-2\nactivation=linear\n[cost]\ntype=sse\n",
                  NULL);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_shared_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
