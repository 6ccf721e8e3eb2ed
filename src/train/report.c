#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "train/regularise.h"

static void format_seconds(double s, char *out, size_t size)
{
    const long t = s > 0 && s < 1e9 ? lround(s) : 0;
    if (t >= 3600)
        snprintf(out, size, "%ldh%02ldm", t / 3600, t / 60 % 60);
    else
        snprintf(out, size, "%ldm%02lds", t / 60, t % 60);
}

double report_penalty(const struct training *r)
{
    return regularise_penalty(&r->net->options, r->net->param, r->net->n_params);
}

void report_progress(struct training *r, double rate, double loss, bool row)
{
    if (r->o->quiet || (!r->terminal && !row))
        return;
    const double t = clock_seconds();
    if (r->terminal && !row && t - r->shown < 0.2)
        return;
    r->shown = t;
    const struct trainer *tr = &r->trainer;
    const double per = (t - r->started) / (double)(tr->iteration - r->first);
    char eta[32];
    format_seconds(per * (double)(tr->total - tr->iteration), eta, sizeof eta);
    char penalty[40] = "";
    if (r->metrics.penalty)
        snprintf(penalty, sizeof penalty, " + penalty %.4f", report_penalty(r));
    fprintf(stderr, "%s%lld/%lld  epoch %.2f  loss %.4f%s  rate %.3g  %.1f images/s  ETA %s%s", r->terminal ? "\r" : "",
            (long long)tr->iteration, (long long)tr->total, (double)tr->iteration * r->net->options.batch / tr->data.n_samples, loss,
            penalty, rate, r->net->options.batch / per, eta, r->terminal ? "\033[K" : "\n");
    if (r->o->verbose && row)
        for (int i = 0; i < r->net->n_layers; i++)
            if (r->net->layer[i].figures[0])
                fprintf(stderr, "%s  layer %d [%s]: %s\n", r->terminal ? "\n" : "", i, r->net->layer[i].type->name,
                        r->net->layer[i].figures);
    fflush(stderr);
}

void report_end_line(struct training *r)
{
    if (r->terminal && !r->o->quiet && r->shown > 0)
        fputc('\n', stderr);
    r->shown = 0;
}

void report_row(const struct evaluation *e, double row[METRICS])
{
    const double figures[][METRIC_PENALTY - METRIC_A] = {[TASK_CLASSIFY] = {e->top1, e->top5, NAN},
                                                         [TASK_DETECT] = {e->map50, e->precision, e->recall},
                                                         [TASK_REGRESS] = {e->rmse, e->mae, e->r2},
                                                         [TASK_LABELS] = {e->accuracy, e->exact, NAN}};
    row[METRIC_VALID_LOSS] = e->loss;
    memcpy(&row[METRIC_A], figures[e->task], sizeof figures[0]);
}

void report_validation(struct training *r, const char *of, const struct evaluation *e, const char *note)
{
    if (r->o->quiet)
        return;
    report_end_line(r);
    double row[METRICS];
    report_row(e, row);
    fprintf(stderr, "validation %s: ", of);
    for (int i = METRIC_A; i < METRIC_PENALTY; i++)
        if (metric_name(e->task, (enum metric)i))
            fprintf(stderr, "%s %.4f  ", metric_name(e->task, (enum metric)i), row[i]);
    fprintf(stderr, "loss %.4f%s\n", e->loss, note);
}

void report_start(const struct training *r)
{
    if (r->o->quiet)
        return;
    const struct trainer *t = &r->trainer;
    fprintf(stderr, "%s: %d layers, %d training %ss, %d for validation, batch %d, %lld iterations (%.1f epochs)\n", r->net->config.path,
            r->net->n_layers, t->data.n_samples, dataset_unit(&t->data), r->has_valid ? r->valid.n_samples : 0, r->net->options.batch,
            (long long)t->total, (double)t->total * r->net->options.batch / t->data.n_samples);
    fprintf(stderr, "memory: about %.0f MB at most (parameters, gradients and optimiser %.1f MB, activations %.1f MB, loader %.1f MB)\n",
            (double)t->bytes / 1e6, 1e-6 * (double)(2 * r->net->param_bytes + t->slot_bytes), 1e-6 * (double)r->net->arena_bytes,
            1e-6 * (double)(t->bytes - 2 * r->net->param_bytes - t->slot_bytes - r->net->arena_bytes));
    if (t->fit_bytes > (size_t)1 << 20)
        fprintf(stderr, "statistics of the training data: %.0f MB more, before the training begins\n", 1e-6 * (double)t->fit_bytes);
    if (r->averages.bytes > 0)
        fprintf(stderr, "means of the weights (ema=, swa_start=): %.1f MB more\n", 1e-6 * (double)r->averages.bytes);
    char text[400];
    optimizer_describe(&r->net->options, text, sizeof text);
    fprintf(stderr, "optimiser: %s\n", text);
    if (t->data.n_classes < r->net->n_classes)
        fprintf(stderr, "dlnet: warning: the network has %d classes, the training data only %d\n", r->net->n_classes, t->data.n_classes);
    const struct dataset *sets[2] = {&t->data, &r->valid};
    for (int i = 0; i < 1 + (int)r->has_valid; i++) {
        if (sets[i]->unlabelled > 0)
            fprintf(stderr, "%s data: %d of %d images have no label file and count as images without objects\n",
                    i ? "validation" : "training", sets[i]->unlabelled, sets[i]->n_samples);
        if (sets[i]->bad > 0)
            fprintf(stderr, "dlnet: warning: %d bad sample%s or label%s left out of the %s data, the first: %s\n", sets[i]->bad,
                    sets[i]->bad > 1 ? "s" : "", sets[i]->bad > 1 ? "s" : "", i ? "validation" : "training", sets[i]->first_bad.text);
    }
}
