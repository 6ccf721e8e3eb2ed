/* optimizer: SGD with momentum over params; knows no layer. */
#ifndef DLNET_TRAIN_OPTIMIZER_H
#define DLNET_TRAIN_OPTIMIZER_H

#include "net/model.h"
#include "net/network.h"

struct optimizer {
    int n_params;
    struct param **param; /* borrowed from the network */
    real **velocity;      /* owned; NULL: not trained (a statistic, or frozen) */
};

/* 0 or −1: no memory. */
int optimizer_init(struct optimizer *o, struct network *net, struct error *err);

/* One update from the summed gradients: g = grad / images + decay·decay_mult·w; v = momentum·v + g; w −= rate·lr_mult·v. What has lr_mult 0
 * keeps its bytes. */
void optimizer_step(struct optimizer *o, double rate, double momentum, double decay, int images);

/* The first parameter with a gradient that isn't finite, or NULL. */
const struct param *optimizer_nonfinite(const struct optimizer *o);

void optimizer_free(struct optimizer *o);

#endif
