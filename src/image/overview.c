#include "image/overview.h"

#include <cairo.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"
#include "image/draw.h"

enum { WIDTH = 1240, MARGIN = 24, TITLE = 46, CHART = 420, CAPTION = 20, GAP = 10, COLUMNS = 6, MOST_BARS = 40, TICKS = 4 };

static void ink(cairo_t *cr, double grey)
{
    cairo_set_source_rgb(cr, grey, grey, grey);
}

/* align: 0 left of x, .5 centred, 1 right. */
static void put_text(cairo_t *cr, double x, double y, double size, double align, double room, const char *s)
{
    char *clean = utf8_clean(s);
    cairo_text_extents_t e;
    cairo_set_font_size(cr, size);
    cairo_text_extents(cr, clean, &e);
    if (e.x_advance > room) {
        cairo_set_font_size(cr, fmax(5, size * room / e.x_advance));
        cairo_text_extents(cr, clean, &e);
    }
    cairo_move_to(cr, x - align * e.x_advance, y);
    cairo_show_text(cr, clean);
    free(clean);
}

static void colour(cairo_t *cr, int index, double alpha)
{
    double rgb[3];
    draw_colour(index, rgb);
    cairo_set_source_rgba(cr, rgb[0], rgb[1], rgb[2], alpha);
}

static void draw_bars(cairo_t *cr, const struct overview *s, double x, double y, double w, double h)
{
    const int n = s->n_bars < MOST_BARS ? s->n_bars : MOST_BARS, names = 130, numbers = 64;
    int series = 0;
    while (series < OVERVIEW_SERIES && s->series[series])
        series++;
    double most = 1;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < series; k++)
            most = fmax(most, s->bar[i].value[k]);
    ink(cr, .1);
    put_text(cr, x, y + 14, 14, 0, w, s->bars_title);
    for (int k = 0; k < series; k++) {
        colour(cr, k, 1);
        cairo_rectangle(cr, x + w - 90 * (series - k), y + 5, 10, 10);
        cairo_fill(cr);
        ink(cr, .1);
        put_text(cr, x + w - 90 * (series - k) + 14, y + 14, 12, 0, 70, s->series[k]);
    }
    const double row = fmin(34, (h - 30) / fmax(1, n));
    for (int i = 0; i < n; i++) {
        const double top = y + 28 + i * row, thick = (row - fmax(1, row * .2)) / fmax(1, series);
        ink(cr, .1);
        put_text(cr, x + names - 8, top + row * .65, fmin(13, row * .9), 1, names - 10, s->bar[i].name);
        for (int k = 0; k < series; k++) {
            const double length = (w - names - numbers) * s->bar[i].value[k] / most;
            char text[32];
            snprintf(text, sizeof text, "%.0f", s->bar[i].value[k]);
            colour(cr, k, .9);
            cairo_rectangle(cr, x + names, top + k * thick, fmax(1, length), fmax(1, thick - .5));
            cairo_fill(cr);
            ink(cr, .3);
            put_text(cr, x + names + length + 5, top + (k + .85) * thick, fmin(11, thick), 0, numbers - 6, text);
        }
    }
}

static void draw_points(cairo_t *cr, const struct overview *s, double x, double y, double w, double h)
{
    const double left = x + 46, top = y + 24, side_w = w - 56, side_h = h - 62;
    ink(cr, .1);
    put_text(cr, x, y + 14, 14, 0, w, s->points_title);
    cairo_set_line_width(cr, 1);
    for (int i = 0; i <= TICKS; i++) {
        const double t = (double)i / TICKS;
        char text[16];
        snprintf(text, sizeof text, "%g", t);
        ink(cr, .88);
        cairo_move_to(cr, left, top + side_h * (1 - t));
        cairo_rel_line_to(cr, side_w, 0);
        cairo_move_to(cr, left + side_w * t, top);
        cairo_rel_line_to(cr, 0, side_h);
        cairo_stroke(cr);
        ink(cr, .3);
        put_text(cr, left - 6, top + side_h * (1 - t) + 4, 11, 1, 40, text);
        put_text(cr, left + side_w * t, top + side_h + 15, 11, .5, 40, text);
    }
    put_text(cr, left + side_w / 2, top + side_h + 32, 12, .5, side_w, s->x_label);
    put_text(cr, left + 6, top + 14, 12, 0, side_w, s->y_label);
    const double alpha = s->n_points > 5000 ? .15 : s->n_points > 500 ? .4 : .8;
    for (int i = 0; i < s->n_points; i++) {
        const struct overview_point *p = &s->point[i];
        if (!(p->x >= 0 && p->x <= 1 && p->y >= 0 && p->y <= 1))
            continue;
        colour(cr, p->colour, alpha);
        cairo_rectangle(cr, left + side_w * (double)p->x - 1.5, top + side_h * (1 - (double)p->y) - 1.5, 3, 3);
        cairo_fill(cr);
    }
}

/* cairo keeps a pixel in 32 bits, native byte order: 0x00RRGGBB. */
static void put_picture(cairo_surface_t *surface, const struct image *im, int left, int top)
{
    unsigned char *data = cairo_image_surface_get_data(surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    cairo_surface_flush(surface);
    for (int y = 0; y < im->h; y++) {
        uint32_t *to = (uint32_t *)(void *)(data + (size_t)(top + y) * stride) + left;
        const unsigned char *p = im->data + (size_t)y * (size_t)im->w * 3;
        for (int x = 0; x < im->w; x++, p += 3)
            to[x] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    }
    cairo_surface_mark_dirty(surface);
}

static cairo_status_t write_bytes(void *user, const unsigned char *data, unsigned n)
{
    return fwrite(data, 1, n, user) == n ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static void draw_all(cairo_t *cr, cairo_surface_t *surface, const struct overview *s)
{
    ink(cr, 1);
    cairo_paint(cr);
    cairo_select_font_face(cr, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    ink(cr, 0);
    put_text(cr, MARGIN, 30, 18, 0, WIDTH - 2 * MARGIN, s->title);
    const double half = (WIDTH - 3 * MARGIN) / 2.;
    draw_bars(cr, s, MARGIN, TITLE, s->n_points > 0 ? half : WIDTH - 2 * MARGIN, CHART - GAP);
    if (s->n_points > 0)
        draw_points(cr, s, 2 * MARGIN + half, TITLE, half, CHART - GAP);
    for (int i = 0; i < s->n_pictures; i++) {
        const int left = MARGIN + i % COLUMNS * (OVERVIEW_PICTURE + GAP),
                  top = TITLE + CHART + i / COLUMNS * (OVERVIEW_PICTURE + CAPTION + GAP);
        const struct overview_picture *p = &s->picture[i];
        put_picture(surface, &p->image, left + (OVERVIEW_PICTURE - p->image.w) / 2, top + (OVERVIEW_PICTURE - p->image.h) / 2);
        ink(cr, .2);
        if (p->caption)
            put_text(cr, left + OVERVIEW_PICTURE / 2., top + OVERVIEW_PICTURE + 14, 12, .5, OVERVIEW_PICTURE, p->caption);
    }
}

int overview_write(const struct overview *s, const char *path, struct error *err)
{
    if (!text_ends(path, ".png"))
        return error_at(err, EXIT_USAGE, path, 0, "expected a file that ends in .png");
    const int rows = (s->n_pictures + COLUMNS - 1) / COLUMNS, height = TITLE + CHART + rows * (OVERVIEW_PICTURE + CAPTION + GAP) + MARGIN;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, height);
    cairo_t *cr = cairo_create(surface);
    struct file_writer file;
    int result = -1;
    if (cairo_status(cr) == CAIRO_STATUS_SUCCESS)
        draw_all(cr, surface, s);
    const cairo_status_t status = cairo_status(cr);
    if (status != CAIRO_STATUS_SUCCESS)
        error_at(err, EXIT_FAIL, path, 0, "the picture could not be drawn: %s", cairo_status_to_string(status));
    else if (file_begin(&file, path, err) == 0) {
        const cairo_status_t written = cairo_surface_write_to_png_stream(surface, write_bytes, file.stream);
        if (written == CAIRO_STATUS_SUCCESS || written == CAIRO_STATUS_WRITE_ERROR) {
            result = file_commit(&file, err); /* finds what went wrong in writing */
        } else {
            file_discard(&file);
            error_at(err, EXIT_FAIL, path, 0, "the picture could not be written: %s", cairo_status_to_string(written));
        }
    }
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return result;
}
