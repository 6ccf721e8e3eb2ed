/* draw: boxes on pictures and charts (cairo). */
#ifndef DLNET_IMAGE_DRAW_H
#define DLNET_IMAGE_DRAW_H

#include "image/image.h"

/* Red, green, blue (0..1) of a palette of distinct colours; any index. */
void draw_colour(int index, double rgb[3]);

/* One rectangle with a caption, in pixels of the image; `colour` picks from a palette of distinct colours. */
struct draw_box {
    double x1, y1, x2, y2;
    const char *label; /* UTF-8; NULL or "": no caption */
    int colour;
};

/* Draws on a copy of im (RGB result in *out). Captions stay inside the picture; line width and font follow the image's size. */
int draw_boxes(const struct image *im, const struct draw_box *boxes, int n, struct image *out, struct error *err);

/* A line chart of one or several panels, one above the other, that share the x axis. Not-a-number points are gaps. */
struct draw_series {
    const char *name;
    const double *x, *y;
    int n;
    int colour;
    int markers; /* 1: draw points too (few values) */
};
struct draw_panel {
    const char *y_label;
    int log_y;           /* decades on the y axis */
    double y_min, y_max; /* both 0: from the data */
    const struct draw_series *series;
    int n_series;
};
struct draw_mark { /* a labelled vertical line in every panel */
    double x;
    const char *label;
    int colour;
};
struct draw_chart {
    const char *title, *x_label;
    int log_x;
    const struct draw_panel *panel;
    int n_panels;
    const struct draw_mark *mark;
    int n_marks;
};

/* Writes path as SVG or PNG by its ending (900 × 300 pixels a panel), atomically. Few or no points still give a readable chart. */
int draw_chart_file(const struct draw_chart *chart, const char *path, struct error *err);

#endif
