/* init: the keys init= and prior=: how weights and the last bias begin. */
#ifndef DLNET_NET_INIT_H
#define DLNET_NET_INIT_H

#include "net/network.h"

/* The choices of init=. */
extern const char *const init_names[];

/* After all layers are set up, before weights are drawn: init= of [net] and of layers replaces how their weights begin (not those that a
 * layer has written itself), and prior= with numbers sets biases. */
int init_apply(struct network *net, struct error *err);

/* Whether a layer has prior=data whose bias still is the initial one. */
bool init_wants_frequencies(const struct network *net);

/* prior=data: the probabilities of the n classes in the data. They are kept away from 0 and 1 by half an object of `count`. */
int init_set_frequencies(struct network *net, const double *p, int n, double count, struct error *err);

#endif
