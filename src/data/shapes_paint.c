/* The painter of the built-in pictures: textured ground, thin lines and dots that are nothing, figures, noise. */
#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/shapes.h"

/* Red, green, blue; 0..1 is what is shown. */
struct colour {
    float v[3];
};

struct canvas {
    int w, h;
    double unit; /* pixels of a 96th of the shorter side: strokes and textures grow with the picture */
    struct colour *pixel;
};

static struct colour mix_colours(struct colour a, struct colour b, float t)
{
    for (int i = 0; i < 3; i++)
        a.v[i] += (b.v[i] - a.v[i]) * t;
    return a;
}

static struct colour random_colour(struct rng *rng, double saturation_lo, double saturation_hi, double value_lo, double value_hi)
{
    const double hue = rng_range(rng, 0, 6), saturation = rng_range(rng, saturation_lo, saturation_hi),
                 value = rng_range(rng, value_lo, value_hi);
    struct colour c;
    for (int i = 0; i < 3; i++) {
        const double ramp = fmin(fmax(fabs(fmod(hue + 4 * i, 6) - 3) - 1, 0), 1);
        c.v[i] = (float)(value * (1 - saturation + saturation * ramp));
    }
    return c;
}

/* Ground: a gradient between two colours, bent by a wave of stripes. */
static void paint_ground(struct canvas *k, struct rng *rng)
{
    const struct colour a = random_colour(rng, 0, 0.5, 0.15, 0.9), b = random_colour(rng, 0, 0.5, 0.15, 0.9);
    const double angle = rng_range(rng, 0, 2 * M_PI), across = rng_range(rng, 0, 2 * M_PI), period = rng_range(rng, 5, 40) * k->unit;
    const double size = fabs(cos(angle)) * k->w + fabs(sin(angle)) * k->h;
    const float gx = (float)(cos(angle) / size), gy = (float)(sin(angle) / size);
    const float sx = (float)(cos(across) / period), sy = (float)(sin(across) / period);
    const float stripes = rng_uniform(rng) < 0.6 ? (float)rng_range(rng, 0.04, 0.3) : 0, sharp = (float)rng_range(rng, 1, 6);
    for (int y = 0; y < k->h; y++)
        for (int x = 0; x < k->w; x++) {
            const float dx = (float)x - (float)k->w / 2, dy = (float)y - (float)k->h / 2, phase = 1e4f + dx * sx + dy * sy;
            float wave = 4 * fabsf(phase - (float)(int)phase - 0.5f) - 1; /* a triangle wave, cut to a trapezium */
            wave = fminf(fmaxf(wave * sharp, -1), 1);
            k->pixel[(size_t)y * (size_t)k->w + (size_t)x] = mix_colours(a, b, 0.5f + dx * gx + dy * gy + wave * stripes);
        }
}

/* Adds blotches: random values on a coarse grid, interpolated, along one direction of colour. */
static void paint_blotches(struct canvas *k, struct rng *rng, int cells, float strength)
{
    enum { MOST = 24 };
    float grid[MOST + 1][MOST + 1], line[MOST + 2];
    struct colour tint;
    for (int i = 0; i < 3; i++)
        tint.v[i] = strength * (float)rng_range(rng, 0.3, 1) * (rng_uniform(rng) < 0.8 ? 1.0f : -1.0f);
    for (int i = 0; i <= cells; i++)
        for (int j = 0; j <= cells; j++)
            grid[i][j] = (float)rng_range(rng, -1, 1);
    const float step_x = (float)cells / (float)k->w, step_y = (float)cells / (float)k->h;
    for (int y = 0; y < k->h; y++) {
        const float v = (float)y * step_y;
        const int row = (int)v;
        const float t = v - (float)row, smooth_y = t * t * (3 - 2 * t);
        for (int j = 0; j <= cells; j++)
            line[j] = grid[row][j] + (grid[row + 1][j] - grid[row][j]) * smooth_y;
        struct colour *p = k->pixel + (size_t)y * (size_t)k->w;
        for (int x = 0; x < k->w; x++) {
            const float u = (float)x * step_x;
            const int column = (int)u;
            const float s = u - (float)column, value = line[column] + (line[column + 1] - line[column]) * s * s * (3 - 2 * s);
            for (int i = 0; i < 3; i++)
                p[x].v[i] += tint.v[i] * value;
        }
    }
}

/* A stroke with round ends; a dot when both ends coincide. */
static void paint_stroke(struct canvas *k, double x1, double y1, double x2, double y2, double radius, struct colour colour)
{
    const double dx = x2 - x1, dy = y2 - y1, square = dx * dx + dy * dy, reach = radius + 1;
    const int top = (int)fmax(0, floor(fmin(y1, y2) - reach)), bottom = (int)fmin(k->h - 1, ceil(fmax(y1, y2) + reach));
    const int left = (int)fmax(0, floor(fmin(x1, x2) - reach)), right = (int)fmin(k->w - 1, ceil(fmax(x1, x2) + reach));
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            const double px = x + 0.5 - x1, py = y + 0.5 - y1;
            double t = square > 0 ? (px * dx + py * dy) / square : 0;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            const double ex = px - t * dx, ey = py - t * dy, away = ex * ex + ey * ey;
            if (away >= (radius + 0.5) * (radius + 0.5))
                continue;
            const double cover = radius + 0.5 - sqrt(away);
            struct colour *p = &k->pixel[(size_t)y * (size_t)k->w + (size_t)x];
            *p = mix_colours(*p, colour, (float)(cover > 1 ? 1 : cover));
        }
}

static void paint_clutter(struct canvas *k, struct rng *rng)
{
    const int n = rng_below(rng, 9);
    for (int i = 0; i < n; i++) {
        const double x = rng_range(rng, 0, k->w), y = rng_range(rng, 0, k->h);
        const struct colour c = random_colour(rng, 0, 1, 0.1, 1);
        if (rng_uniform(rng) < 0.5) {
            paint_stroke(k, x, y, x, y, rng_range(rng, 0.8, 2.2) * k->unit, c);
        } else {
            const double angle = rng_range(rng, 0, 2 * M_PI), length = rng_range(rng, 8, 60) * k->unit;
            paint_stroke(k, x, y, x + length * cos(angle), y + length * sin(angle), rng_range(rng, 0.4, 0.9) * k->unit, c);
        }
    }
}

/* Share of the pixel that the figure covers, by 3 × 3 points; exact 0 or 1 away from the outline. */
static float coverage(const struct shapes_figure *f, int x, int y, double *distance)
{
    *distance = shapes_distance(f, x + 0.5, y + 0.5);
    if (*distance >= 0.75)
        return 0;
    if (*distance <= -0.75)
        return 1;
    int n = 0;
    for (int i = 0; i < 9; i++)
        n += shapes_distance(f, x + (i % 3 + 0.5) / 3, y + ((double)(i / 3) + 0.5) / 3) <= 0;
    return (float)n / 9;
}

struct span {
    int left, top, right, bottom; /* pixels, the last included */
};

static struct span span_of(const struct canvas *k, const struct shapes_figure *f)
{
    double c[4];
    shapes_extent(f, c);
    return (struct span){(int)fmax(0, floor(c[0])), (int)fmax(0, floor(c[1])), (int)fmin(k->w - 1, floor(c[2])),
                         (int)fmin(k->h - 1, floor(c[3]))};
}

/* A colour that stands out against what is there now. */
static struct colour contrasting(const struct canvas *k, struct span s, struct rng *rng)
{
    const float enough = 0.45f;
    struct colour mean = {{0, 0, 0}}, best = mean;
    for (int y = s.top; y <= s.bottom; y++)
        for (int x = s.left; x <= s.right; x++)
            for (int i = 0; i < 3; i++)
                mean.v[i] += k->pixel[(size_t)y * (size_t)k->w + (size_t)x].v[i];
    const float area = (float)((s.right - s.left + 1) * (s.bottom - s.top + 1));
    float best_distance = -1;
    for (int t = 0; t < 12 && best_distance < enough; t++) {
        const struct colour c = random_colour(rng, 0.35, 1, 0.25, 1);
        float distance = 0;
        for (int i = 0; i < 3; i++)
            distance += (c.v[i] - mean.v[i] / area) * (c.v[i] - mean.v[i] / area);
        distance = sqrtf(distance);
        if (distance > best_distance) {
            best_distance = distance;
            best = c;
        }
    }
    return best;
}

static void paint_figure(struct canvas *k, const struct shapes_figure *f, struct rng *rng)
{
    const struct span s = span_of(k, f);
    const struct colour fill = contrasting(k, s, rng), black = {{0, 0, 0}};
    const struct colour rim = mix_colours(fill, black, (float)rng_range(rng, 0.25, 0.6));
    const double rim_width = rng_uniform(rng) < 0.35 ? rng_range(rng, 0.8, 2) * k->unit : 0;
    const float shade = (float)(rng_range(rng, -0.18, 0.18) / f->scale), light_x = (float)f->cos * shade, light_y = (float)f->sin * shade;
    for (int y = s.top; y <= s.bottom; y++)
        for (int x = s.left; x <= s.right; x++) {
            double distance;
            const float cover = coverage(f, x, y, &distance);
            if (cover == 0)
                continue;
            struct colour c = distance > -rim_width ? rim : fill;
            const float light = 1 + ((float)x - (float)f->x) * light_x + ((float)y - (float)f->y) * light_y;
            for (int i = 0; i < 3; i++)
                c.v[i] *= light;
            struct colour *p = &k->pixel[(size_t)y * (size_t)k->w + (size_t)x];
            *p = mix_colours(*p, c, cover);
        }
}

/* To bytes, with noise: the difference of two random bytes, a triangle of deviation 104, scaled to `sigma` steps of 255. */
static void develop(const struct canvas *k, struct rng *rng, float sigma, struct image *out)
{
    const float *v = k->pixel[0].v, scale = sigma / 104.5f;
    const size_t n = (size_t)k->w * (size_t)k->h * 3;
    for (size_t i = 0; i < n; i += 4) {
        uint64_t bits = rng_bits(rng);
        for (size_t j = i; j < i + 4 && j < n; j++, bits >>= 16) {
            const int noise = (int)(bits & 255) - (int)(bits >> 8 & 255);
            const float value = v[j] * 255 + (float)noise * scale + 0.5f;
            out->data[j] = (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

int shapes_image(const struct shapes_key *key, int w, int h, struct image *out, struct error *err)
{
    if (image_new(out, w, h, 3, 0, err) != 0)
        return -1;
    struct canvas k = {.w = w, .h = h, .unit = (w < h ? w : h) / 96.0};
    k.pixel = mem_try((size_t)w * (size_t)h, sizeof(*k.pixel));
    if (k.pixel == NULL) {
        image_free(out);
        return error_add(err, EXIT_FAIL, "no memory to draw a picture of %d x %d pixels", w, h);
    }
    struct shapes_layout layout;
    shapes_layout(key, w, h, &layout);
    struct rng rng = rng_make(key->seed, RNG_SHAPES, (uint64_t)key->split << 32 | (uint64_t)key->number, 1);
    paint_ground(&k, &rng);
    paint_blotches(&k, &rng, 3 + rng_below(&rng, 5), (float)rng_range(&rng, 0, 0.25));
    paint_blotches(&k, &rng, 9 + rng_below(&rng, 12), (float)rng_range(&rng, 0, 0.15));
    paint_clutter(&k, &rng);
    for (int i = 0; i < layout.n; i++)
        paint_figure(&k, &layout.figure[i], &rng);
    develop(&k, &rng, (float)rng_range(&rng, 2, 9), out);
    mem_free(k.pixel);
    return 0;
}
