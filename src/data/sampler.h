/* sampler: the order in which an epoch visits the samples: a function of (seed, epoch) and the data alone. */
#ifndef DLNET_DATA_SAMPLER_H
#define DLNET_DATA_SAMPLER_H

#include "data/dataset.h"

/* An epoch is always as many visits as there are samples. All but SHUFFLE share each class out among the batches: a class with m of the n
 * visits has m·batch/n in each batch that lies within the epoch, rounded up or down; the part of a batch that an epoch begins or ends with
 * likewise (what that leaves is shared out as before). Classification only.
 *   SHUFFLE     every sample once
 *   STRATIFIED  every sample once
 *   BALANCED    as many visits of each class that has samples
 *   WEIGHTED    a class of n samples has visits in proportion to weight·n
 * A class with more visits than samples repeats them, none oftener than another by more than one; with fewer, they are drawn anew each
 * epoch.
 */
enum sampler_kind { SAMPLER_SHUFFLE, SAMPLER_STRATIFIED, SAMPLER_BALANCED, SAMPLER_WEIGHTED };

struct sampler {
    enum sampler_kind kind;
    int batch;            /* samples of an update; not used by SHUFFLE */
    const double *weight; /* WEIGHTED: of each class; borrowed */
};

/* order: n_samples sample numbers. Epoch e begins at place e·n_samples of the training sequence, batch b at b·batch. */
void sampler_order(const struct sampler *s, const struct dataset *d, uint64_t seed, int64_t epoch, int *order);

#endif
