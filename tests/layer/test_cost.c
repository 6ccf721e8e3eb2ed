#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "walk.h"

/* Input p, targets t; by hand. */
static const real p[4] = {.5, 3, -2, 1}, t[4] = {1, 1, 1, 1};

static double loss_of(const char *keys, const real *labels)
{
    char *text = mem_format("[net]\nwidth=1\nheight=1\nchannels=4\n[cost]\n%s", keys);
    struct network *net = walk_open(text, 1, false);
    memcpy(net->input.x, p, sizeof p);
    const struct targets targets = {.label = labels, .n_labels = 4};
    const double loss = network_forward(net, &(struct run){.mode = MODE_EVAL, .targets = &targets});
    walk_expect(net->layer[0].out.x, (double[]){.5, 3, -2, 1}, 4, 0); /* the output is the input */
    network_free(net);
    free(text);
    return loss;
}

static void types(void **state)
{
    (void)state;
    const real masked[4] = {1, -1234, 1, -1234};
    assert_true(fabs(loss_of("", t) - .5 * (.25 + 4 + 9)) < 1e-6);
    assert_true(fabs(loss_of("type=sse\nscale=4\n", t) - 2 * (.25 + 4 + 9)) < 1e-6);
    assert_true(fabs(loss_of("type=smooth\n", t) - (.125 + 1.5 + 2.5)) < 1e-6);
    assert_true(fabs(loss_of("type=L1\n", t) - (.5 + 2 + 3)) < 1e-6);
    assert_true(fabs(loss_of("type=l1\n", t) - (.5 + 2 + 3)) < 1e-6);
    assert_true(fabs(loss_of("type=masked\n", masked) - .5 * (.25 + 9)) < 1e-6);
}

#define FOUR "[net]\nwidth=1\nheight=1\nchannels=4\n"

/* The mean over the outputs, Huber, and what counts in training alone. */
static void more_types(void **state)
{
    (void)state;
    assert_true(fabs(loss_of("type=mse\n", t) - (.25 + 4 + 9) / 4) < 1e-6);
    assert_true(fabs(loss_of("type=mae\n", t) - (.5 + 2 + 3) / 4) < 1e-6);
    assert_true(fabs(loss_of("type=huber\ndelta=2\n", t) - (.125 + 2 + 4)) < 1e-6);
    assert_true(fabs(loss_of("type=smooth\ndelta=2\n", t) - (.0625 + 1 + 2)) < 1e-6);
    assert_true(fabs(loss_of("type=hinge\n", t) - (.5 + 3)) < 1e-6);
    assert_true(fabs(loss_of("type=hinge\nlabel_smooth_eps=.5\n", t) - (.5 + 3)) < 1e-6); /* not in evaluation */
}

/* Losses on logits answer with probabilities. */
static void answers(void **state)
{
    (void)state;
    struct network *net = walk_open(FOUR "[cost]\ntype=bce\n", 1, false);
    memcpy(net->input.x, p, sizeof p);
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){1 / (1 + exp(-.5)), 1 / (1 + exp(-3)), 1 / (1 + exp(2)), 1 / (1 + exp(-1))}, 4,
                1e-6);
    network_free(net);
    net = walk_open(FOUR "[cost]\ntype=cross_entropy\n", 1, false);
    memcpy(net->input.x, p, sizeof p);
    const double sum = exp(.5) + exp(3) + exp(-2) + exp(1);
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){exp(.5) / sum, exp(3) / sum, exp(-2) / sum, exp(1) / sum}, 4, 1e-6);
    network_free(net);
}

static void warns(const char *text, const char *part)
{
    struct network *net = walk_open(text, 1, false);
    if (part) {
        assert_int_equal(net->config.notes.n, 1);
        assert_non_null(strstr(net->config.notes.item[0], part));
    } else
        assert_int_equal(net->config.notes.n, 0);
    network_free(net);
}

/* A loss on logits after probabilities. */
static void probabilities(void **state)
{
    (void)state;
    walk_refuse(FOUR "[softmax]\n[cost]\ntype=cross_entropy\n", "test.cfg:7:|type=cross_entropy takes logits|layer 0 [softmax]");
    walk_refuse(FOUR "[logistic]\n[cost]\ntype=bce\n", "test.cfg:7:|layer 0 [logistic]");
    walk_refuse(FOUR "[connected]\noutput=3\n[cost]\ntype=focal\n", "test.cfg:8:|layer 0 [connected]|activation=linear");
    walk_refuse(FOUR "[activation]\nactivation=softmax\n[cost]\ntype=hinge\n", "test.cfg:8:|layer 0 [activation]");
    warns(FOUR "[connected]\noutput=3\n[softmax]\n", "test.cfg:7: [softmax] takes logits, but layer 0 [connected]");
    warns(FOUR "[softmax]\nnoloss=1\n[softmax]\n", "test.cfg:7: [softmax] takes logits, but layer 0 [softmax]");
    warns(FOUR "[connected]\noutput=3\nactivation=logistic\n[logistic]\n", "test.cfg:8: [logistic] takes logits");
    warns(FOUR "[connected]\noutput=3\nactivation=linear\n[softmax]\n[cost]\n", NULL);
    warns(FOUR "[connected]\noutput=3\nactivation=linear\n[cost]\ntype=bce\n", NULL);
    warns(FOUR "[connected]\noutput=3\nactivation=logistic\n[cost]\ntype=sse\n", NULL);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse(FOUR "[cost]\ntype=bce\nclass_weights=1,2\n", "test.cfg:7:|2 numbers|4 classes");
    walk_refuse(FOUR "[softmax]\nclass_weights=1,2,3\n", "test.cfg:6:|3 numbers|4 classes");
    walk_refuse(FOUR "[cost]\ntype=sse\nclass_weights=1,2,3,4\n", "test.cfg:7:|class_weights=|type=sse");
    walk_refuse(FOUR "[cost]\nlabel_smooth_eps=.1\n", "test.cfg:6:|label_smooth_eps=|type=sse");
    walk_refuse(FOUR "[cost]\ntype=bce\ndelta=2\n", "test.cfg:7:|delta=|type=smooth");
    walk_refuse(FOUR "[cost]\ntype=hinge\ngamma=2\n", "test.cfg:7:|gamma=|type=focal");
    walk_refuse(FOUR "[cost]\ntype=sse\nbox_format=xyxy\n", "test.cfg:7:|box_format=|type=iou");
    walk_refuse(FOUR "[cost]\n[connected]\noutput=3\nactivation=linear\n[softmax]\n", "test.cfg:5:|[cost] compares 4 numbers|answer has 3");
    walk_refuse("[net]\ninputs=6\n[cost]\ntype=iou\n", "test.cfg:4:|6 numbers|4 for each box");
    walk_refuse("[net]\nwidth=1\nheight=1\nchannels=4\n[cost]\ntype=wgan\n", "test.cfg:6:|type=wgan is not supported");
    walk_refuse("[net]\nwidth=1\nheight=1\nchannels=4\n[cost]\ntype=ssd\n", "test.cfg:6:|type=ssd|sse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(more_types), cmocka_unit_test(answers),
                                       cmocka_unit_test(probabilities), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
