#include "data/canvas.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

static const double least_part = .1; /* of a box's area that must be seen, as when a picture's edge cuts it */

void box_list_add(struct box_list *list, struct truth_box box)
{
    list->item = mem_grow(list->item, &list->capacity, (size_t)list->n + 1, sizeof *list->item);
    list->item[list->n++] = box;
}

/* Where a box and a part overlap, in pixels: x1, y1, x2, y2. */
static void overlap(const struct canvas *cv, struct box b, struct cut cut, double out[4])
{
    const double x = (double)b.x * cv->w, y = (double)b.y * cv->h, w = (double)b.w * cv->w / 2, h = (double)b.h * cv->h / 2;
    out[0] = fmax(x - w, cut.x1);
    out[1] = fmax(y - h, cut.y1);
    out[2] = fmin(x + w, cut.x2);
    out[3] = fmin(y + h, cut.y2);
}

static double area(const double r[4])
{
    return fmax(0, r[2] - r[0]) * fmax(0, r[3] - r[1]);
}

static double box_pixels(const struct canvas *cv, struct box b)
{
    return (double)b.w * cv->w * (double)b.h * cv->h;
}

void canvas_hide(struct canvas *cv, struct cut cut)
{
    struct box_list *list = cv->boxes;
    int kept = 0;
    for (int i = 0; list && i < list->n; i++) {
        double r[4];
        overlap(cv, list->item[i].box, cut, r);
        const double all = box_pixels(cv, list->item[i].box);
        if (all - area(r) >= least_part * all)
            list->item[kept++] = list->item[i];
    }
    if (list)
        list->n = kept;
}

void canvas_fill(struct canvas *cv, struct cut cut, float value)
{
    for (int c = 0; c < cv->c; c++)
        for (int y = cut.y1; y < cut.y2; y++) {
            float *row = cv->x + (size_t)c * canvas_plane(cv) + (size_t)y * (size_t)cv->w;
            for (int x = cut.x1; x < cut.x2; x++)
                row[x] = value;
        }
    if (cut.x2 > cut.x1 && cut.y2 > cut.y1)
        canvas_hide(cv, cut);
}

void canvas_paste(struct canvas *cv, const struct canvas *from, struct cut cut, int x, int y)
{
    const int w = cut.x2 - cut.x1, h = cut.y2 - cut.y1;
    assert(from->w == cv->w && from->h == cv->h && from->c == cv->c && x >= 0 && y >= 0 && x + w <= cv->w && y + h <= cv->h);
    if (w <= 0 || h <= 0)
        return;
    for (int c = 0; c < cv->c; c++)
        for (int row = 0; row < h; row++) {
            const size_t plane = (size_t)c * canvas_plane(cv);
            memcpy(cv->x + plane + (size_t)(y + row) * (size_t)cv->w + x, from->x + plane + (size_t)(cut.y1 + row) * (size_t)cv->w + cut.x1,
                   (size_t)w * sizeof *cv->x);
        }
    canvas_hide(cv, (struct cut){x, y, x + w, y + h});
    for (int i = 0; cv->boxes && from->boxes && i < from->boxes->n; i++) {
        struct truth_box t = from->boxes->item[i];
        double r[4];
        overlap(from, t.box, cut, r);
        if (r[2] - r[0] < 1 || r[3] - r[1] < 1 || area(r) < least_part * box_pixels(from, t.box))
            continue;
        t.box = (struct box){(real)(((r[0] + r[2]) / 2 - cut.x1 + x) / cv->w), (real)(((r[1] + r[3]) / 2 - cut.y1 + y) / cv->h),
                             (real)((r[2] - r[0]) / cv->w), (real)((r[3] - r[1]) / cv->h)};
        box_list_add(cv->boxes, t);
    }
}

void canvas_blend_labels(struct canvas *cv, const struct canvas *other, double share)
{
    for (int k = 0; cv->label && k < cv->n_labels; k++)
        cv->label[k] = (float)(share * (double)cv->label[k] + (1 - share) * (double)other->label[k]);
}
