/* checkpoint: last.safetensors carries all that a killed run needs to end with the same bytes as an uninterrupted one. */
#ifndef DLNET_TRAIN_CHECKPOINT_H
#define DLNET_TRAIN_CHECKPOINT_H

#include "train/average.h"
#include "train/schedule.h"
#include "train/trainer.h"

/* What a run knows besides weights and optimiser slots. */
struct progress {
    double best; /* best validation metric so far; NaN: none yet */
    int64_t best_iteration;
    int64_t stale;   /* validations since then */
    double loss_sum; /* since the last row of metrics.csv */
    int64_t loss_count;
    struct plateau plateau; /* kept with policy=plateau only */
};

int checkpoint_write(const struct trainer *t, const struct averages *a, const struct progress *p, const char *path, struct error *err);

/* Fills the trainer's weights, slots and iteration, the averages that are kept, and p. The file's cfg must be the network's own
 * (max_batches=, epochs= and patience= may differ). */
int checkpoint_read(struct trainer *t, struct averages *a, struct progress *p, const char *path, struct error *err);

#endif
