#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/simd.h"
#include "data/attention.h"
#include "data/steps.h"

/* Gamma(shape, 1) for shape ≥ 1 (Marsaglia and Tsang 2000, section 4); below 1 that of shape + 1 times U^(1/shape). The logarithm, so that
 * small shapes don't fall below the smallest number. */
static double log_gamma_variate(double shape, struct rng *rng)
{
    if (shape < 1) {
        const double u = 1 - rng_uniform(rng);
        return log_gamma_variate(shape + 1, rng) + log(u) / shape;
    }
    const double d = shape - 1. / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = rng_normal(rng), v = pow(1 + c * x, 3), u = 1 - rng_uniform(rng);
        if (v > 0 && log(u) < x * x / 2 + d - d * v + d * log(v))
            return log(d) + log(v);
    }
}

double step_beta(double alpha, struct rng *rng)
{
    const double a = log_gamma_variate(alpha, rng), b = log_gamma_variate(alpha, rng);
    return 1 / (1 + exp(b - a));
}

SIMD_CLONES static void blend(float *restrict x, const float *restrict y, size_t n, float share)
{
    for (size_t i = 0; i < n; i++)
        x[i] = share * x[i] + (1 - share) * y[i];
}

void step_mixup(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng)
{
    (void)a;
    const double lambda = v[1] > 0 ? v[1] : step_beta(v[0], rng);
    blend(cv->x, other->x, (size_t)cv->c * canvas_plane(cv), (float)lambda);
    canvas_blend_labels(cv, other, lambda);
    for (int i = 0; cv->boxes && other->boxes && i < other->boxes->n; i++)
        box_list_add(cv->boxes, other->boxes->item[i]);
}

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* The rectangle of CutMix (Yun 2019, section 3.1): sides √(1 − λ) of the input's, its centre anywhere; what stands over the edge is cut
 * off. */
static struct cut cutmix_cut(const struct canvas *cv, double lambda, struct rng *rng)
{
    const double side = sqrt(1 - lambda);
    const int w = (int)(cv->w * side), h = (int)(cv->h * side), x = rng_below(rng, cv->w), y = rng_below(rng, cv->h);
    return (struct cut){clamp(x - w / 2, 0, cv->w), clamp(y - h / 2, 0, cv->h), clamp(x - w / 2 + w, 0, cv->w),
                        clamp(y - h / 2 + h, 0, cv->h)};
}

/* Darknet's: both sides between two shares of the input's, all of it inside. */
static struct cut inner_cut(const struct canvas *cv, double least, double most, struct rng *rng)
{
    const int w = (int)(cv->w * rng_range(rng, least, most)), h = (int)(cv->h * rng_range(rng, least, most));
    const int x = rng_below(rng, cv->w - w + 1), y = rng_below(rng, cv->h - h + 1);
    return (struct cut){x, y, x + w, y + h};
}

void step_cutmix(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng)
{
    (void)a;
    const struct cut cut = v[2] > 0 ? inner_cut(cv, fmin(v[1], v[2]), fmax(v[1], v[2]), rng) : cutmix_cut(cv, step_beta(v[0], rng), rng);
    canvas_paste(cv, other, cut, cut.x1, cut.y1);
    const double pasted = (double)(cut.x2 - cut.x1) * (cut.y2 - cut.y1);
    canvas_blend_labels(cv, other, 1 - pasted / (double)canvas_plane(cv));
}

void step_attentive_cutmix(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng)
{
    (void)rng;
    enum { G = ATTENTION_GRID };
    double heat[G * G];
    bool taken[G * G] = {false};
    attention_map(a, other->x, other->c, other->h, other->w, heat);
    const int k = (int)v[0];
    double pasted = 0;
    for (int i = 0; i < k; i++) {
        int best = -1;
        for (int cell = 0; cell < G * G; cell++)
            if (!taken[cell] && (best < 0 || heat[cell] > heat[best]))
                best = cell;
        taken[best] = true;
        const int x = best % G, y = best / G;
        const struct cut cut = {x * cv->w / G, y * cv->h / G, (x + 1) * cv->w / G, (y + 1) * cv->h / G};
        canvas_paste(cv, other, cut, cut.x1, cut.y1);
        pasted += (double)(cut.x2 - cut.x1) * (cut.y2 - cut.y1);
    }
    /* k of the cells; where the input's sides aren't multiples of the grid, the pixels tell exactly. */
    canvas_blend_labels(cv, other, 1 - pasted / (double)canvas_plane(cv));
}

static bool has_class(const struct box_list *list, int class_id)
{
    for (int i = 0; i < list->n; i++)
        if (list->item[i].class_id == class_id)
            return true;
    return false;
}

/* The pixels that a box touches by more than what its rounding to fractions makes. */
static struct cut cut_of(const struct canvas *cv, struct box b)
{
    const double x = (double)b.x, y = (double)b.y, w = (double)b.w / 2, h = (double)b.h / 2;
    const double rounding = 1e-3;
    return (struct cut){clamp((int)floor((x - w) * cv->w + rounding), 0, cv->w), clamp((int)floor((y - h) * cv->h + rounding), 0, cv->h),
                        clamp((int)ceil((x + w) * cv->w - rounding), 0, cv->w), clamp((int)ceil((y + h) * cv->h - rounding), 0, cv->h)};
}

void step_copy_paste(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng)
{
    (void)a;
    assert(cv->boxes && other->boxes);
    for (int k = 0; k < (int)v[0]; k++) {
        int n = 0; /* objects of classes that this picture doesn't have */
        for (int i = 0; i < other->boxes->n; i++)
            n += !has_class(cv->boxes, other->boxes->item[i].class_id);
        if (n == 0)
            return;
        int pick = rng_below(rng, n), i = 0;
        while (has_class(cv->boxes, other->boxes->item[i].class_id) || pick-- > 0)
            i++;
        const struct truth_box object = other->boxes->item[i];
        const struct cut cut = cut_of(cv, object.box);
        const int w = cut.x2 - cut.x1, h = cut.y2 - cut.y1, x = rng_below(rng, cv->w - w + 1), y = rng_below(rng, cv->h - h + 1);
        struct truth_box only = object;
        struct box_list one = {.item = &only, .n = 1};
        struct canvas from = *other;
        from.boxes = &one; /* what else lies in that part is not what was chosen */
        canvas_paste(cv, &from, cut, x, y);
    }
}
