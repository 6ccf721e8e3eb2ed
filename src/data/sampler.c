#include "data/sampler.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/part.h"

/* One epoch under way. Classes are numbered as strata of part_by_class. */
struct deal {
    struct rng rng;
    int n, classes;
    int *start, *member; /* samples, class by class */
    int *visits;         /* of each class that are still to be dealt */
    int *pick, *next;    /* samples to be visited, class by class; the next one of each class */
    int *count;          /* of each class in the part at hand */
};

struct remainder {
    double part;
    int tie, k; /* ties are broken by a random order */
};

static int by_part(const void *a, const void *b)
{
    const struct remainder *x = a, *y = b;
    return x->part > y->part ? -1 : x->part < y->part ? 1 : (x->tie > y->tie) - (x->tie < y->tie);
}

/* Whole numbers in proportion to share[] that add up to total: rounded down, then one more for those with the largest remainders. */
static void apportion(struct deal *d, const double *share, int total, int *out)
{
    struct remainder *r = mem_new((size_t)d->classes, sizeof *r);
    int *tie = mem_new((size_t)d->classes, sizeof *tie), left = total;
    double all = 0;
    for (int k = 0; k < d->classes; k++)
        all += share[k];
    rng_permute(&d->rng, tie, d->classes);
    for (int k = 0; k < d->classes; k++) {
        const double exact = all > 0 ? total * share[k] / all : 0;
        out[k] = (int)floor(exact + 1e-9);
        r[k] = (struct remainder){exact - out[k], tie[k], k};
        left -= out[k];
    }
    qsort(r, (size_t)d->classes, sizeof *r, by_part);
    for (int i = 0; i < left; i++)
        out[r[i].k]++;
    free(tie);
    free(r);
}

static void share_visits(struct deal *d, const struct sampler *s)
{
    double *share = mem_new((size_t)d->classes, sizeof *share);
    for (int k = 0; k < d->classes; k++) {
        const int members = d->start[k + 1] - d->start[k];
        const double weight = s->kind == SAMPLER_WEIGHTED && k > 0 ? s->weight[k - 1] : 1;
        share[k] = s->kind == SAMPLER_BALANCED ? members > 0 : weight * members;
    }
    apportion(d, share, d->n, d->visits);
    free(share);
}

/* Each class's samples in fresh orders, one after the other, as many as it has visits. */
static void pick_samples(struct deal *d)
{
    int *order = mem_new((size_t)d->n, sizeof *order), at = 0;
    for (int k = 0; k < d->classes; k++) {
        const int members = d->start[k + 1] - d->start[k];
        d->next[k] = at;
        for (int i = 0; i < d->visits[k]; i++) {
            if (i % members == 0)
                rng_permute(&d->rng, order, members);
            d->pick[at++] = d->member[d->start[k] + order[i % members]];
        }
    }
    assert(at == d->n);
    free(order);
}

static void take(struct deal *d, int k, int n, int *to)
{
    for (int i = 0; i < n; i++)
        to[i] = d->pick[d->next[k]++];
    d->visits[k] -= n;
}

/* A part of a batch. */
static void deal_part(struct deal *d, int size, int *to)
{
    double *share = mem_new((size_t)d->classes, sizeof *share);
    for (int k = 0; k < d->classes; k++)
        share[k] = d->visits[k];
    apportion(d, share, size, d->count);
    for (int k = 0; k < d->classes; k++) {
        take(d, k, d->count[k], to);
        to += d->count[k];
    }
    free(share);
}

/* All that is left, in whole batches. Each has a class's visits/batches, rounded down; the rest of each class, fewer than there are
 * batches, goes to batches that follow each other (round and round), so that none gets two, and all get as many in all. */
static void deal_batches(struct deal *d, int batches, int batch, int *to)
{
    int *filled = mem_new((size_t)batches, sizeof *filled), *turn = mem_new((size_t)batches, sizeof *turn);
    int *order = mem_new((size_t)d->classes, sizeof *order), seat = 0;
    rng_permute(&d->rng, turn, batches);
    rng_permute(&d->rng, order, d->classes);
    for (int i = 0; i < d->classes; i++) {
        const int k = order[i], each = d->visits[k] / batches;
        for (int b = 0; b < batches; b++) {
            take(d, k, each, to + (size_t)b * (size_t)batch + filled[b]);
            filled[b] += each;
        }
        for (; d->visits[k] > 0; seat = (seat + 1) % batches) {
            const int b = turn[seat];
            take(d, k, 1, to + (size_t)b * (size_t)batch + filled[b]++);
        }
    }
    for (int b = 0; b < batches; b++)
        assert(filled[b] == batch);
    free(filled);
    free(turn);
    free(order);
}

static void shuffle(struct deal *d, int *x, int n)
{
    for (int i = n - 1; i > 0; i--) {
        const int k = rng_below(&d->rng, i + 1), t = x[i];
        x[i] = x[k];
        x[k] = t;
    }
}

static void deal_epoch(struct deal *d, const struct sampler *s, int64_t epoch, int *order)
{
    const int begun = (int)(epoch * d->n % s->batch); /* of a batch, by the epoch before */
    int first = begun > 0 ? s->batch - begun : 0;
    first = first > d->n ? d->n : first;
    const int batches = (d->n - first) / s->batch, last = d->n - first - batches * s->batch;
    deal_part(d, first, order);
    deal_part(d, last, order + d->n - last);
    if (batches > 0)
        deal_batches(d, batches, s->batch, order + first);
    shuffle(d, order, first);
    for (int b = 0; b < batches; b++)
        shuffle(d, order + first + (size_t)b * (size_t)s->batch, s->batch);
    shuffle(d, order + d->n - last, last);
}

void sampler_order(const struct sampler *s, const struct dataset *data, uint64_t seed, int64_t epoch, int *order)
{
    const size_t n = (size_t)data->n_samples, classes = (size_t)data->n_classes + 1;
    if (s->kind == SAMPLER_SHUFFLE) {
        struct rng r = rng_make(seed, RNG_SHUFFLE, (uint64_t)epoch, 0);
        rng_permute(&r, order, data->n_samples);
        return;
    }
    struct deal d = {.rng = rng_make(seed, RNG_SHUFFLE, (uint64_t)epoch, 1),
                     .n = data->n_samples,
                     .classes = (int)classes,
                     .start = mem_new(classes + 1, sizeof(int)),
                     .member = mem_new(n, sizeof(int)),
                     .visits = mem_new(classes, sizeof(int)),
                     .pick = mem_new(n, sizeof(int)),
                     .next = mem_new(classes, sizeof(int)),
                     .count = mem_new(classes, sizeof(int))};
    part_by_class(data, d.classes, d.start, d.member);
    share_visits(&d, s);
    pick_samples(&d);
    deal_epoch(&d, s, epoch, order);
    free(d.start);
    free(d.member);
    free(d.visits);
    free(d.pick);
    free(d.next);
    free(d.count);
}
