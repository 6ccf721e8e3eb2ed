/* train: a whole run: updates, validation, log, best model, checkpoints, in a run folder. */
#ifndef DLNET_TRAIN_TRAIN_H
#define DLNET_TRAIN_TRAIN_H

#include <signal.h>

#include "detect/evaluate.h"
#include "train/trainer.h"

struct train_options {
    const char *out; /* the run folder; exists */
    bool resume;     /* go on from out/last.safetensors, where it exists */
    int threads;     /* loader threads */
    bool quiet, verbose;
    const volatile sig_atomic_t *stop; /* set by a signal: finish the step, save, return */
};

/* Trains net on the data of [data]. Files in out: best.safetensors, last.safetensors, metrics.csv, metrics.jsonl, chart.svg, chart.png,
 * effective.cfg; where asked for, snapshot-N.safetensors, ema.safetensors, swa.safetensors. Progress goes to stderr. 0: trained to the end;
 * 1: stopped by the signal, saved; −1: err. */
int train_run(struct network *net, const struct data_options *data, const struct train_options *o, struct error *err);

#endif
