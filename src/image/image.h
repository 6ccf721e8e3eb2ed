/* image: pixels in memory, and their way into a network's input. */
#ifndef DLNET_IMAGE_IMAGE_H
#define DLNET_IMAGE_IMAGE_H

#include <stddef.h>

#include "base/error.h"

/* 8-bit samples, rows top to bottom, channels interleaved (RGB or grey). */
struct image {
    int w, h, c;
    unsigned char *data; /* owned; w × h × c bytes; NULL when empty */
};

/* An image of that size, filled with `value`. -1: sizes below 1, above 65535 a side, or no memory. */
int image_new(struct image *out, int w, int h, int c, int value, struct error *err);
void image_free(struct image *im);

/* Every pixel becomes a square of factor × factor pixels. As image_new. */
int image_enlarge(const struct image *im, int factor, struct image *out, struct error *err);

/* Where the pixels of an image went inside a network input of net_w × net_h: input = offset + scale × original. */
struct placement {
    double scale_x, scale_y, offset_x, offset_y;
};

/* Resizes into planar floats 0..1: out[c][h][w] of exactly out_c channels (grey is repeated, RGB is made grey with the Rec. 601
 * weights, alpha doesn't exist here). Bilinear with half-pixel centres, no antialiasing (OpenCV's INTER_LINEAR). letterbox 0: stretch;
 * 1: keep the aspect ratio, centred on grey 0.5. An image that already has the size is copied exactly (value / 255). Returns the placement.
 */
struct placement image_to_input(const struct image *im, float *out, int out_w, int out_h, int out_c, int letterbox);

/* Back from planar floats: x[c][h][w], 0..1, c 1 or 3, rounded to 8 bits (what lies outside is clipped). As image_new. */
int image_from_input(const float *x, int w, int h, int c, struct image *out, struct error *err);

/* Planes of floats, or a window of larger ones: x[c][h][w], rows and planes so many floats apart. */
struct raster {
    float *x;
    int w, h, c;
    size_t pitch, plane;
};

/* All of x[c][h][w]. */
struct raster raster_of(float *x, int w, int h, int c);

/* The inverse warp used by augmentation: out pixel (x + .5, y + .5) samples the source at m × (x, y, 1) (m: 2×3, row-major, in pixel
 * coordinates with the half-pixel offset included), bilinear; outside the source: `fill` (0..1). Same channel rule as image_to_input. */
void image_warp(const struct image *im, const double m[6], struct raster out, float fill);

#endif
