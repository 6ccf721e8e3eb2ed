/* canvas: one training input in the making, as the steps of an augmentation see it. */
#ifndef DLNET_DATA_CANVAS_H
#define DLNET_DATA_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

#include "box/box.h"

/* Boxes of an input, fractions of it; owned by the caller. */
struct box_list {
    struct truth_box *item;
    int n;
    size_t capacity;
};

struct canvas {
    float *x; /* c × h × w; of a picture 0..1 */
    int c, h, w;
    bool signal;            /* numbers of any size, not a picture */
    float *label;           /* class probabilities, labels or numbers to be learnt; NULL: none */
    int n_labels;           /* of them */
    struct box_list *boxes; /* NULL: no detection */
    float fill;             /* where a picture has no pixel */
};

/* Bounds in pixels, far sides excluded. */
struct cut {
    int x1, y1, x2, y2;
};

static inline size_t canvas_plane(const struct canvas *cv)
{
    return (size_t)cv->w * (size_t)cv->h;
}

/* The part of the canvas has something else in it now: boxes of which less than a tenth is still to be seen are dropped. */
void canvas_hide(struct canvas *cv, struct cut cut);

/* Fills a part, and hides what was there. */
void canvas_fill(struct canvas *cv, struct cut cut, float value);

/* Copies a part of `from`, which has the same size, to (x, y), with the boxes that lie in it: clipped, and left out where less than a
 * tenth, or less than a pixel, remains. What it covers is hidden first. The part must fit. */
void canvas_paste(struct canvas *cv, const struct canvas *from, struct cut cut, int x, int y);

/* label = share · label + (1 − share) · the other's. */
void canvas_blend_labels(struct canvas *cv, const struct canvas *other, double share);

void box_list_add(struct box_list *list, struct truth_box box);

#endif
