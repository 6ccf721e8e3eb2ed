/* A real detector (cfg and weights by others) against the rows that OpenCV finds on the same pixels: every row, and no other.
 *
 * OpenCV's region layer leaves out scores up to its threshold of .2; its figures of the objectness are over all rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/codec.h"
#include "net/network.h"
#include "net/weights.h"
#include "support.h"

#define FLOOR 0.2
#define TOLERANCE 1e-3

static struct text_list names;

static int class_of(const char *name)
{
    for (int i = 0; i < names.n; i++)
        if (strcmp(names.item[i], name) == 0)
            return i;
    fail_msg("no class %s", name);
    return -1;
}

static void read_names(const char *path)
{
    size_t size;
    char *text = file_read(path, 1 << 20, &size, NULL), *cursor = text, *line;
    assert_non_null(text);
    int number = 0;
    while ((line = file_line(&cursor, &number)))
        if (*line)
            text_list_add(&names, line);
    mem_free(text);
}

static struct network *load(void)
{
    struct error err = ERROR_INIT;
    struct config config;
    if (config_read(&config, support_data("yolo-fastest-1.1_coco/yolo-fastest-1.1.cfg"), &err) != 0)
        fail_msg("%s", err.text);
    struct network *net = network_build(&config, 1, &err);
    if (!net)
        fail_msg("%s", err.text);
    if (weights_read(net, support_data("yolo-fastest-1.1_coco/yolo-fastest-1.1.weights"), 0, &err) != 0)
        fail_msg("%s", err.text);
    network_fold(net);
    assert_int_equal(network_plan(net, 1, 0, 0, false, &err), 0);
    return net;
}

static void run_image(struct network *net, const char *name)
{
    struct error err = ERROR_INIT;
    struct image im;
    char *relative = mem_format("yolo-fastest-1.1_coco/reference-images/%s", name);
    if (codec_read(&im, support_data(relative), &err) != 0)
        fail_msg("%s", err.text);
    free(relative);
    const struct shape s = net->input.shape;
    assert_true(im.w == s.w && im.h == s.h);
    image_to_input(&im, net->input.x, s.w, s.h, s.c, 0);
    image_free(&im);
    const struct run run = {.mode = MODE_EVAL};
    network_forward(net, &run);
}

/* What is left of one head's detections while the rows of the file are taken away from them. */
struct expected {
    const struct layer *layer;
    struct detections found;
    int rows;
};

static void check_objectness(const struct layer *l, double max, double sum)
{
    const size_t plane = (size_t)l->out.shape.h * (size_t)l->out.shape.w;
    double got_max = 0, got_sum = 0;
    for (int a = 0; a < 3; a++)
        for (size_t i = 0; i < plane; i++) {
            const double o = (double)l->out.x[((size_t)a * 85 + 4) * plane + i];
            got_max = fmax(got_max, o);
            got_sum += o;
        }
    assert_float_equal(got_max, max, TOLERANCE);
    assert_float_equal(got_sum, sum, 10 * TOLERANCE);
}

static void take_row(struct expected *e, const char *line)
{
    double score, x, y, w, h;
    char name[64];
    int at;
    /* class names may hold spaces: the numbers stand before and after them */
    assert_int_equal(sscanf(line, "%lf %n", &score, &at), 1);
    const char *tail = line + strlen(line);
    for (int spaces = 0; spaces < 4;)
        spaces += *--tail == ' ';
    snprintf(name, sizeof name, "%.*s", (int)(tail - line) - at, line + at);
    assert_int_equal(sscanf(tail, "%lf %lf %lf %lf", &x, &y, &w, &h), 4);
    const int class_id = class_of(name);
    for (int i = 0; i < e->found.n; i++) {
        const struct detection *d = &e->found.item[i];
        if (d->class_id == class_id && fabs((double)d->score - score) < TOLERANCE && fabs((double)d->box.x - x) < TOLERANCE &&
            fabs((double)d->box.y - y) < TOLERANCE && fabs((double)d->box.w - w) < TOLERANCE && fabs((double)d->box.h - h) < TOLERANCE) {
            e->found.item[i] = e->found.item[--e->found.n];
            e->rows++;
            return;
        }
    }
    fail_msg("missing: %s", line);
}

/* Nothing is left but what rounding lifts over the threshold. */
static void end_layer(struct expected *e)
{
    for (int i = 0; i < e->found.n; i++)
        if ((double)e->found.item[i].score > FLOOR + TOLERANCE)
            fail_msg("layer %d found what OpenCV doesn't: class %d, score %.6f", e->layer->index, e->found.item[i].class_id,
                     (double)e->found.item[i].score);
    detections_free(&e->found);
    e->layer = NULL;
}

static void test_rows(void **state)
{
    (void)state;
    const char *path = support_data("yolo-fastest-1.1_coco/opencv-reference.txt");
    if (!path)
        skip();
    read_names(support_data("yolo-fastest-1.1_coco/coco.names"));
    struct network *net = load();
    size_t size;
    char *text = file_read(path, 1 << 20, &size, NULL), *cursor = text, *line;
    assert_non_null(text);
    struct expected e = {0};
    int number = 0, images = 0, layers = 0;
    while ((line = file_line(&cursor, &number))) {
        char image[64];
        int index;
        double max, sum;
        if (*line == '#' || !*line)
            continue;
        if (sscanf(line, "image %63s", image) == 1) {
            if (e.layer)
                end_layer(&e);
            run_image(net, image);
            images++;
        } else if (sscanf(line, " layer yolo_%d rows %*d objectness: max %lf sum %lf", &index, &max, &sum) == 3) {
            if (e.layer)
                end_layer(&e);
            e.layer = &net->layer[index];
            assert_string_equal(e.layer->type->name, "yolo");
            check_objectness(e.layer, max, sum);
            e.layer->type->detect(e.layer, 0, FLOOR - TOLERANCE, &e.found);
            layers++;
        } else {
            take_row(&e, text_trim(line));
        }
    }
    end_layer(&e);
    assert_int_equal(images, 3);
    assert_int_equal(layers, 6);
    assert_true(e.rows > 140);
    mem_free(text);
    text_list_free(&names);
    network_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
