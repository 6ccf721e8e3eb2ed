#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "diagnose/lrfind.h"
#include "nets.h"
#include "support.h"

#define N 100

/* A curve over 1e-7 .. 10 in N steps: rate i is 10^(−7 + 8·i/99). */
static void curve(struct lrfind_point *p, double (*loss)(double log10_rate))
{
    for (int i = 0; i < N; i++) {
        const double at = -7 + 8. * i / (N - 1);
        p[i] = (struct lrfind_point){.rate = pow(10, at), .loss = loss(at), .smoothed = loss(at)};
    }
}

static int index_of(const struct lrfind_point *p, double rate)
{
    for (int i = 0; i < N; i++)
        if (p[i].rate == rate)
            return i;
    fail_msg("%g is none of the rates", rate);
    return -1;
}

/* m_k = Σ .98^(k−j)·.02·l_j, divided by 1 − .98^k: a weighted mean. */
static void smoothing(void **state)
{
    (void)state;
    struct lrfind_point p[N];
    struct rng rng = rng_make(1, RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++)
        p[i].loss = rng_uniform(&rng);
    lrfind_smooth(p, N, .98);
    for (int k = 0; k < N; k++) {
        double sum = 0, weight = 0;
        for (int j = 0; j <= k; j++) {
            sum += pow(.98, k - j) * p[j].loss;
            weight += pow(.98, k - j);
        }
        assert_true(fabs(p[k].smoothed - sum / weight) < 1e-12);
    }
    assert_true(p[0].smoothed == p[0].loss || fabs(p[0].smoothed - p[0].loss) < 1e-15);
}

/* Level until step 40, then straight down until step 70, then up. */
static double trough(double x)
{
    const double step = (x + 7) / 8 * (N - 1);
    return step <= 40 ? 3 : step <= 70 ? 3 - .05 * (step - 40) : 1.5 + .2 * (step - 70);
}

static void valley_of_a_trough(void **state)
{
    (void)state;
    struct lrfind_point p[N];
    curve(p, trough);
    for (int i = 0; i < N; i++) /* the level exactly level */
        p[i].smoothed = i <= 40 ? 3 : p[i].smoothed;
    const struct lrfind_suggestions s = lrfind_suggest(p, N, N);
    /* The longest falling stretch holds one level point and steps 41 .. 70: 31 points, begins at 70 − 31 = 39; 31/3 → 10, 31/6 → 5. */
    assert_int_equal(index_of(p, s.valley), 39 + 10 + 5);
    assert_true(fabs(s.minimum / (p[70].rate / 10) - 1) < 1e-12);
    assert_in_range(index_of(p, s.steepest), 40, 69);
}

/* A dip of noise doesn't count: the longest falling subsequence may leave points out. */
static void valley_over_noise(void **state)
{
    (void)state;
    struct lrfind_point p[N];
    curve(p, trough);
    for (int i = 0; i < N; i++)
        p[i].smoothed = i <= 40 ? 3 : p[i].smoothed;
    p[50].smoothed = 3.5; /* a peak on the way down: left out, so one point less */
    p[20].smoothed = 2.9; /* a dip on the level: not deep enough to matter */
    const struct lrfind_suggestions s = lrfind_suggest(p, N, N);
    assert_int_equal(index_of(p, s.valley), 70 - 30 + 10 + 5);
}

static double slide(double x)
{
    return 3 / (1 + exp(3 * (x + 2))); /* steepest at 1e-2 */
}

static void steepest_of_a_slide(void **state)
{
    (void)state;
    struct lrfind_point p[N];
    curve(p, slide);
    const struct lrfind_suggestions s = lrfind_suggest(p, N, N);
    assert_true(fabs(log10(s.steepest) + 2) < 8. / 99 + 1e-9); /* within a step */
    assert_int_equal(index_of(p, s.minimum * 10), N - 1 - N / 20);
}

static double bowl(double x)
{
    return 1 + (x + 3) * (x + 3);
}

static void minimum_of_a_bowl(void **state)
{
    (void)state;
    struct lrfind_point p[N];
    curve(p, bowl);
    const struct lrfind_suggestions s = lrfind_suggest(p, N, N);
    assert_true(fabs(log10(s.minimum) + 4) < 4. / 99 + 1e-9); /* the nearest step */
}

static double rise(double x)
{
    return exp(x);
}

static double level(double x)
{
    (void)x;
    return 2;
}

static void nothing_to_suggest(void **state)
{
    (void)state;
    struct lrfind_point p[N];
    double (*const curves[])(double) = {rise, level};
    for (int i = 0; i < 2; i++) {
        curve(p, curves[i]);
        const struct lrfind_suggestions s = lrfind_suggest(p, N, N);
        assert_true(isnan(s.valley) && isnan(s.steepest) && isnan(s.minimum));
    }
    curve(p, bowl);
    for (int n = 0; n < 18; n++) { /* exploded before anything was seen */
        const struct lrfind_suggestions s = lrfind_suggest(p, n, N);
        assert_true(isnan(s.valley) && isnan(s.steepest) && isnan(s.minimum));
    }
    assert_false(isnan(lrfind_suggest(p, 18, N).valley));
}

/* The built-in pictures and a one-layer detector: fast. */
static const char cfg[] = "[net]\nwidth=32\nheight=32\nchannels=3\nbatch=4\nmax_batches=1\nmomentum=.9\nseed=3\n"
                          "[data]\ntrain=shapes\ntrain_count=16\n"
                          "[convolutional]\nfilters=8\nsize=5\nstride=4\npad=1\nbatch_normalize=1\nactivation=leaky\n"
                          "[convolutional]\nfilters=10\nsize=1\nactivation=linear\n"
                          "[yolo]\nclasses=5\nnum=1\nmask=0\nanchors=12,12\nrandom=1\n";

static struct lrfind_point seen[N];
static int n_seen;

static void note(void *context, int step, const struct lrfind_point *p)
{
    assert_ptr_equal(context, seen);
    assert_int_equal(step, n_seen + 1);
    seen[n_seen++] = *p;
}

static void run_once(double from, double to, struct lrfind *out)
{
    struct network *net = nets_build(cfg, 3), *same = nets_build(cfg, 3);
    struct error err = ERROR_INIT;
    struct data_options data;
    assert_int_equal(data_options_read(&data, &net->config, NULL, &err), 0);
    struct lrfind_options o = LRFIND_DEFAULTS;
    assert_true(o.from == 1e-7 && o.to == 10 && o.steps == 100 && o.smoothing == .98 && o.explosion == 4);
    o.from = from;
    o.to = to;
    o.steps = 12;
    o.threads = 1;
    o.each = note;
    o.context = seen;
    n_seen = 0;
    if (lrfind_run(net, &data, &o, out, &err))
        fail_msg("%s", err.text);
    assert_int_equal(n_seen, out->n);
    assert_memory_equal(seen, out->point, (size_t)out->n * sizeof *seen);
    nets_same(net, same); /* weights and running statistics are back */
    assert_true(net->seen == 0);
    data_options_free(&data);
    network_free(net);
    network_free(same);
}

static void runs_and_restores(void **state)
{
    (void)state;
    struct lrfind l, again;
    run_once(1e-4, 1e-2, &l);
    assert_int_equal(l.n, 12);
    assert_false(l.exploded);
    for (int i = 0; i < 12; i++) {
        assert_true(fabs(l.point[i].rate / pow(10, -4 + 2. * i / 11) - 1) < 1e-9);
        assert_true(l.point[i].loss > 0);
    }
    run_once(1e-4, 1e-2, &again);
    assert_memory_equal(l.point, again.point, 12 * sizeof *l.point); /* the same seed, the same figures */
    lrfind_free(&l);
    lrfind_free(&again);
}

static void ends_at_an_explosion(void **state)
{
    (void)state;
    struct lrfind l;
    run_once(1, 1e6, &l);
    assert_true(l.exploded);
    assert_in_range(l.n, 1, 11);
    assert_non_null(strstr(l.reason, "step "));
    lrfind_free(&l);
}

static void charts(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    struct lrfind_point p[N];
    curve(p, trough);
    p[99].loss = 1e9;
    struct lrfind l = {.point = p, .n = N, .steps = N};
    struct error err = ERROR_INIT;
    const char *path = support_path(dir, "lrfind.svg");
    assert_int_equal(lrfind_chart(&l, "A <title>", path, &err), 0);
    size_t size;
    char *svg = file_read(path, 1 << 24, &size, &err);
    assert_non_null(svg);
    assert_non_null(strstr(svg, "<svg"));
    mem_free(svg);
    l.n = 2; /* too few for marks */
    assert_int_equal(lrfind_chart(&l, "few", support_path(dir, "few.png"), &err), 0);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smoothing),           cmocka_unit_test(valley_of_a_trough),   cmocka_unit_test(valley_over_noise),
        cmocka_unit_test(steepest_of_a_slide), cmocka_unit_test(minimum_of_a_bowl),    cmocka_unit_test(nothing_to_suggest),
        cmocka_unit_test(runs_and_restores),   cmocka_unit_test(ends_at_an_explosion), cmocka_unit_test(charts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
