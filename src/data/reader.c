#include "data/reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct reader {
    const struct dataset *data;
    const struct sampler *sampler;
    uint64_t seed;
    struct image_cache *recent; /* NULL: none */

    atomic_uchar *unreadable; /* by sample: known since an earlier attempt */
    pthread_mutex_t lock;     /* of all below */
    int n_bad;
    int64_t first_bad; /* place in the sequence */
    char message[1024];
    char *told; /* copy of it for reader_bad */
    int *spare; /* order of the epoch in which a stand-in was last wanted */
    int64_t spare_epoch;
};

struct reader *reader_new(const struct dataset *d, const struct sampler *s, uint64_t seed, bool keep)
{
    struct reader *r = mem_new(1, sizeof *r);
    r->data = d;
    r->sampler = s;
    r->seed = seed;
    if (keep && !d->cache)
        r->recent = image_cache_new(d->n_samples, READER_KEEPS, CACHE_RECENT);
    r->unreadable = mem_new((size_t)d->n_samples, sizeof *r->unreadable);
    r->told = mem_new(sizeof r->message, 1);
    r->spare_epoch = r->first_bad = -1;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void reader_free(struct reader *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    image_cache_free(r->recent);
    free(r->spare);
    free(r->told);
    free((void *)r->unreadable);
    free(r);
}

void reader_order(const struct reader *r, int64_t epoch, int *out)
{
    sampler_order(r->sampler, r->data, r->seed, epoch, out);
}

static void note_bad(struct reader *r, int64_t place, int sample, const struct error *why)
{
    pthread_mutex_lock(&r->lock);
    if (!atomic_exchange(&r->unreadable[sample], 1))
        r->n_bad++;
    if (r->first_bad < 0 || place < r->first_bad) {
        r->first_bad = place;
        snprintf(r->message, sizeof r->message, "%.*s", (int)sizeof r->message - 1, why->text);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Sample at a position of an epoch's order, for the rare case that another one must stand in. */
static int sample_at(struct reader *r, int64_t epoch, int64_t position)
{
    pthread_mutex_lock(&r->lock);
    if (!r->spare)
        r->spare = mem_new((size_t)r->data->n_samples, sizeof *r->spare);
    if (r->spare_epoch != epoch)
        reader_order(r, epoch, r->spare);
    r->spare_epoch = epoch;
    const int sample = r->spare[position];
    pthread_mutex_unlock(&r->lock);
    return sample;
}

int reader_one(struct reader *r, int64_t place, int sample, struct picture **out, struct error *e)
{
    if (atomic_load(&r->unreadable[sample]))
        return 0;
    *out = r->recent ? image_cache_get(r->recent, sample) : NULL;
    if (*out)
        return 1;
    *e = ERROR_INIT;
    *out = dataset_picture(r->data, sample, e);
    if (!*out) {
        note_bad(r, place, sample, e);
        return r->data->skip_bad && e->status != EXIT_FAIL ? 0 : -1;
    }
    if (r->recent)
        image_cache_put(r->recent, sample, *out);
    return 1;
}

static int none_readable(struct reader *r, struct error *e)
{
    *e = ERROR_INIT;
    pthread_mutex_lock(&r->lock);
    error_add(e, EXIT_DATA, "none of the %d images can be read; the first mistake: %s", r->data->n_samples, r->message);
    pthread_mutex_unlock(&r->lock);
    return -1;
}

int reader_in_order(struct reader *r, int64_t place, int sample, struct picture **out, int *found, struct error *e)
{
    const int64_t n = r->data->n_samples, epoch = place / n;
    for (int64_t tries = 0; tries < n; tries++) {
        *found = tries == 0 ? sample : sample_at(r, epoch, (place + tries) % n);
        const int got = reader_one(r, place, *found, out, e);
        if (got != 0)
            return got > 0 ? 0 : -1;
    }
    return none_readable(r, e);
}

int reader_partner(struct reader *r, int64_t place, const int *sample, int n, struct rng *rng, struct picture **out, int *found,
                   struct error *e)
{
    const int first = rng_below(rng, n), all = r->data->n_samples;
    for (int tries = 0; tries < n + all; tries++) {
        *found = tries < n ? sample[(first + tries) % n] : tries - n;
        const int got = reader_one(r, place, *found, out, e);
        if (got != 0)
            return got > 0 ? 0 : -1;
    }
    return none_readable(r, e);
}

int reader_bad(struct reader *r, const char **message)
{
    pthread_mutex_lock(&r->lock);
    const int n = r->n_bad;
    memcpy(r->told, r->message, sizeof r->message); /* the workers may go on to write the other */
    pthread_mutex_unlock(&r->lock);
    *message = r->told;
    return n;
}
