/* Line charts: the second half of draw.h. */
#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf8.h"
#include "image/draw.h"

enum { WIDTH = 900, PANEL = 300, LEFT = 72, RIGHT = 24, TITLE = 40, HEAD = 34, GAP = 14, FOOT = 52, MAX_TICKS = 64 };

/* Values lo .. hi on pixels from .. to. */
struct scale {
    double lo, hi, from, to;
    bool log;
};

struct ticks {
    double at[MAX_TICKS];
    char label[MAX_TICKS][24]; /* "": a line without a number */
    int n;
};

static double place(const struct scale *s, double v)
{
    const double t = s->log ? (log10(v) - log10(s->lo)) / (log10(s->hi) - log10(s->lo)) : (v - s->lo) / (s->hi - s->lo);
    const double p = s->from + t * (s->to - s->from);
    return p < -1e5 ? -1e5 : p > 1e5 ? 1e5 : p; /* cairo's numbers end at 2^23 */
}

static bool usable(double v, bool log)
{
    return isfinite(v) && (!log || v > 0);
}

/* Widens [lo, hi], which may be empty (lo > hi) or a point, to something that can be an axis. */
static void widen(double *lo, double *hi, bool log)
{
    if (*lo > *hi) {
        *lo = log ? 0.1 : 0;
        *hi = 1;
    } else if (log && *hi / *lo < 1.5) {
        *lo /= 2;
        *hi *= 2;
    } else if (!log && *hi - *lo <= 1e-9 * fmax(fabs(*hi), fabs(*lo))) {
        const double d = fabs(*hi) * 0.1;
        *lo -= d;
        *hi += d > 0 ? d : 1;
    }
}

static void x_range(const struct draw_chart *chart, struct scale *s)
{
    double lo = INFINITY, hi = -INFINITY;
    for (int p = 0; p < chart->n_panels; p++)
        for (int k = 0; k < chart->panel[p].n_series; k++) {
            const struct draw_series *series = &chart->panel[p].series[k];
            for (int i = 0; i < series->n; i++)
                if (usable(series->x[i], chart->log_x) && usable(series->y[i], chart->panel[p].log_y)) {
                    lo = fmin(lo, series->x[i]);
                    hi = fmax(hi, series->x[i]);
                }
        }
    widen(&lo, &hi, chart->log_x);
    s->lo = lo;
    s->hi = hi;
    s->log = chart->log_x;
}

static void y_range(const struct draw_panel *panel, bool log_x, struct scale *s)
{
    s->log = panel->log_y;
    const bool given = (panel->y_min != 0 || panel->y_max != 0) && panel->y_max > panel->y_min && (!s->log || panel->y_min > 0);
    if (given) {
        s->lo = panel->y_min;
        s->hi = panel->y_max;
        return;
    }
    double lo = INFINITY, hi = -INFINITY;
    for (int k = 0; k < panel->n_series; k++)
        for (int i = 0; i < panel->series[k].n; i++)
            if (usable(panel->series[k].x[i], log_x) && usable(panel->series[k].y[i], s->log)) {
                lo = fmin(lo, panel->series[k].y[i]);
                hi = fmax(hi, panel->series[k].y[i]);
            }
    widen(&lo, &hi, s->log);
    if (s->log) {
        const double margin = pow(hi / lo, 0.05);
        s->lo = lo / margin;
        s->hi = hi * margin;
        return;
    }
    const double margin = (hi - lo) * 0.06;
    s->lo = lo >= 0 && lo < 0.3 * hi ? 0 : lo - margin; /* a curve that comes near zero is shown with the zero */
    s->hi = hi + margin;
}

static void add_tick(struct ticks *t, double at, const char *label)
{
    if (t->n == MAX_TICKS)
        return;
    t->at[t->n] = at;
    snprintf(t->label[t->n], sizeof(t->label[0]), "%s", label);
    t->n++;
}

/* Steps of 1, 2 or 5 times a power of ten, at most about `wanted` of them. */
static void linear_ticks(const struct scale *s, int wanted, struct ticks *t)
{
    const double raw = (s->hi - s->lo) / wanted, power = pow(10, floor(log10(raw))), part = raw / power;
    const double step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
    const double largest = fmax(fabs(s->lo), fabs(s->hi));
    const int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    for (double k = ceil(s->lo / step - 1e-9); k * step <= s->hi + 1e-9 * step && t->n < MAX_TICKS; k++) {
        const double v = k == 0 ? 0 : k * step;
        char label[24];
        if (largest >= 1e7 || decimals > 5)
            snprintf(label, sizeof(label), "%.*g", 6, v);
        else
            snprintf(label, sizeof(label), "%.*f", decimals, v);
        add_tick(t, v, label);
    }
}

static void log_ticks(const struct scale *s, struct ticks *t)
{
    const int first = (int)floor(log10(s->lo)), last = (int)ceil(log10(s->hi)), decades = last - first;
    const int stride = decades > 12 ? (decades + 11) / 12 : 1;
    const bool between = log10(s->hi / s->lo) < 2.2; /* few decades: 2 and 5 have their numbers too */
    for (int e = first; e <= last; e++)
        for (int m = 1; m <= 9; m++) {
            const double v = m * pow(10, e);
            if (v < s->lo * (1 - 1e-9) || v > s->hi * (1 + 1e-9) || (m > 1 && decades > 6) || (m == 1 && (e - first) % stride != 0))
                continue;
            char label[24] = "";
            if (m == 1 || (between && (m == 2 || m == 5)))
                snprintf(label, sizeof(label), "%g", v);
            add_tick(t, v, label);
        }
}

static void ticks_make(const struct scale *s, int wanted, struct ticks *t)
{
    t->n = 0;
    if (s->log)
        log_ticks(s, t);
    else
        linear_ticks(s, wanted, t);
}

/* Text whose point (h, v) of its box (0: left or top, 1: right or bottom) is at x, y. Returns its width. */
static double text_at(cairo_t *cr, double x, double y, double h, double v, const char *text)
{
    char *clean = utf8_clean(text);
    cairo_text_extents_t e;
    cairo_font_extents_t f;
    cairo_text_extents(cr, clean, &e);
    cairo_font_extents(cr, &f);
    cairo_move_to(cr, x - h * e.x_advance, y - v * (f.ascent + f.descent) + f.ascent);
    cairo_show_text(cr, clean);
    free(clean);
    return e.x_advance;
}

static double text_width(cairo_t *cr, const char *text)
{
    char *clean = utf8_clean(text);
    cairo_text_extents_t e;
    cairo_text_extents(cr, clean, &e);
    free(clean);
    return e.x_advance;
}

static void use_font(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "sans", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

static void use_colour(cairo_t *cr, int index)
{
    double rgb[3];
    draw_colour(index, rgb);
    cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
}

static void use_grey(cairo_t *cr, double value)
{
    cairo_set_source_rgb(cr, value, value, value);
}

static void line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x2, y2);
    cairo_stroke(cr);
}

/* A dot. */
static void marker(cairo_t *cr, double x, double y)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, 2.8, 0, 2 * M_PI);
    cairo_fill(cr);
}

/* Many points in one column of pixels are drawn as its first, lowest, highest and last: the same picture from a small file. */
struct column {
    double x, first, low, high, last;
    int n;
};

static void column_flush(cairo_t *cr, struct column *c)
{
    if (c->n > 1 && c->low < c->first)
        cairo_line_to(cr, c->x, c->low);
    if (c->n > 1 && c->high > c->first)
        cairo_line_to(cr, c->x, c->high);
    if (c->n > 1)
        cairo_line_to(cr, c->x, c->last);
    c->n = 0;
}

static void draw_series(cairo_t *cr, const struct draw_series *s, const struct scale *sx, const struct scale *sy)
{
    use_colour(cr, s->colour);
    cairo_set_line_width(cr, 1.8);
    struct column c = {0};
    int run = 0; /* points since the last gap */
    double x = 0, y = 0;
    for (int i = 0; i <= s->n; i++) {
        const bool ok = i < s->n && usable(s->x[i], sx->log) && usable(s->y[i], sy->log);
        if (!ok) {
            column_flush(cr, &c);
            cairo_stroke(cr);
            if (run == 1 && !s->markers) /* a lonely point is no line */
                marker(cr, x, y);
            run = 0;
            continue;
        }
        x = place(sx, s->x[i]);
        y = place(sy, s->y[i]);
        if (c.n > 0 && fabs(x - c.x) < 0.5) {
            c.low = fmin(c.low, y);
            c.high = fmax(c.high, y);
            c.last = y;
            c.n++;
        } else {
            column_flush(cr, &c);
            if (run == 0)
                cairo_move_to(cr, x, y);
            else
                cairo_line_to(cr, x, y);
            c = (struct column){.x = x, .first = y, .low = y, .high = y, .last = y, .n = 1};
        }
        run++;
    }
    for (int i = 0; s->markers && i < s->n; i++)
        if (usable(s->x[i], sx->log) && usable(s->y[i], sy->log))
            marker(cr, place(sx, s->x[i]), place(sy, s->y[i]));
}

/* Names at the right end of the panel's head, each after a piece of its line. */
static void draw_legend(cairo_t *cr, const struct draw_panel *panel, double y)
{
    double x = WIDTH - RIGHT;
    use_font(cr, 12, false);
    for (int k = panel->n_series - 1; k >= 0; k--) {
        const struct draw_series *s = &panel->series[k];
        if (s->name == NULL || s->name[0] == 0)
            continue;
        x -= text_width(cr, s->name);
        use_grey(cr, 0.25);
        text_at(cr, x, y, 0, 0.5, s->name);
        x -= 26;
        use_colour(cr, s->colour);
        cairo_set_line_width(cr, 2.4);
        line(cr, x, y, x + 20, y);
        if (s->markers)
            marker(cr, x + 10, y);
        x -= 18;
    }
}

static bool mark_shows(const struct draw_mark *m, const struct scale *sx)
{
    return usable(m->x, sx->log) && m->x >= sx->lo && m->x <= sx->hi;
}

static void draw_marks(cairo_t *cr, const struct draw_chart *chart, const struct scale *sx, double top, double bottom)
{
    const double dash[] = {5, 4};
    cairo_set_line_width(cr, 1.2);
    cairo_set_dash(cr, dash, 2, 0);
    for (int i = 0; i < chart->n_marks; i++)
        if (mark_shows(&chart->mark[i], sx)) {
            const double x = round(place(sx, chart->mark[i].x)) + 0.5;
            use_colour(cr, chart->mark[i].colour);
            line(cr, x, top, x, bottom);
        }
    cairo_set_dash(cr, NULL, 0, 0);
}

/* One below the other, so that the labels of marks close together stay legible. */
static void draw_mark_labels(cairo_t *cr, const struct draw_chart *chart, const struct scale *sx, double top)
{
    use_font(cr, 11, false);
    for (int i = 0; i < chart->n_marks; i++) {
        const struct draw_mark *m = &chart->mark[i];
        if (!mark_shows(m, sx) || m->label == NULL || m->label[0] == 0)
            continue;
        const double x = round(place(sx, m->x)) + 0.5, width = text_width(cr, m->label), y = top + 12 + 17 * (i % 8);
        const double left = x + 6 + width > WIDTH - RIGHT ? x - 6 - width : x + 6;
        cairo_set_source_rgba(cr, 1, 1, 1, 0.9);
        cairo_rectangle(cr, left - 3, y - 8, width + 6, 16);
        cairo_fill(cr);
        use_colour(cr, m->colour);
        text_at(cr, left, y, 0, 0.5, m->label);
    }
}

static void draw_panel(cairo_t *cr, const struct draw_chart *chart, int p, const struct scale *sx, double y0)
{
    const struct draw_panel *panel = &chart->panel[p];
    const bool last = p == chart->n_panels - 1;
    const double top = y0 + HEAD, bottom = y0 + PANEL - GAP;
    struct scale sy = {.from = bottom, .to = top};
    y_range(panel, chart->log_x, &sy);
    struct ticks tx, ty;
    ticks_make(sx, 10, &tx);
    ticks_make(&sy, 6, &ty);

    use_font(cr, 12, false);
    cairo_set_line_width(cr, 1);
    double label_end = -1e9;
    for (int i = 0; i < tx.n; i++) {
        const double x = round(place(sx, tx.at[i])) + 0.5;
        use_grey(cr, tx.label[i][0] ? 0.88 : 0.945);
        line(cr, x, top, x, bottom);
        const double half = text_width(cr, tx.label[i]) / 2;
        if (last && tx.label[i][0] && x - half > label_end + 8) {
            use_grey(cr, 0.25);
            text_at(cr, x, bottom + 6, 0.5, 0, tx.label[i]);
            label_end = x + half;
        }
    }
    for (int i = 0; i < ty.n; i++) {
        const double y = round(place(&sy, ty.at[i])) + 0.5;
        use_grey(cr, ty.label[i][0] ? 0.88 : 0.945);
        line(cr, LEFT, y, WIDTH - RIGHT, y);
        use_grey(cr, 0.25);
        text_at(cr, LEFT - 8, y, 1, 0.5, ty.label[i]);
    }
    use_grey(cr, 0.45);
    cairo_rectangle(cr, LEFT + 0.5, round(top) + 0.5, WIDTH - RIGHT - LEFT, round(bottom) - round(top));
    cairo_stroke(cr);

    int points = 0;
    cairo_save(cr);
    cairo_rectangle(cr, LEFT - 3, top - 3, WIDTH - RIGHT - LEFT + 6, bottom - top + 6);
    cairo_clip(cr);
    for (int k = 0; k < panel->n_series; k++) {
        draw_series(cr, &panel->series[k], sx, &sy);
        for (int i = 0; i < panel->series[k].n; i++)
            points += usable(panel->series[k].x[i], sx->log) && usable(panel->series[k].y[i], sy.log);
    }
    cairo_restore(cr);
    if (points == 0) {
        use_font(cr, 14, false);
        use_grey(cr, 0.55);
        text_at(cr, (LEFT + WIDTH - RIGHT) / 2.0, (top + bottom) / 2, 0.5, 0.5, "no data yet");
    }
    draw_marks(cr, chart, sx, top, bottom);
    if (p == 0)
        draw_mark_labels(cr, chart, sx, top);

    use_font(cr, 13, true);
    use_grey(cr, 0.2);
    if (panel->y_label)
        text_at(cr, LEFT, y0 + HEAD / 2.0 + 2, 0, 0.5, panel->y_label);
    draw_legend(cr, panel, y0 + HEAD / 2.0 + 2);
}

static void draw_chart(cairo_t *cr, const struct draw_chart *chart, double height)
{
    use_grey(cr, 1);
    cairo_paint(cr);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
    use_font(cr, 17, true);
    use_grey(cr, 0.15);
    if (chart->title)
        text_at(cr, WIDTH / 2.0, TITLE / 2.0 + 4, 0.5, 0.5, chart->title);
    struct scale sx = {.from = LEFT, .to = WIDTH - RIGHT};
    x_range(chart, &sx);
    for (int p = 0; p < chart->n_panels; p++)
        draw_panel(cr, chart, p, &sx, TITLE + p * (double)PANEL);
    use_font(cr, 13, false);
    use_grey(cr, 0.2);
    if (chart->x_label)
        text_at(cr, (LEFT + WIDTH - RIGHT) / 2.0, height - 10, 0.5, 1, chart->x_label);
}

struct bytes {
    char *data;
    size_t size, capacity;
};

static cairo_status_t collect(void *context, const unsigned char *data, unsigned int size)
{
    struct bytes *b = context;
    b->data = mem_grow(b->data, &b->capacity, b->size + size + 1, 1);
    memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = 0;
    return CAIRO_STATUS_SUCCESS;
}

/* Writes the SVG. cairo numbers its surfaces through the life of the process ("surface409"); here they count from 0, so that the bytes of a
 * chart depend on the chart alone. */
static void write_svg(const struct bytes *svg, FILE *stream)
{
    static const char word[] = "surface";
    const char *from = svg->data, *at;
    long first = -1;
    while ((at = strstr(from, word)) != NULL) {
        const char *digits = at + strlen(word);
        char *end;
        fwrite(from, 1, (size_t)(digits - from), stream);
        from = digits;
        if (at == svg->data || (at[-1] != '"' && at[-1] != '#') || *digits < '0' || *digits > '9')
            continue;
        const long number = strtol(digits, &end, 10);
        first = first < 0 ? number : first;
        fprintf(stream, "%ld", number - first);
        from = end;
    }
    fwrite(from, 1, svg->size - (size_t)(from - svg->data), stream);
}

int draw_chart_file(const struct draw_chart *chart, const char *path, struct error *err)
{
    const bool svg = text_ends(path, ".svg");
    if (!svg && !text_ends(path, ".png"))
        return error_at(err, EXIT_USAGE, path, 0, "the name of a chart must end in .svg or .png");
    const int height = TITLE + PANEL * (chart->n_panels > 0 ? chart->n_panels : 1) + FOOT - GAP;
    struct bytes bytes = {0};
    cairo_surface_t *surface = svg ? cairo_svg_surface_create_for_stream(collect, &bytes, WIDTH, height)
                                   : cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, height);
    if (svg)
        cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    cairo_t *cr = cairo_create(surface);
    draw_chart(cr, chart, height);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    if (status == CAIRO_STATUS_SUCCESS && !svg)
        status = cairo_surface_write_to_png_stream(surface, collect, &bytes);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);

    struct file_writer file;
    int result = -1;
    if (status != CAIRO_STATUS_SUCCESS || bytes.size == 0) {
        error_at(err, EXIT_FAIL, path, 0, "the chart could not be drawn: %s", cairo_status_to_string(status));
    } else if (file_begin(&file, path, err) == 0) {
        if (svg)
            write_svg(&bytes, file.stream);
        else
            fwrite(bytes.data, 1, bytes.size, file.stream);
        result = file_commit(&file, err);
    }
    free(bytes.data);
    return result;
}
