#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gradcheck.h"
#include "math/activation.h"
#include "math/gemm.h"

static void test_image(void **state)
{
    (void)state;
    gradcheck_cfg(
        "[net]\nwidth=4\nheight=3\nchannels=3\n[batchnorm]\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=relu\n[batchnorm]\n"
        "[activation]\nactivation=tanh\n[cost]\ntype=sse\n",
        &(struct gradcheck_options){.batch = 3});
}

static void test_vector(void **state)
{
    (void)state;
    gradcheck_cfg("[net]\ninputs=5\n[connected]\noutput=70\nactivation=tanh\n[batchnorm]\n[connected]\noutput=3\nactivation=linear\n"
                  "[cost]\ntype=sse\n",
                  &(struct gradcheck_options){.batch = 6});
}

static void test_shared_input(void **state)
{
    (void)state;
    gradcheck_cfg("[net]\nwidth=4\nheight=3\nchannels=3\n[convolutional]\nfilters=3\nactivation=tanh\n[batchnorm]\n[shortcut]\nfrom=-2\n"
                  "activation=linear\n[cost]\ntype=sse\n",
                  &(struct gradcheck_options){.batch = 2});
}

/* bn_after=1: behind every activation, with the linear part kept and without. */
static void test_after(void **state)
{
    (void)state;
    char text[512];
    for (int a = 0; a < ACTIVATION_KINDS; a++) {
        if (activation_of_channels(activation_of(a)) || a == ACTIVATION_THRESHOLD) /* refused; nothing passes */
            continue;
        if (a == ACTIVATION_PLSE) /* a line for such small numbers: the next normalisation takes the bias away */
            continue;
        snprintf(text, sizeof text,
                 "[net]\nwidth=4\nheight=3\nchannels=3\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=%s\nbatch_normalize=1\n"
                 "bn_after=1\n[connected]\noutput=5\nactivation=%s\nbatch_normalize=1\nbn_after=1\n[cost]\ntype=sse\n",
                 activation_names[a], activation_names[a]);
        gradcheck_cfg(text, &(struct gradcheck_options){.batch = 5});
    }
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_shared_input),
        cmocka_unit_test(test_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
