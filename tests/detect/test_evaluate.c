/* Evaluation against the same figures counted one image at a time, and boxes of a network whose answer is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "box/nms.h"
#include "data/helpers.h"
#include "detect/ap.h"
#include "detect/evaluate.h"
#include "nets.h"
#include "support.h"

#define SHAPES                                                                                                                             \
    "[net]\nwidth=24\nheight=16\nchannels=3\n[convolutional]\nfilters=6\nsize=5\nstride=4\npad=1\nbatch_normalize=1\nactivation=leaky\n"
#define CLASSIFIER SHAPES "[connected]\noutput=5\nactivation=linear\n[softmax]\n"
#define DETECTOR SHAPES "[convolutional]\nfilters=20\nsize=1\nactivation=linear\n[yolo]\nclasses=5\nnum=2\nanchors=6,6, 12,10\n"

static void open_shapes(struct dataset *d, enum task task, int count)
{
    struct error err = ERROR_INIT;
    char *keys = mem_format("valid=shapes\nvalid_count=%d\n", count);
    struct data_options o = options_from(".", keys);
    if (dataset_open(d, &o, SPLIT_VALID, task, 5, 24, 16, 3, 1, &err) != 0)
        fail_msg("%s", err.text);
    data_options_free(&o);
    free(keys);
}

static struct network *planned(const char *cfg, int batch, bool training)
{
    struct error err = ERROR_INIT;
    struct network *net = nets_build(cfg, 3);
    if (network_plan(net, batch, 0, 0, training, &err) != 0)
        fail_msg("%s", err.text);
    return net;
}

static struct evaluation run(struct network *net, const struct dataset *d)
{
    struct error err = ERROR_INIT;
    const struct evaluate_options o = EVALUATE_DEFAULTS;
    struct evaluation e;
    const int batch = net->input.shape.n;
    if (evaluate(net, d, &o, &e, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(net->input.shape.n, batch);
    return e;
}

/* One image into a network planned for one; its loss. */
static double forward(struct network *net, const struct dataset *d, int i)
{
    struct error err = ERROR_INIT;
    struct image im;
    if (dataset_image(d, i, &im, &err) != 0)
        fail_msg("%s", err.text);
    const struct shape s = net->input.shape;
    image_to_input(&im, net->input.x, s.w, s.h, s.c, 0);
    image_free(&im);
    real label[5] = {0};
    const struct sample *sample = &d->sample[i];
    if (sample->label >= 0)
        label[sample->label] = 1;
    const int start[2] = {0, sample->n_boxes};
    const struct targets t = {.label = d->task == TASK_CLASSIFY ? label : NULL, .n_labels = 5, .box = sample->box, .box_start = start};
    const struct run r = {.mode = MODE_EVAL, .targets = &t};
    return network_forward(net, &r);
}

static void test_classifier(void **state)
{
    (void)state;
    struct dataset d = {0};
    open_shapes(&d, TASK_CLASSIFY, 53);
    struct network *net = planned(CLASSIFIER, 1, false);
    int right1 = 0, confusion[25] = {0};
    double loss = 0;
    for (int i = 0; i < d.n_samples; i++) {
        loss += forward(net, &d, i);
        const real *p = network_output(net)->out.x;
        int best = 0;
        for (int k = 1; k < 5; k++)
            best = p[k] > p[best] ? k : best;
        right1 += best == d.sample[i].label;
        confusion[d.sample[i].label * 5 + best]++;
    }
    network_free(net);
    for (int training = 0; training < 2; training++) /* whole batches and a rest; inference and training */
        for (int batch = 1; batch <= 64; batch *= 8) {
            net = planned(CLASSIFIER, batch, training);
            struct network *untouched = nets_build(CLASSIFIER, 3);
            struct evaluation e = run(net, &d);
            nets_same(net, untouched);
            assert_int_equal(e.images, 53);
            assert_int_equal(e.bad, 0);
            assert_float_equal(e.top1, right1 / 53., 1e-12);
            assert_float_equal(e.top5, 1, 0);
            assert_float_equal(e.loss, loss / 53, 1e-5 * loss);
            assert_memory_equal(e.confusion, confusion, sizeof confusion);
            int images = 0;
            for (int k = 0; k < 5; k++)
                images += e.class_figures[k].truths;
            assert_int_equal(images, 53);
            evaluation_free(&e);
            network_free(net);
            network_free(untouched);
        }
    dataset_close(&d);
}

static void test_detector(void **state)
{
    (void)state;
    struct dataset d = {0};
    open_shapes(&d, TASK_DETECT, 21);
    struct network *net = planned(DETECTOR, 1, false);
    struct ap *ap = ap_new(5);
    double loss = 0;
    for (int i = 0; i < d.n_samples; i++) {
        loss += forward(net, &d, i);
        struct detections found = {0};
        network_detect(net, 0, 0.001, &found);
        nms_greedy(&found, 0.45);
        ap_add(ap, found.item, found.n, d.sample[i].box, d.sample[i].n_boxes); /* in fractions: IoU is the same */
        detections_free(&found);
    }
    network_free(net);
    const struct ap_counts counts = ap_count(ap, -1, 0.5, 0.25);
    for (int batch = 1; batch <= 8; batch += 7)
        for (int threads = 1; threads <= 3; threads += 2) {
            parallel_set(threads);
            net = planned(DETECTOR, batch, batch > 1);
            struct evaluation e = run(net, &d);
            assert_float_equal(e.loss, loss / 21, 1e-5 * loss);
            assert_float_equal(e.map50, ap_mean(ap, 0.5), 1e-6);
            assert_float_equal(e.precision, counts.true_positives / fmax(counts.true_positives + counts.false_positives, 1), 1e-9);
            assert_float_equal(e.recall, (double)counts.true_positives / (counts.true_positives + counts.false_negatives), 1e-9);
            for (int k = 0; k < 5; k++)
                assert_int_equal(e.class_figures[k].truths, ap_truths(ap, k));
            evaluation_free(&e);
            network_free(net);
        }
    parallel_set(0);
    ap_free(ap);
    dataset_close(&d);
}

/* A network that always answers with one box, on letterboxed images that hold exactly that one, and one image that can't be read. */
static void test_letterbox(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    write_image(support_path(dir, "a.png"), 64, 32, 100);
    write_image(support_path(dir, "b.png"), 32, 64, 100);
    support_write(support_path(dir, "bad.png"), "no picture");
    /* x = .6·32 = 19.2 and y = .55·32 = 17.6 in an input of 32 × 32, size 6 × 8; both images are halved, offset 8 in y or x */
    support_write(support_path(dir, "a.txt"), "0 .6 .6 .1875 .5\n");
    support_write(support_path(dir, "b.txt"), "0 .7 .55 .375 .25\n");
    support_write(support_path(dir, "bad.txt"), "0 .5 .5 .5 .5\n");
    support_write(support_path(dir, "list.txt"), "a.png\nbad.png\nb.png\n");
    struct error err = ERROR_INIT;
    struct dataset d = {0};
    struct data_options o = options_from(dir, "valid=list.txt\n");
    if (dataset_open(&d, &o, SPLIT_VALID, TASK_DETECT, 1, 32, 32, 3, 1, &err) != 0)
        fail_msg("%s", err.text);
    struct network *net =
        planned("[net]\nwidth=32\nheight=32\nchannels=3\nletter_box=1\n[convolutional]\nfilters=6\nsize=32\nstride=32\nactivation=linear\n"
                "[yolo]\nclasses=1\nnum=1\nanchors=6,8\n",
                2, false);
    const real bias[6] = {(real)log(.6 / .4), (real)log(.55 / .45), 0, 0, 5, 5};
    memset(net->param[1]->value, 0, shape_size(net->param[1]->shape) * sizeof(real));
    memcpy(net->param[0]->value, bias, sizeof bias);
    struct evaluation e = run(net, &d);
    assert_int_equal(e.images, 2);
    assert_int_equal(e.bad, 1);
    assert_int_equal(e.class_figures[0].truths, 2);
    assert_float_equal(e.map50, 1, 1e-9);
    assert_float_equal(e.precision, 1, 0);
    assert_float_equal(e.recall, 1, 0);
    evaluation_free(&e);
    network_free(net);
    dataset_close(&d);
    data_options_free(&o);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classifier),
        cmocka_unit_test(test_detector),
        cmocka_unit_test(test_letterbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
