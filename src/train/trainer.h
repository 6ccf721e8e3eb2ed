/* trainer: one update at a time. What `train` and `lrfind` share: data, loader, multi-scale, forward, backward, optimiser. */
#ifndef DLNET_TRAIN_TRAINER_H
#define DLNET_TRAIN_TRAINER_H

#include <stdio.h>

#include "data/loader.h"
#include "train/optimizer.h"

struct trainer {
    struct network *net;   /* borrowed; planned for training by trainer_open */
    struct dataset data;   /* the training split */
    struct recipe recipe;  /* how they are augmented */
    bool augments;         /* whether they are: augment= of [data] */
    struct loader *loader; /* NULL until trainer_start */
    struct optimizer optimizer;
    int64_t iteration; /* updates done */
    int64_t total;     /* updates in all: max_batches= or epochs=, whichever ends first */
    int part;          /* images a forward pass: batch / subdivisions */
    uint64_t seed;     /* of order, augmentation and dropout */
    int threads;       /* loader threads */
    real *label;       /* one batch's labels as real; owned */
    size_t slot_bytes; /* of bytes, the optimiser's */
    size_t fit_bytes;  /* that trainer_fit will take, before the loader has any */
    size_t bytes;      /* memory planned: parameters, gradients, slots, activations at the largest size, loader */
};

/* Opens the training split, plans memory for the largest input size and makes the optimiser. The net keeps its weights. */
int trainer_open(struct trainer *t, struct network *net, const struct data_options *data, int threads, struct error *err);

/* Shows the training data to the layers that need a fit (struct layer_fit) and haven't had it, in their order: one pass for each, all
 * images once, not augmented. What came out is told on `out`, with warnings (NULL: not). Call before trainer_start, after a checkpoint is
 * read. */
int trainer_fit(struct trainer *t, FILE *out, struct error *err);

/* Starts the loader at t->iteration (0, or what a checkpoint says). */
int trainer_start(struct trainer *t, struct error *err);

/* One update with that learning rate: *loss is the mean loss an image, before the update. −1: the data failed, or a loss, gradient or
 * weight isn't finite: the error names layer and iteration and the weights are those before the update. */
int trainer_step(struct trainer *t, double rate, double *loss, struct error *err);

/* One pass over the training data, an epoch long, augmented and ordered as in the first epoch: the statistics of the network's batch
 * norms become means of those of the batches, by images (Izmailov 2018, section 3.2). Nothing else changes. -1: the data failed. */
int trainer_calibrate(struct trainer *t, struct error *err);

/* How the training's loader is opened, at the iteration of now. */
struct loader_options trainer_loader_options(const struct trainer *t);

/* Iterations of one epoch, rounded up. */
int64_t trainer_epoch(const struct trainer *t);

void trainer_close(struct trainer *t);

#endif
