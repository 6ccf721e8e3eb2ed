/* average: means of a network's parameters over a training. Walks params, knows no layer. */
#ifndef DLNET_TRAIN_AVERAGE_H
#define DLNET_TRAIN_AVERAGE_H

#include <stdbool.h>

#include "net/network.h"

/* A mean of all params, statistics included; where every value is the same, the mean has its bytes. */
struct average {
    int n_params;
    real **value;  /* owned; NULL: not kept */
    int64_t count; /* networks folded in */
};

/* 0 or −1: no memory. */
int average_init(struct average *a, const struct network *net, struct error *err);
void average_free(struct average *a);

/* value += share · (w − value); the first network is copied. */
void average_fold(struct average *a, const struct network *net, double share);

/* Equal mean of all networks folded in so: share 1/count. */
void average_add(struct average *a, const struct network *net);

/* Exchanges the numbers of the network with those of the mean; twice: as before. */
void average_swap(struct average *a, struct network *net);

/* What a training keeps. Both NULL inside where the cfg doesn't ask for them. */
struct averages {
    struct average ema; /* [net] ema=d: after update t (from 1), share 1 − min(d, (1 + t)/(10 + t)) of the weights goes in, so that the
                         * start is soon forgotten */
    struct average swa; /* [net] swa_start=, swa_every=: stochastic weight averaging (Izmailov 2018, algorithm 1) */
    double decay;
    int64_t swa_start, swa_every; /* iterations */
    size_t bytes;                 /* of both */
};

bool average_kept(const struct average *a);

/* total: updates of the training; epoch: updates of one epoch (the default of swa_every=). */
int averages_init(struct averages *a, const struct network *net, int64_t total, int64_t epoch, struct error *err);
void averages_update(struct averages *a, const struct network *net, int64_t iteration); /* updates done, ≥ 1 */
void averages_free(struct averages *a);

#endif
