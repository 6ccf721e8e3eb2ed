/* shapes: the built-in pictures: coloured figures on textured grounds, drawn from a seed. */
#ifndef DLNET_DATA_SHAPES_H
#define DLNET_DATA_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

#include "data/dataset.h"

enum { SHAPES_CLASSES = 5, SHAPES_MOST = 4, SHAPES_SIDE = 96 };
extern const char *const shapes_names[SHAPES_CLASSES];

/* Which picture: pictures of different splits or numbers share no random number. */
struct shapes_key {
    uint64_t seed;
    enum split split;
    int64_t number;
    bool single; /* exactly one figure (classification) */
};

/* One figure, in pixels of the picture. */
struct shapes_figure {
    int class_id;
    double x, y;     /* origin of its own coordinates */
    double scale;    /* pixels of one unit of them */
    double cos, sin; /* rotation */
};

struct shapes_layout {
    struct shapes_figure figure[SHAPES_MOST]; /* a later one lies over an earlier one */
    int n;
};

/* What is where in a picture of w × h pixels; independent of scale: twice the size gives the same picture, larger. */
void shapes_layout(const struct shapes_key *key, int w, int h, struct shapes_layout *out);

/* Signed distance in pixels of a point to the figure's outline: negative inside, never more than the true distance outside. */
double shapes_distance(const struct shapes_figure *f, double x, double y);

/* x1, y1, x2, y2 of the figure as if nothing lay over it: exact, in pixels, not clipped. */
void shapes_extent(const struct shapes_figure *f, double corners[4]);

/* The extent clipped to the picture, as centre and size in fractions of it. */
struct truth_box shapes_box(const struct shapes_figure *f, int w, int h);

/* Draws the picture (RGB). -1: no memory, or a size that image_new refuses. */
int shapes_image(const struct shapes_key *key, int w, int h, struct image *out, struct error *err);

#endif
