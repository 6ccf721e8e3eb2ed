#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/model.h"
#include "train/checkpoint.h"
#include "train/regularise.h"
#include "train/report.h"
#include "train/schedule.h"

enum { SAVE_SECONDS = 60 }; /* at least one checkpoint in that time */

/* What best_metric= may name, for which task, and which way is better. */
static const struct {
    enum task task; /* −1: all */
    bool lower;
    size_t offset;
} best_figures[] = {
    [BEST_LOSS] = {(enum task) - 1, true, offsetof(struct evaluation, loss)},
    [BEST_TOP1] = {TASK_CLASSIFY, false, offsetof(struct evaluation, top1)},
    [BEST_TOP5] = {TASK_CLASSIFY, false, offsetof(struct evaluation, top5)},
    [BEST_MAP50] = {TASK_DETECT, false, offsetof(struct evaluation, map50)},
    [BEST_MAP] = {TASK_DETECT, false, offsetof(struct evaluation, map)},
    [BEST_PRECISION] = {TASK_DETECT, false, offsetof(struct evaluation, precision)},
    [BEST_RECALL] = {TASK_DETECT, false, offsetof(struct evaluation, recall)},
    [BEST_ACCURACY] = {TASK_LABELS, false, offsetof(struct evaluation, accuracy)},
    [BEST_EXACT] = {TASK_LABELS, false, offsetof(struct evaluation, exact)},
    [BEST_RMSE] = {TASK_REGRESS, true, offsetof(struct evaluation, rmse)},
    [BEST_MAE] = {TASK_REGRESS, true, offsetof(struct evaluation, mae)},
};

static enum best_metric usual_metric(enum task task)
{
    static const enum best_metric usual[] = {
        [TASK_CLASSIFY] = BEST_TOP1, [TASK_DETECT] = BEST_MAP50, [TASK_REGRESS] = BEST_RMSE, [TASK_LABELS] = BEST_ACCURACY};
    return usual[task];
}

/* The figure that best_metric= names; what isn't a number is the worst. */
static double figure_of(const struct training *r, const struct evaluation *e)
{
    const double v = *(const double *)(const void *)((const char *)e + best_figures[r->metric].offset);
    return isfinite(v) ? v : best_figures[r->metric].lower ? INFINITY : 0;
}

static int measure(struct training *r, struct evaluation *e, struct error *err)
{
    struct evaluate_options o = EVALUATE_DEFAULTS;
    o.threads = r->o->threads;
    o.yes = r->yes;
    return evaluate(r->net, &r->valid, &o, e, err);
}

/* policy=plateau. */
static void watch_plateau(struct training *r, double loss, double figure)
{
    const struct net_options *o = &r->net->options;
    if (o->policy != POLICY_PLATEAU)
        return;
    const bool metric = o->plateau_watch == PLATEAU_METRIC;
    struct plateau *p = &r->progress.plateau;
    if (schedule_plateau(o, p, metric ? figure : loss, metric && !best_figures[r->metric].lower) && !r->o->quiet)
        fprintf(stderr, "the validation has stopped improving: reduction %d of the learning rate\n", p->reductions);
}

/* Of the network as it is. */
static int validate_network(struct training *r, double row[METRICS], struct error *err)
{
    struct progress *p = &r->progress;
    struct evaluation e;
    if (measure(r, &e, err) != 0)
        return -1;
    report_row(&e, row);
    const double figure = figure_of(r, &e);
    const bool better = isnan(p->best) || (best_figures[r->metric].lower ? figure < p->best : figure > p->best);
    p->stale = better ? 0 : p->stale + 1;
    if (better) {
        p->best = figure;
        p->best_iteration = r->trainer.iteration;
    }
    char of[64];
    snprintf(of, sizeof of, "%sat %lld", average_kept(&r->averages.ema) ? "of the EMA weights " : "", (long long)r->trainer.iteration);
    report_validation(r, of, &e, better ? "  (best)" : "");
    watch_plateau(r, e.loss, figure);
    evaluation_free(&e);
    return better ? model_write(r->net, r->best, NULL, err) : 0;
}

/* With ema=, the averaged weights are what is validated and saved as best. */
static int validate(struct training *r, double row[METRICS], struct error *err)
{
    struct average *ema = &r->averages.ema;
    if (!average_kept(ema))
        return validate_network(r, row, err);
    average_swap(ema, r->net);
    const int result = validate_network(r, row, err);
    average_swap(ema, r->net);
    return result;
}

/* patience= is at its end. */
static bool exhausted(const struct training *r)
{
    const int patience = r->net->options.patience;
    return patience > 0 && r->progress.stale >= patience;
}

/* The weights of now, or of a mean (a not NULL), as a model in the run folder. */
static int write_model(struct training *r, struct average *a, const char *name, struct error *err)
{
    char *path = text_join(r->o->out, name);
    if (a)
        average_swap(a, r->net);
    const int result = model_write(r->net, path, NULL, err);
    if (a)
        average_swap(a, r->net);
    free(path);
    return result;
}

/* policy=snapshot: a model at the end of each cycle. */
static int snapshot(struct training *r, struct error *err)
{
    const struct trainer *t = &r->trainer;
    const int64_t cycle = schedule_cycle(&r->net->options, t->total);
    if (r->net->options.policy != POLICY_SNAPSHOT || (t->iteration % cycle != 0 && t->iteration != t->total))
        return 0;
    char name[64];
    snprintf(name, sizeof name, "snapshot-%lld.safetensors", (long long)((t->iteration + cycle - 1) / cycle));
    return write_model(r, NULL, name, err);
}

/* swa.safetensors: the mean, with statistics of its own. Afterwards the network holds it. */
static int finish_swa(struct training *r, struct error *err)
{
    if (r->averages.swa.count == 0) {
        if (!r->o->quiet)
            fprintf(stderr, "no swa.safetensors: the training ended before swa_start=\n");
        return 0;
    }
    average_swap(&r->averages.swa, r->net);
    if (trainer_calibrate(&r->trainer, err) != 0 || write_model(r, NULL, "swa.safetensors", err) != 0)
        return -1;
    if (!r->has_valid || r->o->quiet)
        return 0;
    struct evaluation e;
    if (measure(r, &e, err) != 0)
        return -1;
    report_validation(r, "of swa.safetensors", &e, "");
    evaluation_free(&e);
    return 0;
}

/* What follows the last update; done again by a resumed run that was killed in it. */
static int finish(struct training *r, struct error *err)
{
    const struct progress *p = &r->progress;
    if (exhausted(r) && !r->o->quiet)
        fprintf(stderr,
                "stopped early at iteration %lld of %lld: %s hasn't improved in %lld validations (patience=%d); best: %.4f at %lld\n",
                (long long)r->trainer.iteration, (long long)r->trainer.total, best_metric_names[r->metric], (long long)p->stale,
                r->net->options.patience, p->best, (long long)p->best_iteration);
    if (average_kept(&r->averages.ema) && write_model(r, &r->averages.ema, "ema.safetensors", err) != 0)
        return -1;
    return average_kept(&r->averages.swa) ? finish_swa(r, err) : 0;
}

static int save(struct training *r, struct error *err)
{
    r->saved = clock_seconds();
    return checkpoint_write(&r->trainer, &r->averages, &r->progress, r->last, err);
}

/* All that follows an update: the log row, the validation, the checkpoint. */
static int after_update(struct training *r, double rate, double loss, bool stopping, struct error *err)
{
    struct trainer *t = &r->trainer;
    const int64_t i = t->iteration;
    const bool end = i == t->total;
    const bool valid = r->has_valid && (i % r->valid_every == 0 || end);
    const bool log = valid || i % r->log_every == 0 || end;
    averages_update(&r->averages, r->net, i);
    r->progress.loss_sum += loss;
    r->progress.loss_count++;
    report_progress(r, rate, r->progress.loss_sum / (double)r->progress.loss_count, log);
    if (log) {
        double row[METRICS];
        for (int k = 0; k < METRICS; k++)
            row[k] = NAN;
        row[METRIC_ITERATION] = (double)i;
        row[METRIC_EPOCH] = (double)i * r->net->options.batch / t->data.n_samples;
        row[METRIC_RATE] = rate;
        row[METRIC_LOSS] = r->progress.loss_sum / (double)r->progress.loss_count;
        if (r->metrics.penalty)
            row[METRIC_PENALTY] = report_penalty(r);
        if (valid && validate(r, row, err) != 0)
            return -1;
        if (metrics_add(&r->metrics, row, err) != 0)
            return -1;
        r->progress.loss_sum = 0;
        r->progress.loss_count = 0;
        if ((valid || end) && metrics_chart(&r->metrics, text_basename(r->net->config.path), err) != 0)
            return -1;
    }
    const int64_t every = r->net->options.save_every;
    if (end && !r->has_valid && write_model(r, average_kept(&r->averages.ema) ? &r->averages.ema : NULL, "best.safetensors", err) != 0)
        return -1;
    if (snapshot(r, err) != 0)
        return -1;
    if (valid || end || stopping || (every > 0 ? i % every == 0 : clock_seconds() - r->saved > SAVE_SECONDS))
        return save(r, err);
    return 0;
}

static int loop(struct training *r, struct error *err)
{
    struct trainer *t = &r->trainer;
    while (t->iteration < t->total && !exhausted(r)) {
        const double rate = schedule_rate(&r->net->options, r->net->seed, t->iteration, t->total, &r->progress.plateau);
        double loss;
        if (trainer_step(t, rate, &loss, err) != 0) {
            report_end_line(r);
            return -1;
        }
        const bool stopping = r->o->stop && *r->o->stop;
        if (after_update(r, rate, loss, stopping, err) != 0)
            return -1;
        if (stopping && t->iteration < t->total && !exhausted(r)) {
            report_end_line(r);
            return 1;
        }
    }
    report_end_line(r);
    return finish(r, err);
}

/* Keys of [net] that don't fit together, or the data. */
static int check_options(struct training *r, struct error *err)
{
    const struct net_options *o = &r->net->options;
    const struct config *c = &r->net->config;
    const struct config_section *s = config_find(c, "net");
    const int before = err->count;
    const enum task task = r->trainer.data.task;
    r->metric = o->best_metric != BEST_AUTO ? (enum best_metric)o->best_metric : usual_metric(task);
    if (r->metric != BEST_LOSS && best_figures[r->metric].task != task) {
        static const char *const known[] = {[TASK_CLASSIFY] = "a classifier has loss, top1 and top5",
                                            [TASK_DETECT] = "a detector has loss, mAP50, mAP, precision and recall",
                                            [TASK_REGRESS] = "regression has loss, rmse and mae",
                                            [TASK_LABELS] = "labels have loss, accuracy and exact"};
        option_error(c, s, "best_metric", err, "best_metric=%s doesn't fit: %s", best_metric_names[r->metric], known[task]);
    }
    if (o->patience > 0 && !r->has_valid)
        option_error(c, s, "patience", err, "patience=%d waits for a better validation, but [data] has no valid=", o->patience);
    if (o->policy == POLICY_SNAPSHOT && o->snapshots < 1)
        option_error(c, s, "policy", err, "policy=snapshot needs snapshots=, the number of cycles");
    if (o->policy != POLICY_SNAPSHOT && o->snapshots > 0)
        option_error(c, s, "snapshots", err, "snapshots=%d has no effect without policy=snapshot", o->snapshots);
    if (o->swa_start > 0 && r->averages.swa_start > r->trainer.total)
        option_error(c, s, "swa_start", err, "swa_start=%g is beyond the %lld iterations of the training", o->swa_start,
                     (long long)r->trainer.total);
    return err->count > before ? -1 : 0;
}

static int open_valid(struct training *r, const struct data_options *data, struct error *err)
{
    r->has_valid = dataset_has(data, SPLIT_VALID);
    const struct net_options *o = &r->net->options;
    if (!r->has_valid && o->policy == POLICY_PLATEAU)
        return option_error(&r->net->config, config_find(&r->net->config, "net"), "policy", err,
                            "policy=plateau watches the validation, but [data] has no valid=; expected one, or another policy=");
    if (!r->has_valid)
        return 0;
    struct data_options same = *data; /* and the same classes */
    same.known = &r->trainer.data.names;
    if (dataset_open(&r->valid, &same, SPLIT_VALID, r->detector ? TASK_DETECT : TASK_CLASSIFY, r->net->n_classes, o->width, o->height,
                     o->channels, r->trainer.seed, err) != 0)
        return -1;
    if (r->valid.task == r->trainer.data.task)
        return 0;
    dataset_close(&r->valid);
    return error_at(
        err, EXIT_DATA, data->file, data->valid_line,
        "the targets of the validation data are of another kind than those of the training data: say which with task= in [data]");
}

/* A table's model says what its answers are: `predict` sees no target. */
static int keep_task(struct network *net, const struct dataset *d, struct error *err)
{
    if (!dataset_has_values(d) || !config_find(&net->config, "data"))
        return 0;
    char *set = mem_format("data.task=%s", dataset_task_name(d));
    const int result = config_set(&net->config, set, err);
    free(set);
    return result;
}

/* The model carries the names of its classes: the data's, or, where these have none, those of the model that it started from. */
static void name_classes(struct network *net, const struct dataset *d)
{
    if (d->names.n == 0 || net->n_classes == 0)
        return;
    for (int i = 0; net->names && i < net->n_classes; i++)
        free(net->names[i]);
    free(net->names);
    net->names = mem_new((size_t)net->n_classes, sizeof *net->names);
    /* One output tells the second of two classes from the first. */
    const int first = net->n_classes == 1 && d->names.n == 2 ? 1 : 0;
    for (int i = 0; i < net->n_classes; i++)
        net->names[i] = i < d->names.n ? mem_string(d->names.item[first + i]) : mem_format("%d", i);
}

static int begin(struct training *r, struct error *err)
{
    const struct train_options *o = r->o;
    r->last = text_join(o->out, "last.safetensors");
    r->best = text_join(o->out, "best.safetensors");
    if (o->resume && file_exists(r->last)) {
        if (checkpoint_read(&r->trainer, &r->averages, &r->progress, r->last, err) != 0)
            return -1;
        if (!o->quiet)
            fprintf(stderr, "%s: goes on after iteration %lld of %lld\n", o->out, (long long)r->trainer.iteration,
                    (long long)r->trainer.total);
    }
    if (metrics_open(&r->metrics, o->out, r->trainer.data.task, regularise_has_penalty(&r->net->options), (double)r->trainer.iteration,
                     err) != 0)
        return -1;
    char *path = text_join(o->out, "effective.cfg"), *text = config_text(&r->net->config);
    const int result = file_write(path, text, strlen(text), err);
    free(text);
    free(path);
    return result;
}

int train_run(struct network *net, const struct data_options *data, const struct train_options *o, struct error *err)
{
    struct training r = {.net = net,
                         .o = o,
                         .detector = network_is_detector(net),
                         .terminal = isatty(STDERR_FILENO),
                         .yes = data->threshold,
                         .progress = {.best = NAN, .plateau = PLATEAU_START}};
    int result = trainer_open(&r.trainer, net, data, o->threads, err);
    if (result == 0) {
        result = open_valid(&r, data, err);
        if (result == 0)
            result = keep_task(net, &r.trainer.data, err);
        if (result == 0) {
            name_classes(net, &r.trainer.data);
            const int64_t epoch = trainer_epoch(&r.trainer);
            result = averages_init(&r.averages, net, r.trainer.total, epoch, err);
            if (result == 0)
                result = check_options(&r, err);
            r.valid_every = net->options.valid_every > 0 ? net->options.valid_every : epoch < 50 ? 50 : epoch;
            r.log_every = net->options.log_every > 0 ? net->options.log_every : r.valid_every < 20 ? 1 : r.valid_every / 10;
            if (result == 0) {
                report_start(&r);
                result = begin(&r, err);
            }
        }
        if (result == 0)
            result = trainer_fit(&r.trainer, o->quiet ? NULL : stderr, err);
        if (result == 0)
            result = trainer_start(&r.trainer, err);
        r.started = r.saved = clock_seconds();
        r.first = r.trainer.iteration;
        const bool began = result == 0;
        if (began)
            result = loop(&r, err);
        const char *bad;
        const int n_bad = r.trainer.loader ? loader_bad(r.trainer.loader, &bad) : 0;
        if (n_bad > 0)
            fprintf(stderr, "dlnet: warning: %d images could not be read, others stood in for them; the first: %s\n", n_bad, bad);
        if (result < 0 && began && file_exists(r.last))
            error_add(err, EXIT_FAIL, "the last good model is %s", r.last);
        averages_free(&r.averages);
        metrics_close(&r.metrics);
        if (r.has_valid)
            dataset_close(&r.valid);
        trainer_close(&r.trainer);
    }
    free(r.last);
    free(r.best);
    return result;
}
