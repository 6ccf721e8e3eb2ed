/* Suppression against its definition, and against ONNX's cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "box/nms.h"
#include "support.h"

/* Of all detections the best one that is left is kept, and those of its class that overlap it go. */
static void by_definition(struct detections *d, double iou)
{
    struct detections out = {0};
    char *gone = mem_new((size_t)d->n + 1, 1);
    for (;;) {
        int best = -1;
        for (int i = 0; i < d->n; i++)
            if (!gone[i] && (best < 0 || d->item[i].score > d->item[best].score))
                best = i;
        if (best < 0)
            break;
        gone[best] = 1;
        detections_add(&out, d->item[best]);
        for (int i = 0; i < d->n; i++)
            if (d->item[i].class_id == d->item[best].class_id && (double)box_iou(d->item[i].box, d->item[best].box) > iou)
                gone[i] = 1;
    }
    free(gone);
    detections_free(d);
    *d = out;
}

static struct detections random_detections(int n, int classes, uint64_t seed)
{
    struct rng r = rng_make(seed, RNG_TEST, 0, 0);
    struct detections d = {0};
    for (int i = 0; i < n; i++)
        detections_add(&d, (struct detection){.box = {(real)rng_range(&r, .3, .7), (real)rng_range(&r, .3, .7), (real)rng_range(&r, .1, .5),
                                                      (real)rng_range(&r, .1, .5)},
                                              .class_id = rng_below(&r, classes),
                                              .score = (real)rng_below(&r, 300) / 300});
    return d;
}

static void test_definition(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        const double iou = (i % 6) * 0.19;
        struct detections a = random_detections(10 * i, 1 + i % 5, (uint64_t)i), b = random_detections(10 * i, 1 + i % 5, (uint64_t)i);
        nms_greedy(&a, iou);
        by_definition(&b, iou);
        assert_int_equal(a.n, b.n);
        for (int k = 0; k < a.n; k++)
            assert_memory_equal(&a.item[k], &b.item[k], sizeof a.item[k]);
        if (i > 10 && iou < 0.9)
            assert_true(a.n < 10 * i);
        detections_free(&a);
        detections_free(&b);
    }
}

static void test_one_keeps_all(void **state)
{
    (void)state;
    struct detections d = {0};
    for (int i = 0; i < 5; i++)
        detections_add(&d, (struct detection){.box = {.5, .5, .2, .2}, .score = (real)i});
    nms_greedy(&d, 1);
    assert_int_equal(d.n, 5);
    assert_float_equal(d.item[0].score, 4, 0);
    nms_greedy(&d, 0.99);
    assert_int_equal(d.n, 1);
    detections_free(&d);
}

static const cJSON *tensor(const cJSON *root, const char *list, const char *name)
{
    const cJSON *t;
    cJSON_ArrayForEach(t, cJSON_GetObjectItem(root, list)) if (strcmp(cJSON_GetObjectItem(t, "name")->valuestring, name) == 0) return t;
    return NULL;
}

static double number(const cJSON *t, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(t, "data"), i)->valuedouble;
}

static int extent(const cJSON *t, int axis)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(t, "shape"), axis)->valueint;
}

/* A case of ONNX's NonMaxSuppression: the answer is a list of (batch, class, box). */
static void run_case(const char *path, int centre)
{
    size_t size;
    struct error err = ERROR_INIT;
    char *text = file_read(path, 1 << 20, &size, &err);
    assert_non_null(text);
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    const cJSON *boxes = tensor(root, "inputs", "boxes"), *scores = tensor(root, "inputs", "scores");
    const double most = number(tensor(root, "inputs", "max_output_boxes_per_class"), 0);
    const double iou = number(tensor(root, "inputs", "iou_threshold"), 0), floor = number(tensor(root, "inputs", "score_threshold"), 0);
    const cJSON *want = tensor(root, "outputs", "selected_indices");
    const int n = extent(boxes, 1), classes = extent(scores, 1);
    int row = 0;
    for (int b = 0; b < extent(boxes, 0); b++) {
        struct detections d = {0};
        for (int k = 0; k < classes; k++)
            for (int i = 0; i < n; i++) {
                double v[4]; /* y1 x1 y2 x2, in any order of the corners, or x y w h */
                for (int j = 0; j < 4; j++)
                    v[j] = number(boxes, (b * n + i) * 4 + j);
                struct box box = {(real)v[0], (real)v[1], (real)v[2], (real)v[3]};
                if (!centre)
                    box = (struct box){(real)((v[1] + v[3]) / 2), (real)((v[0] + v[2]) / 2), (real)fabs(v[3] - v[1]),
                                       (real)fabs(v[2] - v[0])};
                const double score = number(scores, (b * classes + k) * n + i);
                if (score > floor)
                    detections_add(&d, (struct detection){.box = box, .class_id = k, .score = (real)score});
            }
        nms_greedy(&d, iou);
        for (int k = 0; k < classes; k++) {
            int taken = 0;
            for (int i = 0; i < d.n && taken < most; i++) {
                if (d.item[i].class_id != k)
                    continue;
                assert_true(row < extent(want, 0));
                assert_int_equal(b, (int)number(want, row * 3));
                assert_int_equal(k, (int)number(want, row * 3 + 1));
                const int expected = (int)number(want, row * 3 + 2);
                assert_float_equal(d.item[i].score, number(scores, (b * classes + k) * n + expected), 1e-6);
                taken++;
                row++;
            }
        }
        detections_free(&d);
    }
    assert_int_equal(row, extent(want, 0));
    cJSON_Delete(root);
    mem_free(text);
}

static void test_onnx(void **state)
{
    (void)state;
    static const char *const cases[] = {"center_point_box_format",    "flipped_coordinates", "identical_boxes",
                                        "limit_output_size",          "single_box",          "suppress_by_IOU",
                                        "suppress_by_IOU_and_scores", "two_batches",         "two_classes"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *name = mem_format("layer-cases/test_nonmaxsuppression_%s.json", cases[i]);
        const char *path = support_data(name);
        free(name);
        if (!path)
            skip();
        run_case(path, i == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_one_keeps_all),
        cmocka_unit_test(test_onnx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
