/* feed: what a training step takes when the loader feeds it, against the same step on data held in memory. */
#ifndef DLNET_DIAGNOSE_FEED_H
#define DLNET_DIAGNOSE_FEED_H

#include "data/dataset.h"
#include "net/network.h"

struct feed_options {
    const struct data_options *data;
    int threads; /* of the loader */
    int reps;    /* steps of each kind that count; 0: 30 */
};

struct feed {
    double loader_ms; /* mean step fed by the loader: copied from a batch that it has made meanwhile */
    double held_ms;   /* mean step on one batch, copied from memory, while the loader rests */
    int batch, reps;  /* images a step; steps of each kind */
};

/* Opens the training of net and times steps (forward, backward, update) of both kinds in three turns, so that both see the same machine;
 * steps at the start of each turn don't count. The weights change. 0, or −1: what trainer_open or the loader says. */
int feed_run(struct network *net, const struct feed_options *options, struct feed *out, struct error *err);

#endif
