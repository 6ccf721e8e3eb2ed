/* A published detector against OpenCV: the boxes before NMS, and the mAP of a whole data set. The figures are made by
 * scripts/reference/opencv-detect.py and opencv-map.py, which take no more than the convolutions from OpenCV and share nothing with this
 * program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "detect/evaluate.h"
#include "image/codec.h"
#include "net/weights.h"
#include "support.h"

#define MODEL "yolo-fastest-1.1_coco/"

/* NULL: the data isn't there. OpenCV normalises with √(variance + 1e-6), dlnet (as AlexeyAB's Darknet) with √(variance + 1e-5): the
 * variances are moved so that both compute the same. */
static struct network *load(void)
{
    struct error err = ERROR_INIT;
    struct config config;
    const char *cfg = support_data(MODEL "yolo-fastest-1.1.cfg"), *weights = support_data(MODEL "yolo-fastest-1.1.weights");
    if (!cfg || !weights)
        return NULL;
    struct network *net = config_read(&config, cfg, &err) == 0 ? network_build(&config, 1, &err) : NULL;
    if (!net || weights_read(net, weights, 0, &err) != 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < net->n_params; i++)
        for (size_t k = 0; k < shape_size(net->param[i]->shape) && text_ends(net->param[i]->name, ".variance"); k++)
            net->param[i]->value[k] -= (real)9e-6;
    return net;
}

/* All detections above .1 of a picture in its pixels, best score first, without NMS. */
static struct detections detect(struct network *net, const char *path, int *w, int *h)
{
    struct error err = ERROR_INIT;
    struct image im;
    if (codec_read(&im, path, &err) != 0)
        fail_msg("%s", err.text);
    const struct shape s = net->input.shape;
    float *input = mem_new(shape_each(s), sizeof *input);
    image_to_input(&im, input, s.w, s.h, s.c, 0);
    for (size_t i = 0; i < shape_each(s); i++)
        net->input.x[i] = input[i];
    free(input);
    network_forward(net, &(struct run){.mode = MODE_EVAL});
    struct detections d = {0};
    network_detect(net, 0, .1, &d);
    detections_sort(&d);
    *w = im.w;
    *h = im.h;
    image_free(&im);
    return d;
}

/* Takes the detection that fits a row of the figures out of d; the worst differences are kept. */
static void match(struct detections *d, int w, int h, int class_id, const double row[5], double *worst_score, double *worst_box)
{
    int best = -1;
    double best_box = INFINITY;
    for (int i = 0; i < d->n; i++) {
        const struct detection *t = &d->item[i];
        if (t->class_id != class_id || fabs((double)t->score - row[0]) > 1e-3)
            continue;
        const double x = t->box.x * w, y = t->box.y * h, bw = t->box.w * w, bh = t->box.h * h;
        const double corners[4] = {x - bw / 2, y - bh / 2, x + bw / 2, y + bh / 2};
        double far = 0;
        for (int k = 0; k < 4; k++)
            far = fmax(far, fabs(corners[k] - row[1 + k]));
        if (far < best_box) {
            best_box = far;
            best = i;
        }
    }
    if (best < 0)
        fail_msg("no detection of class %d with score %f", class_id, row[0]);
    *worst_score = fmax(*worst_score, fabs((double)d->item[best].score - row[0]));
    *worst_box = fmax(*worst_box, best_box);
    d->item[best] = d->item[--d->n];
}

static int class_of(char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fail_msg("no class %s", name);
    return -1;
}

static char **read_names(void)
{
    FILE *f = fopen(support_data(MODEL "coco.names"), "r");
    assert_non_null(f);
    char **names = mem_new(81, sizeof *names), line[80];
    for (int n = 0; n < 80 && fgets(line, sizeof line, f); n++)
        names[n] = mem_string(text_trim(line));
    fclose(f);
    return names;
}

/* Pictures of the network's size, so that no resizing plays a part. */
static void test_boxes(void **state)
{
    (void)state;
    struct network *net = load();
    if (!net)
        skip();
    struct error err = ERROR_INIT;
    assert_int_equal(network_plan(net, 1, 0, 0, false, &err), 0);
    network_fold(net);
    char **names = read_names();
    FILE *f = fopen("tests/detect/opencv-rows.txt", "r");
    assert_non_null(f);
    char line[400], current[100] = "";
    struct detections d = {0};
    double worst_score = 0, worst_box = 0;
    int rows = 0, w = 0, h = 0;
    while (fgets(line, sizeof line, f)) {
        char file[100], name[40];
        double row[5];
        if (line[0] == '#')
            continue;
        assert_int_equal(
            sscanf(line, "%99[^\t]\t%39[^\t]\t%lf\t%lf\t%lf\t%lf\t%lf", file, name, &row[0], &row[1], &row[2], &row[3], &row[4]), 7);
        if (strcmp(file, current) != 0) {
            assert_int_equal(d.n, 0); /* nothing more than in the figures */
            detections_free(&d);
            strcpy(current, file);
            char relative[200];
            snprintf(relative, sizeof relative, MODEL "reference-images/%s", file);
            d = detect(net, support_data(relative), &w, &h);
        }
        match(&d, w, h, class_of(names, name), row, &worst_score, &worst_box);
        rows++;
    }
    fclose(f);
    assert_int_equal(d.n, 0);
    assert_true(rows > 100);
    if (!(worst_score < 1e-5 && worst_box < 2e-3)) /* the figures have 6 and 3 decimals */
        fail_msg("worst difference: score %g, box %g pixels", worst_score, worst_box);
    detections_free(&d);
    for (int i = 0; i < 80; i++)
        free(names[i]);
    free(names);
    network_free(net);
}

/* opencv-map.py: 0.325559 on coco128. JPEG decoders may differ by a grey level, which moves scores in the third decimal. */
static void test_map(void **state)
{
    (void)state;
    struct network *net = load();
    const char *list = support_data("coco128/train2017.txt");
    if (!net || !list) {
        network_free(net);
        skip();
    }
    struct error err = ERROR_INIT;
    struct data_options options = {.valid = (char *)list};
    struct dataset d;
    const struct shape s = net->input.shape;
    if (dataset_open(&d, &options, SPLIT_VALID, TASK_DETECT, 80, s.w, s.h, s.c, 1, &err) != 0 ||
        network_plan(net, 1, 0, 0, false, &err) != 0)
        fail_msg("%s", err.text);
    network_fold(net);
    struct evaluation e;
    if (evaluate(net, &d, &EVALUATE_DEFAULTS, &e, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(e.images, 128);
    if (!(fabs(e.map50 - .325559) < .002))
        fail_msg("mAP@.5 %.6f, by OpenCV and numpy .325559", e.map50);
    evaluation_free(&e);
    dataset_close(&d);
    network_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_boxes), cmocka_unit_test(test_map)};
    return cmocka_run_group_tests_name("detect/opencv", tests, NULL, NULL);
}
