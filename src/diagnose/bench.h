/* bench: the time of each layer and of the whole walk, on random numbers. */
#ifndef DLNET_DIAGNOSE_BENCH_H
#define DLNET_DIAGNOSE_BENCH_H

#include "net/network.h"

struct bench_options {
    int batch;    /* images a walk */
    bool train;   /* forward, backward and an update; else forward of the folded network */
    int reps;     /* walks that count; 0: until two seconds have gone, at least 10 and at most 1000 */
    bool scaling; /* as many walks with one thread, in turns with the others */
};

/* One direction of one layer, for the whole batch. */
struct bench_pass {
    double ms;     /* median */
    double ms_one; /* the same with one thread; 0 without scaling */
    double
        flops; /* multiplications and additions, as `info` counts them; backward: once for each of input and weights that gets a gradient */
    double bytes; /* that must be moved at the least: everything that it reads and writes, once */
};

/* A whole step, and what peak_tries() found between the steps, with all threads and with one. */
struct bench_scaling {
    double ms, ms_one;
    double peak, peak_one; /* GFLOP/s */
};

struct bench {
    struct bench_pass *forward, *backward; /* of each layer; owned; backward all 0 without train */
    struct bench_pass total[2];            /* of the walk forward, of the walk backward */
    double step_ms;                        /* median of forward, backward and update together */
    struct bench_scaling median, quickest; /* with scaling; quickest: a tenth is as quick, which is what others on the machine spared */
    int reps;                              /* walks that were timed */
};

/* Plans the network, folds it unless options->train, and times walks with random inputs and targets, after some to warm up. With train the
 * weights change. With scaling, turns of some 50 ms with one thread and with all of them follow each other, so that what else happens on
 * the machine meets both; the first walk of a turn doesn't count. -1: no loss to train with, or no memory. Release with bench_free. */
int bench_run(struct network *net, const struct bench_options *options, struct bench *out, struct error *err);
void bench_free(struct bench *b);

/* flops a second, in GFLOP/s; 0 where nothing is counted. */
double bench_rate(const struct bench_pass *p);

/* Sorts x. The mean of the two in the middle where n is even. */
double bench_median(double *x, int n);

#endif
