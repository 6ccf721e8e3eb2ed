#include "data/loader.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "data/reader.h"

/* A ring of batches. loader_next and loader_open (the consumer) plan batches: which samples, which size. Workers claim a few images at a
 * time of the oldest batch that has unclaimed ones, and write each into its place, so that nothing depends on who makes what. All fields
 * of a slot but claimed, done and failed belong to the workers from the plan until done == batch.n, then to the consumer. */

struct slot {
    struct batch batch;
    struct box_list *boxes; /* of each image */
    int *near;              /* n × n_near: samples from which the partners of each image are drawn */
    int64_t start;          /* number of the first image in the sequence */
    size_t input_capacity, box_capacity;
    int claimed, done;
    bool failed;
    int failed_item; /* the first of the batch that failed: its error is told, whichever worker came first */
    struct error error;
};

struct loader {
    const struct dataset *data;
    struct loader_options o;
    int chunk; /* images claimed at once: a lock a chunk */
    pthread_t *thread;
    int n_threads;
    atomic_bool stop;

    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    struct slot *slot; /* batch b of this loader stands in slot b mod n_slots */
    int n_slots;
    int64_t planned, taken; /* batches planned; batches of which every image is claimed */

    /* of the consumer */
    int64_t delivered;
    bool held; /* the batch delivered last is still in use */
    int *order;
    int64_t order_epoch; /* −1: none */

    struct reader *reader;
    int n_near; /* samples from which an image's partners are drawn; 0: it has none */
};

/* ---- the workers' side: one image ---- */

/* Numbers need no size. */
static int make_values(struct loader *l, struct slot *slot, int i, float *input, struct error *e)
{
    struct batch *b = &slot->batch;
    b->original_w[i] = b->w;
    b->original_h[i] = b->h;
    *e = ERROR_INIT;
    return dataset_values(l->data, b->sample[i], input, e);
}

/* What is to be learnt of a sample. */
static void fill_label(const struct sample *s, int n, float *row)
{
    memset(row, 0, (size_t)n * sizeof *row);
    if (s->target)
        memcpy(row, s->target, (size_t)n * sizeof *row);
    else if (n == 1)
        row[0] = s->label == 1; /* yes or no */
    else if (s->label >= 0 && s->label < n)
        row[s->label] = 1;
}

/* A training input in the making. */
struct making {
    struct loader *loader;
    int64_t place;
    const struct augment *augment;
    const int *near; /* n_near samples of which one is its partner */
};

/* Another sample's picture for a mosaic or a mixture. */
static int read_partner(const struct making *m, struct rng *rng, struct picture **p, const struct sample **s, struct error *e)
{
    const struct loader *l = m->loader;
    int found = 0;
    if (reader_partner(l->reader, m->place, m->near, l->n_near, rng, p, &found, e) != 0)
        return -1;
    *s = &l->data->sample[found];
    return 0;
}

/* An image whose turn it is, or a partner, on the canvas: alone or as one of a mosaic. */
static int paint(const struct making *m, struct rng *rng, const struct picture *first, const struct sample *sample, struct canvas *cv,
                 struct error *e)
{
    const struct augment *a = m->augment;
    struct picture *partner[4] = {NULL};
    struct image im[4] = {first->im};
    const struct sample *s[4] = {sample};
    struct box_list unwanted = {0};
    struct box_list *boxes = cv->boxes ? cv->boxes : &unwanted;
    double share[4] = {1};
    int n = 1, result = 0;
    if (cv->label)
        fill_label(sample, cv->n_labels, cv->label);
    if (!augment_draw_mosaic(a, rng)) {
        augment_sample(a, 1, &im[0], s[0], rng, cv->x, boxes);
    } else {
        for (; n < 4 && result == 0; n++)
            if ((result = read_partner(m, rng, &partner[n], &s[n], e)) == 0)
                im[n] = partner[n]->im;
        if (result == 0)
            augment_mosaic(a, im, s, rng, cv->x, boxes, share);
    }
    for (int k = 1; k < n && cv->label && result == 0; k++) { /* the mean of k labels, then the next */
        struct canvas other = {.label = mem_new((size_t)cv->n_labels, sizeof(float))};
        double before = 0;
        for (int i = 0; i < k; i++)
            before += share[i];
        fill_label(s[k], cv->n_labels, other.label);
        canvas_blend_labels(cv, &other, before / (before + share[k]));
        free(other.label);
    }
    for (int k = 1; k < 4; k++)
        picture_release(partner[k]);
    free(unwanted.item);
    return result;
}

static int paint_partner(void *context, struct rng *rng, struct canvas *cv, struct error *e)
{
    const struct making *m = context;
    const struct dataset *d = m->loader->data;
    if (dataset_has_values(d)) {
        const int sample = rng_below(rng, d->n_samples);
        fill_label(&d->sample[sample], cv->n_labels, cv->label);
        *e = ERROR_INIT;
        return dataset_values(d, sample, cv->x, e);
    }
    struct picture *p;
    const struct sample *s;
    if (read_partner(m, rng, &p, &s, e) != 0)
        return -1;
    const int result = paint(m, rng, p, s, cv, e);
    picture_release(p);
    return result;
}

static int make_training(struct loader *l, struct slot *slot, int i, struct augment *a, float *input, struct error *e)
{
    struct batch *b = &slot->batch;
    const struct making m = {l, slot->start + i, a, slot->near + (size_t)i * (size_t)l->n_near};
    const int n = l->o.n_classes;
    a->progress = l->o.total > 0 ? (double)m.place / (double)l->o.total : 1;
    /* The generator is keyed by the sample whose turn it is, so that a stand-in is augmented otherwise than at its own turn; by the turn
     * where a sample may have several. */
    const int64_t all = l->data->n_samples, turn = l->o.sampler.kind == SAMPLER_SHUFFLE ? b->sample[i] : m.place % all;
    struct rng rng = rng_make(l->o.seed, RNG_AUGMENT, (uint64_t)(m.place / all), (uint64_t)turn);
    struct canvas cv = {.x = input,
                        .c = a->c,
                        .h = a->h,
                        .w = a->w,
                        .signal = dataset_has_values(l->data),
                        .label = b->label ? b->label + (size_t)i * (size_t)n : NULL,
                        .n_labels = n,
                        .boxes = a->task == TASK_DETECT ? &slot->boxes[i] : NULL,
                        .fill = a->recipe ? (float)a->recipe->fill : .5f};
    const struct augment_partner partner = {paint_partner, (void *)&m};
    int result;
    if (cv.signal) {
        result = make_values(l, slot, i, input, e);
        if (cv.label)
            fill_label(&l->data->sample[b->sample[i]], n, cv.label);
    } else {
        struct picture *p;
        if (reader_in_order(l->reader, m.place, b->sample[i], &p, &b->sample[i], e) != 0)
            return -1;
        b->original_w[i] = p->im.w;
        b->original_h[i] = p->im.h;
        result = paint(&m, &rng, p, &l->data->sample[b->sample[i]], &cv, e);
        picture_release(p);
    }
    return result == 0 ? augment_steps(a, &partner, &rng, &cv, e) : -1;
}

static int make_plain(struct loader *l, struct slot *slot, int i, const struct augment *a, float *input, struct error *e)
{
    struct batch *b = &slot->batch;
    struct picture *p;
    const int got = reader_one(l->reader, slot->start + i, b->sample[i], &p, e);
    if (got < 0)
        return -1;
    if (got == 0) {
        const size_t each = (size_t)a->c * (size_t)a->w * (size_t)a->h;
        for (size_t k = 0; k < each; k++)
            input[k] = .5f;
        b->bad[i] = true;
        return 0;
    }
    b->original_w[i] = p->im.w;
    b->original_h[i] = p->im.h;
    b->placement[i] = augment_fit(a, &p->im, &l->data->sample[b->sample[i]], input, &slot->boxes[i]);
    picture_release(p);
    return 0;
}

static void make_item(struct loader *l, struct slot *slot, int i)
{
    struct batch *b = &slot->batch;
    struct augment a = l->o.augment;
    a.w = b->w;
    a.h = b->h;
    float *input = b->input + (size_t)i * (size_t)a.c * (size_t)a.w * (size_t)a.h;
    slot->boxes[i].n = 0;
    b->bad[i] = false;
    b->placement[i] = (struct placement){1, 1, 0, 0};
    b->original_w[i] = b->original_h[i] = 0;
    struct error e;
    const int result = l->o.train                    ? make_training(l, slot, i, &a, input, &e)
                       : dataset_has_values(l->data) ? make_values(l, slot, i, input, &e)
                                                     : make_plain(l, slot, i, &a, input, &e);
    if (result != 0) {
        pthread_mutex_lock(&l->lock);
        if (!slot->failed || i < slot->failed_item) {
            slot->failed = true;
            slot->failed_item = i;
            slot->error = e;
        }
        pthread_mutex_unlock(&l->lock);
        return;
    }
    if (b->label && !l->o.train)
        fill_label(&l->data->sample[b->sample[i]], l->o.n_classes, b->label + (size_t)i * (size_t)l->o.n_classes);
}

/* Claims and makes some images of the oldest batch that has unclaimed ones; the lock is held before and after. */
static void make_chunk(struct loader *l)
{
    struct slot *slot = &l->slot[l->taken % l->n_slots];
    const int n = slot->batch.n, begin = slot->claimed, end = n - begin < l->chunk ? n : begin + l->chunk;
    slot->claimed = end;
    if (end == n)
        l->taken++;
    pthread_mutex_unlock(&l->lock);
    for (int i = begin; i < end && !atomic_load(&l->stop); i++)
        make_item(l, slot, i);
    pthread_mutex_lock(&l->lock);
    slot->done += end - begin;
    if (slot->done == n)
        pthread_cond_signal(&l->ready);
}

/* On Linux a thread has a priority of its own. With the lowest, a worker takes the processor when those that compute wait, not from one of
 * them, for which all the others would wait at the end of a parallel loop. */
static void step_back(void)
{
    setpriority(PRIO_PROCESS, 0, 19); /* where that isn't possible nothing is lost but a little time */
}

static void *work(void *context)
{
    struct loader *l = context;
    step_back();
    pthread_mutex_lock(&l->lock);
    while (!atomic_load(&l->stop)) {
        if (l->taken == l->planned)
            pthread_cond_wait(&l->work, &l->lock);
        else
            make_chunk(l);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- the consumer's side ---- */

/* The samples that stand around a position of the epoch's order, which an image there is mixed with: all of it but the image itself
 * where it is short. */
static void plan_partners(const struct loader *l, int64_t position, int *near)
{
    const int64_t n = l->data->n_samples, last = n - l->n_near - 1;
    int64_t begin = position - l->n_near / 2;
    begin = begin < 0 ? 0 : begin > last ? last : begin;
    for (int k = 0; k < l->n_near; k++)
        near[k] = n == 1 ? l->order[0] : l->order[begin + k + (begin + k >= position)];
}

/* Samples of the training sequence from place `start` on, and their partners. */
static void plan_training(struct loader *l, struct slot *slot, int64_t start)
{
    struct batch *b = &slot->batch;
    const int64_t n = l->data->n_samples;
    for (int i = 0; i < b->n; i++) {
        const int64_t epoch = (start + i) / n;
        if (epoch != l->order_epoch)
            reader_order(l->reader, epoch, l->order);
        l->order_epoch = epoch;
        b->sample[i] = l->order[(start + i) % n];
        if (l->n_near > 0)
            plan_partners(l, (start + i) % n, slot->near + (size_t)i * (size_t)l->n_near);
    }
}

/* Plans the next batch into its slot, which nobody uses. At the end of an evaluation pass: nothing. */
static void plan(struct loader *l)
{
    const int64_t number = l->planned, n = l->data->n_samples, start = (l->o.train ? l->o.first : 0) + number * l->o.batch;
    if (!l->o.train && start >= n)
        return;
    struct slot *slot = &l->slot[number % l->n_slots];
    struct batch *b = &slot->batch;
    b->n = l->o.train || n - start > l->o.batch ? l->o.batch : (int)(n - start);
    b->w = l->o.augment.w;
    b->h = l->o.augment.h;
    if (l->o.size_of)
        l->o.size_of(l->o.context, start / l->o.batch, &b->w, &b->h);
    assert(b->w > 0 && b->h > 0);
    slot->start = start;
    slot->claimed = slot->done = 0;
    slot->failed = false;

    size_t wanted = (size_t)l->o.batch;
    const bool fits = mem_mul(wanted, (size_t)l->o.augment.c, &wanted) && mem_mul(wanted, (size_t)b->w, &wanted) &&
                      mem_mul(wanted, (size_t)b->h, &wanted);
    if (!fits || wanted > slot->input_capacity) {
        mem_free(b->input);
        b->input = fits ? mem_try(wanted, sizeof *b->input) : NULL;
        slot->input_capacity = b->input ? wanted : 0;
    }
    if (!b->input) {
        slot->error = ERROR_INIT;
        error_add(&slot->error, EXIT_FAIL,
                  "no memory for a batch of %d images of %d x %d; expected a smaller batch= or more subdivisions=", b->n, b->w, b->h);
        slot->failed = true;
        b->n = 0;
    } else if (l->o.train) {
        plan_training(l, slot, start);
    } else {
        for (int i = 0; i < b->n; i++)
            b->sample[i] = (int)start + i;
    }
    pthread_mutex_lock(&l->lock);
    l->planned++;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

/* All boxes of a finished batch one after the other. */
static void gather_boxes(struct slot *slot)
{
    struct batch *b = &slot->batch;
    b->box_start[0] = 0;
    for (int i = 0; i < b->n; i++)
        b->box_start[i + 1] = b->box_start[i] + slot->boxes[i].n;
    b->box = mem_grow(b->box, &slot->box_capacity, (size_t)b->box_start[b->n] + 1, sizeof *b->box);
    for (int i = 0; i < b->n; i++)
        if (slot->boxes[i].n > 0)
            memcpy(b->box + b->box_start[i], slot->boxes[i].item, (size_t)slot->boxes[i].n * sizeof *b->box);
}

int loader_next(struct loader *l, struct batch **out, struct error *err)
{
    if (l->held) {
        l->held = false;
        plan(l);
    }
    if (l->delivered == l->planned)
        return 0;
    struct slot *slot = &l->slot[l->delivered % l->n_slots];
    pthread_mutex_lock(&l->lock);
    while (slot->done < slot->batch.n) {
        if (l->taken == l->delivered) /* not all of it is claimed: other programs may keep the workers from the processor */
            make_chunk(l);
        else
            pthread_cond_wait(&l->ready, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    if (slot->failed)
        return error_add(err, slot->error.status, "%s", slot->error.text);
    gather_boxes(slot);
    *out = &slot->batch;
    l->delivered++;
    l->held = true;
    return 1;
}

static void slot_init(struct slot *slot, const struct loader_options *o, int n_near)
{
    const size_t n = (size_t)o->batch;
    struct batch *b = &slot->batch;
    b->sample = mem_new(n, sizeof *b->sample);
    b->placement = mem_new(n, sizeof *b->placement);
    b->original_w = mem_new(n, sizeof *b->original_w);
    b->original_h = mem_new(n, sizeof *b->original_h);
    b->label = o->n_classes > 0 && o->augment.task != TASK_DETECT ? mem_new(n * (size_t)o->n_classes, sizeof *b->label) : NULL;
    b->box_start = mem_new(n + 1, sizeof *b->box_start);
    b->bad = mem_new(n, sizeof *b->bad);
    slot->boxes = mem_new(n, sizeof *slot->boxes);
    slot->near = mem_new(n * (size_t)n_near, sizeof *slot->near);
}

static void slot_free(struct slot *slot, int batch)
{
    struct batch *b = &slot->batch;
    for (int i = 0; slot->boxes && i < batch; i++)
        free(slot->boxes[i].item);
    free(slot->boxes);
    free(slot->near);
    mem_free(b->input);
    free(b->sample);
    free(b->placement);
    free(b->original_w);
    free(b->original_h);
    free(b->label);
    free(b->box);
    free(b->box_start);
    free(b->bad);
}

/* Signals stay with the thread that started the program: a worker would only lose the time of the handler. */
static int start_workers(struct loader *l, struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = 0;
    while (l->n_threads < l->o.threads && code == 0) {
        code = pthread_create(&l->thread[l->n_threads], NULL, work, l);
        l->n_threads += code == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return l->n_threads > 0 || l->o.threads == 0
               ? 0
               : error_add(err, EXIT_FAIL, "no thread could be started to load images: %s", strerror(code));
}

/* Samples from which the partners of an image come: pictures of mosaics and mixtures. */
static int near_of(const struct dataset *d, const struct loader_options *o)
{
    if (!o->train || dataset_has_values(d) || !o->augment.recipe || !recipe_mixes(o->augment.recipe))
        return 0;
    return d->n_samples > READER_NEAR ? READER_NEAR : d->n_samples > 1 ? d->n_samples - 1 : 1;
}

struct loader *loader_open(const struct dataset *d, const struct loader_options *o, struct error *err)
{
    assert(o->batch >= 1 && o->threads >= 0 && o->ahead >= 1 && d->n_samples >= 1 && o->first >= 0);
    struct loader *l = mem_new(1, sizeof *l);
    l->data = d;
    l->o = *o;
    l->chunk = o->batch / (4 * (o->threads + 1));
    l->chunk = l->chunk < 1 ? 1 : l->chunk > 8 ? 8 : l->chunk;
    l->n_slots = o->ahead + 1;
    l->slot = mem_new((size_t)l->n_slots, sizeof *l->slot);
    l->n_near = near_of(d, o);
    l->reader = reader_new(d, &l->o.sampler, o->seed, l->n_near > 0);
    for (int i = 0; i < l->n_slots; i++)
        slot_init(&l->slot[i], o, l->n_near);
    l->thread = mem_new((size_t)o->threads, sizeof *l->thread);
    l->order = mem_new((size_t)d->n_samples, sizeof *l->order);
    l->order_epoch = -1;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    for (int i = 0; i < l->n_slots; i++)
        plan(l);
    if (start_workers(l, err) != 0) {
        loader_close(l);
        return NULL;
    }
    return l;
}

int loader_bad(const struct loader *l, const char **message)
{
    return reader_bad(l->reader, message);
}

size_t loader_bytes(const struct loader_options *o)
{
    /* Sizes of multi-scale training are drawn: the largest of many draws stands for the largest. */
    size_t largest = (size_t)o->augment.w * (size_t)o->augment.h;
    for (int64_t b = 0; o->size_of && b < 1024; b++) {
        int w = o->augment.w, h = o->augment.h;
        o->size_of(o->context, o->first / o->batch + b, &w, &h);
        largest = (size_t)w * (size_t)h > largest ? (size_t)w * (size_t)h : largest;
    }
    const size_t each = largest * (size_t)o->augment.c * sizeof(float) + (size_t)o->n_classes * sizeof(float) + 128;
    const bool keeps = o->train && o->augment.recipe && recipe_mixes(o->augment.recipe);
    return (size_t)(o->ahead + 1) * (size_t)o->batch * each + (keeps ? READER_KEEPS : 0);
}

void loader_close(struct loader *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    atomic_store(&l->stop, true);
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++)
        pthread_join(l->thread[i], NULL);
    for (int i = 0; i < l->n_slots; i++)
        slot_free(&l->slot[i], l->o.batch);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->ready);
    pthread_mutex_destroy(&l->lock);
    free(l->slot);
    free(l->thread);
    free(l->order);
    reader_free(l->reader);
    free(l);
}
