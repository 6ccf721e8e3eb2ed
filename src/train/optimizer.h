/* optimizer: one update of all params, by the rule that [net] names; knows no layer. A rule is one function and one row of a table. */
#ifndef DLNET_TRAIN_OPTIMIZER_H
#define DLNET_TRAIN_OPTIMIZER_H

#include "net/network.h"

enum { OPTIMIZER_SLOTS = 2 };

struct optimizer_rule;
struct optimizer_tile;

struct optimizer {
    const struct net_options *options; /* borrowed from the network */
    const struct optimizer_rule *rule;
    uint64_t seed; /* of gradient noise */
    int n_params;
    struct param **param;           /* those that learn; the array is owned, the params are the network's */
    real *(*slot)[OPTIMIZER_SLOTS]; /* per param: optimizer_slots arrays of its size, zero at first; owned */
    struct optimizer_tile *tile;    /* all params cut into pieces, by their sizes alone */
    double *partial;                /* a sum per tile */
    int n_tiles;
};

/* The rule and its settings come from net->options. 0 or −1: no memory. */
int optimizer_init(struct optimizer *o, struct network *net, struct error *err);

/* One update from the gradients, which are sums over `images` images; `iteration` updates were done before. In order: mean over the images;
 * a gradient that isn't finite is refused: its param is returned, and no weight has changed; noise; clipping; decay; the rule with
 * rate·lr_mult; max-norm. The gradients are zero afterwards. NULL: done. What has lr_mult 0 keeps its bytes. */
const struct param *optimizer_step(struct optimizer *o, struct network *net, double rate, int images, int64_t iteration);

/* What the rule keeps, and a checkpoint with it, for each number that learns: so many more, with these names. */
int optimizer_slots(const struct net_options *options);
const char *optimizer_slot_name(const struct optimizer *o, int slot);

/* "adamw, beta1 0.9, beta2 0.999, eps 1e-08, decay 0.01 (decoupled)": rule and regularisers, for people. */
void optimizer_describe(const struct net_options *options, char *text, size_t size);

void optimizer_free(struct optimizer *o);

#endif
