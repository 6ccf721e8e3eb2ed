#include "diagnose/lrfind.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/draw.h"

/* All values of the params, statistics included, one after the other. */
static real *save_weights(const struct network *net, struct error *err)
{
    size_t n = 0;
    for (int i = 0; i < net->n_params; i++)
        n += shape_size(net->param[i]->shape);
    real *copy = mem_try(n ? n : 1, sizeof(real));
    if (!copy) {
        error_add(err, EXIT_FAIL, "out of memory: a copy of the weights needs %zu bytes", n * sizeof(real));
        return NULL;
    }
    real *to = copy;
    for (int i = 0; i < net->n_params; i++) {
        const size_t size = shape_size(net->param[i]->shape);
        memcpy(to, net->param[i]->value, size * sizeof(real));
        to += size;
    }
    return copy;
}

static void restore_weights(struct network *net, const real *copy)
{
    for (int i = 0; i < net->n_params; i++) {
        const size_t size = shape_size(net->param[i]->shape);
        memcpy(net->param[i]->value, copy, size * sizeof(real));
        copy += size;
    }
}

/* The running mean after one more loss; *mean is the biased one. */
static double smooth(double *mean, double loss, double smoothing, int count)
{
    *mean = smoothing * *mean + (1 - smoothing) * loss;
    return *mean / (1 - pow(smoothing, count));
}

void lrfind_smooth(struct lrfind_point *p, int n, double smoothing)
{
    double mean = 0;
    for (int i = 0; i < n; i++)
        p[i].smoothed = smooth(&mean, p[i].loss, smoothing, i + 1);
}

static int search(struct trainer *t, const struct lrfind_options *o, struct lrfind *out, struct error *err)
{
    double mean = 0, best = INFINITY;
    for (int i = 0; i < o->steps; i++) {
        struct lrfind_point *p = &out->point[i];
        struct error failure = ERROR_INIT;
        p->rate = o->from * pow(o->to / o->from, (double)i / (o->steps - 1));
        if (trainer_step(t, p->rate, &p->loss, &failure) != 0) {
            if (failure.status != EXIT_FAIL || i == 0) {
                return error_add(err, failure.status, "%s", failure.text);
            }
            out->exploded = true;
            snprintf(out->reason, sizeof out->reason, "step %d: the loss or a gradient is no longer finite", i + 1);
            return 0;
        }
        p->smoothed = smooth(&mean, p->loss, o->smoothing, i + 1);
        out->n = i + 1;
        if (o->each)
            o->each(o->context, i + 1, p);
        if (p->smoothed < best)
            best = p->smoothed;
        if (p->smoothed > o->explosion * best) {
            out->exploded = true;
            snprintf(out->reason, sizeof out->reason, "step %d: the smoothed loss is %g times its best", i + 1, p->smoothed / best);
            return 0;
        }
    }
    return 0;
}

int lrfind_run(struct network *net, const struct data_options *data, const struct lrfind_options *o, struct lrfind *out, struct error *err)
{
    assert(o->steps >= 2 && o->from > 0 && o->to > o->from);
    *out = (struct lrfind){.steps = o->steps};
    real *weights = save_weights(net, err);
    if (!weights)
        return -1;
    const uint64_t seen = net->seen;
    const int random = net->random;
    net->random = 0; /* losses at several sizes don't compare */
    out->point = mem_new((size_t)o->steps, sizeof *out->point);
    struct trainer t;
    int result = trainer_open(&t, net, data, o->threads, err);
    if (result == 0) {
        result = trainer_fit(&t, NULL, err);
        if (result == 0)
            result = trainer_start(&t, err);
        if (result == 0)
            result = search(&t, o, out, err);
        trainer_close(&t);
    }
    net->random = random;
    net->seen = seen;
    restore_weights(net, weights);
    mem_free(weights);
    if (result != 0)
        lrfind_free(out);
    return result;
}

void lrfind_free(struct lrfind *l)
{
    free(l->point);
    *l = (struct lrfind){0};
}

/* Index of the valley, as of the header; −1: the curve never falls. */
static int valley(const struct lrfind_point *p, int n)
{
    int *length = mem_new((size_t)n, sizeof *length); /* of the longest falling subsequence that ends at i */
    int end = 0;
    for (int i = 0; i < n; i++) {
        length[i] = 1;
        for (int j = 0; j < i; j++)
            if (p[i].smoothed < p[j].smoothed && length[i] < length[j] + 1)
                length[i] = length[j] + 1;
        if (length[i] > length[end])
            end = i;
    }
    const int longest = length[end], start = end - longest;
    free(length);
    if (longest < 2)
        return -1;
    const double third = longest / 3.;
    const int index = start + (int)third + (int)(third / 2);
    return index < 0 ? 0 : index;
}

/* Index after which the loss falls fastest; −1: it never falls. */
static int steepest(const struct lrfind_point *p, int n)
{
    int found = -1;
    double least = 0;
    for (int i = 0; i + 1 < n; i++) {
        const double slope = (p[i + 1].smoothed - p[i].smoothed) / log(p[i + 1].rate / p[i].rate);
        if (slope < least) {
            least = slope;
            found = i;
        }
    }
    return found;
}

struct lrfind_suggestions lrfind_suggest(const struct lrfind_point *p, int n, int steps)
{
    struct lrfind_suggestions s = {NAN, NAN, NAN};
    p += steps / 10;
    n -= steps / 10 + steps / 20;
    if (n < 3)
        return s;
    const int v = valley(p, n), d = steepest(p, n);
    int m = 0;
    for (int i = 1; i < n; i++)
        if (p[i].smoothed < p[m].smoothed)
            m = i;
    if (v >= 0)
        s.valley = p[v].rate;
    if (d >= 0)
        s.steepest = p[d].rate;
    if (m > 0) /* a minimum at the very start says only that the loss rises */
        s.minimum = p[m].rate / 10;
    return s;
}

int lrfind_chart(const struct lrfind *l, const char *title, const char *path, struct error *err)
{
    const int n = l->n;
    double *space = mem_new(3 * (size_t)n + 1, sizeof *space), *x = space, *raw = space + n, *smoothed = space + 2 * n;
    double best = INFINITY, top = 0;
    for (int i = 0; i < n; i++) {
        x[i] = l->point[i].rate;
        smoothed[i] = l->point[i].smoothed;
        best = fmin(best, smoothed[i]);
        top = fmax(top, smoothed[i]);
    }
    for (int i = 0; i < n; i++) /* single losses may be thousands of times higher and would flatten the curve */
        raw[i] = l->point[i].loss <= fmax(1.2 * top, 4 * best) ? l->point[i].loss : NAN;
    const struct draw_series series[] = {
        {.name = "smoothed loss", .x = x, .y = smoothed, .n = n, .colour = 0},
        {.name = "loss", .x = x, .y = raw, .n = n, .colour = 1},
    };
    /* a steep end would press the part that matters to the floor */
    const struct draw_panel panel = {.y_label = "loss", .log_y = top > 20 * best, .series = series, .n_series = 2};
    const struct lrfind_suggestions s = lrfind_suggest(l->point, n, l->steps);
    const double at[] = {s.valley, s.steepest, s.minimum};
    static const char *const names[] = {"valley", "steepest", "minimum/10"};
    struct draw_mark mark[3];
    char label[3][64];
    int marks = 0;
    for (int i = 0; i < 3; i++)
        if (!isnan(at[i])) {
            snprintf(label[marks], sizeof label[marks], "%s %.2g", names[i], at[i]);
            mark[marks] = (struct draw_mark){at[i], label[marks], 2 + i};
            marks++;
        }
    const struct draw_chart chart = {
        .title = title, .x_label = "learning rate", .log_x = 1, .panel = &panel, .n_panels = 1, .mark = mark, .n_marks = marks};
    const int result = draw_chart_file(&chart, path, err);
    free(space);
    return result;
}
