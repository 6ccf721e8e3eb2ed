/* inspect: what a data set holds and what is wrong with it, sample by sample. */
#ifndef DLNET_DIAGNOSE_INSPECT_H
#define DLNET_DIAGNOSE_INSPECT_H

#include "data/dataset.h"

#define INSPECT_QUANTILES 7
extern const double inspect_at[INSPECT_QUANTILES]; /* 0, .05, .25, .5, .75, .95, 1 */

/* Of one split. Owned; inspect_free. */
struct inspected {
    const struct dataset *data; /* borrowed */
    bool quick;                 /* pixels and files weren't read: what needs them is 0 */
    int n_classes;
    int *objects, *samples;      /* of each class: boxes (no detection: samples); samples with at least one */
    int boxes, difficult, empty; /* detection; empty: samples without a box whose label file is there */
    int grey, unreadable, truncated, orientation[9], duplicates; /* duplicates: samples equal to an earlier one of the split */
    double width[INSPECT_QUANTILES], height[INSPECT_QUANTILES];  /* of the images; 0: none */
    double box_width[INSPECT_QUANTILES], box_height[INSPECT_QUANTILES], box_side[INSPECT_QUANTILES]; /* fractions of the image; √area */
    struct text_list complaints;                                                                     /* unreadable samples */
    uint64_t *hash; /* of the pixels or numbers of each sample; 0: unknown */
};

/* Looks at every sample, with all threads. quick: at the labels alone. told: samples done, for a progress line; NULL: not. */
void inspect(struct inspected *r, const struct dataset *d, bool quick, void (*told)(int done, int of));
void inspect_free(struct inspected *r);

/* Samples of b that are in a too; their number. The first `most` of them, by b, as pairs {of a, of b}. */
int inspect_shared(const struct inspected *a, const struct inspected *b, int most, int (*pair)[2]);

/* True when most classes are digits or letters, or are called text: what mirroring makes something else of. */
bool inspect_is_writing(const struct text_list *names);

#endif
