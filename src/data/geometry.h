/* geometry: one affine map moves an image and its boxes together. Pure functions on numbers. */
#ifndef DLNET_DATA_GEOMETRY_H
#define DLNET_DATA_GEOMETRY_H

#include "data/canvas.h"
#include "data/dataset.h"

/* (x, y) → (m[0]·x + m[1]·y + m[2], m[3]·x + m[4]·y + m[5]), in pixels; pixel centres lie at + .5. */
struct affine {
    double m[6];
};

struct affine affine_scale(double sx, double sy);
struct affine affine_move(double dx, double dy);

/* Turns by `radians` (clockwise on the screen, where y points down) about (x, y). */
struct affine affine_turn(double radians, double x, double y);

/* first, then second. */
struct affine affine_then(struct affine first, struct affine second);

/* m must have a determinant other than 0. */
struct affine affine_invert(struct affine a);

/* Bounds in pixels: left, top, right, bottom. */
struct bounds {
    double x1, y1, x2, y2;
};

/* The rectangle that encloses the moved corners of a rectangle. */
struct bounds affine_bounds(struct affine a, struct bounds r);

/* Moves the boxes of a sample (fractions of an image of im_w × im_h) by `map` to pixels of a network input of net_w × net_h, clips them to
 * `clip` (pixels of the input) and adds what remains to out, as fractions of the input. A box is dropped when less than a tenth of its
 * moved area, or less than a pixel in width or height, remains. */
void geometry_move_boxes(const struct sample *s, int im_w, int im_h, struct affine map, struct bounds clip, int net_w, int net_h,
                         struct box_list *out);

#endif
