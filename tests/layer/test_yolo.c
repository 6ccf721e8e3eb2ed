/* [yolo] and [region]: boxes by the formulas written out, which cells learn which truths, what a loss costs, mistakes in a cfg. */
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
#include "base/rng.h"
#include "layer/head.h"
#include "nets.h"

static struct network *planned(const char *cfg, int batch, bool training)
{
    struct network *net = nets_build(cfg, 1);
    struct error err = ERROR_INIT;
    network_want_input_gradient(net);
    assert_int_equal(network_plan(net, batch, 0, 0, training, &err), 0);
    return net;
}

static double sigma(double z)
{
    return 1 / (1 + exp(-z));
}

/* Two classes, two anchors of three, 4 × 3 cells of 8 pixels. The input is the head's own. */
#define GRID "[net]\nwidth=4\nheight=3\nchannels=14\n"
#define HEAD "[yolo]\nclasses=2\nnum=3\nmask=2,0\nanchors=1,2, 2,1, 3,3\n"
enum { W = 4, H = 3, PLANE = W * H, ENTRIES = 7 };

static real *entry(struct network *net, int image, int anchor, int which, int column, int row)
{
    return net->input.x + ((image * 2 + anchor) * ENTRIES + which) * PLANE + row * W + column;
}

static double slope(const struct network *net, int image, int anchor, int which, int column, int row)
{
    return (double)net->input.dx[((image * 2 + anchor) * ENTRIES + which) * PLANE + row * W + column];
}

static void silence(struct network *net)
{
    for (size_t i = 0; i < shape_size(net->input.shape); i++)
        net->input.x[i] = 0;
    for (int b = 0; b < net->input.shape.n; b++)
        for (int a = 0; a < 2; a++)
            for (int i = 0; i < PLANE; i++)
                *entry(net, b, a, 4, i % W, i / W) = -30;
}

static void set_cell(struct network *net, int image, int anchor, int column, int row, const double v[7])
{
    for (int k = 0; k < 7; k++)
        *entry(net, image, anchor, k, column, row) = (real)v[k];
}

static const struct run evaluation = {.mode = MODE_EVAL};

static void test_decode(void **state)
{
    (void)state;
    struct network *net = planned(GRID HEAD "scale_x_y=1.2\n", 2, false);
    silence(net);
    const double v[7] = {0.3, -0.7, 0.2, -0.4, 2, 1.5, -0.5};
    set_cell(net, 1, 1, 3, 2, v); /* the mask's second anchor is number 0: 1 × 2 */
    network_forward(net, &evaluation);
    struct detections d = {0};
    network_detect(net, 0, 0.1, &d);
    assert_int_equal(d.n, 0);
    network_detect(net, 1, 0.1, &d);
    assert_int_equal(d.n, 2);
    for (int c = 0; c < 2; c++) {
        assert_int_equal(d.item[c].class_id, c);
        assert_float_equal(d.item[c].score, sigma(2) * sigma(v[5 + c]), 1e-6);
        assert_float_equal(d.item[c].box.x, (sigma(0.3) * 1.2 - 0.1 + 3) / 4, 1e-6);
        assert_float_equal(d.item[c].box.y, (sigma(-0.7) * 1.2 - 0.1 + 2) / 3, 1e-6);
        assert_float_equal(d.item[c].box.w, 1 * exp(0.2) / 4, 1e-6);
        assert_float_equal(d.item[c].box.h, 2 * exp(-0.4) / 3, 1e-6);
    }
    d.n = 0;
    network_detect(net, 1, 0.5, &d);
    assert_int_equal(d.n, 1);
    detections_free(&d);
    network_free(net);
}

static void test_decode_new_coords(void **state)
{
    (void)state;
    struct network *net = planned(GRID HEAD "scale_x_y=2\nnew_coords=1\n", 1, false);
    for (size_t i = 0; i < shape_size(net->input.shape); i++)
        net->input.x[i] = 0;
    const double v[7] = {0.6, 0.25, 0.7, 0.4, 0.9, 0.8, 0.1};
    set_cell(net, 0, 0, 1, 0, v);
    network_forward(net, &evaluation);
    struct detections d = {0};
    network_detect(net, 0, 0.25, &d);
    assert_int_equal(d.n, 1);
    assert_float_equal(d.item[0].score, 0.72, 1e-6);
    assert_float_equal(d.item[0].box.x, (0.6 * 2 - 0.5 + 1) / 4, 1e-6);
    assert_float_equal(d.item[0].box.y, (0.25 * 2 - 0.5) / 3, 1e-6);
    assert_float_equal(d.item[0].box.w, 4 * 0.49 * 3 / 4, 1e-6);
    assert_float_equal(d.item[0].box.h, 4 * 0.16 * 3 / 3, 1e-6);
    detections_free(&d);
    network_free(net);
}

static void test_decode_region(void **state)
{
    (void)state;
    struct network *net = planned(GRID "[region]\nclasses=2\nnum=2\nanchors=1,2, 0.5,3\nsoftmax=1\n", 1, false);
    silence(net);
    const double v[7] = {0.3, -0.7, 0.2, -0.4, 2, 1.5, -0.5};
    set_cell(net, 0, 1, 2, 1, v);
    network_forward(net, &evaluation);
    struct detections d = {0};
    network_detect(net, 0, 0.05, &d);
    assert_int_equal(d.n, 2);
    const double sum = exp(1.5) + exp(-0.5);
    assert_float_equal(d.item[0].score, sigma(2) * exp(1.5) / sum, 1e-6);
    assert_float_equal(d.item[1].score, sigma(2) * exp(-0.5) / sum, 1e-6);
    assert_float_equal(d.item[0].box.x, (sigma(0.3) + 2) / 4, 1e-6);
    assert_float_equal(d.item[0].box.y, (sigma(-0.7) + 1) / 3, 1e-6);
    assert_float_equal(d.item[0].box.w, 0.5 * exp(0.2) / 4, 1e-6);
    assert_float_equal(d.item[0].box.h, 3 * exp(-0.4) / 3, 1e-6);
    detections_free(&d);
    network_free(net);
}

/* Forward and backward with truths on the last image of the batch; returns the loss. */
static double train(struct network *net, const struct truth_box *truth, int n)
{
    int start[8] = {0};
    const int batch = net->input.shape.n;
    start[batch] = n;
    const struct targets t = {.box = truth, .box_start = start};
    const struct run run = {.mode = MODE_TRAIN, .targets = &t};
    const double loss = network_forward(net, &run);
    network_backward(net, &run);
    return loss;
}

static void test_no_truth(void **state)
{
    (void)state;
    struct network *net = planned(GRID HEAD, 2, true);
    struct rng r = rng_make(4, RNG_TEST, 0, 0);
    double want = 0;
    for (size_t i = 0; i < shape_size(net->input.shape); i++)
        net->input.x[i] = (real)rng_range(&r, -3, 3);
    for (int b = 0; b < 2; b++)
        for (int a = 0; a < 2; a++)
            for (int i = 0; i < PLANE; i++)
                want -= log(1 - sigma((double)*entry(net, b, a, 4, i % W, i / W)));
    assert_float_equal(train(net, NULL, 0), want, 1e-3);
    for (int b = 0; b < 2; b++)
        for (int a = 0; a < 2; a++)
            for (int k = 0; k < 7; k++)
                for (int i = 0; i < PLANE; i++) {
                    const double p = k == 4 ? sigma((double)*entry(net, b, a, 4, i % W, i / W)) : 0;
                    assert_float_equal(slope(net, b, a, k, i % W, i / W), p, 1e-5);
                }
    network_free(net);
}

/* A perfect answer costs (next to) nothing, whatever the loss. */
static void test_perfect(void **state)
{
    (void)state;
    static const char *const losses[] = {"mse", "iou", "giou", "diou", "ciou"};
    for (int i = 0; i < 5; i++) {
        char *cfg = mem_format(GRID HEAD "scale_x_y=1.1\niou_loss=%s\n", losses[i]);
        struct network *net = planned(cfg, 1, true);
        free(cfg);
        silence(net);
        const struct truth_box t = {.box = {(real)(2.4 / 4), (real)(1.7 / 3), (real)(2.5 / 4), (real)(2.8 / 3)}, .class_id = 1};
        const double x = (0.4 + 0.05) / 1.1, y = (0.7 + 0.05) / 1.1; /* of the anchor 3 × 3, in cell (2, 1) */
        const double v[7] = {log(x / (1 - x)), log(y / (1 - y)), log(2.5 / 3), log(2.8 / 3), 30, -30, 30};
        set_cell(net, 0, 0, 2, 1, v);
        const double loss = train(net, &t, 1);
        assert_true(fabs(loss) < 1e-5);
        assert_non_null(strstr(net->layer[0].figures, "1 matched, iou 1.00 obj 1.00"));
        network_free(net);
    }
}

/* Which cells have a gradient on their first class: those that are responsible for a truth. */
static int responsible(const struct network *net, int cells[], int most)
{
    int n = 0;
    for (int a = 0; a < 2; a++)
        for (int i = 0; i < PLANE; i++)
            if (slope(net, 0, a, 5, i % W, i / W) != 0 && n < most)
                cells[n++] = a * PLANE + i;
    return n;
}

static void test_assignment(void **state)
{
    (void)state;
    int cells[48];
    struct network *net = planned(GRID HEAD, 1, true);
    silence(net);
    /* 1 × 2 pixels: anchor 0, which is the mask's second; cell (3, 0) */
    struct truth_box t[3] = {{.box = {3.5 / 4, 0.5 / 3, 1. / 4, 2. / 3}, .class_id = 0}};
    train(net, t, 1);
    assert_int_equal(responsible(net, cells, 48), 1);
    assert_int_equal(cells[0], PLANE + 3);
    assert_float_equal(slope(net, 0, 1, 4, 3, 0), -1, 1e-5);   /* objectness: σ − 1 */
    assert_float_equal(slope(net, 0, 1, 5, 3, 0), -0.5, 1e-6); /* the true class */
    assert_float_equal(slope(net, 0, 1, 6, 3, 0), 0.5, 1e-6);
    assert_float_equal(slope(net, 0, 1, 0, 3, 0), 0, 1e-6); /* the centre is right already */

    /* 2 × 1: anchor 1, which belongs to another head */
    t[0].box = (struct box){3.5 / 4, 0.5 / 3, 2. / 4, 1. / 3};
    train(net, t, 1);
    assert_int_equal(responsible(net, cells, 48), 0);

    /* difficult, empty, of no known class: nothing to learn */
    t[0] = (struct truth_box){.box = {3.5 / 4, 0.5 / 3, 1. / 4, 2. / 3}, .difficult = 1};
    t[1] = (struct truth_box){.box = {3.5 / 4, 0.5 / 3, 0, 2. / 3}};
    t[2] = (struct truth_box){.box = {3.5 / 4, 0.5 / 3, 1. / 4, 2. / 3}, .class_id = 2};
    train(net, t, 3);
    assert_int_equal(responsible(net, cells, 48), 0);

    /* on the far corner: the last cell */
    t[0] = (struct truth_box){.box = {1, 1, 1. / 4, 2. / 3}};
    train(net, t, 1);
    assert_int_equal(responsible(net, cells, 48), 1);
    assert_int_equal(cells[0], PLANE + 2 * W + 3);

    /* two classes in one cell: both are targets, the boxes' gradients are averaged */
    t[0] = (struct truth_box){.box = {1.5 / 4, 1.5 / 3, 3. / 4, 3. / 3}, .class_id = 0};
    t[1] = (struct truth_box){.box = {1.7 / 4, 1.5 / 3, 3. / 4, 3. / 3}, .class_id = 1};
    train(net, t, 2);
    assert_int_equal(responsible(net, cells, 48), 1);
    assert_float_equal(slope(net, 0, 0, 5, 1, 1), -0.5, 1e-6);
    assert_float_equal(slope(net, 0, 0, 6, 1, 1), -0.5, 1e-6);
    const double weight = 0.75 * (2 - 0.75); /* iou_normalizer × (2 − w·h) */
    assert_float_equal(slope(net, 0, 0, 0, 1, 1), weight * (0.5 - (0.5 + 0.7) / 2), 1e-5);
    network_free(net);
}

static void test_iou_thresh(void **state)
{
    (void)state;
    int cells[48];
    /* 3 × 3 is best; 1 × 2 overlaps it by 2/9 */
    const struct truth_box t = {.box = {1.5 / 4, 1.5 / 3, 3. / 4, 3. / 3}};
    struct network *net = planned(GRID HEAD "iou_thresh=.2\n", 1, true);
    silence(net);
    train(net, &t, 1);
    assert_int_equal(responsible(net, cells, 48), 2);
    assert_int_equal(cells[0], W + 1);
    assert_int_equal(cells[1], PLANE + W + 1);
    network_free(net);
    net = planned(GRID HEAD "iou_thresh=.23\n", 1, true);
    silence(net);
    train(net, &t, 1);
    assert_int_equal(responsible(net, cells, 48), 1);
    network_free(net);
}

/* A box that overlaps a truth without being responsible for it: not punished, or taught the overlap. */
static void test_ignored(void **state)
{
    (void)state;
    const struct truth_box t = {.box = {1.5 / 4, 1.5 / 3, 3. / 4, 3. / 3}};
    /* anchor 0 in cell (1, 1) grown to 3 × 2: overlap 2/3 */
    const double v[7] = {0, 0, log(3), 0, 1, -3, -3};
    static const char *const cfg[] = {GRID HEAD, GRID HEAD "ignore_thresh=.7\n", GRID HEAD "objectness_smooth=1\n"};
    const double want[] = {0, sigma(1), sigma(1) - 2. / 3};
    for (int i = 0; i < 3; i++) {
        struct network *net = planned(cfg[i], 1, true);
        silence(net);
        set_cell(net, 0, 1, 1, 1, v);
        train(net, &t, 1);
        assert_float_equal(slope(net, 0, 1, 4, 1, 1), want[i], 1e-5);
        assert_float_equal(slope(net, 0, 0, 4, 1, 1), sigma(-30) - 1, 1e-5);
        network_free(net);
    }
    struct network *net = planned(GRID HEAD "truth_thresh=.6\n", 1, true);
    silence(net);
    set_cell(net, 0, 1, 1, 1, v);
    train(net, &t, 1);
    assert_float_equal(slope(net, 0, 1, 4, 1, 1), sigma(1) - 1, 1e-5);
    network_free(net);
}

static void test_max_delta(void **state)
{
    (void)state;
    const struct truth_box t = {.box = {1.2 / 4, 1.1 / 3, 2.5 / 4, 2.5 / 3}};
    struct network *free_net = planned(GRID HEAD "iou_loss=ciou\niou_normalizer=5\n", 1, true);
    struct network *net = planned(GRID HEAD "iou_loss=ciou\niou_normalizer=5\nmax_delta=.3\n", 1, true);
    silence(free_net);
    silence(net);
    int bound = 0;
    assert_float_equal(train(free_net, &t, 1), train(net, &t, 1), 0);
    for (int a = 0; a < 2; a++)
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < PLANE; i++) {
                const double d = slope(free_net, 0, a, k, i % W, i / W);
                bound += fabs(d) > 0.3;
                assert_float_equal(slope(net, 0, a, k, i % W, i / W), fmax(-0.3, fmin(0.3, d)), 1e-6);
            }
    assert_true(bound > 0);
    network_free(net);
    network_free(free_net);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    double d;
    assert_float_equal(head_cross_entropy(false, 1e4, 0, &d), 1e4, 1e-9);
    assert_float_equal(d, 1, 0);
    assert_float_equal(head_cross_entropy(false, -1e4, 0, &d), 0, 0);
    assert_float_equal(d, 0, 0);
    assert_float_equal(head_cross_entropy(false, -1e4, 1, &d), 1e4, 1e-9);
    assert_float_equal(d, -1, 0);
    assert_float_equal(head_cross_entropy(false, 0.4, 0.3, &d), -0.3 * log(sigma(0.4)) - 0.7 * log(1 - sigma(0.4)), 1e-12);
    assert_float_equal(d, sigma(0.4) - 0.3, 1e-12);
    assert_float_equal(head_cross_entropy(true, 0.4, 0.3, &d), -0.3 * log(0.4) - 0.7 * log(0.6), 1e-12);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++) {
            assert_true(isfinite(head_cross_entropy(true, i, k, &d)));
            assert_true(isfinite(d));
        }
}

/* Nothing but finite numbers, whatever comes in. */
static void test_extreme_inputs(void **state)
{
    (void)state;
    static const char *const heads[] = {HEAD "iou_loss=ciou\n", HEAD "iou_loss=giou\n", HEAD,
                                        "[region]\nclasses=2\nnum=2\nanchors=1,2, 3,3\nsoftmax=1\n"};
    const struct truth_box t[2] = {{.box = {1.2 / 4, 1.1 / 3, 2.5 / 4, 1. / 3}}, {.box = {3.2 / 4, 2.1 / 3, 1e-4, 1e-4}, .class_id = 1}};
    for (int i = 0; i < 4; i++) {
        char *cfg = mem_format("%s%s", GRID, heads[i]);
        struct network *net = planned(cfg, 1, true);
        free(cfg);
        struct rng r = rng_make(6, RNG_TEST, (uint64_t)i, 0);
        for (size_t k = 0; k < shape_size(net->input.shape); k++)
            net->input.x[k] = (real)rng_range(&r, -1e4, 1e4);
        assert_true(isfinite(train(net, t, 2)));
        for (size_t k = 0; k < shape_size(net->input.shape); k++)
            assert_true(isfinite(net->input.dx[k]));
        network_free(net);
    }
}

/* Objectness that learns the overlap; anchors that are pulled to their shape for the first 12800 images. */
static void test_region_training(void **state)
{
    (void)state;
    struct network *net = planned(GRID "[region]\nclasses=2\nnum=2\nanchors=3,3, 1,2\nsoftmax=1\nrescore=1\nobject_scale=5\n", 1, true);
    silence(net);
    const struct truth_box t = {.box = {1.5 / 4, 1.5 / 3, 3. / 4, 2. / 3}};
    const double v[7] = {0, 0, 0.1, 0, 0.5, 0, 0}, other[7] = {0.4, 0, 0.3, 0, -30, 0, 0};
    set_cell(net, 0, 0, 1, 1, v);
    set_cell(net, 0, 1, 3, 2, other);
    train(net, &t, 1);
    const double iou = 3 * 2 / (3 * exp(0.1) * 3), o = sigma(0.5), x = sigma(0.4);
    assert_float_equal(slope(net, 0, 0, 4, 1, 1), 5 * (o - iou) * o * (1 - o), 1e-5);
    assert_float_equal(slope(net, 0, 0, 2, 1, 1), 0.1, 1e-6);
    assert_float_equal(slope(net, 0, 0, 3, 1, 1), -log(2. / 3), 1e-6);
    assert_float_equal(slope(net, 0, 1, 0, 3, 2), 0.01 * (x - 0.5) * x * (1 - x), 1e-7);
    assert_float_equal(slope(net, 0, 1, 2, 3, 2), 0.01 * 0.3, 1e-7);
    net->seen = 12800;
    train(net, &t, 1);
    assert_float_equal(slope(net, 0, 1, 0, 3, 2), 0, 0);
    assert_float_equal(slope(net, 0, 1, 2, 3, 2), 0, 0);
    assert_float_equal(slope(net, 0, 0, 2, 1, 1), 0.1, 1e-6);
    network_free(net);
}

static void test_threads(void **state)
{
    (void)state;
    struct truth_box t[24];
    struct rng r = rng_make(8, RNG_TEST, 0, 0);
    for (int i = 0; i < 24; i++)
        t[i] = (struct truth_box){
            .box = {(real)rng_range(&r, .1, .9), (real)rng_range(&r, .1, .9), (real)rng_range(&r, .1, .9), (real)rng_range(&r, .1, .9)},
            .class_id = rng_below(&r, 2)};
    struct network *net = planned(GRID HEAD "iou_loss=ciou\n", 7, true);
    const size_t n = shape_size(net->input.shape);
    for (size_t i = 0; i < n; i++)
        net->input.x[i] = (real)rng_range(&r, -3, 3);
    real *first = mem_new(n, sizeof *first);
    double loss = 0;
    for (int threads = 1; threads <= 4; threads++) {
        parallel_set(threads);
        const double l = train(net, t, 24);
        if (threads == 1) {
            loss = l;
            memcpy(first, net->input.dx, n * sizeof *first);
        }
        assert_true(l == loss);
        assert_memory_equal(first, net->input.dx, n * sizeof *first);
    }
    parallel_set(0);
    free(first);
    network_free(net);
}

static void expect(const char *cfg, const char *parts)
{
    struct error err = ERROR_INIT;
    struct config config;
    assert_int_equal(config_parse(&config, "bad.cfg", cfg, &err), 0);
    assert_null(network_build(&config, 1, &err));
    nets_expect(&err, EXIT_DATA, parts);
}

static void test_mistakes(void **state)
{
    (void)state;
#define NET "[net]\nwidth=4\nheight=3\nchannels=14\n"
    expect(NET "[yolo]\nnum=2\nanchors=1,1,2,2\nclasses=3\n", "bad.cfg:8:|filters=16|classes=2");
    expect(NET "[yolo]\nnum=3\nanchors=1,1,2,2,3,3\nclasses=3\n", "bad.cfg:8:|filters=24");
    expect(NET "[yolo]\nclasses=2\nnum=2\nanchors=1,1,2\n", "bad.cfg:8:|3 numbers|num=2");
    expect(NET "[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,0\n", "bad.cfg:8:|anchor 1|more than 0");
    expect(NET "[yolo]\nclasses=2\nnum=2\nmask=1,2\nanchors=1,1,2,2\n", "bad.cfg:8:|anchor 2|0..1");
    expect(NET "[yolo]\nclasses=2\nnum=2\nmask=1,1\nanchors=1,1,2,2\n", "bad.cfg:8:|anchor 1 twice");
    expect(NET "[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\nignore_tresh=.7\n", "bad.cfg:9:|ignore_thresh");
    expect(NET "[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\niou_loss=siou\n", "bad.cfg:9:|siou");
    expect(NET "[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\ncounters_per_class=4\n", "bad.cfg:9:|1 numbers|2 classes");
    expect(NET "[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\n[yolo]\nclasses=9\nnum=1\nanchors=1,1\n", "bad.cfg:10:|classes=2");
    expect(NET "[region]\nclasses=2\nnum=2\ncoords=5\n", "bad.cfg:8:|coords=5");
    expect(NET "[region]\nclasses=2\nnum=3\n", "bad.cfg:6:|filters=21");
#undef NET
}

static void test_told_to_the_loader(void **state)
{
    (void)state;
    struct network *net =
        nets_build(GRID HEAD "jitter=.3\nresize=1.5\nrandom=1\nmax=90\n[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\njitter=.1\n", 1);
    assert_float_equal(net->jitter, 0.3, 1e-9);
    assert_float_equal(net->resize, 1.5, 1e-9);
    assert_int_equal(net->random, 1);
    assert_int_equal(net->max_boxes, 200);
    assert_int_equal(net->n_classes, 2);
    assert_true(network_is_detector(net));
    network_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),        cmocka_unit_test(test_decode_new_coords), cmocka_unit_test(test_decode_region),
        cmocka_unit_test(test_no_truth),      cmocka_unit_test(test_perfect),           cmocka_unit_test(test_assignment),
        cmocka_unit_test(test_iou_thresh),    cmocka_unit_test(test_ignored),           cmocka_unit_test(test_max_delta),
        cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_extreme_inputs),    cmocka_unit_test(test_region_training),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_mistakes),          cmocka_unit_test(test_told_to_the_loader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
