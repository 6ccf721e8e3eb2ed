#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

/* As the last layer: the cross-entropy, with targets of any sum. */
static void losses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=1\nheight=1\nchannels=7\n[softmax]\n",
        "[net]\nwidth=1\nheight=1\nchannels=10\n[softmax]\ngroups=1\n[cost]\ntype=sse\n",
        "[net]\nwidth=1\nheight=1\nchannels=12\n[softmax]\ngroups=3\ntemperature=2.5\n",
        "[net]\nwidth=2\nheight=2\nchannels=3\n[softmax]\n",
        "[net]\nwidth=4\nheight=3\nchannels=5\n[softmax]\nspatial=1\ntemperature=.5\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=2\n[upsample]\nstride=3\n[softmax]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

static void soft_labels(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=1\nheight=1\nchannels=7\n[softmax]\n",
        "[net]\nwidth=1\nheight=1\nchannels=9\n[softmax]\ntemperature=3\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.labels = GRADCHECK_SOFT});
}

static void one_hot_and_large_logits(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=1\nheight=1\nchannels=7\n[softmax]\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.labels = GRADCHECK_ONE_HOT, .low = -30, .high = 30});
}

/* Elsewhere: an ordinary layer with its Jacobian. */
static void ordinary(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=1\nheight=1\nchannels=7\n[softmax]\nnoloss=1\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=12\n[softmax]\ngroups=4\ntemperature=2\n[route]\nlayers=-1,-1\n[cost]\n",
        "[net]\nwidth=5\nheight=4\nchannels=3\n[softmax]\nspatial=1\n[upsample]\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(losses), cmocka_unit_test(soft_labels), cmocka_unit_test(one_hot_and_large_logits),
                                       cmocka_unit_test(ordinary)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
