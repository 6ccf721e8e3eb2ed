#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/init.h"

/* Multi-scale training: a new size every 10 updates, the cfg's size times a factor in [1/1.4, 1.4], in steps of resize_step= (32) pixels
 * (as Darknet's random=1). */
enum { RESIZE_EVERY = 10 };
static const double resize_range = 1.4;

static int scaled(int size, double factor, int step)
{
    const int steps = (int)lround(size * factor / step);
    return (steps < 1 ? 1 : steps) * step;
}

static void size_of(void *context, int64_t batch_number, int *w, int *h)
{
    const struct trainer *t = context;
    const int64_t update = batch_number / t->net->options.subdivisions;
    struct rng r = rng_make(t->seed, RNG_RESIZE, (uint64_t)(update / RESIZE_EVERY), 0);
    const double factor = rng_range(&r, 1 / resize_range, resize_range);
    const struct net_options *o = &t->net->options;
    *w = scaled(o->width, factor, o->resize_step);
    *h = scaled(o->height, factor, o->resize_step);
}

static const struct config_section *net_section(const struct network *net)
{
    const struct config_section *s = config_find(&net->config, "net");
    return s ? s : config_find(&net->config, "network");
}

static bool has_loss(const struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].is_loss)
            return true;
    return false;
}

/* Updates in all: whichever of max_batches= and epochs= ends first. */
static int find_total(struct trainer *t, struct error *err)
{
    const struct net_options *o = &t->net->options;
    t->total = o->max_batches;
    if (o->epochs > 0) {
        const int64_t by_epochs = ((int64_t)t->data.n_samples * o->epochs + o->batch - 1) / o->batch;
        if (t->total == 0 || by_epochs < t->total)
            t->total = by_epochs;
    }
    if (t->total == 0)
        return option_error(&t->net->config, net_section(t->net), "max_batches", err,
                            "neither max_batches= nor epochs= is given, expected one of them for training");
    return 0;
}

static int check_sampler(const struct trainer *t, struct error *err)
{
    const struct network *net = t->net;
    const struct net_options *o = &net->options;
    const struct config_section *s = net_section(net);
    const int given = o->sampler_weights.n, classes = net->n_classes == 1 ? 2 : net->n_classes;
    const char *key = "sampler_weights";
    if (o->sampler != SAMPLER_SHUFFLE && t->data.task != TASK_CLASSIFY)
        return option_error(&net->config, s, "sampler", err,
                            "this sampler goes by the one class of each image, but the data has %s; expected sampler=shuffle",
                            t->data.task == TASK_DETECT    ? "boxes"
                            : t->data.task == TASK_REGRESS ? "numbers"
                                                           : "several labels");
    if (o->sampler != SAMPLER_WEIGHTED)
        return given == 0 ? 0 : option_error(&net->config, s, key, err, "sampler_weights= needs sampler=weighted, which isn't given");
    if (given != classes)
        return option_error(&net->config, s, key, err, "sampler_weights= has %d numbers, expected one for each of the %d classes", given,
                            classes);
    for (int i = 0; i < t->data.n_samples; i++)
        if (t->data.sample[i].label >= 0 && o->sampler_weights.v[t->data.sample[i].label] > 0)
            return 0;
    return option_error(&net->config, s, key, err, "no class with training data has a weight above 0, expected one at least");
}

struct loader_options trainer_loader_options(const struct trainer *t)
{
    struct network *net = t->net;
    const struct net_options *o = &net->options;
    struct loader_options l = {.batch = t->part,
                               .train = true,
                               .seed = t->seed,
                               .first = t->iteration * o->batch,
                               .threads = t->threads,
                               .ahead = 2 * o->subdivisions + 1,
                               .n_classes = t->data.task != TASK_DETECT ? net->n_classes : 0};
    l.sampler = (struct sampler){(enum sampler_kind)o->sampler, o->batch, o->sampler_weights.v};
    l.augment = augment_from(o, net->jitter, net->resize, t->data.task, o->width, o->height, o->channels);
    augment_follow(&l.augment, &t->recipe);
    if (!t->augments)
        l.augment = augment_nothing(o, t->data.task, o->width, o->height, o->channels);
    l.total = t->total * o->batch;
    if (net->random) {
        l.size_of = size_of;
        l.context = (void *)t;
    }
    return l;
}

/* A size that the layers refuse is told before the training, not when it is drawn. Looks at each size that comes up when the factor rises
 * in small steps. Leaves the largest in *w and *h. */
static int check_sizes(struct trainer *t, int *w, int *h, struct error *err)
{
    struct network *net = t->net;
    const struct net_options *o = &net->options;
    *w = *h = 0;
    for (int i = 0; i <= 1000; i++) {
        const double factor = 1 / resize_range + (resize_range - 1 / resize_range) * i / 1000;
        const int next_w = scaled(o->width, factor, o->resize_step), next_h = scaled(o->height, factor, o->resize_step);
        if (next_w == *w && next_h == *h)
            continue;
        *w = next_w;
        *h = next_h;
        size_t bytes;
        if (network_plan_bytes(net, t->part, *w, *h, true, &bytes, err) != 0)
            return option_error(
                &net->config, net_section(net), "resize_step", err,
                "random=1 makes the input %d x %d in training, which doesn't fit (see above); expected another resize_step= "
                "(it is %d), such as the product of the strides, or random=0",
                *w, *h, o->resize_step);
    }
    return 0;
}

/* The order of the first epoch where the sampler makes classes come more or less often than the data has them; else NULL. Owned by the
 * caller. */
static int *first_order(const struct trainer *t)
{
    const struct loader_options o = trainer_loader_options(t);
    if (o.sampler.kind != SAMPLER_BALANCED && o.sampler.kind != SAMPLER_WEIGHTED)
        return NULL;
    int *order = mem_new((size_t)t->data.n_samples, sizeof *order);
    sampler_order(&o.sampler, &t->data, t->seed, 0, order);
    return order;
}

/* prior=data: the last bias begins with the classes as frequent as the training shows them. */
static int begin_with_frequencies(struct trainer *t, struct error *err)
{
    const struct dataset *d = &t->data;
    const int n = t->net->n_classes;
    if (!init_wants_frequencies(t->net))
        return 0;
    double *p = mem_new((size_t)n, sizeof *p);
    int *order = first_order(t);
    for (int i = 0; i < d->n_samples; i++) {
        const struct sample *s = &d->sample[order ? order[i] : i];
        if (s->target)
            for (int k = 0; k < n; k++)
                p[k] += (double)s->target[k] / d->n_samples;
        else if (n == 1)
            p[0] += (double)(s->label > 0) / d->n_samples;
        else
            p[s->label] += 1.0 / d->n_samples; /* dataset_open has checked that it is one of the n */
    }
    const int result = init_set_frequencies(t->net, p, n, d->n_samples, err);
    free(p);
    free(order);
    return result;
}

int trainer_open(struct trainer *t, struct network *net, const struct data_options *data, int threads, struct error *err)
{
    const struct net_options *o = &net->options;
    *t = (struct trainer){.net = net, .part = o->batch / o->subdivisions, .seed = net->seed, .threads = threads, .augments = data->augment};
    if (!has_loss(net))
        return error_at(err, EXIT_DATA, net->config.path, 0,
                        "no layer computes a loss, expected a [softmax] or [cost] at the end, or a [yolo] or [region]");
    const enum task task = network_is_detector(net) ? TASK_DETECT : TASK_CLASSIFY;
    if (dataset_open(&t->data, data, SPLIT_TRAIN, task, net->n_classes, o->width, o->height, o->channels, t->seed, err) != 0)
        return -1;
    if (check_sampler(t, err) != 0 || recipe_read(&t->recipe, &net->config, o, task == TASK_DETECT, err) != 0 ||
        recipe_open(&t->recipe, &t->data, err) != 0 || begin_with_frequencies(t, err) != 0 || find_total(t, err) != 0 ||
        optimizer_init(&t->optimizer, net, err) != 0) {
        trainer_close(t);
        return -1;
    }
    if (t->optimizer.n_params == 0) {
        trainer_close(t);
        return error_at(err, EXIT_DATA, net->config.path, 0,
                        "nothing learns: every parameter is frozen (freeze=, lr_mult=0, stopbackward=), or there is none");
    }
    int w = o->width, h = o->height;
    if ((net->random && check_sizes(t, &w, &h, err) != 0) || network_plan(net, t->part, w, h, true, err) != 0) {
        trainer_close(t);
        return -1;
    }
    if (task != TASK_DETECT)
        t->label = mem_new((size_t)t->part * (size_t)net->n_classes, sizeof(real));
    struct loader_options l = trainer_loader_options(t);
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *fitting = &net->layer[i];
        const size_t bytes = fitting->fitted && !(fitting->fitted->value[0] > 0) ? fitting->type->fit->bytes(fitting) : 0;
        t->fit_bytes = bytes > t->fit_bytes ? bytes : t->fit_bytes;
    }
    t->slot_bytes = (size_t)optimizer_slots(o) * net->param_bytes;
    t->bytes = 2 * net->param_bytes + t->slot_bytes + net->arena_bytes + loader_bytes(&l) + dataset_keep(&t->data, data);
    return 0;
}

int trainer_start(struct trainer *t, struct error *err)
{
    const struct loader_options l = trainer_loader_options(t);
    t->loader = loader_open(&t->data, &l, err);
    return t->loader ? 0 : -1;
}

static int diverged(struct trainer *t, const struct run *run, struct error *err)
{
    struct network *net = t->net;
    const int i = network_find_nonfinite(net, run);
    const char *hint = "a lower learning_rate= or a longer burn_in= often helps";
    if (i < 0)
        return error_add(err, EXIT_FAIL, "iteration %lld: the loss is not finite; %s", (long long)t->iteration + 1, hint);
    return error_at(err, EXIT_FAIL, net->config.path, net->layer[i].section->line,
                    "iteration %lld: the loss is not finite, first in the output of layer %d [%s]; %s", (long long)t->iteration + 1, i,
                    net->layer[i].type->name, hint);
}

/* One forward and backward pass over `part` images; adds to the gradients and to *sum. */
static int pass(struct trainer *t, int number, double *sum, struct error *err)
{
    struct network *net = t->net;
    struct batch *b;
    if (loader_next(t->loader, &b, err) != 1)
        return -1;
    if ((b->w != net->input.shape.w || b->h != net->input.shape.h) && network_plan(net, t->part, b->w, b->h, true, err) != 0)
        return -1;
    network_set_input(net, b->input);
    struct targets targets = {.box = b->box, .box_start = b->box_start};
    if (b->label) {
        for (size_t i = 0; i < (size_t)t->part * (size_t)net->n_classes; i++)
            t->label[i] = b->label[i];
        targets.label = t->label;
        targets.n_labels = net->n_classes;
    }
    const struct run run = {.mode = MODE_TRAIN,
                            .seed = t->seed,
                            .step = (uint64_t)t->iteration * (uint64_t)net->options.subdivisions + (uint64_t)number,
                            .targets = &targets};
    const double loss = network_forward(net, &run);
    if (!isfinite(loss))
        return diverged(t, &run, err);
    *sum += loss;
    network_backward(net, &run);
    return 0;
}

int trainer_step(struct trainer *t, double rate, double *loss, struct error *err)
{
    struct network *net = t->net;
    const struct net_options *o = &net->options;
    double sum = 0;
    network_zero_grads(net);
    for (int i = 0; i < o->subdivisions; i++)
        if (pass(t, i, &sum, err) != 0)
            return -1;
    const struct param *bad = optimizer_step(&t->optimizer, net, rate, o->batch, t->iteration);
    if (bad)
        return error_add(err, EXIT_FAIL, "iteration %lld: the gradient of %s is not finite; a lower learning_rate= often helps",
                         (long long)t->iteration + 1, bad->name);
    t->iteration++;
    net->seen += (uint64_t)o->batch;
    *loss = sum / o->batch;
    return 0;
}

int64_t trainer_epoch(const struct trainer *t)
{
    return (t->data.n_samples + t->net->options.batch - 1) / t->net->options.batch;
}

void trainer_close(struct trainer *t)
{
    if (t->loader)
        loader_close(t->loader);
    t->loader = NULL;
    optimizer_free(&t->optimizer);
    dataset_close(&t->data);
    recipe_free(&t->recipe);
    free(t->label);
    t->label = NULL;
}
