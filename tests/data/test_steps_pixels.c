/* Steps on pixels against their definition: distributions (Kolmogorov–Smirnov), areas. */
#include "steps_frame.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normals), cmocka_unit_test(test_cutout), cmocka_unit_test(test_gridmask),
        cmocka_unit_test(test_blur),    cmocka_unit_test(test_tones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
