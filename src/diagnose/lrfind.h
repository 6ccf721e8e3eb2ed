/* lrfind: the learning-rate range test (Smith 2015, arXiv 1506.01186; Gugger 2018): train with a rate that grows exponentially, and look
 * where the loss falls and where it explodes. */
#ifndef DLNET_DIAGNOSE_LRFIND_H
#define DLNET_DIAGNOSE_LRFIND_H

#include "train/trainer.h"

struct lrfind_point {
    double rate;
    double loss;     /* mean an image, before the update with this rate */
    double smoothed; /* debiased running mean */
};

struct lrfind {
    struct lrfind_point *point; /* owned */
    int n;
    int steps; /* asked for; fewer points: the loss exploded */
    bool exploded;
    char reason[512]; /* when it exploded: how that was seen */
};

struct lrfind_options {
    double from, to;  /* first and last rate */
    int steps;        /* ≥ 2 */
    double smoothing; /* of the running mean: m = smoothing·m + (1 − smoothing)·loss, divided by 1 − smoothing^k */
    double explosion; /* ends when the smoothed loss is so many times the best so far */
    int threads;      /* loader threads */
    void (*each)(void *context, int step, const struct lrfind_point *p); /* after each step (from 1); may be NULL */
    void *context;
};
#define LRFIND_DEFAULTS ((struct lrfind_options){.from = 1e-7, .to = 10, .steps = 100, .smoothing = .98, .explosion = 4})

/* Trains net as `train` does (data, augmentation, batch, momentum, decay), at one input size, then gives it back its weights. A loss that
 * is no longer finite is an explosion, unless it is the first. -1: err, and out is empty. */
int lrfind_run(struct network *net, const struct data_options *data, const struct lrfind_options *o, struct lrfind *out, struct error *err);
void lrfind_free(struct lrfind *l);

/* Smoothing alone: fills smoothed of n points from their loss. */
void lrfind_smooth(struct lrfind_point *p, int n, double smoothing);

/* Rates; NaN: the curve gives none. The first tenth of the steps and the last twentieth don't count (the mean hasn't settled, the loss
 * explodes). */
struct lrfind_suggestions {
    double valley;   /* half-way down the longest falling subsequence (ESRI's rule, fastai's default): start + length/3 + length/6 */
    double steepest; /* where the smoothed loss falls fastest by log rate */
    double minimum;  /* a tenth of the rate with the lowest smoothed loss */
};
struct lrfind_suggestions lrfind_suggest(const struct lrfind_point *p, int n, int steps);

/* The curve with marks at the suggestions, as SVG or PNG by the ending of path. */
int lrfind_chart(const struct lrfind *l, const char *title, const char *path, struct error *err);

#endif
