#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gradcheck.h"
#include "math/activation.h"
#include "math/gemm.h"

/* The masks are functions of the step, which stands still here. */
static const struct gradcheck_options fixed = {.step = 7};

static void test_dropout(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=5\nchannels=3\n[dropout]\n[cost]\n",
        "[net]\nwidth=3\nheight=1\nchannels=1\n[dropout]\nprobability=0\n[cost]\n",
        "[net]\nwidth=3\nheight=3\nchannels=4\n[dropout]\nprobability=.2\n[dropout]\nprobability=.7\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=4\n[dropout]\nprobability=.3\n[route]\nlayers=-1,0\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=2\n[dropout]\nmode=plain\nprobability=.3\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, &fixed);
}

static void test_dropblock(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=5\nchannels=3\n[dropout]\nprobability=.3\ndropblock=1\ndropblock_size_abs=2\n[cost]\n",
        "[net]\nwidth=4\nheight=6\nchannels=2\n[convolutional]\nfilters=3\nsize=3\npad=1\nactivation=tanh\n"
        "[dropout]\nprobability=.2\ndropblock=1\ndropblock_size_rel=.5\nmode=plain\n[route]\nlayers=-1,0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, &fixed);
}

static void test_gaussian(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=5\nchannels=3\n[gaussian_dropout]\n[cost]\n",
        "[net]\ninputs=9\n[connected]\noutput=5\nactivation=tanh\n[gaussian_dropout]\nprobability=.2\n[route]\nlayers=-1,0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, &fixed);
}

static void test_standout(void **state)
{
    (void)state;
    for (int a = 0; a < ACTIVATION_KINDS; a++) {
        if (activation_of_channels(activation_of(a)) || a == ACTIVATION_THRESHOLD) /* refused; nothing passes */
            continue;
        char text[512];
        snprintf(text, sizeof text,
                 "[net]\ninputs=5\n[connected]\noutput=11\nactivation=linear\n[standout]\nactivation=%s\nalpha=.7\nbeta=.4\n"
                 "[connected]\noutput=3\nactivation=linear\n[cost]\n",
                 activation_names[a]);
        gradcheck_cfg(text, &(struct gradcheck_options){.step = 7, .batch = 3});
    }
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=2\n[convolutional]\nfilters=3\nsize=3\npad=1\nactivation=linear\nbatch_normalize=1\n"
        "[standout]\nactivation=tanh\n[route]\nlayers=-1,0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, &fixed);
}

static void test_dropconnect(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\ninputs=7\n[connected]\noutput=5\nactivation=tanh\n[dropconnect]\noutput=4\nactivation=tanh\n[cost]\n",
        "[net]\nwidth=3\nheight=2\nchannels=2\n[dropconnect]\noutput=4\nactivation=mish\nprobability=.3\nbias=0\n[route]\nlayers=-1,0\n["
        "cost]\n",
        NULL,
    };
    gradcheck_all(cases, &fixed);
    gradcheck_cfg("[net]\ninputs=8\n[dropconnect]\noutput=5\nactivation=swish\nbatch_normalize=1\nprobability=.2\n[cost]\n",
                  &(struct gradcheck_options){.step = 3, .batch = 4});
    /* Rows longer than one chunk. */
    gradcheck_cfg("[net]\ninputs=1031\n[dropconnect]\noutput=3\nactivation=tanh\n[cost]\n", &(struct gradcheck_options){.step = 3});
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dropout), cmocka_unit_test(test_dropblock), cmocka_unit_test(test_gaussian),
                                       cmocka_unit_test(test_standout), cmocka_unit_test(test_dropconnect)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
