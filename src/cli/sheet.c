#include "cli/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/codec.h"
#include "image/draw.h"

enum { PAIRS = 4, TILE = 192, GAP = 4 };

struct sheet {
    const struct dataset *data;
    const struct text_list *names;
    struct image image;
    int tile_w, tile_h;
};

/* What a loader makes of its first samples. */
struct shown {
    struct loader *loader;
    struct batch *batch;
};

static int show(const struct dataset *d, const struct loader_options *o, struct shown *out, struct error *err)
{
    out->loader = loader_open(d, o, err);
    return out->loader && loader_next(out->loader, &out->batch, err) == 1 ? 0 : -1;
}

/* Input number i of a batch, as a picture of the size of a tile, with its boxes and a caption. */
static int draw_tile(const struct sheet *s, const struct batch *b, int i, int c, const char *caption, struct image *out, struct error *err)
{
    struct image small = {0}, tile = {0};
    const size_t plane = (size_t)s->tile_w * (size_t)s->tile_h;
    float *resized = mem_new((size_t)c * plane, sizeof *resized);
    int result = image_from_input(b->input + (size_t)i * (size_t)c * (size_t)b->w * (size_t)b->h, b->w, b->h, c, &small, err);
    const int factor = result == 0 && s->tile_w % b->w == 0 && s->tile_h % b->h == 0 ? s->tile_w / b->w : 0;
    if (result == 0 && factor > 0) {
        result = image_enlarge(&small, factor, &tile, err);
    } else if (result == 0) {
        image_to_input(&small, resized, s->tile_w, s->tile_h, c, 0);
        result = image_from_input(resized, s->tile_w, s->tile_h, c, &tile, err);
    }
    const int n = b->label ? 0 : b->box_start[i + 1] - b->box_start[i];
    struct draw_box *boxes = mem_new((size_t)n + 1, sizeof *boxes);
    for (int k = 0; k < n; k++) {
        const struct truth_box *t = &b->box[b->box_start[i] + k];
        const double x = (double)t->box.x * s->tile_w, y = (double)t->box.y * s->tile_h, w = (double)t->box.w * s->tile_w / 2,
                     h = (double)t->box.h * s->tile_h / 2;
        boxes[k + 1] = (struct draw_box){x - w, y - h, x + w, y + h, NULL, t->class_id};
    }
    boxes[0] = (struct draw_box){-9, 0, -9, 0, caption, 11};
    if (result == 0)
        result = draw_boxes(&tile, boxes, n + 1, out, err);
    free(boxes);
    free(resized);
    image_free(&small);
    image_free(&tile);
    return result;
}

static void put(struct image *sheet, const struct image *tile, int x, int y)
{
    for (int row = 0; row < tile->h; row++)
        memcpy(sheet->data + 3 * ((size_t)(y + row) * (size_t)sheet->w + (size_t)x), tile->data + 3 * (size_t)row * (size_t)tile->w,
               3 * (size_t)tile->w);
}

/* "mosaic", or "airplane .6 bird .4" of what is mixed. */
static char *caption_of(const struct sheet *s, const struct batch *b, int i, int n, const char *what)
{
    char *text = mem_string(what);
    for (int k = 0, mixed = 0; b->label && s->data->task == TASK_CLASSIFY && n > 1 && k < n; k++) {
        const double share = (double)b->label[(size_t)i * (size_t)n + (size_t)k];
        if (share < .005 || share > .995 || mixed++ == 3)
            continue;
        char *longer =
            k < s->names->n ? mem_format("%s %s %.2f", text, s->names->item[k], share) : mem_format("%s %d: %.2f", text, k, share);
        free(text);
        text = longer;
    }
    return text;
}

static int draw_row(struct sheet *s, const struct batch *before, const struct loader_options *o, const char *key, int row,
                    struct error *err)
{
    struct shown after = {0};
    int result = show(s->data, o, &after, err);
    for (int k = 0; k < 2 * PAIRS && result == 0; k++) {
        const struct batch *b = k % 2 ? after.batch : before;
        char *caption = k % 2 ? caption_of(s, b, k / 2, o->n_classes, key) : mem_string("");
        struct image tile = {0};
        result = draw_tile(s, b, k / 2, o->augment.c, caption, &tile, err);
        if (result == 0)
            put(&s->image, &tile, GAP + k * (s->tile_w + GAP) + k / 2 * 2 * GAP, GAP + row * (s->tile_h + GAP));
        image_free(&tile);
        free(caption);
    }
    loader_close(after.loader);
    return result;
}

/* The colours and crops of [net], all together. */
static bool changes(const struct augment *a)
{
    return a->flip || a->angle != 0 || a->hue != 0 || a->saturation != 1 || a->exposure != 1 || a->aspect != 1 || a->jitter > 0 ||
           a->resize != 1 || a->min_crop > 0 || a->max_crop > 0 || a->center;
}

int sheet_write(const struct dataset *d, const struct loader_options *base, const struct text_list *names, const char *path,
                struct error *err)
{
    const struct augment *a = &base->augment;
    struct sheet s = {.data = d, .names = names};
    const int larger = a->w > a->h ? a->w : a->h, factor = TILE / larger;
    s.tile_w = factor > 0 ? a->w * factor : a->w * TILE / larger;
    s.tile_h = factor > 0 ? a->h * factor : a->h * TILE / larger;
    s.tile_w = s.tile_w < 1 ? 1 : s.tile_w;
    s.tile_h = s.tile_h < 1 ? 1 : s.tile_h;
    struct loader_options o = *base;
    o.batch = PAIRS;
    o.first = o.total = 0;
    o.size_of = NULL;
    o.augment.recipe = NULL;
    const int own = changes(a), rows = own + (a->recipe ? a->recipe->n : 0);
    if (rows == 0)
        return error_add(err, EXIT_DATA, "nothing is augmented: expected keys in [augment] (`dlnet help augment`)");
    if (image_new(&s.image, 2 * PAIRS * (s.tile_w + GAP) + 2 * GAP * PAIRS, rows * (s.tile_h + GAP) + GAP, 3, 255, err) != 0)
        return -1;
    struct loader_options plain = o;
    plain.augment.flip = 0;
    plain.augment.angle = plain.augment.hue = plain.augment.jitter = 0;
    plain.augment.saturation = plain.augment.exposure = plain.augment.aspect = plain.augment.resize = 1;
    plain.augment.min_crop = plain.augment.max_crop = plain.augment.center = 0;
    struct shown before = {0};
    int result = show(d, &plain, &before, err);
    if (result == 0 && own)
        result = draw_row(&s, before.batch, &o, "[net]", 0, err);
    for (int i = 0; result == 0 && a->recipe && i < a->recipe->n; i++) {
        struct step step = a->recipe->step[i];
        step.p = 1;
        step.ramp = 0;
        struct recipe one = *a->recipe;
        one.step = &step;
        one.n = 1;
        plain.augment.recipe = &one;
        result = draw_row(&s, before.batch, &plain, step.row->key, own + i, err);
    }
    loader_close(before.loader);
    if (result == 0)
        result = codec_write(&s.image, path, err);
    image_free(&s.image);
    return result;
}
