/* ensemble: networks that answer together. */
#ifndef DLNET_NET_ENSEMBLE_H
#define DLNET_NET_ENSEMBLE_H

#include "net/network.h"

/* Whether n networks can: all detectors or none, the same classes (number, and names where both have them), as many outputs. Architecture
 * and input size may differ. An error names the file (path[i]) that disagrees with the first. 0 or -1. */
int ensemble_check(struct network *const *net, char *const *path, int n, struct error *err);

/* Classifiers: out[i] = mean of number i of all outputs, over the batch of now. */
void ensemble_mean(struct network *const *net, int n, real *out);

#endif
