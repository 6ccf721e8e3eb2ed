/* view: arrays that need no place of their own, because they are a part of another one: what a [route] takes from one layer, and what it
 * joins. Of one image only (with more, the parts of each image lie apart), and not in training. */
#ifndef DLNET_NET_VIEW_H
#define DLNET_NET_VIEW_H

#include "net/network.h"

/* The output of a layer stands `at` numbers behind the beginning of that of layer `of`; −1: it has a place of its own. */
struct view {
    int of;
    size_t at;
};

/* view[n_layers], after the shapes and is_copy are known. `of` is never a view itself. */
void view_find(struct network *net, struct view *view);

#endif
