/* soft_labels: class probabilities of single samples, in a file beside a data set: lines "PATH<tab>CLASS<tab>SHARE<tab>CLASS<tab>SHARE …",
 * paths relative to the file's folder, shares that sum to 1. Samples that it doesn't name keep the class that the format finds. */
#ifndef DLNET_DATA_SOFT_LABELS_H
#define DLNET_DATA_SOFT_LABELS_H

#include "data/dataset.h"

#define SOFT_LABELS_FILE "soft-labels.tsv"

/* Reads the file in that folder, where it is there: fills target of the samples that it names, and their label with the likeliest class.
 * The names of d must be known. For classification only. */
int soft_labels_read(struct dataset *d, const char *folder, struct error *err);

/* One line, for a sample whose path is relative to the folder. */
void soft_labels_write(FILE *f, const char *path, const struct text_list *names, const float *share, int n);

#endif
