#include "image/draw.h"

#include <cairo.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"

#define MAX_CAIRO_SIDE 32767

void draw_colour(int index, double rgb[3])
{
    static const unsigned char chosen[][3] = {
        {31, 111, 196}, {232, 93, 26}, {38, 148, 66}, {200, 33, 46},  {129, 78, 188}, {0, 160, 176},
        {222, 70, 150}, {176, 137, 0}, {112, 74, 60}, {96, 106, 118}, {120, 170, 20}, {60, 60, 170},
    };
    const int n = sizeof(chosen) / sizeof(chosen[0]);
    const int k = index < 0 ? -(index + 1) : index;
    if (k < n) {
        for (int i = 0; i < 3; i++)
            rgb[i] = chosen[k][i] / 255.0;
        return;
    }
    /* Further ones: hues a golden section apart, in three shades. */
    const double hue = fmod(k * 0.6180339887498949, 1) * 6, value = 0.88 - 0.17 * (k % 3), saturation = 0.85;
    for (int i = 0; i < 3; i++) {
        const double t = fmod(hue + 4 * i, 6), ramp = fmin(fmax(fabs(t - 3) - 1, 0), 1);
        rgb[i] = value * (1 - saturation + saturation * ramp);
    }
}

/* cairo keeps a pixel in 32 bits, native byte order: 0x00RRGGBB. */
static cairo_surface_t *surface_from(const struct image *im)
{
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, im->w, im->h);
    if (cairo_surface_status(s) != CAIRO_STATUS_SUCCESS)
        return s;
    unsigned char *data = cairo_image_surface_get_data(s);
    const size_t stride = (size_t)cairo_image_surface_get_stride(s);
    for (int y = 0; y < im->h; y++) {
        uint32_t *to = (uint32_t *)(void *)(data + (size_t)y * stride);
        const unsigned char *from = im->data + (size_t)y * (size_t)im->w * (size_t)im->c;
        for (int x = 0; x < im->w; x++, from += im->c) {
            const uint32_t r = from[0], g = from[im->c == 3 ? 1 : 0], b = from[im->c == 3 ? 2 : 0];
            to[x] = r << 16 | g << 8 | b;
        }
    }
    cairo_surface_mark_dirty(s);
    return s;
}

static void surface_to(cairo_surface_t *s, struct image *out)
{
    cairo_surface_flush(s);
    const unsigned char *data = cairo_image_surface_get_data(s);
    const size_t stride = (size_t)cairo_image_surface_get_stride(s);
    for (int y = 0; y < out->h; y++) {
        const uint32_t *from = (const uint32_t *)(const void *)(data + (size_t)y * stride);
        unsigned char *to = out->data + (size_t)y * (size_t)out->w * 3;
        for (int x = 0; x < out->w; x++, to += 3) {
            to[0] = (unsigned char)(from[x] >> 16);
            to[1] = (unsigned char)(from[x] >> 8);
            to[2] = (unsigned char)from[x];
        }
    }
}

static double clamp(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static bool is_drawable(const struct draw_box *b)
{
    return isfinite(b->x1) && isfinite(b->y1) && isfinite(b->x2) && isfinite(b->y2);
}

static void draw_frame(cairo_t *cr, const struct draw_box *b, double w, double h, double line)
{
    /* Far corners are drawn just outside the picture: cairo's fixed-point numbers end at 2^23. */
    const double x1 = clamp(b->x1, -2 * line, w + 2 * line), x2 = clamp(b->x2, -2 * line, w + 2 * line);
    const double y1 = clamp(b->y1, -2 * line, h + 2 * line), y2 = clamp(b->y2, -2 * line, h + 2 * line);
    double rgb[3];
    draw_colour(b->colour, rgb);
    cairo_rectangle(cr, x1, y1, x2 - x1, y2 - y1);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.35); /* a dark rim keeps light frames visible on light ground */
    cairo_set_line_width(cr, line + 1.5);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
    cairo_set_line_width(cr, line);
    cairo_stroke(cr);
}

static void draw_caption(cairo_t *cr, const struct draw_box *b, double w, double h, double line, double size)
{
    char *label = utf8_clean(b->label);
    cairo_text_extents_t text;
    cairo_set_font_size(cr, size);
    cairo_text_extents(cr, label, &text);
    if (text.x_advance + size / 2 > w) { /* a long name in a small picture */
        cairo_set_font_size(cr, fmax(6, size * w / (text.x_advance + size / 2)));
        cairo_text_extents(cr, label, &text);
    }
    cairo_font_extents_t font;
    cairo_font_extents(cr, &font);
    const double pad = font.height * 0.18, width = text.x_advance + 2 * pad, height = font.ascent + font.descent;
    /* On top of the frame; where the picture ends, inside it. */
    double x = b->x1 - line / 2, y = b->y1 - line / 2 - height;
    if (y < 0)
        y = b->y1 + line / 2;
    x = floor(clamp(x, 0, fmax(0, w - width)));
    y = floor(clamp(y, 0, fmax(0, h - height)));
    double rgb[3];
    draw_colour(b->colour, rgb);
    cairo_rectangle(cr, x, y, ceil(width), ceil(height));
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
    cairo_fill(cr);
    const double luminance = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2], ink = luminance > 0.55 ? 0 : 1;
    cairo_set_source_rgb(cr, ink, ink, ink);
    cairo_move_to(cr, x + pad, y + font.ascent);
    cairo_show_text(cr, label);
    free(label);
}

int draw_boxes(const struct image *im, const struct draw_box *boxes, int n, struct image *out, struct error *err)
{
    *out = (struct image){0};
    if (im->w > MAX_CAIRO_SIDE || im->h > MAX_CAIRO_SIDE)
        return error_add(err, EXIT_DATA, "boxes can be drawn on pictures of at most %d pixels a side, this one has %d x %d", MAX_CAIRO_SIDE,
                         im->w, im->h);
    cairo_surface_t *surface = surface_from(im);
    cairo_t *cr = cairo_create(surface);
    const double side = im->w < im->h ? im->w : im->h, line = fmax(1, round(side / 220)), size = fmax(9, round(side / 32));
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_MITER);
    cairo_select_font_face(cr, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    for (int i = 0; i < n; i++)
        if (is_drawable(&boxes[i]))
            draw_frame(cr, &boxes[i], im->w, im->h, line);
    for (int i = n - 1; i >= 0; i--) /* the first, usually the best, ends on top */
        if (is_drawable(&boxes[i]) && boxes[i].label != NULL && boxes[i].label[0] != 0)
            draw_caption(cr, &boxes[i], im->w, im->h, line, size);
    const cairo_status_t status = cairo_status(cr);
    int result = -1;
    if (status != CAIRO_STATUS_SUCCESS)
        error_add(err, EXIT_FAIL, "boxes could not be drawn: %s", cairo_status_to_string(status));
    else if (image_new(out, im->w, im->h, 3, 0, err) == 0) {
        surface_to(surface, out);
        result = 0;
    }
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return result;
}
