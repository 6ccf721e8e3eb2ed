/* overview: one PNG of bars, a cloud of points and small pictures (cairo). */
#ifndef DLNET_IMAGE_OVERVIEW_H
#define DLNET_IMAGE_OVERVIEW_H

#include "image/image.h"

#define OVERVIEW_SERIES 3    /* bars of one name stand side by side */
#define OVERVIEW_PICTURE 190 /* side of a small picture */

struct overview_bar {
    const char *name; /* UTF-8 or not */
    double value[OVERVIEW_SERIES];
};
struct overview_point {
    float x, y; /* 0..1 */
    int colour; /* of draw_colour */
};
struct overview_picture {
    struct image image;  /* RGB, at most OVERVIEW_PICTURE a side */
    const char *caption; /* NULL: none */
};
struct overview {
    const char *title;
    const char *bars_title, *series[OVERVIEW_SERIES]; /* NULL: fewer series */
    const struct overview_bar *bar;
    int n_bars;                                   /* the first 40 are drawn */
    const char *points_title, *x_label, *y_label; /* of both axes, 0 to 1 */
    const struct overview_point *point;
    int n_points; /* 0: the bars get the whole width */
    const struct overview_picture *picture;
    int n_pictures;
};

/* Writes path, which must end in .png, atomically. 0 or −1. */
int overview_write(const struct overview *s, const char *path, struct error *err);

#endif
