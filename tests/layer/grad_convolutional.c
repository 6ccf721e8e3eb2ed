#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gradcheck.h"
#include "math/activation.h"
#include "math/gemm.h"

#define NET "[net]\nbatch=3\nwidth=7\nheight=5\nchannels=4\n"
#define COST "[cost]\ntype=sse\n"

/* Two of the section in a row, so that the first one passes a gradient on into another one of its kind. */
static void check_to(const char *keys, double tolerance)
{
    char text[2048];
    snprintf(text, sizeof text, NET "[convolutional]\nfilters=6\nsize=1\nactivation=tanh\n[convolutional]\n%s\n[convolutional]\n%s\n" COST,
             keys, keys);
    gradcheck_cfg(text, &(struct gradcheck_options){.batch = 3, .tolerance = tolerance});
}

static void check(const char *keys)
{
    check_to(keys, 0);
}

static void test_shapes(void **state)
{
    (void)state;
    check("filters=6\nsize=3\npad=1\nactivation=linear");
    check("filters=5\nsize=3\nactivation=linear");
    check("filters=6\nsize=3\nstride=2\npad=1\nactivation=linear");
    check("filters=6\nsize=5\nstride_x=2\nstride_y=1\npadding=3\nactivation=linear");
    check("filters=6\nsize=3\npad=1\ndilation=2\nactivation=linear");
    check("filters=6\nsize=1\nactivation=linear\nbias=0");
    check("filters=6\nsize=3\npad=1\ngroups=2\nactivation=linear");
    check("filters=6\nsize=3\npad=1\ngroups=6\nactivation=linear"); /* depth-wise */
    check("filters=6\nsize=5\npad=1\ngroups=6\nstride=2\nactivation=linear");
    check("filters=2\nsize=4\npad=1\nactivation=linear");
}

static void test_oblong(void **state)
{
    (void)state;
    check("filters=5\nsize_x=3\nsize_y=1\npad=1\nactivation=linear");
    check("filters=6\nsize_x=2\nsize_y=3\ngroups=2\nactivation=linear");
    static const char *const signals[] = {
        "[net]\nwidth=19\nheight=1\nchannels=2\n[conv]\nfilters=4\nsize=5\nstride=2\npad=1\nbatch_normalize=1\nactivation=tanh\n"
        "[maxpool]\nsize=3\nstride=2\npadding=0\n[conv]\nfilters=3\nsize=3\npad=1\nactivation=mish\n[avgpool]\n[cost]\n",
        "[net]\nwidth=12\nheight=1\nchannels=4\n[conv]\nfilters=4\nsize=3\npadding=2\ndilation=2\ngroups=4\nactivation=tanh\n[cost]\n",
        NULL,
    };
    gradcheck_all(signals, NULL);
}

static void test_activations(void **state)
{
    (void)state;
    for (int a = 0; a < ACTIVATION_KINDS; a++)
        for (int norm = 0; norm <= 1 && a != ACTIVATION_THRESHOLD; norm++) { /* threshold: nothing passes */
            char keys[256];
            snprintf(keys, sizeof keys, "filters=4\nsize=3\npad=1\nactivation=%s\nbatch_normalize=%d", activation_names[a], norm);
            check_to(keys, a == ACTIVATION_NORM_CHAN ? 1e-5 : 0); /* its curvature is 1/epsilon where few channels are positive */
        }
}

static void test_into_a_shared_input(void **state)
{
    (void)state;
    /* Two layers read layer 0: one gradient overwrites, the other one is added. */
    gradcheck_cfg(NET
                  "[convolutional]\nfilters=4\nactivation=tanh\n[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=mish\n"
                  "[route]\nlayers=0\n[convolutional]\nfilters=4\nsize=3\npad=1\ngroups=4\nbatch_normalize=1\nactivation=swish\n[route]\n"
                  "layers=0\n[convolutional]\nfilters=4\nactivation=linear\n[route]\nlayers=1,3,5\n" COST,
                  NULL);
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_oblong),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_into_a_shared_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
