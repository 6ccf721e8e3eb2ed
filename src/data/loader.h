/* loader: batches of network inputs, decoded, resized and augmented in other threads, ahead of need, in an order that depends on the seed
 * alone. */
#ifndef DLNET_DATA_LOADER_H
#define DLNET_DATA_LOADER_H

#include "data/augment.h"
#include "data/sampler.h"

struct batch {
    int n;                       /* images in it; fewer than asked only at the end of an evaluation pass */
    int w, h;                    /* size of these inputs */
    float *input;                /* n × c × h × w */
    int *sample;                 /* n sample numbers of the data set */
    struct placement *placement; /* n; meaningful without augmentation: original image → input */
    int *original_w, *original_h;
    float *label;          /* n × n_classes: one-hot (n_classes 1: 0 or 1), labels or numbers; NULL for detection */
    struct truth_box *box; /* fractions of the input */
    int *box_start;        /* n + 1 */
    bool *bad;             /* n: the image couldn't be read; its input is grey and it has no boxes (evaluation leaves it out) */
};

struct loader_options {
    int batch;  /* images a batch */
    bool train; /* augmented and shuffled, endless; else in order, once, not augmented */
    uint64_t seed;
    int64_t first; /* training: number of the first image of the endless sequence (resume): iteration × batch */
    int threads;   /* worker threads, beside the caller, who makes images while it waits for a batch */
    int ahead;     /* batches prepared ahead; ≥ 1 */
    int n_classes; /* width of label: of a data set with targets their number */
    struct augment augment;
    struct sampler sampler; /* training: the order of an epoch */
    int64_t total;          /* training: images in all, for what grows with the training; 0: it doesn't */
    /* Multi-scale: input size of batch number b of the sequence (first / batch + …), NULL: always augment.w × augment.h. */
    void (*size_of)(void *context, int64_t batch_number, int *w, int *h);
    void *context;
};

struct loader;

/* Image number k of the training sequence is sample order[k mod n] of epoch k / n (data/sampler.h), its augmentation keyed (seed,
 * RNG_AUGMENT, epoch, sample; with another sampler than shuffle, which may repeat samples, k mod n). An unreadable image: with on_bad=skip
 * the next readable sample of the order stands in for it in training, augmented with the key of the one it stands for; with on_bad=error,
 * or when no image can be read, loader_next returns −1 at that batch. Partners of mosaics and mixtures are
 * drawn from the samples around place k of its epoch's order (data/reader.h). The data set is borrowed and must outlive the loader. NULL on
 * failure. */
struct loader *loader_open(const struct dataset *d, const struct loader_options *o, struct error *err);

/* The next batch, borrowed until the next call. 1: a batch, 0: end of an evaluation pass, −1: error. */
int loader_next(struct loader *l, struct batch **out, struct error *err);

/* Unreadable images met so far (each counts once), and the first one's message ("" if none; valid until the next call). */
int loader_bad(const struct loader *l, const char **message);

/* Bytes that a loader with these options will hold at most, for the memory figure that train prints. */
size_t loader_bytes(const struct loader_options *o);

void loader_close(struct loader *l);

#endif
