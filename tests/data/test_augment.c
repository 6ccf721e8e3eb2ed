/* Boxes against those found again in the picture, colours against the textbook's HSV, and what the random draws look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/augment.h"
#include "data/colour.h"
#include "data/geometry.h"
#include "helpers.h"

enum { IM_W = 250, IM_H = 180, NET_W = 120, NET_H = 96 };

/* A picture that tells where its pixels come from: red = x, green = y, blue = 255 inside the box (pixels x1..x2−1, y1..y2−1). */
static struct image chart(int x1, int y1, int x2, int y2)
{
    struct image im;
    assert_int_equal(image_new(&im, IM_W, IM_H, 3, 0, NULL), 0);
    for (int y = 0; y < IM_H; y++)
        for (int x = 0; x < IM_W; x++) {
            unsigned char *p = im.data + 3 * (y * IM_W + x);
            p[0] = (unsigned char)x;
            p[1] = (unsigned char)y;
            p[2] = x >= x1 && x < x2 && y >= y1 && y < y2 ? 255 : 0;
        }
    return im;
}

static struct truth_box fractions(int x1, int y1, int x2, int y2)
{
    return (struct truth_box){.box = {(real)((x1 + x2) / 2. / IM_W), (real)((y1 + y2) / 2. / IM_H), (real)((x2 - x1) / (double)IM_W),
                                      (real)((y2 - y1) / (double)IM_H)},
                              .class_id = 7};
}

struct seen {
    int n;                 /* pixels of the box */
    double x1, y1, x2, y2; /* their bounds in the input */
    double from_w, from_h; /* and in the picture */
    bool whole;            /* none at the input's edge */
};

static struct seen look(const float *out)
{
    const int plane = NET_W * NET_H;
    struct seen s = {.x1 = 1e9, .y1 = 1e9, .x2 = -1e9, .y2 = -1e9, .whole = true};
    double lo[2] = {1e9, 1e9}, hi[2] = {-1e9, -1e9};
    for (int y = 0; y < NET_H; y++)
        for (int x = 0; x < NET_W; x++) {
            const int i = y * NET_W + x;
            if (out[2 * plane + i] <= .55f) /* outside the picture it is .5 */
                continue;
            s.n++;
            s.x1 = fmin(s.x1, x);
            s.x2 = fmax(s.x2, x + 1);
            s.y1 = fmin(s.y1, y);
            s.y2 = fmax(s.y2, y + 1);
            s.whole = s.whole && x > 0 && y > 0 && x < NET_W - 1 && y < NET_H - 1;
            for (int k = 0; k < 2; k++) {
                lo[k] = fmin(lo[k], (double)out[k * plane + i] * 255);
                hi[k] = fmax(hi[k], (double)out[k * plane + i] * 255);
            }
        }
    s.from_w = hi[0] - lo[0];
    s.from_h = hi[1] - lo[1];
    return s;
}

static struct augment plain(void)
{
    return (struct augment){.task = TASK_DETECT, .w = NET_W, .h = NET_H, .c = 3, .saturation = 1, .exposure = 1, .aspect = 1, .resize = 1};
}

/* One box through one draw: what came out must be what is seen. Returns 1 when a box was compared. */
static int compare(const float *out, const struct box_list *boxes, int box_w, int box_h, double step_x, double step_y, bool turned)
{
    const struct seen s = look(out);
    assert_in_range(boxes->n, 0, 1);
    /* Share of the box that is seen; sampling misses up to a step of the source on either side. */
    const double low = s.n ? s.from_w * s.from_h / (box_w * box_h) : 0;
    const double high = s.n ? (s.from_w + 2 * step_x) * (s.from_h + 2 * step_y) / (box_w * box_h) : 0;
    if (boxes->n == 0) {
        if (!turned && s.n)
            assert_true(low < .1 || s.x2 - s.x1 <= 2 || s.y2 - s.y1 <= 2);
        return 0;
    }
    const struct truth_box t = boxes->item[0];
    assert_int_equal(t.class_id, 7);
    if (!turned)
        assert_true(s.n > 0 && high > .1);
    if (turned && !s.whole)
        return 0; /* the enclosing box of a cut turned rectangle is larger than what is seen of it */
    const double x = (double)t.box.x * NET_W, y = (double)t.box.y * NET_H, w = (double)t.box.w * NET_W, h = (double)t.box.h * NET_H;
    const double worst = fmax(fmax(fabs(x - w / 2 - s.x1), fabs(x + w / 2 - s.x2)), fmax(fabs(y - h / 2 - s.y1), fabs(y + h / 2 - s.y2)));
    if (worst > 1)
        fail_msg("box %.2f %.2f %.2f %.2f, seen %.0f %.0f %.0f %.0f", x - w / 2, y - h / 2, x + w / 2, y + h / 2, s.x1, s.y1, s.x2, s.y2);
    return 1;
}

static void boxes_follow(struct augment a, int draws, bool mosaic)
{
    float *out = mem_new(3 * NET_W * NET_H, sizeof *out);
    int kept = 0;
    for (int i = 0; i < draws; i++) {
        struct rng place = rng_make(3, RNG_TEST, 0, (uint64_t)i);
        const int w = 12 + rng_below(&place, 100), h = 12 + rng_below(&place, 80);
        const int x1 = rng_below(&place, IM_W - w), y1 = rng_below(&place, IM_H - h), x2 = x1 + w, y2 = y1 + h;
        struct truth_box truth = fractions(x1, y1, x2, y2);
        struct sample with = {.box = &truth, .n_boxes = 1}, without = {.n_boxes = 0};
        struct box_list boxes = {0};
        struct rng rng = rng_make(4, RNG_AUGMENT, 0, (uint64_t)i);
        if (mosaic) {
            struct image im[4];
            const struct sample *s[4];
            for (int k = 0; k < 4; k++) {
                const bool has = k == i % 4;
                im[k] = has ? chart(x1, y1, x2, y2) : chart(0, 0, 0, 0);
                s[k] = has ? &with : &without;
            }
            double share[4];
            augment_mosaic(&a, im, s, &rng, out, &boxes, share);
            for (int k = 0; k < 4; k++)
                image_free(&im[k]);
        } else {
            struct image im = chart(x1, y1, x2, y2);
            augment_sample(&a, 1, &im, &with, &rng, out, &boxes);
            image_free(&im);
        }
        kept += compare(out, &boxes, w, h, 3.0 * IM_W / NET_W, 3.0 * IM_H / NET_H, a.angle != 0);
        free(boxes.item);
    }
    assert_true(kept > draws / 4); /* a mosaic shows about half of the boxes */
    free(out);
}

static void test_boxes_follow(void **state)
{
    (void)state;
    struct augment a = plain();
    a.flip = 1;
    boxes_follow(a, 200, false);
    a.jitter = .3;
    boxes_follow(a, 1000, false);
    a.resize = 1.5;
    boxes_follow(a, 300, false);
    a.letter_box = 1;
    boxes_follow(a, 300, false);
    a = plain();
    a.letter_box = 1;
    boxes_follow(a, 20, false);
}

static void test_boxes_follow_turned(void **state)
{
    (void)state;
    struct augment a = plain();
    a.angle = 30;
    a.flip = 1;
    boxes_follow(a, 1000, false);
    a.jitter = .1;
    boxes_follow(a, 500, false);
}

static void test_boxes_follow_in_mosaic(void **state)
{
    (void)state;
    struct augment a = plain();
    a.flip = 1;
    a.jitter = .2;
    boxes_follow(a, 1000, true);
}

static void test_mosaic_covers(void **state)
{
    (void)state;
    struct augment a = plain();
    a.flip = 1;
    float *out = mem_new(3 * NET_W * NET_H, sizeof *out);
    for (int i = 0; i < 50; i++) {
        struct image im[4];
        struct sample s = {0};
        const struct sample *samples[4] = {&s, &s, &s, &s};
        for (int k = 0; k < 4; k++)
            assert_int_equal(image_new(&im[k], IM_W, IM_H, 1, 20 + 60 * k, NULL), 0);
        struct rng rng = rng_make(5, RNG_AUGMENT, 0, (uint64_t)i);
        struct box_list boxes = {0};
        double share[4];
        augment_mosaic(&a, im, samples, &rng, out, &boxes, share);
        /* The corners show the four images, and there is one cut in the top row and one in the left column, within the middle three fifths.
         */
        const int corners[4] = {0, NET_W - 1, NET_W * (NET_H - 1), NET_W * NET_H - 1};
        for (int k = 0; k < 4; k++)
            assert_int_equal(lroundf(out[corners[k]] * 255), 20 + 60 * k);
        int cut_x = 0, cut_y = 0;
        while (out[cut_x] == out[0])
            cut_x++;
        while (out[cut_y * NET_W] == out[0])
            cut_y++;
        assert_in_range(cut_x, NET_W / 5 - 1, NET_W * 4 / 5);
        assert_in_range(cut_y, NET_H / 5 - 1, NET_H * 4 / 5);
        for (int y = 0; y < NET_H; y++)
            for (int x = 0; x < NET_W; x++)
                assert_true(out[y * NET_W + x] == out[corners[(x >= cut_x) + 2 * (y >= cut_y)]]);
        for (int k = 0; k < 4; k++)
            image_free(&im[k]);
    }
    free(out);
}

static void test_flip_twice(void **state)
{
    (void)state;
    struct augment a = plain();
    a.w = IM_W;
    a.h = IM_H;
    a.flip = 1;
    struct image im = chart(30, 40, 90, 100);
    struct truth_box truth = fractions(30, 40, 90, 100);
    struct sample s = {.box = &truth, .n_boxes = 1};
    const size_t n = 3 * IM_W * IM_H;
    float *still = mem_new(n, sizeof *still), *once = mem_new(n, sizeof *once), *twice = mem_new(n, sizeof *twice);
    struct box_list b0 = {0};
    augment_fit(&a, &im, &s, still, &b0);
    int flips = 0;
    for (int i = 0; i < 400; i++) {
        struct rng rng = rng_make(6, RNG_AUGMENT, 0, (uint64_t)i), again = rng;
        struct box_list b1 = {0}, b2 = {0};
        augment_sample(&a, 1, &im, &s, &rng, once, &b1);
        if (memcmp(once, still, n * sizeof *once) == 0) {
            assert_true(b1.item[0].box.x == b0.item[0].box.x);
            free(b1.item);
            continue;
        }
        flips++;
        for (int y = 0; y < IM_H; y += 7)
            for (int x = 0; x < IM_W; x++)
                assert_true(once[y * IM_W + x] == still[y * IM_W + IM_W - 1 - x]);
        struct image mirrored;
        assert_int_equal(image_new(&mirrored, IM_W, IM_H, 3, 0, NULL), 0);
        for (size_t k = 0; k < n; k++)
            mirrored.data[k] = (unsigned char)lroundf(once[k % 3 * (n / 3) + k / 3] * 255);
        struct sample back = {.box = b1.item, .n_boxes = b1.n};
        augment_sample(&a, 1, &mirrored, &back, &again, twice, &b2);
        assert_memory_equal(twice, still, n * sizeof *twice);
        assert_true(fabs((double)(b2.item[0].box.x - b0.item[0].box.x)) < 1e-6);
        image_free(&mirrored);
        free(b1.item);
        free(b2.item);
    }
    assert_in_range(flips, 160, 240); /* ½ of 400, σ = 10 */
    free(b0.item);
    free(still);
    free(once);
    free(twice);
    image_free(&im);
}

/* HSV by sectors, as in the textbook (Foley and van Dam), in double. */
static void textbook(double rgb[3], double shift, double saturation, double exposure)
{
    const double v = fmax(rgb[0], fmax(rgb[1], rgb[2])), least = fmin(rgb[0], fmin(rgb[1], rgb[2])), d = v - least;
    double hue = 0, s = v > 0 ? d / v : 0;
    if (d > 0) {
        if (rgb[0] == v)
            hue = (rgb[1] - rgb[2]) / d;
        else if (rgb[1] == v)
            hue = 2 + (rgb[2] - rgb[0]) / d;
        else
            hue = 4 + (rgb[0] - rgb[1]) / d;
    }
    hue = fmod(hue / 6 + shift + 2, 1) * 6;
    s *= saturation;
    const double value = v * exposure;
    const int sector = (int)floor(hue) % 6;
    const double f = hue - floor(hue), p = value * (1 - s), q = value * (1 - s * f), t = value * (1 - s * (1 - f));
    const double table[6][3] = {{value, t, p}, {q, value, p}, {p, value, t}, {p, q, value}, {t, p, value}, {value, p, q}};
    for (int k = 0; k < 3; k++)
        rgb[k] = fmin(fmax(table[sector][k], 0), 1);
}

static void test_colour(void **state)
{
    (void)state;
    enum { N = 1003 };
    float *x = mem_new(3 * N, sizeof *x), *y = mem_new(3 * N, sizeof *y);
    static const struct colour_shift shifts[] = {{0, 1, 1},     {.1, 1, 1},  {-.3, 1.5, .7}, {0, .4, 1.4}, {.999, 1 / 1.5, 1.5},
                                                 {-.5, 2.5, 1}, {0, 1.7, 1}, {0, 1, .6},     {.5, 0, 1}};
    struct rng rng = rng_make(7, RNG_TEST, 0, 0);
    for (int i = 0; i < 3 * N; i++)
        x[i] = (float)(rng_below(&rng, 256) / 255.0);
    for (int i = 0; i < 60; i++) { /* greys, black, white, two equal channels, pure colours */
        const float a = (float)(i % 10) / 9, b = (float)(i / 10) / 5;
        x[i] = a;
        x[N + i] = i % 3 == 1 ? b : a;
        x[2 * N + i] = i % 3 == 2 ? b : a;
    }
    for (size_t k = 0; k < sizeof shifts / sizeof *shifts; k++) {
        memcpy(y, x, 3 * N * sizeof *x);
        colour_change(y, 3, N, N, shifts[k]);
        for (int i = 0; i < N; i++) {
            double rgb[3] = {(double)x[i], (double)x[N + i], (double)x[2 * N + i]};
            textbook(rgb, shifts[k].hue, shifts[k].saturation, shifts[k].exposure);
            for (int c = 0; c < 3; c++)
                if (fabs((double)y[c * N + i] - rgb[c]) > 2e-6)
                    fail_msg("shift %zu, pixel %d, channel %d: %g, expected %g", k, i, c, (double)y[c * N + i], rgb[c]);
        }
    }
    memcpy(y, x, 3 * N * sizeof *x);
    colour_change(y, 3, N, N, shifts[0]);
    assert_memory_equal(x, y, 3 * N * sizeof *x); /* nothing to do: not a bit changes */
    colour_change(y, 1, N, N, (struct colour_shift){.3, 2, 1.5});
    for (int i = 0; i < N; i++)
        assert_true(y[i] == fminf(x[i] * 1.5f, 1) && y[N + i] == x[N + i]);
    free(x);
    free(y);
}

static void test_factor(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct rng rng = rng_make(8, RNG_TEST, 0, 0);
    const double s = 1.8;
    int above = 0, tenth[10] = {0};
    for (int i = 0; i < N; i++) {
        const double f = augment_factor(&rng, s);
        assert_true(f >= 1 / s && f <= s);
        above += f > 1;
        const double g = f > 1 ? f : 1 / f;
        tenth[(int)fmin(9, (g - 1) / (s - 1) * 10)]++;
    }
    assert_in_range(above, N / 2 - 300, N / 2 + 300); /* σ = 71 */
    for (int k = 0; k < 10; k++)
        assert_in_range(tenth[k], N / 10 - 200, N / 10 + 200); /* σ = 42 */
    assert_true(augment_factor(&rng, 1) == 1);
    int mosaics = 0;
    struct augment a = plain();
    struct recipe_text *t = recipe_from("mosaic=.5", true);
    a.recipe = &t->recipe;
    for (int i = 0; i < 2000; i++)
        mosaics += augment_draw_mosaic(&a, &rng);
    assert_in_range(mosaics, 900, 1100); /* σ = 22 */
    a.recipe = NULL;
    for (int i = 0; i < 20; i++)
        assert_int_equal(augment_draw_mosaic(&a, &rng), 0);
    recipe_text_free(t);
}

/* Jitter alone: each edge of the crop is uniform in ± jitter, found again from the red and green gradients. */
static void test_jitter_is_uniform(void **state)
{
    (void)state;
    enum { N = 2000 };
    struct augment a = plain();
    a.jitter = .2;
    struct image im = chart(0, 0, 0, 0);
    struct sample s = {0};
    float *out = mem_new(3 * NET_W * NET_H, sizeof *out);
    double sum = 0, squares = 0, least = 1, most = -1;
    for (int i = 0; i < N; i++) {
        struct rng rng = rng_make(9, RNG_AUGMENT, 0, (uint64_t)i);
        struct box_list boxes = {0};
        augment_sample(&a, 1, &im, &s, &rng, out, &boxes);
        /* Two pixels of the middle row give the line red(x); its value at 0 is the left edge. */
        const float *row = out + NET_W * NET_H / 2;
        const double step = (double)(row[80] - row[40]) * 255 / 40, left = ((double)row[40] * 255 + .5 - step * 40.5) / IM_W;
        sum += left;
        squares += left * left;
        least = fmin(least, left);
        most = fmax(most, left);
    }
    const double mean = sum / N, deviation = sqrt(squares / N - mean * mean);
    assert_true(fabs(mean) < .01 && fabs(deviation - .4 / sqrt(12)) < .005);
    assert_true(least < -.19 && least > -.201 && most > .19 && most < .201);
    free(out);
    image_free(&im);
}

/* Crop: the shorter side has min_crop..max_crop pixels, the part is as large as the input and lies inside. */
static void test_crop(void **state)
{
    (void)state;
    struct augment a = plain();
    a.task = TASK_CLASSIFY;
    a.w = a.h = 96;
    a.min_crop = 96;
    a.max_crop = 160;
    struct image im = chart(0, 0, 0, 0);
    struct sample s = {0};
    float *out = mem_new(3 * NET_W * NET_H, sizeof *out);
    double least = 1e9, most = 0, left = 1e9, right = 0;
    for (int i = 0; i < 500; i++) {
        struct rng rng = rng_make(10, RNG_AUGMENT, 0, (uint64_t)i);
        struct box_list boxes = {0};
        augment_sample(&a, 1, &im, &s, &rng, out, &boxes);
        const float *row = out + 96 * 48;
        const double step = (double)(row[70] - row[20]) * 255 / 50, scale = 1 / step;
        least = fmin(least, scale * IM_H);
        most = fmax(most, scale * IM_H);
        const double begin = (double)row[20] * 255 + .5 - 20.5 * step;
        left = fmin(left, begin);
        right = fmax(right, begin + 96 * step);
        for (int k = 0; k < 96; k++)
            assert_true(out[2 * 96 * 96 + k] == 0); /* nothing from outside, which is .5 */
    }
    assert_true(least > 95.9 && least < 98 && most < 160.1 && most > 158);
    assert_true(left > -.1 && left < 3 && right < IM_W + .1 && right > IM_W - 3);
    free(out);
    image_free(&im);
}

static void test_evaluation(void **state)
{
    (void)state;
    struct augment a = plain();
    a.flip = 1;
    a.jitter = .3;
    a.hue = .1;
    struct image im = chart(50, 45, 200, 135);
    struct truth_box truth = fractions(50, 45, 200, 135);
    struct sample s = {.box = &truth, .n_boxes = 1};
    const size_t n = 3 * NET_W * NET_H;
    float *out = mem_new(n, sizeof *out), *expected = mem_new(n, sizeof *out);
    for (a.letter_box = 0; a.letter_box < 2; a.letter_box++) {
        struct box_list boxes = {0};
        struct rng rng = rng_make(11, RNG_AUGMENT, 0, 0);
        const struct placement p = image_to_input(&im, expected, NET_W, NET_H, 3, a.letter_box);
        augment_sample(&a, 0, &im, &s, &rng, out, &boxes);
        assert_memory_equal(out, expected, n * sizeof *out);
        assert_int_equal(rng.index, 0);
        const struct box b = boxes.item[0].box;
        assert_true(fabs((double)(b.x - b.w / 2) * NET_W - (p.offset_x + p.scale_x * 50)) < 1e-3);
        assert_true(fabs((double)(b.x + b.w / 2) * NET_W - (p.offset_x + p.scale_x * 200)) < 1e-3);
        assert_true(fabs((double)(b.y - b.h / 2) * NET_H - (p.offset_y + p.scale_y * 45)) < 1e-3);
        assert_true(fabs((double)(b.y + b.h / 2) * NET_H - (p.offset_y + p.scale_y * 135)) < 1e-3);
        free(boxes.item);
    }
    free(out);
    free(expected);
    image_free(&im);
}

/* A box survives with a tenth of its area and a pixel of width and height. */
static void test_box_rule(void **state)
{
    (void)state;
    static const struct {
        double x1, x2, y1, y2;
        int kept;
    } cases[] = {{-89.9, 10.1, 0, 50, 1}, {-90.1, 9.9, 0, 50, 0}, {-5, 1.01, 0, 50, 1},  {-5, .99, 0, 50, 0},   {10, 10.9, 0, 50, 0},
                 {10, 30, 99.5, 109, 0},  {150, 160, 0, 50, 0},   {-60, 40, -60, 40, 1}, {-70, 30, -70, 30, 0}, {0, 100, 0, 100, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct truth_box t = {.box = {(real)((cases[i].x1 + cases[i].x2) / 200), (real)((cases[i].y1 + cases[i].y2) / 200),
                                      (real)((cases[i].x2 - cases[i].x1) / 100), (real)((cases[i].y2 - cases[i].y1) / 100)}};
        const struct sample s = {.box = &t, .n_boxes = 1};
        struct box_list out = {0};
        geometry_move_boxes(&s, 100, 100, affine_scale(1, 1), (struct bounds){0, 0, 100, 100}, 100, 100, &out);
        if (out.n != cases[i].kept)
            fail_msg("case %zu: %d boxes", i, out.n);
        if (out.n) {
            const struct box b = out.item[0].box;
            assert_true((double)(b.x - b.w / 2) > -1e-6 && (double)(b.x + b.w / 2) < 1 + 1e-6);
            assert_true(fabs((double)(b.x + b.w / 2) * 100 - fmin(cases[i].x2, 100)) < 1e-4);
        }
        free(out.item);
    }
}

static void test_affine(void **state)
{
    (void)state;
    const struct affine a = affine_then(affine_then(affine_move(3, -2), affine_turn(.7, 10, 20)), affine_scale(2, -.5));
    const struct affine one = affine_then(a, affine_invert(a));
    static const double identity[6] = {1, 0, 0, 0, 1, 0};
    for (int k = 0; k < 6; k++)
        assert_true(fabs(one.m[k] - identity[k]) < 1e-12);
    /* A quarter turn about (10, 20), clockwise on the screen: right of the centre goes below it. */
    const struct bounds b = affine_bounds(affine_turn(M_PI / 2, 10, 20), (struct bounds){11, 20, 11, 20});
    assert_true(fabs(b.x1 - 10) < 1e-12 && fabs(b.y1 - 21) < 1e-12);
}

static void test_from_options(void **state)
{
    (void)state;
    const struct net_options o = {.flip = 1,
                                  .angle = 5,
                                  .saturation = 1.5,
                                  .exposure = 1.4,
                                  .hue = .1,
                                  .aspect = .75,
                                  .jitter = .1,
                                  .letter_box = 1,
                                  .min_crop = 3,
                                  .max_crop = 4};
    struct augment a = augment_from(&o, .3, 1.5, TASK_DETECT, 32, 16, 3);
    assert_true(a.jitter == .3 && a.resize == 1.5 && a.letter_box && a.w == 32 && a.h == 16 && a.c == 3);
    assert_true(a.flip && a.angle == 5 && a.saturation == 1.5 && a.exposure == 1.4 && a.hue == .1);
    a = augment_from(&o, 0, 0, TASK_DETECT, 32, 16, 3);
    assert_true(a.jitter == .1 && a.resize == 1);
    a = augment_from(&o, .3, 1.5, TASK_CLASSIFY, 32, 16, 1);
    assert_true(a.aspect == .75 && a.min_crop == 3 && a.max_crop == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes_follow),
        cmocka_unit_test(test_boxes_follow_turned),
        cmocka_unit_test(test_boxes_follow_in_mosaic),
        cmocka_unit_test(test_mosaic_covers),
        cmocka_unit_test(test_flip_twice),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_factor),
        cmocka_unit_test(test_jitter_is_uniform),
        cmocka_unit_test(test_crop),
        cmocka_unit_test(test_evaluation),
        cmocka_unit_test(test_box_rule),
        cmocka_unit_test(test_affine),
        cmocka_unit_test(test_from_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
