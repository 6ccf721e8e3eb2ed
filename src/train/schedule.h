/* schedule: the learning rate of an update. */
#ifndef DLNET_TRAIN_SCHEDULE_H
#define DLNET_TRAIN_SCHEDULE_H

#include <stdbool.h>

#include "net/net_options.h"

/* Where policy=plateau stands; a checkpoint keeps it. */
struct plateau {
    double best;    /* of the watched figure; NaN: none yet */
    int bad;        /* validations without improvement since then, or since the last reduction */
    int reductions; /* so far */
};
#define PLATEAU_START                                                                                                                      \
    {                                                                                                                                      \
        .best = NAN                                                                                                                        \
    }

/* Rate of update number `iteration` (updates done before it), of `total` updates in all. */
double schedule_rate(const struct net_options *o, uint64_t seed, int64_t iteration, int64_t total, const struct plateau *plateau);

/* After a validation: counts it, and reduces the rate when patience is over. rising: more is better. True: reduced. */
bool schedule_plateau(const struct net_options *o, struct plateau *p, double figure, bool rising);

/* Iterations of one cycle of policy=snapshot: ⌈total / snapshots⌉. */
int64_t schedule_cycle(const struct net_options *o, int64_t total);

#endif
