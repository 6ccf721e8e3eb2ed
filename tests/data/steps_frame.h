/* steps_frame: canvases and distributions that the tests of the steps share. */
#ifndef DLNET_TESTS_STEPS_FRAME_H
#define DLNET_TESTS_STEPS_FRAME_H

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

static inline int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Largest distance between the draws' distribution and F, as a multiple of 1/√n: above 1.628 in 1 of 100 cases (Kolmogorov). */
static inline double distance(double *x, int n, double (*cdf)(double x, const void *context), const void *context)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    double worst = 0;
    for (int i = 0; i < n; i++) {
        const double f = cdf(x[i], context);
        worst = fmax(worst, fmax(fabs(f - (double)i / n), fabs(f - (i + 1.) / n)));
    }
    return worst * sqrt(n);
}

static inline void assert_distributed(double *x, int n, double (*cdf)(double x, const void *context), const void *context)
{
    const double d = distance(x, n, cdf, context);
    if (d > 1.628)
        fail_msg("the draws are not so distributed: %.3f", d);
}

/* Between two numbers. */
static inline double uniform_cdf(double x, const void *context)
{
    const double *range = context;
    return fmin(1, fmax(0, (x - range[0]) / (range[1] - range[0])));
}

static inline double normal_cdf(double x, const void *context)
{
    return .5 * erfc(-x / *(const double *)context / sqrt(2));
}

/* Beta(α, α) by integration of its density over t = logit x, where it has no poles: x^α (1 − x)^α / B. */
static inline double beta_cdf(double x, const void *context)
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

static inline struct rng draw_at(int i)
{
    return rng_make(21, RNG_TEST, 3, (uint64_t)i);
}

/* A canvas of one value with its class, or without a label. */
static inline struct canvas canvas(int w, int h, int c, float value, int label, int n_labels)
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

static inline void release(struct canvas *cv)
{
    free(cv->x);
    free(cv->label);
}

static inline double share_of(const struct canvas *cv, float value)
{
    int n = 0;
    for (int i = 0; i < cv->w * cv->h; i++)
        n += cv->x[i] == value;
    return (double)n / (cv->w * cv->h);
}

static inline void add_box(struct box_list *list, double x1, double y1, double x2, double y2, int class_id)
{
    box_list_add(list,
                 (struct truth_box){
                     {(real)((x1 + x2) / 2 / W), (real)((y1 + y2) / 2 / H), (real)((x2 - x1) / W), (real)((y2 - y1) / H)}, class_id, 0});
}

#endif
