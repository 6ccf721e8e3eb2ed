/* schedule: the learning rate of an update. */
#ifndef DLNET_TRAIN_SCHEDULE_H
#define DLNET_TRAIN_SCHEDULE_H

#include "net/net_options.h"

/* Rate of update number `iteration` (updates done before it), of `total` updates in all (poly needs it). */
double schedule_rate(const struct net_options *o, int64_t iteration, int64_t total);

/* Iterations of one cycle of policy=snapshot: ⌈total / snapshots⌉. */
int64_t schedule_cycle(const struct net_options *o, int64_t total);

#endif
