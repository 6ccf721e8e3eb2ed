/* reader: decoded pictures for a loader's threads: which are unreadable and who stands in for them, partners of mosaics and mixtures, and
 * those used lately, kept for the next that wants them. Thread-safe. */
#ifndef DLNET_DATA_READER_H
#define DLNET_DATA_READER_H

#include "base/rng.h"
#include "data/dataset.h"
#include "data/image_cache.h"
#include "data/sampler.h"

/* A partner is drawn from so many samples of the epoch's order around the one whose turn it is, which the pictures kept
 * (READER_KEEPS bytes) about cover: each is decoded once an epoch, not once a use. */
enum { READER_NEAR = 64 };
#define READER_KEEPS IMAGE_CACHE_FEW

struct reader;

/* keep: pictures are wanted again soon. Data set and sampler are borrowed. */
struct reader *reader_new(const struct dataset *d, const struct sampler *s, uint64_t seed, bool keep);
void reader_free(struct reader *r);

/* The order of samples in an epoch of the training. */
void reader_order(const struct reader *r, int64_t epoch, int *out);

/* Sample number `sample`, wanted at a place of the sequence. 1: *out, to be released; 0: unreadable and to be passed over; −1: the loader
 * must stop (e). */
int reader_one(struct reader *r, int64_t place, int sample, struct picture **out, struct error *e);

/* The picture that belongs at a place of the training sequence, or the next readable one of its epoch's order (*found). −1: none (e). */
int reader_in_order(struct reader *r, int64_t place, int sample, struct picture **out, int *found, struct error *e);

/* One of n samples, drawn; an unreadable one gives way to the next, in the end to any of the data set. −1: none (e). */
int reader_partner(struct reader *r, int64_t place, const int *sample, int n, struct rng *rng, struct picture **out, int *found,
                   struct error *e);

/* Unreadable pictures met so far (each counts once), and the first one's message ("" if none; valid until the next call). */
int reader_bad(struct reader *r, const char **message);

#endif
