/* part: one data set cut into a part to train on and one to validate on: valid_fraction=, or folds= and fold=. */
#ifndef DLNET_DATA_PART_H
#define DLNET_DATA_PART_H

#include "data/dataset.h"

/* True when the validation set is cut out of train=. */
bool part_is_wanted(const struct data_options *o);

/* Keys that contradict each other. 0 or −1. */
int part_check(const struct data_options *o, struct error *err);

/* Keeps the part for validation (or the other) of the samples of d, in their order; the draw is keyed by d->seed. Each class gives its
 * share: of n samples of a class n/folds go into each fold, the remainders to the folds in turn, so that neither the folds' sizes nor a
 * class' counts in them differ by more than one. −1: nothing would be left. */
int part_take(struct dataset *d, bool valid, const char *path, struct error *err);

/* Which of the n images in the training files of a format that has none for validation belong to d's split: [*first, *first + *count), by
 * train_count= and valid_count=. divided: these files serve train= and valid=, which get the first images and the last n / share; not so
 * where folds= or valid_fraction= draw. −1: more are asked for than there are. */
int part_range(const struct dataset *d, const char *path, bool divided, int n, int share, int *first, int *count, struct error *err);

/* The samples, class by class (member: as many as samples): stratum k + 1 is class k, 0 what has none; strata 1: all together. start:
 * strata + 1 places of the strata in it, zero-filled by the caller. */
void part_by_class(const struct dataset *d, int strata, int *start, int *member);

#endif
