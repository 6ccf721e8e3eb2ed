/* sheet: one PNG of bars, a cloud of points and small pictures (cairo). */
#ifndef DLNET_IMAGE_SHEET_H
#define DLNET_IMAGE_SHEET_H

#include "image/image.h"

#define SHEET_SERIES 3    /* bars of one name stand side by side */
#define SHEET_PICTURE 190 /* side of a small picture */

struct sheet_bar {
    const char *name; /* UTF-8 or not */
    double value[SHEET_SERIES];
};
struct sheet_point {
    float x, y; /* 0..1 */
    int colour; /* of draw_colour */
};
struct sheet_picture {
    struct image image;  /* RGB, at most SHEET_PICTURE a side */
    const char *caption; /* NULL: none */
};
struct sheet {
    const char *title;
    const char *bars_title, *series[SHEET_SERIES]; /* NULL: fewer series */
    const struct sheet_bar *bar;
    int n_bars;                                   /* the first 40 are drawn */
    const char *points_title, *x_label, *y_label; /* of both axes, 0 to 1 */
    const struct sheet_point *point;
    int n_points; /* 0: the bars get the whole width */
    const struct sheet_picture *picture;
    int n_pictures;
};

/* Writes path, which must end in .png, atomically. 0 or −1. */
int sheet_write(const struct sheet *s, const char *path, struct error *err);

#endif
