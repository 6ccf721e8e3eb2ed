/* Each augmentation against its definition: distributions (Kolmogorov–Smirnov), areas, labels, boxes found again in a mask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/normals.h"
#include "data/augment.h"
#include "data/steps.h"
#include "helpers.h"

enum { N = 2000, W = 64, H = 48 };

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Largest distance between the draws' distribution and F, as a multiple of 1/√n: above 1.628 in 1 of 100 cases (Kolmogorov). */
static double distance(double *x, int n, double (*cdf)(double x, const void *context), const void *context)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    double worst = 0;
    for (int i = 0; i < n; i++) {
        const double f = cdf(x[i], context);
        worst = fmax(worst, fmax(fabs(f - (double)i / n), fabs(f - (i + 1.) / n)));
    }
    return worst * sqrt(n);
}

static void assert_distributed(double *x, int n, double (*cdf)(double x, const void *context), const void *context)
{
    const double d = distance(x, n, cdf, context);
    if (d > 1.628)
        fail_msg("the draws are not so distributed: %.3f", d);
}

/* Between two numbers. */
static double uniform_cdf(double x, const void *context)
{
    const double *range = context;
    return fmin(1, fmax(0, (x - range[0]) / (range[1] - range[0])));
}

static double normal_cdf(double x, const void *context)
{
    return .5 * erfc(-x / *(const double *)context / sqrt(2));
}

/* Beta(α, α) by integration of its density over t = logit x, where it has no poles: x^α (1 − x)^α / B. */
static double beta_cdf(double x, const void *context)
{
    const double a = *(const double *)context, b = exp(2 * lgamma(a) - lgamma(2 * a));
    const double end = fmin(log(x / (1 - x)), 60 / a), begin = -60 / a;
    const int steps = 600;
    double sum = 0;
    for (int i = 0; i < steps; i++) {
        const double t = begin + (end - begin) * (i + .5) / steps;
        sum += exp(-a * (log1p(exp(-t)) + log1p(exp(t)))) / b;
    }
    return x <= 0 ? 0 : fmin(1, sum * (end - begin) / steps);
}

static struct rng draw_at(int i)
{
    return rng_make(21, RNG_TEST, 3, (uint64_t)i);
}

/* A canvas of one value with its class, or without a label. */
static struct canvas canvas(int w, int h, int c, float value, int label, int n_labels)
{
    struct canvas cv = {.c = c, .h = h, .w = w, .fill = .5f, .n_labels = n_labels};
    cv.x = mem_new((size_t)c * (size_t)w * (size_t)h, sizeof *cv.x);
    for (int i = 0; i < c * w * h; i++)
        cv.x[i] = value;
    cv.label = n_labels ? mem_new((size_t)n_labels, sizeof *cv.label) : NULL;
    if (cv.label)
        cv.label[label] = 1;
    return cv;
}

static void release(struct canvas *cv)
{
    free(cv->x);
    free(cv->label);
}

static double share_of(const struct canvas *cv, float value)
{
    int n = 0;
    for (int i = 0; i < cv->w * cv->h; i++)
        n += cv->x[i] == value;
    return (double)n / (cv->w * cv->h);
}

static void test_beta(void **state)
{
    (void)state;
    static const double alphas[] = {.05, .2, 1, 3.5};
    for (int k = 0; k < 4; k++) {
        double x[N];
        for (int i = 0; i < N; i++) {
            struct rng rng = draw_at(i);
            x[i] = step_beta(alphas[k], &rng);
            assert_true(x[i] >= 0 && x[i] <= 1);
        }
        if (k > 0) /* at .05 most draws lie beyond the numbers between 0 and 1 that there are */
            assert_distributed(x, N, beta_cdf, &alphas[k]);
    }
}

static void test_normals(void **state)
{
    (void)state;
    static const double deviation = 2.5;
    float x[N + 3] = {0};
    double y[N];
    struct rng rng = draw_at(0), parts = rng;
    normals_add(&rng, (float)deviation, x, N);
    for (int i = 0; i < N; i++)
        y[i] = (double)x[i];
    assert_distributed(y, N, normal_cdf, &deviation);
    float z[N] = {0};
    normals_add(&parts, (float)deviation, z, 700);
    normals_add(&parts, (float)deviation, z + 700, N - 700);
    assert_memory_equal(x, z, sizeof z);
    assert_true(x[N] == 0);
}

/* λ of the labels is Beta(α, α) and that of the pixels. */
static void test_mixup(void **state)
{
    (void)state;
    static const double v[] = {.4, 0};
    double lambda[N];
    for (int i = 0; i < N; i++) {
        struct rng rng = draw_at(i);
        struct canvas a = canvas(4, 3, 1, 1, 0, 3), b = canvas(4, 3, 1, 0, 2, 3);
        step_mixup(&a, &b, v, NULL, &rng);
        lambda[i] = (double)a.label[0];
        assert_true(fabsf(a.label[0] + a.label[1] + a.label[2] - 1) < 1e-6f && a.label[1] == 0);
        assert_true(fabsf(a.x[5] - a.label[0]) < 1e-6f);
        release(&a);
        release(&b);
    }
    assert_distributed(lambda, N, beta_cdf, v);
}

/* Uncut, the sides are √(1 − λ) of the input's; the labels tell the pixels that are seen. */
static void test_cutmix(void **state)
{
    (void)state;
    static const double v[] = {1, 0, 0}, range[] = {0, 1};
    double lambda[N];
    int inner = 0;
    for (int i = 0; i < N; i++) {
        struct rng rng = draw_at(i);
        struct canvas a = canvas(W, H, 1, 1, 0, 2), b = canvas(W, H, 1, 0, 1, 2);
        step_cutmix(&a, &b, v, NULL, &rng);
        assert_true(fabs(share_of(&a, 1) - (double)a.label[0]) < 1e-6);
        assert_true(fabsf(a.label[0] + a.label[1] - 1) < 1e-6f);
        int x1 = W, x2 = 0, y1 = H, y2 = 0;
        for (int k = 0; k < W * H; k++)
            if (a.x[k] == 0) {
                x1 = k % W < x1 ? k % W : x1;
                x2 = k % W + 1 > x2 ? k % W + 1 : x2;
                y1 = k / W < y1 ? k / W : y1;
                y2 = k / W + 1 > y2 ? k / W + 1 : y2;
            }
        assert_true(x2 <= x1 || fabs(share_of(&a, 0) - (double)(x2 - x1) * (y2 - y1) / (W * H)) < 1e-9); /* a whole rectangle */
        if (x2 > x1 && x1 > 0 && x2 < W && y1 > 0 && y2 < H) {
            inner++;
            assert_true(abs((x2 - x1) * H - (y2 - y1) * W) <= W + H); /* of the input's proportions, up to a pixel */
        }
        struct rng again = draw_at(i);
        lambda[i] = step_beta(v[0], &again);
        assert_true(1 - lambda[i] >= (double)a.label[1] - 1e-6); /* cutting takes away */
        if (x2 > x1 && x1 > 0 && x2 < W)
            assert_int_equal(x2 - x1, (int)(W * sqrt(1 - lambda[i])));
        release(&a);
        release(&b);
    }
    assert_true(inner > N / 10);
    assert_distributed(lambda, N, uniform_cdf, range); /* Beta(1, 1) */
}

static void test_darknet_cutmix(void **state)
{
    (void)state;
    static const double v[] = {0, .3, .8};
    for (int i = 0; i < 300; i++) {
        struct rng rng = draw_at(i);
        struct canvas a = canvas(W, H, 1, 1, 0, 2), b = canvas(W, H, 1, 0, 1, 2);
        step_cutmix(&a, &b, v, NULL, &rng);
        const double share = share_of(&a, 0);
        assert_true(share > .3 * .3 - .05 && share < .8 * .8 && fabs(share - (double)a.label[1]) < 1e-6);
        release(&a);
        release(&b);
    }
}

/* The square has the side that is asked for, and its centre lies anywhere. */
static void test_cutout(void **state)
{
    (void)state;
    static const double v[] = {.25, 1}, range[] = {0, W};
    double centre[N];
    for (int i = 0; i < N; i++) {
        struct rng rng = draw_at(i), again = rng;
        struct canvas a = canvas(W, H, 2, 1, 0, 0);
        step_cutout(&a, v, &rng);
        const int x = rng_below(&again, W), y = rng_below(&again, H), side = H / 4;
        const int w = (x + side / 2 < W ? x + side / 2 : W) - (x - side / 2 > 0 ? x - side / 2 : 0);
        const int h = (y + side / 2 < H ? y + side / 2 : H) - (y - side / 2 > 0 ? y - side / 2 : 0);
        assert_true(fabs(share_of(&a, .5f) * W * H - w * h) < 1e-9);
        struct rng more = draw_at(i + N);
        centre[i] = x + rng_uniform(&more);
        release(&a);
    }
    assert_distributed(centre, N, uniform_cdf, range);
}

/* What is filled is (1 − ratio)² in the mean, in squares; p rises with the training. */
static void test_gridmask(void **state)
{
    (void)state;
    static const double straight[] = {.6, .3, .9, 0}, turned[] = {.6, .3, .9, 45};
    double mean = 0, mean_turned = 0;
    double edge[N];
    for (int i = 0; i < N; i++) {
        struct rng rng = draw_at(i), again = rng;
        struct canvas a = canvas(W, H, 1, 1, 0, 0);
        step_gridmask(&a, straight, &rng);
        mean += share_of(&a, .5f) / N;
        const double d = H * rng_range(&again, .3, .9);
        edge[i] = d / H;
        int longest = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0, run = 0; x < W; x++) {
                run = a.x[y * W + x] == .5f ? run + 1 : 0;
                longest = run > longest ? run : longest;
            }
        assert_true(longest <= d * .4 + 1 && (longest == 0 || longest >= fmin(d * .4 - 1, 0)));
        release(&a);
        struct canvas b = canvas(W, H, 1, 1, 0, 0);
        rng = draw_at(i);
        step_gridmask(&b, turned, &rng);
        mean_turned += share_of(&b, .5f) / N;
        release(&b);
    }
    const double range[] = {.3, .9};
    assert_distributed(edge, N, uniform_cdf, range);
    assert_true(fabs(mean - .16) < .01 && fabs(mean_turned - .16) < .01);

    struct recipe_text *t = recipe_from("gridmask=.6,p=.8,ramp=.5", false);
    struct augment a = {.w = W, .h = H, .c = 1, .recipe = &t->recipe};
    static const double progress[] = {0, .25, .5, 1}, wanted[] = {0, .4, .8, .8};
    for (int k = 0; k < 4; k++) {
        int n = 0;
        a.progress = progress[k];
        for (int i = 0; i < N; i++) {
            struct canvas cv = canvas(W, H, 1, 1, 0, 0);
            struct rng rng = draw_at(i);
            assert_int_equal(augment_steps(&a, NULL, &rng, &cv, NULL), 0);
            n += rng.index > 1; /* the draw of p, then those of the step */
            release(&cv);
        }
        assert_true(fabs((double)n / N - wanted[k]) < 4.5 * sqrt(.25 / N));
    }
    recipe_text_free(t);
}

/* Variance of a blurred point: σ² each way. Nothing is lost, not at the edges either. */
static void test_blur(void **state)
{
    (void)state;
    static const double v[] = {3};
    const float bright = 1;
    for (int i = 0; i < 50; i++) {
        struct rng rng = draw_at(i), again = rng;
        struct canvas a = canvas(W, H, 1, 0, 0, 0), flat = canvas(W, H, 1, .7f, 0, 0);
        a.x[H / 2 * W + W / 2] = bright;
        step_blur(&a, v, &rng);
        const double sigma = rng_range(&again, 0, 3);
        double sum = 0, spread = 0;
        for (int k = 0; k < W * H; k++) {
            sum += (double)a.x[k];
            spread += (double)a.x[k] * ((k % W - W / 2) * (k % W - W / 2) + (k / W - H / 2) * (k / W - H / 2)) / 2;
        }
        assert_true(fabs(sum - 1) < 1e-5);
        if (sigma > .7) /* below, the grid is coarser than the Gaussian */
            assert_true(fabs(spread - sigma * sigma) < .06 * sigma * sigma);
        rng = draw_at(i);
        step_blur(&flat, v, &rng);
        for (int k = 0; k < W * H; k++)
            assert_true(fabsf(flat.x[k] - .7f) < 1e-5f);
        release(&a);
        release(&flat);
    }
}

static void test_tones(void **state)
{
    (void)state;
    static const double v[] = {.2}, factor[] = {2};
    for (int i = 0; i < 100; i++) {
        struct rng rng = draw_at(i), again = rng;
        struct canvas a = canvas(2, 1, 3, .5f, 0, 0);
        step_brightness(&a, v, &rng);
        const double by = rng_range(&again, -.2, .2);
        assert_true(fabs((double)a.x[3] - .5 - by) < 1e-6);
        release(&a);
        a = canvas(2, 1, 1, .4f, 0, 0);
        a.x[1] = .6f;
        rng = again = draw_at(i);
        step_contrast(&a, factor, &rng);
        assert_true(fabs((double)(a.x[1] - a.x[0]) / .2 - augment_factor(&again, 2)) < 1e-5 && fabsf(a.x[0] + a.x[1] - 1) < 1e-6f);
        release(&a);
    }
    struct canvas a = canvas(1, 1, 3, .2f, 0, 0);
    a.x[1] = .8f;
    step_grey(&a, v, NULL);
    assert_true(fabsf(a.x[0] - (.2f * .413f + .8f * .587f)) < 1e-6f && a.x[0] == a.x[1] && a.x[1] == a.x[2]);
    release(&a);
}

static void test_signals(void **state)
{
    (void)state;
    static const double shift[] = {.25, 0}, roll[] = {.25, 1}, mask[] = {.5, 1}, gain[] = {3}, background[] = {.5}, stretch[] = {1.5};
    bool moved[17] = {false};
    for (int i = 0; i < 400; i++) {
        struct rng rng = draw_at(i), again = rng;
        struct canvas a = canvas(32, 1, 2, 0, 0, 0);
        a.signal = true;
        a.x[16] = a.x[32 + 20] = 1;
        step_time_shift(&a, shift, &rng);
        const int by = rng_below(&again, 17) - 8;
        moved[by + 8] = true;
        assert_true(a.x[16 + by] == 1 && a.x[32 + 20 + by] == 1 && (by == 0 || a.x[16] == 0));
        rng = draw_at(i);
        struct canvas b = canvas(32, 1, 1, 0, 0, 0);
        b.x[30] = 7;
        step_time_shift(&b, roll, &rng);
        assert_true(b.x[(30 + by + 32) % 32] == 7);
        rng = again = draw_at(i);
        struct canvas c = canvas(32, 1, 1, 1, 0, 0);
        step_time_mask(&c, mask, &rng);
        const int length = rng_below(&again, 17);
        assert_true(fabs(share_of(&c, 0) * 32 - length) < 1e-9);
        rng = again = draw_at(i);
        step_gain(&b, gain, &rng);
        assert_true(fabs((double)b.x[(30 + by + 32) % 32] / 7 - augment_factor(&again, 3)) < 1e-6);
        rng = again = draw_at(i);
        struct canvas f = canvas(32, 1, 2, 0, 0, 0);
        for (int k = 0; k < 64; k++)
            f.x[k] = (float)(k < 32 ? k + 1 : 100 - k); /* straight lines stay straight */
        step_time_stretch(&f, stretch, &rng);
        const double factor = augment_factor(&again, 1.5);
        for (int k = 0; k < 32; k++) {
            const double at = k * factor, want[2] = {at > 31 ? 0 : at + 1, at > 31 ? 0 : 68 - at};
            assert_true(fabs((double)f.x[k] - want[0]) < 1e-4 && fabs((double)f.x[32 + k] - want[1]) < 1e-4);
        }
        release(&f);
        rng = again = draw_at(i);
        struct canvas d = canvas(32, 1, 1, 2, 0, 0), e = canvas(32, 1, 1, 4, 0, 0);
        step_background(&d, &e, background, NULL, &rng);
        assert_true(fabs((double)d.x[9] - 2 - 4 * rng_range(&again, 0, .5)) < 1e-6);
        release(&a);
        release(&b);
        release(&c);
        release(&d);
        release(&e);
    }
    for (int k = 0; k < 17; k++)
        assert_true(moved[k]);
}

static void add_box(struct box_list *list, double x1, double y1, double x2, double y2, int class_id)
{
    box_list_add(list,
                 (struct truth_box){
                     {(real)((x1 + x2) / 2 / W), (real)((y1 + y2) / 2 / H), (real)((x2 - x1) / W), (real)((y2 - y1) / H)}, class_id, 0});
}

/* The object is where its box is; only classes that the picture lacks come. */
static void test_copy_paste(void **state)
{
    (void)state;
    static const double v[] = {1};
    for (int i = 0; i < 200; i++) {
        struct rng rng = draw_at(i);
        struct box_list own = {0}, others = {0};
        struct canvas a = canvas(W, H, 1, .1f, 0, 0), b = canvas(W, H, 1, .2f, 0, 0);
        a.boxes = &own;
        b.boxes = &others;
        add_box(&own, 3, 3, 6, 6, 0);
        add_box(&others, 1, 1, 30, 30, 0);
        add_box(&others, 20, 10, 31, 19, 1);
        for (int y = 10; y < 19; y++)
            for (int x = 20; x < 31; x++)
                b.x[y * W + x] = .9f;
        step_copy_paste(&a, &b, v, NULL, &rng);
        const struct truth_box t = own.item[own.n - 1];
        assert_int_equal(t.class_id, 1);
        assert_true(own.n == 2 || own.n == 1); /* it may lie over the other */
        assert_true(fabs(share_of(&a, .9f) * W * H - 99) < 1e-9 && share_of(&a, .2f) == 0);
        const int x1 = (int)lround((double)(t.box.x - t.box.w / 2) * W), y1 = (int)lround((double)(t.box.y - t.box.h / 2) * H);
        assert_true(a.x[y1 * W + x1] == .9f && a.x[(y1 + 8) * W + x1 + 10] == .9f);
        step_copy_paste(&a, &b, v, NULL, &rng);
        assert_true(own.n <= 2); /* both classes are there now, or the first came back */
        free(own.item);
        free(others.item);
        release(&a);
        release(&b);
    }
}

/* What is hidden loses its box at a tenth; what is pasted brings its own, cut. */
static void test_boxes_of_parts(void **state)
{
    (void)state;
    struct box_list own = {0}, others = {0};
    struct canvas a = canvas(W, H, 1, 0, 0, 0), b = canvas(W, H, 1, 1, 0, 0);
    a.boxes = &own;
    b.boxes = &others;
    add_box(&own, 10, 10, 20, 20, 0); /* 8 of 100 pixels seen */
    add_box(&own, 10, 20, 20, 30, 1); /* not covered */
    add_box(&own, 8, 10, 20, 20, 2);  /* 28 of 120 seen */
    add_box(&others, 0, 0, 40, 20, 3);
    add_box(&others, 12, 0, 13, 10.5, 4); /* less than a pixel in it */
    canvas_paste(&a, &b, (struct cut){10, 10, 20, 20}, 10, 10);
    assert_int_equal(own.n, 3);
    assert_int_equal(own.item[0].class_id, 1);
    assert_int_equal(own.item[1].class_id, 2);
    assert_int_equal(own.item[2].class_id, 3);
    const struct box pasted = own.item[2].box;
    assert_true(fabs((double)pasted.x * W - 15) < 1e-4 && fabs((double)pasted.y * H - 15) < 1e-4 && fabs((double)pasted.w * W - 10) < 1e-4);
    free(own.item);
    free(others.item);
    release(&a);
    release(&b);
}

/* Boxes against those of a mask that went through the same warp, each step alone and all together. */
static void test_boxes_follow_steps(void **state)
{
    (void)state;
    static const char *const recipes[] = {"flip=.5\nvflip=.5",
                                          "rotate=40",
                                          "scale=1.5",
                                          "translate=.3",
                                          "shear=25,y=15",
                                          "crop=.7",
                                          "resized_crop=.3,ratio=2",
                                          "padded_crop=9",
                                          "flip=.5\nrotate=10\nscale=1.2\ncrop=.9\nshear=5\ntranslate=.05\nvflip=.3"};
    enum { IW = 200, IH = 160, NW = 240, NH = 180, DRAWS = 1000 };
    float *out = mem_new((size_t)NW * NH, sizeof *out);
    int compared = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct recipe_text *t = recipe_from(recipes[i % 9], true);
        struct augment a = {
            .task = TASK_DETECT, .w = NW, .h = NH, .c = 1, .letter_box = i % 2, .saturation = 1, .exposure = 1, .resize = 1};
        a.recipe = &t->recipe;
        struct rng place = draw_at(i);
        const int w = 15 + rng_below(&place, 80), h = 15 + rng_below(&place, 80), x1 = rng_below(&place, IW - w),
                  y1 = rng_below(&place, IH - h);
        struct image im;
        assert_int_equal(image_new(&im, IW, IH, 1, 0, NULL), 0);
        for (int y = y1; y < y1 + h; y++)
            memset(im.data + y * IW + x1, 255, (size_t)w);
        struct truth_box truth = {
            {(real)((x1 + w / 2.) / IW), (real)((y1 + h / 2.) / IH), (real)((double)w / IW), (real)((double)h / IH)}, 5, 0};
        const struct sample s = {.box = &truth, .n_boxes = 1};
        struct box_list boxes = {0};
        struct rng rng = rng_make(5, RNG_AUGMENT, 1, (uint64_t)i);
        t->recipe.fill = 0;
        augment_sample(&a, 1, &im, &s, &rng, out, &boxes);
        const bool slanted = strstr(recipes[i % 9], "rotate") || strstr(recipes[i % 9], "shear");
        double seen[4] = {NW, NH, 0, 0};
        for (int k = 0; k < NW * NH; k++)
            if (out[k] > (slanted ? .25f : .5f)) { /* of a slanted rectangle the tip of the corner counts */
                seen[0] = fmin(seen[0], k % NW);
                seen[1] = fmin(seen[1], k / NW);
                seen[2] = fmax(seen[2], k % NW + 1);
                seen[3] = fmax(seen[3], k / NW + 1);
            }
        const bool cut = seen[0] == 0 || seen[1] == 0 || seen[2] == NW || seen[3] == NH; /* of a slanted one the corner is not known */
        if (boxes.n == 1 && !(slanted && cut)) {
            const struct box b = boxes.item[0].box;
            const double box[4] = {(double)(b.x - b.w / 2) * NW, (double)(b.y - b.h / 2) * NH, (double)(b.x + b.w / 2) * NW,
                                   (double)(b.y + b.h / 2) * NH};
            for (int k = 0; k < 4; k++)
                if (fabs(box[k] - seen[k]) > 1)
                    fail_msg("%s, draw %d: edge %d at %.2f, seen at %.0f", recipes[i % 9], i, k, box[k], seen[k]);
            compared++;
        } else if (boxes.n == 0 && seen[2] > seen[0] && !slanted) {
            assert_true((seen[2] - seen[0]) * (seen[3] - seen[1]) < .35 * w * h * NW * NH / (IW * IH));
        }
        free(boxes.item);
        image_free(&im);
        recipe_text_free(t);
    }
    assert_true(compared > DRAWS * 6 / 10);
    free(out);
}

/* Each mirror twice is the picture, bit for bit. */
static void test_mirrors(void **state)
{
    (void)state;
    struct image im;
    assert_int_equal(image_new(&im, W, H, 3, 0, NULL), 0);
    struct rng noise = draw_at(7);
    for (int i = 0; i < W * H * 3; i++)
        im.data[i] = (unsigned char)rng_below(&noise, 256);
    static float once[3 * W * H], twice[3 * W * H], plain[3 * W * H];
    const struct sample s = {0};
    image_to_input(&im, plain, W, H, 3, 0);
    static const char *const keys[] = {"flip=1", "vflip=1"};
    for (int k = 0; k < 2; k++) {
        struct recipe_text *t = recipe_from(keys[k], false);
        struct augment a = {.w = W, .h = H, .c = 3, .saturation = 1, .exposure = 1, .aspect = 1, .recipe = &t->recipe};
        struct box_list none = {0};
        struct rng rng = draw_at(0);
        augment_sample(&a, 1, &im, &s, &rng, once, &none);
        assert_memory_not_equal(once, plain, sizeof once);
        struct image mirrored;
        assert_int_equal(image_from_input(once, W, H, 3, &mirrored, NULL), 0);
        augment_sample(&a, 1, &mirrored, &s, &rng, twice, &none);
        assert_memory_equal(twice, plain, sizeof plain);
        image_free(&mirrored);
        recipe_text_free(t);
    }
    image_free(&im);
}

static void test_order_and_off(void **state)
{
    (void)state;
    struct recipe_text *t =
        recipe_from("noise=.1\nflip=.5,ramp=.2\nrotate=0\nscale=1\ncutout=.2,n=3,p=.25\nmixup=0,lambda=.5\nblur=2,p=0", false);
    const struct recipe *r = &t->recipe;
    assert_int_equal(r->n, 4);
    assert_string_equal(r->step[0].row->key, "noise");
    assert_true(strcmp(r->step[1].row->key, "flip") == 0 && r->step[1].p == .5 && r->step[1].ramp == .2);
    assert_true(r->step[2].v[0] == .2 && r->step[2].v[1] == 3 && r->step[2].p == .25);
    assert_true(strcmp(r->step[3].row->key, "mixup") == 0 && r->step[3].v[1] == .5 && recipe_mixes(r) && !r->flip_given);
    recipe_text_free(t);
}

static void test_mistakes(void **state)
{
    (void)state;
    struct config c;
    struct recipe r;
    struct error err = ERROR_INIT;
    const struct net_options o = {0};
    assert_int_equal(config_parse(&c, "x.cfg",
                                  "[net]\n[augment]\nrotat=3\ncutout=.3,m=2\nhue=2\nnoise=a\ncopy_paste=1\nattentive_cutmix=6\n"
                                  "crop=.5,.6\nfill=2\nflip=\n",
                                  &err),
                     0);
    assert_int_equal(recipe_read(&r, &c, &o, false, &err), -1);
    static const char *const told[] = {"x.cfg:3: unknown key 'rotat' in [augment]; did you mean 'rotate'?",
                                       "x.cfg:4: cutout= has 'm' in it, expected side, n, p or ramp=NUMBER after the first",
                                       "x.cfg:5: hue= has '2' for share, expected a number in 0..1",
                                       "x.cfg:6: noise= has 'a' for deviation",
                                       "x.cfg:7: copy_paste= is for detection, but the network is a classifier",
                                       "x.cfg:8: attentive_cutmix= needs a trained model",
                                       "x.cfg:9: crop= has '.6' in it",
                                       "x.cfg:10: fill=2 found",
                                       "x.cfg:11: flip= has no value, expected p"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!strstr(err.text, told[i]))
            fail_msg("'%s' isn't told: %s", told[i], err.text);
    config_free(&c);
}

/* Darknet's keys of [net] as steps. */
static void test_darknet_keys(void **state)
{
    (void)state;
    struct config c;
    struct recipe r;
    struct error err = ERROR_INIT;
    const struct net_options o = {.mosaic = 1, .mixup = 1, .gaussian_noise = 51, .blur = 5};
    assert_int_equal(config_parse(&c, "x.cfg", "[net]\nflip=1\n[augment]\nhue=.1\n", &err), 0);
    assert_int_equal(recipe_read(&r, &c, &o, true, &err), 0);
    assert_int_equal(r.n, 5);
    assert_true(r.flip_given && r.step[0].row->pixels == step_darknet_blur && r.step[0].v[0] == 5);
    assert_true(r.step[1].row->pixels == step_noise && r.step[1].v[0] == .2 && r.step[1].p == .5);
    assert_true(r.step[2].row->stage == STEP_MOSAIC && r.step[2].p == .5);
    assert_true(r.step[3].row->mix == step_mixup && r.step[3].v[1] == .5 && r.step[3].p == .5);
    recipe_free(&r);
    config_free(&c);

    /* Of three pictures one stays, one is blurred outside its boxes and one as a whole. */
    int stays = 0, sharp = 0;
    static const double v[] = {5};
    for (int i = 0; i < 300; i++) {
        struct rng rng = draw_at(i);
        struct box_list own = {0};
        struct canvas a = canvas(W, H, 1, 0, 0, 0);
        a.boxes = &own;
        add_box(&own, 8, 0, 56, 48, 0);
        a.x[20 * W + 30] = a.x[20 * W + 2] = 1; /* inside the box, and outside */
        step_darknet_blur(&a, v, &rng);
        stays += a.x[20 * W + 2] == 1;
        sharp += a.x[20 * W + 30] == 1 && a.x[20 * W + 2] < 1;
        free(own.item);
        release(&a);
    }
    assert_in_range(stays, 70, 130);
    assert_in_range(sharp, 70, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beta),
        cmocka_unit_test(test_normals),
        cmocka_unit_test(test_mixup),
        cmocka_unit_test(test_cutmix),
        cmocka_unit_test(test_darknet_cutmix),
        cmocka_unit_test(test_cutout),
        cmocka_unit_test(test_gridmask),
        cmocka_unit_test(test_blur),
        cmocka_unit_test(test_tones),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_copy_paste),
        cmocka_unit_test(test_boxes_of_parts),
        cmocka_unit_test(test_boxes_follow_steps),
        cmocka_unit_test(test_mirrors),
        cmocka_unit_test(test_order_and_off),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_darknet_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
