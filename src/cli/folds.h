/* folds: cross-validation, `train --folds K`: K runs in one folder, and their figures. */
#ifndef DLNET_CLI_FOLDS_H
#define DLNET_CLI_FOLDS_H

#include "cli/cli.h"
#include "train/train.h"

struct folds {
    const char *cfg;
    const struct cli_common *common;
    int n;            /* folds */
    const char *init; /* model to start each from, or NULL; as of cli_start_from */
    int layers;
    const char *folder; /* fold k (from 1) goes to folder/fold-k; exists */
    bool resume;        /* go on where a fold stands */
    const volatile sig_atomic_t *stop;
};

/* Trains on all folds but one, for each fold, and prints the figures of the last validation of each, their mean and standard deviation
 * on stdout. 0; 1: stopped by the signal, saved, nothing printed; −1: err. */
int folds_train(const struct folds *f, struct error *err);

/* True when folder holds a fold's run. */
bool folds_are_there(const char *folder);

#endif
