/* The picture of `dlnet data`: bars of the classes, sizes of the boxes, and some samples with their boxes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/data_report.h"
#include "data/formats.h"
#include "image/draw.h"
#include "image/overview.h"

enum { PICTURES = 24, MOST_POINTS = 20000 };

/* The sample as a small picture with its boxes; false: it can't be read. */
static bool small_picture(const struct dataset *d, int i, struct image *out)
{
    struct image im, small = {0};
    const struct sample *s = &d->sample[i];
    if (dataset_image(d, i, &im, NULL) != 0)
        return false;
    const int longer = im.w > im.h ? im.w : im.h;
    const int w = im.w * OVERVIEW_PICTURE / longer > 0 ? im.w * OVERVIEW_PICTURE / longer : 1;
    const int h = im.h * OVERVIEW_PICTURE / longer > 0 ? im.h * OVERVIEW_PICTURE / longer : 1;
    const size_t plane = (size_t)w * (size_t)h;
    float *planes = mem_new(3 * plane, sizeof *planes);
    image_to_input(&im, planes, w, h, 3, 0);
    image_free(&im);
    struct draw_box *box = mem_new((size_t)s->n_boxes + 1, sizeof *box);
    for (int k = 0; k < s->n_boxes; k++) {
        const double x = (double)s->box[k].box.x, y = (double)s->box[k].box.y;
        const double half_w = (double)s->box[k].box.w / 2, half_h = (double)s->box[k].box.h / 2;
        box[k] = (struct draw_box){(x - half_w) * w, (y - half_h) * h, (x + half_w) * w, (y + half_h) * h, NULL, s->box[k].class_id};
    }
    bool good = image_new(&small, w, h, 3, 0, NULL) == 0;
    for (size_t k = 0; good && k < 3 * plane; k++)
        small.data[k] = (unsigned char)(planes[k % 3 * plane + k / 3] * 255 + .5f);
    good = good && draw_boxes(&small, box, s->n_boxes, out, NULL) == 0;
    image_free(&small);
    free(planes);
    free(box);
    return good;
}

/* Samples from all over the first split. */
static int take_pictures(const struct dataset *d, struct overview_picture *out)
{
    int n = 0;
    for (int i = 0; i < PICTURES && i < d->n_samples && !dataset_has_values(d); i++) {
        const int wanted = d->n_samples > PICTURES ? (int)((int64_t)i * d->n_samples / PICTURES) : i, label = d->sample[wanted].label;
        out[n].caption = label >= 0 && label < d->names.n ? d->names.item[label] : NULL;
        n += small_picture(d, wanted, &out[n].image);
    }
    return n;
}

static int take_points(const struct dataset *d, int boxes, struct overview_point *out)
{
    int n = 0, at = 0;
    const int each = boxes / MOST_POINTS + 1;
    for (int i = 0; i < d->n_samples; i++)
        for (int k = 0; k < d->sample[i].n_boxes; k++)
            if (at++ % each == 0) {
                const struct truth_box *b = &d->sample[i].box[k];
                out[n++] = (struct overview_point){(float)b->box.w, (float)b->box.h, b->class_id};
            }
    return n;
}

int data_report_picture(const struct data_report *r, const char *path, struct error *err)
{
    int first = 0, classes = 0;
    struct overview sheet = {.title = r->title, .points_title = "box sizes, parts of the image", .x_label = "width", .y_label = "height"};
    while (!r->has[first])
        first++;
    for (int k = 0, n = 0; k < DATA_SPLITS; k++)
        if (r->has[k]) {
            sheet.series[n++] = split_name((enum split)k);
            classes = r->found[k].n_classes > classes ? r->found[k].n_classes : classes;
        }
    const struct dataset *d = &r->data[first];
    classes = d->task == TASK_REGRESS ? 0 : classes;
    sheet.bars_title = d->task == TASK_DETECT ? "boxes of each class" : "samples of each class";
    struct overview_bar *bar = mem_new((size_t)classes + 1, sizeof *bar);
    char(*number)[16] = mem_new((size_t)classes + 1, sizeof *number);
    for (int i = 0; i < classes; i++) {
        snprintf(number[i], sizeof number[i], "%d", i);
        bar[i].name = i < d->names.n ? d->names.item[i] : number[i];
        for (int k = 0, n = 0; k < DATA_SPLITS; k++)
            if (r->has[k])
                bar[i].value[n++] = i < r->found[k].n_classes ? r->found[k].objects[i] : 0;
    }
    struct overview_point *point = mem_new(MOST_POINTS + 1, sizeof *point);
    struct overview_picture picture[PICTURES] = {0};
    sheet.bar = bar;
    sheet.n_bars = classes;
    sheet.point = point;
    sheet.n_points = take_points(d, r->found[first].boxes, point);
    sheet.picture = picture;
    sheet.n_pictures = take_pictures(d, picture);
    const int result = overview_write(&sheet, path, err);
    for (int i = 0; i < PICTURES; i++)
        image_free(&picture[i].image);
    free(point);
    free(number);
    free(bar);
    return result;
}
