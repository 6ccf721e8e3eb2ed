#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void types(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=5\nheight=4\nchannels=3\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=5\n[cost]\ntype=sse\nscale=2.5\n",
        "[net]\nwidth=1\nheight=3\nchannels=5\n[cost]\ntype=masked\n",
        "[net]\nwidth=1\nheight=1\nchannels=40\n[cost]\ntype=smooth\n",
        "[net]\nwidth=1\nheight=2\nchannels=9\n[cost]\ntype=L1\nscale=.3\n",
        "[net]\nwidth=1\nheight=2\nchannels=9\n[cost]\ntype=l1\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.low = -3, .high = 3});
}

static void classifiers(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=cross_entropy\nscale=1.5\n",
        "[net]\nwidth=1\nheight=1\nchannels=5\n[cost]\ntype=cross_entropy\nclass_weights=1,2,.5,3,0\nlabel_smooth_eps=.1\n",
        "[net]\nwidth=2\nheight=1\nchannels=3\nlabel_smooth_eps=.3\n[connected]\noutput=6\nactivation=tanh\n[softmax]\n"
        "class_weights=1,2,3\ngroups=2\ntemperature=.7\n",
        "[net]\nwidth=2\nheight=2\nchannels=3\n[softmax]\nspatial=1\nclass_weights=1,2,3\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=bce\nclass_weights=1,2,.5,3\nlabel_smooth_eps=.1\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[connected]\noutput=5\nactivation=linear\n[logistic]\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[logistic]\nclass_weights=1,2,.5,3\nlabel_smooth_eps=.2\n[cost]\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=focal\nclass_weights=1,2,.5,3\nlabel_smooth_eps=.1\n",
        "[net]\nwidth=1\nheight=1\nchannels=9\n[cost]\ntype=focal\ngamma=0\nalpha=.5\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=hinge\nclass_weights=1,2,.5,3\nlabel_smooth_eps=.1\n",
        "[net]\nwidth=1\nheight=1\nchannels=1\n[cost]\ntype=hinge\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=crammer_singer\nclass_weights=1,2,.5,3\nlabel_smooth_eps=.1\n",
        NULL,
    };
    for (int labels = GRADCHECK_UNIFORM; labels <= GRADCHECK_SOFT; labels++)
        gradcheck_all(cases, &(struct gradcheck_options){.low = -4.1, .high = 4.3, .labels = (enum gradcheck_labels)labels});
}

static void regression(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=mse\nscale=3\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=mae\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=smooth\ndelta=.3\n",
        "[net]\nwidth=2\nheight=3\nchannels=4\n[cost]\ntype=huber\ndelta=2\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.low = -3, .high = 3});
}

/* Predictions in .1 .. .9, targets in 0 .. 1. */
static void boxes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\ninputs=40\n[cost]\ntype=iou\n",
        "[net]\ninputs=8\n[cost]\ntype=giou\nbox_format=xyxy\n",
        "[net]\ninputs=8\n[cost]\ntype=giou\n",
        "[net]\ninputs=4\n[cost]\ntype=diou\nscale=2\n",
        "[net]\ninputs=12\n[cost]\ntype=ciou\n",
        "[net]\ninputs=4\n[cost]\ntype=diou\nbox_format=xyxy\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.low = .1, .high = .9});
}

/* Two losses that share what is below, and a layer that reads the copy. */
static void several(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=1\nheight=1\nchannels=6\n[upsample]\nscale=.5\n[cost]\n[route]\nlayers=0\n[cost]\ntype=smooth\n",
        "[net]\nwidth=1\nheight=1\nchannels=6\n[cost]\n[upsample]\nstride=1\nscale=3\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=6\n[cost]\ntype=cross_entropy\n[upsample]\nstride=1\nscale=3\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=6\n[cost]\ntype=bce\n[upsample]\nstride=1\nscale=3\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=6\n[logistic]\n[upsample]\nstride=1\nscale=3\n[cost]\n",
        "[net]\nwidth=3\nheight=2\nchannels=6\n[connected]\noutput=6\nactivation=linear\n[l2norm]\n[cost]\n",
        "[net]\nwidth=3\nheight=2\nchannels=4\n[convolutional]\nfilters=4\nactivation=tanh\n[l2norm]\n[shortcut]\nfrom=-2\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(several), cmocka_unit_test(classifiers),
                                       cmocka_unit_test(regression), cmocka_unit_test(boxes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
