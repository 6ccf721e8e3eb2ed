/* What a training run says on stderr while it runs. */
#ifndef DLNET_TRAIN_REPORT_H
#define DLNET_TRAIN_REPORT_H

#include "data/dataset.h"
#include "detect/evaluate.h"
#include "train/average.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/train.h"
#include "train/trainer.h"

/* A run under way (train.c). */
struct training {
    struct network *net;
    const struct train_options *o;
    struct trainer trainer;
    struct dataset valid;
    bool has_valid, detector, terminal;
    double yes; /* output from which a yes/no answer is yes */
    struct progress progress;
    struct averages averages;
    enum best_metric metric; /* not BEST_AUTO */
    struct metrics metrics;
    int64_t valid_every, log_every;
    char *last, *best;     /* paths */
    double started, saved; /* seconds */
    int64_t first;         /* iteration at which this process started */
    double shown;          /* time of the last progress line on a terminal */
};

/* What decay and the like add to the loss now. */
double report_penalty(const struct training *r);

/* Before the first update: the sizes of the data, the memory, the optimiser, what is wrong with the data. */
void report_start(const struct training *r);

/* The line under way: rewritten in place on a terminal, elsewhere a plain line where row says that a row of metrics is due. */
void report_progress(struct training *r, double rate, double loss, bool row);

/* Ends the line under way before something else is printed. */
void report_end_line(struct training *r);

/* The figures of a validation as a row of metrics: the loss, and those of its task. */
void report_row(const struct evaluation *e, double row[METRICS]);

/* One line: of what (`at 600`), the figures, note behind them. */
void report_validation(struct training *r, const char *of, const struct evaluation *e, const char *note);

#endif
