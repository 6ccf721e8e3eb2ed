/* tta: test-time augmentation: a picture is answered several times, changed a little, and the answers are averaged, of detectors the boxes
 * fused. */
#ifndef DLNET_NET_TTA_H
#define DLNET_NET_TTA_H

#include "net/network.h"

/* Number of views. Classifiers: the whole input and its four corners and middle, of 7/8 of each side and enlarged; detectors: the input.
 * Where the training mirrors pictures (flip= of [net] or [augment]), each of them mirrored too. 1: an input that isn't a picture. */
int tta_views(const struct network *net);

/* View number k of the n inputs (c × h × w each) of the network's batch into out. View 0 is the input itself. */
void tta_view(const struct network *net, int k, const real *in, real *out);

/* A box found in view k, back in the input (fractions). */
struct box tta_box(const struct network *net, int k, struct box b);

/* Classifiers: runs all views of the inputs of net->input.x; the output holds the mean of their outputs afterwards. */
void tta_forward(struct network *net);

#endif
