/* metrics: the table of a run, as CSV, as JSON lines and as a chart. Times stand in none of them: the same training gives the same bytes.
 */
#ifndef DLNET_TRAIN_METRICS_H
#define DLNET_TRAIN_METRICS_H

#include <stddef.h>

#include "base/error.h"
#include "data/dataset.h"

enum metric {
    METRIC_ITERATION,
    METRIC_EPOCH,
    METRIC_RATE,
    METRIC_LOSS,       /* mean over the iterations since the row before */
    METRIC_VALID_LOSS, /* this and the rest: NaN in rows without validation */
    METRIC_A,          /* detector: mAP50; classifier: top1; labels: accuracy; regression: rmse */
    METRIC_B,          /* precision; top5; exact; mae */
    METRIC_C,          /* recall; unused; unused; r2 */
    METRIC_PENALTY,    /* of the weights after that iteration; a column only where there is one */
    METRICS
};

struct metrics {
    char *folder;
    enum task task;
    bool penalty;
    double (*row)[METRICS];
    int n;
    size_t capacity;
};

/* Name of a column; NULL: a training of that task has none. */
const char *metric_name(enum task task, enum metric what);

/* Starts the table of a run folder: empty, or with the rows up to `iteration` of the metrics.csv that stands there, whose columns are found
 * by their names. Writes the files. */
int metrics_open(struct metrics *m, const char *folder, enum task task, bool penalty, double iteration, struct error *err);

/* Adds a row and appends it to metrics.csv and metrics.jsonl. */
int metrics_add(struct metrics *m, const double row[METRICS], struct error *err);

/* Writes chart.svg and chart.png: loss, learning rate, and the validation's figures. */
int metrics_chart(const struct metrics *m, const char *title, struct error *err);

void metrics_close(struct metrics *m);

#endif
