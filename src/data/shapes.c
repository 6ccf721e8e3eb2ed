#include "data/shapes.h"

#include <math.h>

#include "base/rng.h"

const char *const shapes_names[SHAPES_CLASSES] = {"circle", "square", "triangle", "star", "heart"};

enum { CIRCLE, SQUARE, TRIANGLE, STAR, HEART };

/* Each figure in its own coordinates, y downwards, is the hull of these discs as far as its extent goes (radius 0: a corner). */
struct disc {
    double x, y, r;
};
#define SQUARE_HALF 0.8
#define HEART_HALF 0.8 /* half the diagonal of the square under the two arcs */
#define SIN18 0.30901699437494742
#define COS18 0.95105651629515357
#define SIN36 0.58778525229247313
#define COS36 0.80901699437494742
#define COS30 0.86602540378443865

static const struct disc circle_discs[] = {{0, 0, 1}};
static const struct disc square_discs[] = {
    {-SQUARE_HALF, -SQUARE_HALF, 0}, {SQUARE_HALF, -SQUARE_HALF, 0}, {SQUARE_HALF, SQUARE_HALF, 0}, {-SQUARE_HALF, SQUARE_HALF, 0}};
static const struct disc triangle_discs[] = {{0, -1, 0}, {COS30, 0.5, 0}, {-COS30, 0.5, 0}};
static const struct disc star_discs[] = {{0, -1, 0}, {COS18, -SIN18, 0}, {SIN36, COS36, 0}, {-SIN36, COS36, 0}, {-COS18, -SIN18, 0}};
static const struct disc heart_discs[] = {{0, HEART_HALF, 0},
                                          {-HEART_HALF / 2, -HEART_HALF / 2, HEART_HALF *M_SQRT1_2},
                                          {HEART_HALF / 2, -HEART_HALF / 2, HEART_HALF *M_SQRT1_2}};
#define DISCS(a)                                                                                                                           \
    {                                                                                                                                      \
        a, sizeof(a) / sizeof(a[0])                                                                                                        \
    }
static const struct {
    const struct disc *disc;
    int n;
} outlines[SHAPES_CLASSES] = {DISCS(circle_discs), DISCS(square_discs), DISCS(triangle_discs), DISCS(star_discs), DISCS(heart_discs)};

static double largest(double a, double b)
{
    return a > b ? a : b;
}

/* The star is where at most one of the pentagram's five lines is crossed: the second largest distance decides. */
static double star_distance(double x, double y)
{
    double first = -2, second = -2;
    for (int i = 0; i < 5; i++) {
        const double d = star_discs[i].x * x + star_discs[i].y * y;
        if (d > first) {
            second = first;
            first = d;
        } else if (d > second)
            second = d;
    }
    return second - SIN18;
}

static double heart_distance(double x, double y)
{
    const double side = fabs(x), square = (side + fabs(y) - HEART_HALF) * M_SQRT1_2, dx = side - HEART_HALF / 2, dy = y + HEART_HALF / 2;
    const double arc = sqrt(dx * dx + dy * dy) - HEART_HALF * M_SQRT1_2;
    return square < arc ? square : arc;
}

double shapes_distance(const struct shapes_figure *f, double px, double py)
{
    const double dx = px - f->x, dy = py - f->y;
    const double x = (f->cos * dx + f->sin * dy) / f->scale, y = (f->cos * dy - f->sin * dx) / f->scale;
    double d = 0;
    switch (f->class_id) {
    case CIRCLE:
        d = sqrt(x * x + y * y) - 1;
        break;
    case SQUARE:
        d = largest(fabs(x), fabs(y)) - SQUARE_HALF;
        break;
    case TRIANGLE:
        d = largest(y, COS30 * fabs(x) - 0.5 * y) - 0.5;
        break;
    case STAR:
        d = star_distance(x, y);
        break;
    case HEART:
        d = heart_distance(x, y);
        break;
    }
    return d * f->scale;
}

void shapes_extent(const struct shapes_figure *f, double corners[4])
{
    corners[0] = corners[1] = INFINITY;
    corners[2] = corners[3] = -INFINITY;
    for (int i = 0; i < outlines[f->class_id].n; i++) {
        const struct disc *d = &outlines[f->class_id].disc[i];
        const double x = f->x + f->scale * (f->cos * d->x - f->sin * d->y), y = f->y + f->scale * (f->sin * d->x + f->cos * d->y);
        const double r = f->scale * d->r;
        corners[0] = fmin(corners[0], x - r);
        corners[1] = fmin(corners[1], y - r);
        corners[2] = fmax(corners[2], x + r);
        corners[3] = fmax(corners[3], y + r);
    }
}

struct truth_box shapes_box(const struct shapes_figure *f, int w, int h)
{
    double c[4];
    shapes_extent(f, c);
    const double x1 = fmax(c[0], 0) / w, y1 = fmax(c[1], 0) / h, x2 = fmin(c[2], w) / w, y2 = fmin(c[3], h) / h;
    return (struct truth_box){.box = {(real)((x1 + x2) / 2), (real)((y1 + y2) / 2), (real)(x2 - x1), (real)(y2 - y1)},
                              .class_id = f->class_id};
}

/* A figure of random kind, size and rotation somewhere in the picture, at most a tenth of it cut off at each side. */
static struct shapes_figure draw_figure(struct rng *rng, int w, int h)
{
    const double side = w < h ? w : h, size = rng_range(rng, 0.12, 0.45) * side, angle = rng_range(rng, -M_PI, M_PI);
    struct shapes_figure f = {.class_id = rng_below(rng, SHAPES_CLASSES), .scale = 1, .cos = cos(angle), .sin = sin(angle)};
    double c[4];
    shapes_extent(&f, c);
    f.scale = size / fmax(c[2] - c[0], c[3] - c[1]);
    shapes_extent(&f, c);
    const double bw = c[2] - c[0], bh = c[3] - c[1];
    f.x = rng_range(rng, -0.1 * bw, w - 0.9 * bw) - c[0];
    f.y = rng_range(rng, -0.1 * bh, h - 0.9 * bh) - c[1];
    return f;
}

/* Share of figure k that the figures after it hide, by a grid of points. */
static double hidden_share(const struct shapes_layout *l, int k)
{
    enum { GRID = 20 };
    double c[4];
    shapes_extent(&l->figure[k], c);
    int inside = 0, hidden = 0;
    for (int i = 0; i < GRID * GRID; i++) {
        const double x = c[0] + (c[2] - c[0]) * (i % GRID + 0.5) / GRID, y = c[1] + (c[3] - c[1]) * ((double)(i / GRID) + 0.5) / GRID;
        if (shapes_distance(&l->figure[k], x, y) > 0)
            continue;
        inside++;
        for (int j = k + 1; j < l->n; j++)
            if (shapes_distance(&l->figure[j], x, y) <= 0) {
                hidden++;
                break;
            }
    }
    return inside > 0 ? (double)hidden / inside : 1;
}

static bool extents_meet(const struct shapes_figure *a, const struct shapes_figure *b)
{
    double p[4], q[4];
    shapes_extent(a, p);
    shapes_extent(b, q);
    return p[0] < q[2] && q[0] < p[2] && p[1] < q[3] && q[1] < p[3];
}

void shapes_layout(const struct shapes_key *key, int w, int h, struct shapes_layout *out)
{
    const double most_hidden = 0.35;
    const int tries = 30;
    struct rng rng = rng_make(key->seed, RNG_SHAPES, (uint64_t)key->split << 32 | (uint64_t)key->number, 0);
    const int drawn = 1 + rng_below(&rng, SHAPES_MOST), wanted = key->single ? 1 : drawn;
    out->n = 0;
    for (int k = 0; k < wanted; k++)
        for (int t = 0; t < tries; t++) {
            out->figure[k] = draw_figure(&rng, w, h);
            out->n = k + 1;
            bool good = true;
            for (int i = 0; i < k && good; i++)
                good = !extents_meet(&out->figure[i], &out->figure[k]) || hidden_share(out, i) <= most_hidden;
            if (good)
                break;
            out->n = k; /* the next try; a full picture stays with fewer figures */
            if (t == tries - 1)
                return;
        }
}
