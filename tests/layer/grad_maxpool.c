#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void shapes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=8\nheight=6\nchannels=3\n[maxpool]\nsize=2\nstride=2\n[cost]\n",
        "[net]\nwidth=7\nheight=5\nchannels=3\n[maxpool]\nsize=2\nstride=2\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=2\n[maxpool]\nsize=2\nstride=2\n[cost]\n",
        "[net]\nwidth=13\nheight=7\nchannels=2\n[maxpool]\nsize=5\nstride=1\n[cost]\n",
        "[net]\nwidth=7\nheight=7\nchannels=2\n[maxpool]\nsize=3\nstride=2\npadding=0\n[cost]\n",
        "[net]\nwidth=9\nheight=8\nchannels=2\n[maxpool]\nsize=3\nstride_x=1\nstride_y=2\npadding=1\n[cost]\n",
        "[net]\nwidth=5\nheight=5\nchannels=2\n[maxpool]\nsize=13\nstride=1\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=2\n[maxpool]\nsize=2\nstride=1\n[maxpool]\nstride=3\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

/* As in a spatial pyramid: one tensor with several readers. */
static void overlapping(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=7\nchannels=2\n[maxpool]\nsize=2\nstride=1\npadding=0\n[maxpool]\nsize=3\nstride=1\n[maxpool]\nsize="
        "5\nstride=1\n[route]\nlayers=-1,-2,0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

/* Behind batch norm the layer before does its work; but not where something else reads that layer, or where the windows overlap. */
static void behind_batch_norm(void **state)
{
    (void)state;
#define CONV(activation) "[convolutional]\nfilters=3\nsize=3\npad=1\nbatch_normalize=1\nactivation=" activation "\n"
#define POOL "[maxpool]\nsize=2\nstride=2\n"
    static const char *const cases[] = {
        "[net]\nwidth=8\nheight=6\nchannels=2\n" CONV("leaky") POOL CONV("mish") POOL "[cost]\n",
        "[net]\nwidth=6\nheight=4\nchannels=2\n" CONV("linear") POOL "[cost]\n",
        "[net]\nwidth=4\nheight=4\nchannels=2\n" CONV("logistic") POOL CONV("relu") "[cost]\n",
        "[net]\nwidth=4\nheight=4\nchannels=2\n" CONV("swish") POOL CONV("relu6") POOL "[cost]\n",
        "[net]\nwidth=6\nheight=4\nchannels=2\n[convolutional]\nfilters=16\nbatch_normalize=1\nactivation=leaky\n" POOL "[cost]\n",
        "[net]\nwidth=6\nheight=4\nchannels=2\n" CONV("leaky") POOL "[upsample]\n[route]\nlayers=-1,0\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=2\n" CONV("leaky") POOL "[cost]\n",
        "[net]\nwidth=6\nheight=4\nchannels=2\n" CONV("leaky") "[maxpool]\nsize=2\nstride=1\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(overlapping), cmocka_unit_test(behind_batch_norm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
