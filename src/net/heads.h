/* heads: the layers that give a network's answers their numbers, one for each anchor and class, or one for each class; and another number
 * of classes. */
#ifndef DLNET_NET_HEADS_H
#define DLNET_NET_HEADS_H

#include "net/network.h"

/* Whether l is the last layer with weights before a detection head or a loss (without these: before the answer). Between them stand only
 * layers without weights that keep the channels. */
bool heads_is_source(const struct layer *l);

/* Of a source: filters (outputs) that it would have with so many classes; 0: its number of filters doesn't follow the classes. */
int heads_filters(const struct layer *source, int classes);

/* Changes the cfg to that many classes: classes= of each detection head, and filters= (output=) of its source; of a classifier the latter
 * alone. The cfg must be right as it is. 0; -1: told, and the cfg is released. */
int heads_set_classes(struct config *config, int classes, struct error *err);

#endif
