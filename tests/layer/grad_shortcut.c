#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void plain(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\n[shortcut]\nfrom=-2\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\n[shortcut]\nfrom=0\nactivation=leaky\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.1\n[shortcut]\nfrom=-2\nactivation="
        "mish\nalpha=.5\nbeta=2\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[shortcut]\nfrom=-1\nactivation=tanh\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nactivation=swish\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

/* The pixels and channels that both have. */
static void unlike_shapes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=6\nheight=4\nchannels=4\n[upsample]\nstride=1\nscale=1.5\n[maxpool]\nsize=2\nstride=2\n[shortcut]\nfrom=-2\n[cost]\n",
        "[net]\nwidth=6\nheight=4\nchannels=4\n[upsample]\nstride=1\nscale=1.5\n[upsample]\n[shortcut]\nfrom=-2\nactivation=logistic\nbeta="
        ".5\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=4\n[upsample]\nstride=1\nscale=1.5\n[route]\nlayers=-1,-1\n[shortcut]\nfrom=-2\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=4\n[upsample]\nstride=1\nscale=1.5\n[route]\nlayers=-1\ngroups=2\n[shortcut]\nfrom=-2\n[cost]"
        "\n",
        "[net]\nwidth=7\nheight=7\nchannels=2\n[upsample]\nstride=1\nscale=1.5\n[maxpool]\nsize=3\nstride=3\n[shortcut]\nfrom=-2\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

static void weighted(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nweights_type=per_feature\nweights_normalization=none\nactivation=linear\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nweights_type=per_channel\nweights_normalization=none\nactivation=leaky\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nweights_type=per_feature\nweights_normalization=relu\nactivation=linear\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nweights_type=per_channel\nweights_normalization=softmax\nactivation=mish\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nweights_type=per_layer\nweights_normalization=softmax\nactivation=linear\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[upsample]\nstride=1\nscale=1.5\n[dropout]\nprobability=.2\n[dropout]\nprobability=.2\n["
        "shortcut]\nfrom=-2,-3\nweights_type=per_channel\nweights_normalization=avg_relu\nactivation=tanh\n[cost]\n",
        "[net]\nwidth=3\nheight=3\nchannels=4\n[upsample]\nstride=1\nscale=1.5\n[route]\nlayers=-1\ngroups=2\n[upsample]\nstride=1\n[route]"
        "\nlayers=0\n[shortcut]\nfrom=-2,-4\nweights_type=per_channel\nweights_normalization=softmax\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(unlike_shapes), cmocka_unit_test(weighted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
