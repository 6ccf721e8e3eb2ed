#include "diagnose/feed.h"

#include "base/clock.h"
#include "base/mem.h"
#include "train/trainer.h"

enum { TURNS = 3, DEFAULT_REPS = 30 };
/* So small that a thousand updates on one batch don't blow the weights up. */
static const double rate = 1e-7;

/* One update on a batch, as trainer_step makes it. */
static void step(struct trainer *t, const struct batch *b)
{
    struct network *net = t->net;
    network_set_input(net, b->input);
    struct targets targets = {.box = b->box, .box_start = b->box_start};
    if (b->label) {
        for (size_t i = 0; i < (size_t)t->part * (size_t)net->n_classes; i++)
            t->label[i] = b->label[i];
        targets.label = t->label;
        targets.n_labels = net->n_classes;
    }
    const struct run run = {.mode = MODE_TRAIN, .seed = t->seed, .step = (uint64_t)t->iteration, .targets = &targets};
    network_forward(net, &run);
    network_backward(net, &run);
    optimizer_step(&t->optimizer, net, rate, t->part, t->iteration++);
}

/* `n` steps after `first` that don't count; their milliseconds are added to *ms. *b: the batch; `next`: a new one each time. */
static int steps(struct trainer *t, struct batch **b, bool next, int first, int n, double *ms, struct error *err)
{
    double start = clock_seconds();
    for (int i = -first; i < n; i++) {
        if (i == 0)
            start = clock_seconds();
        if (next && loader_next(t->loader, b, err) != 1)
            return -1;
        step(t, *b);
    }
    *ms += 1e3 * (clock_seconds() - start);
    return 0;
}

int feed_run(struct network *net, const struct feed_options *options, struct feed *out, struct error *err)
{
    *out = (struct feed){0};
    net->random = 0; /* all steps at the size of the cfg */
    struct trainer t;
    if (trainer_open(&t, net, options->data, options->threads, err) != 0)
        return -1;
    const int reps = options->reps > 0 ? options->reps : DEFAULT_REPS, each = (reps + TURNS - 1) / TURNS;
    const int ring = trainer_loader_options(&t).ahead + 1; /* batches made while the loader had the machine for itself */
    struct batch *b = NULL;
    int result = trainer_start(&t, err);
    for (int turn = 0; turn < TURNS && result == 0; turn++) {
        result = steps(&t, &b, true, ring + 1, each, &out->loader_ms, err);
        if (result == 0)
            result = steps(&t, &b, false, ring, each, &out->held_ms, err);
    }
    out->batch = t.part;
    out->reps = each * TURNS;
    out->loader_ms /= out->reps;
    out->held_ms /= out->reps;
    trainer_close(&t);
    return result;
}
