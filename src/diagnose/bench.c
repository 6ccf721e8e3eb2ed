#include "diagnose/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "diagnose/peak.h"
#include "train/optimizer.h"

enum { WARM_UP = 3, MIN_REPS = 10, MAX_REPS = 1000, BOXES = 4, MAX_TURNS = 1000, TURN_TRIES = 3 };
static const double enough_seconds = 2, turn_seconds = .05;
/* So small that random targets don't blow the weights up in a thousand updates. */
static const double rate = 1e-7;

double bench_rate(const struct bench_pass *p)
{
    return p->ms > 0 ? p->flops / p->ms * 1e-6 : 0;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Sorts x. A tenth of it, one at the least, is no larger, or no smaller. */
static double tenth(double *x, int n, bool largest)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    const int i = (n - 1) / 10;
    return x[largest ? n - 1 - i : i];
}

/* The times of every walk with so many threads: time[column · reps + walk], the columns being forward of each layer, backward of each
 * layer, and three totals. And the tries of the peak between the walks. */
struct times {
    int threads;
    double *time, *peak;
    int n, n_peak; /* that are there */
};

/* What the walks work on. */
struct walks {
    struct network *net;
    const struct bench_options *options;
    int reps;
    real *input; /* the plan may use the network's own for something else after its last reader */
    real *label;
    struct truth_box *box;
    int *box_start;
    struct targets targets;
    struct optimizer optimizer;
    struct times all, one; /* one: none without scaling */
};

static int columns(const struct network *net)
{
    return 2 * net->n_layers + 3;
}

static void fill_labels(struct walks *w, int n_images, int n_labels, struct rng *r)
{
    w->label = mem_new((size_t)n_images * (size_t)n_labels, sizeof *w->label);
    for (int i = 0; i < n_images; i++)
        w->label[(size_t)i * (size_t)n_labels + (size_t)rng_below(r, n_labels)] = 1;
    w->targets.label = w->label;
    w->targets.n_labels = n_labels;
}

static void fill_boxes(struct walks *w, int n_images, int n_classes, struct rng *r)
{
    w->box = mem_new((size_t)n_images * BOXES, sizeof *w->box);
    w->box_start = mem_new((size_t)n_images + 1, sizeof *w->box_start);
    for (int i = 0; i <= n_images; i++)
        w->box_start[i] = i * BOXES;
    for (int i = 0; i < n_images * BOXES; i++) {
        const real width = (real)rng_range(r, .05, .5), height = (real)rng_range(r, .05, .5);
        const struct box box = {(real)rng_range(r, width / 2, 1 - width / 2), (real)rng_range(r, height / 2, 1 - height / 2), width,
                                height};
        w->box[i] = (struct truth_box){.box = box, .class_id = rng_below(r, n_classes > 0 ? n_classes : 1)};
    }
    w->targets.box = w->box;
    w->targets.box_start = w->box_start;
}

static void close_walks(struct walks *w)
{
    mem_free(w->input);
    free(w->label);
    free(w->box);
    free(w->box_start);
    mem_free(w->all.time);
    mem_free(w->one.time);
    free(w->all.peak);
    free(w->one.peak);
    optimizer_free(&w->optimizer);
}

static bool open_times(const struct walks *w, int threads, struct times *t)
{
    t->threads = threads;
    t->time = mem_try((size_t)columns(w->net) * (size_t)w->reps, sizeof *t->time);
    t->peak = mem_new((size_t)MAX_TURNS * TURN_TRIES, sizeof *t->peak);
    return t->time != NULL;
}

static int open_walks(struct walks *w, struct error *err)
{
    struct network *net = w->net;
    bool has_loss = false;
    for (int i = 0; i < net->n_layers; i++)
        has_loss |= net->layer[i].is_loss;
    if (w->options->train && !has_loss)
        return error_at(err, EXIT_DATA, net->config.path, 0, "no layer computes a loss, expected one for --train");
    if (!w->options->train)
        network_fold(net);
    if (network_plan(net, w->options->batch, 0, 0, w->options->train, err) != 0)
        return -1;
    if (!w->options->train)
        network_pack(net, true);
    struct rng r = rng_make(net->seed, RNG_TEST, 0, 0);
    const size_t n = shape_size(net->input.shape);
    w->input = mem_try(n, sizeof *w->input);
    if (!w->input || !open_times(w, parallel_threads(), &w->all) || (w->options->scaling && !open_times(w, 1, &w->one)))
        return error_add(err, EXIT_FAIL, "out of memory: the input of %d images and the times of %d walks", w->options->batch, w->reps);
    for (size_t i = 0; i < n; i++)
        w->input[i] = (real)rng_uniform(&r);
    if (!w->options->train)
        return 0;
    if (network_is_detector(net))
        fill_boxes(w, w->options->batch, net->n_classes, &r);
    else
        fill_labels(w, w->options->batch, (int)shape_each(network_output(net)->out.shape), &r);
    return optimizer_init(&w->optimizer, net, err);
}

/* Milliseconds since *last, which moves on. */
static double lap(double *last)
{
    const double now = clock_seconds(), ms = 1e3 * (now - *last);
    *last = now;
    return ms;
}

/* One walk; its times are written behind those that are there. The clock is read between two layers: some 50 ns each. */
static void walk(struct walks *w, const struct times *to, uint64_t step)
{
    struct network *net = w->net;
    const int layers = net->n_layers;
    const bool train = w->options->train;
    const struct run run = {.mode = train ? MODE_TRAIN : MODE_EVAL, .seed = net->seed, .step = step, .targets = train ? &w->targets : NULL};
    double *time = to->time + to->n;
    const size_t next = (size_t)w->reps; /* from one column to the next */
    memcpy(net->input.x, w->input, shape_size(net->input.shape) * sizeof *w->input);

    const double start = clock_seconds();
    double last = start, middle;
    if (train)
        network_zero_grads(net);
    const double forward = last = clock_seconds();
    for (int i = 0; i < layers; i++) {
        network_forward_layer(net, i, &run);
        time[(size_t)i * next] = lap(&last);
    }
    middle = last;
    for (int i = layers - 1; i >= 0 && train; i--) {
        network_backward_layer(net, i, &run);
        time[(size_t)(layers + i) * next] = lap(&last);
    }
    double *total = time + 2 * (size_t)layers * next;
    total[0] = 1e3 * (middle - forward);
    total[next] = 1e3 * (last - middle);
    if (train)
        optimizer_step(&w->optimizer, net, rate, w->options->batch, (int64_t)step);
    total[2 * next] = 1e3 * (clock_seconds() - start);
}

static double bytes_of(const struct layer *l, bool backward)
{
    double n = (double)shape_size(l->out.shape); /* written, or its gradient read */
    for (int i = 0; i < l->n_in; i++) {
        const double input = (double)shape_size(l->in[i]->shape);
        if (!backward)
            n += input;
        else
            n += (l->backward_reads_in ? input : 0) + (l->in[i]->dx ? input * (l->in_fresh[i] ? 1 : 2) : 0);
    }
    for (int i = 0; i < l->n_params; i++)
        if (l->param[i]->role != PARAM_STATISTIC || !backward)
            n += (double)shape_size(l->param[i]->shape) * (backward && l->param[i]->grad ? 3 : 1);
    return n * (double)sizeof(real);
}

static double backward_flops(const struct layer *l, double forward)
{
    bool input = false, weights = false;
    for (int i = 0; i < l->n_in; i++)
        input |= l->in[i]->dx != NULL;
    for (int i = 0; i < l->n_params; i++)
        weights |= l->param[i]->role == PARAM_WEIGHT && l->param[i]->grad;
    return forward * ((input ? 1 : 0) + (weights ? 1 : 0));
}

static void count(const struct network *net, int batch, bool train, struct bench *b)
{
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        b->forward[i].flops = l->is_absorbed ? 0 : l->flops * batch;
        b->forward[i].bytes = bytes_of(l, false);
        if (train && l->runs_backward) {
            b->backward[i].flops = backward_flops(l, b->forward[i].flops);
            b->backward[i].bytes = bytes_of(l, true);
        }
        b->total[0].flops += l->flops * batch; /* those of layers that others do the work of, too */
        b->total[0].bytes += b->forward[i].bytes;
        b->total[1].flops += b->backward[i].flops;
        b->total[1].bytes += b->backward[i].bytes;
    }
}

/* Walks until there are `until` of them. */
static void walks_until(struct walks *w, struct times *to, int until, uint64_t *step)
{
    for (; to->n < until; to->n++)
        walk(w, to, (*step)++);
}

static void run_turn(struct walks *w, struct times *to, int n, uint64_t *step)
{
    parallel_set(to->threads);
    if (to->n_peak < MAX_TURNS * TURN_TRIES) {
        peak_tries(to->threads, TURN_TRIES, to->peak + to->n_peak);
        to->n_peak += TURN_TRIES;
    }
    walk(w, to, (*step)++);
    walks_until(w, to, n < w->reps - to->n ? to->n + n : w->reps, step);
}

static void run_walks(struct walks *w)
{
    uint64_t step = 0;
    const double begin = clock_seconds();
    for (int i = 0; i < WARM_UP; i++)
        walk(w, &w->all, step++);
    const double start = clock_seconds(), each = (start - begin) / WARM_UP;
    const int turn = each < turn_seconds ? (int)(turn_seconds / each) : 1;
    while (w->all.n < w->reps && (w->options->reps > 0 || w->all.n < MIN_REPS || clock_seconds() - start < enough_seconds))
        if (w->options->scaling) {
            run_turn(w, &w->one, turn, &step);
            run_turn(w, &w->all, turn, &step);
        } else {
            walks_until(w, &w->all, w->all.n + 1, &step);
        }
}

static double *column_of(const struct walks *w, const struct times *t, int column)
{
    return t->time + (size_t)column * (size_t)w->reps;
}

/* 0 where there is none. */
static double median_of(const struct walks *w, const struct times *t, int column)
{
    return t->n > 0 ? bench_median(column_of(w, t, column), t->n) : 0;
}

static void scaling_of(const struct walks *w, struct bench *out)
{
    const struct times *all = &w->all, *one = &w->one;
    const int step = columns(w->net) - 1;
    out->median = (struct bench_scaling){out->step_ms, median_of(w, one, step), bench_median(all->peak, all->n_peak),
                                         bench_median(one->peak, one->n_peak)};
    out->quickest = (struct bench_scaling){tenth(column_of(w, all, step), all->n, false), tenth(column_of(w, one, step), one->n, false),
                                           tenth(all->peak, all->n_peak, true), tenth(one->peak, one->n_peak, true)};
}

int bench_run(struct network *net, const struct bench_options *options, struct bench *out, struct error *err)
{
    struct walks w = {.net = net, .options = options, .reps = options->reps > 0 ? options->reps : MAX_REPS};
    *out = (struct bench){0};
    if (open_walks(&w, err) != 0) {
        close_walks(&w);
        return -1;
    }
    run_walks(&w);
    out->reps = w.all.n;
    const int layers = net->n_layers;
    out->forward = mem_new((size_t)layers, sizeof *out->forward);
    out->backward = mem_new((size_t)layers, sizeof *out->backward);
    count(net, options->batch, options->train, out);
    for (int column = 0; column < columns(net); column++) {
        const int total = column - 2 * layers;
        struct bench_pass *pass = total == 2        ? NULL
                                  : total >= 0      ? &out->total[total]
                                  : column < layers ? &out->forward[column]
                                                    : &out->backward[column - layers];
        if (!options->train && (total == 1 || (total < 0 && column >= layers)))
            continue;
        *(pass ? &pass->ms : &out->step_ms) = median_of(&w, &w.all, column);
        if (pass)
            pass->ms_one = median_of(&w, &w.one, column);
    }
    if (options->scaling)
        scaling_of(&w, out);
    close_walks(&w);
    return 0;
}

void bench_free(struct bench *b)
{
    free(b->forward);
    free(b->backward);
    *b = (struct bench){0};
}
