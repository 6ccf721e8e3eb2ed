#include "cli/folds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/cli_model.h"
#include "cli/session.h"
#include "data/csv.h"
#include "train/metrics.h"

enum { FIGURES = METRICS - METRIC_VALID_LOSS }; /* the loss, then those of the task */

/* Figures of all folds. NaN: not a number in metrics.csv. */
struct results {
    char *name[FIGURES]; /* owned */
    int n;
    double (*fold)[FIGURES];
};

static char *fold_path(const struct folds *f, int fold)
{
    return mem_format("%s/fold-%d", f->folder, fold);
}

bool folds_are_there(const char *folder)
{
    char *path = text_join(folder, "fold-1/last.safetensors");
    const bool there = file_exists(path);
    free(path);
    return there;
}

/* The last validation stands in the last row of metrics.csv, also of a fold that an earlier call of the program has trained. */
static int read_figures(const char *folder, int fold, struct results *r, struct error *err)
{
    char *path = text_join(folder, "metrics.csv");
    struct csv t;
    int result = csv_read(&t, path, CSV_COMMA, CSV_HEADER_YES, err);
    if (result == 0 && (t.n_rows == 0 || t.n_columns <= METRIC_VALID_LOSS || t.n_columns > METRICS))
        result =
            error_at(err, EXIT_DATA, path, 0, "found %d rows of %d columns, expected the figures of a training", t.n_rows, t.n_columns);
    if (result == 0) {
        r->n = t.n_columns - METRIC_VALID_LOSS;
        for (int i = 0; i < r->n; i++) {
            const int column = METRIC_VALID_LOSS + i;
            if (!r->name[i])
                r->name[i] = mem_string(i == 0 ? "loss" : t.name.item[column]);
            if (!text_to_double(csv_cell(&t, t.n_rows - 1, column), &r->fold[fold - 1][i]))
                r->fold[fold - 1][i] = NAN;
        }
        csv_free(&t);
    }
    free(path);
    return result;
}

/* The network of a fold: the cfg's, with folds= and fold= set. */
static struct network *build(const struct folds *f, int fold, struct error *err)
{
    struct cli_common common = *f->common;
    char *own[2] = {mem_format("data.folds=%d", f->n), mem_format("data.fold=%d", fold)};
    common.sets = mem_new((size_t)common.n_sets + 2, sizeof *common.sets);
    for (int i = 0; i < f->common->n_sets; i++)
        common.sets[i] = f->common->sets[i];
    for (int i = 0; i < 2; i++)
        common.sets[common.n_sets++] = own[i];
    struct network *net = cli_build(f->cfg, &common, err);
    if (net && f->init && cli_start_from(net, f->init, f->layers, f->common->quiet, err) != 0) {
        network_free(net);
        net = NULL;
    }
    free(common.sets);
    free(own[0]);
    free(own[1]);
    return net;
}

static int train_fold(const struct folds *f, int fold, const char *folder, struct error *err)
{
    struct network *net = build(f, fold, err);
    if (!net)
        return -1;
    struct data_options data;
    int result = data_options_read(&data, &net->config, f->common->data_file, err);
    if (result == 0) {
        if (fold == 1 && !f->common->quiet)
            cli_warn_config(net);
        if (!f->common->quiet)
            fprintf(stderr, "fold %d of %d\n", fold, f->n);
        const struct train_options o = {.out = folder,
                                        .resume = f->resume,
                                        .threads = parallel_threads(),
                                        .quiet = f->common->quiet,
                                        .verbose = f->common->verbose,
                                        .stop = f->stop};
        result = train_run(net, &data, &o, err);
        data_options_free(&data);
    }
    network_free(net);
    return result;
}

/* Mean and standard deviation (of a sample: over n − 1) of a figure. */
static void summarise(const struct results *r, int n, int figure, double *mean, double *deviation)
{
    *mean = 0;
    for (int k = 0; k < n; k++)
        *mean += r->fold[k][figure] / n;
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += (r->fold[k][figure] - *mean) * (r->fold[k][figure] - *mean);
    *deviation = sqrt(sum / (n - 1));
}

static void print_row(const char *label, const double *v, int n)
{
    printf("%-4s", label);
    for (int i = 1; i <= n; i++)
        printf(isnan(v[i % n]) ? "          -" : " %10.4f", v[i % n]);
    putchar('\n');
}

/* The figures of the task come first, then the loss. */
static void print_text(const struct folds *f, const struct results *r)
{
    double mean[FIGURES], deviation[FIGURES];
    printf("%-4s", "fold");
    for (int i = 1; i <= r->n; i++)
        printf(" %10s", r->name[i % r->n]);
    putchar('\n');
    for (int k = 0; k < f->n; k++) {
        char label[16];
        snprintf(label, sizeof label, "%d", k + 1);
        print_row(label, r->fold[k], r->n);
    }
    for (int i = 0; i < r->n; i++)
        summarise(r, f->n, i, &mean[i], &deviation[i]);
    print_row("mean", mean, r->n);
    print_row("sd", deviation, r->n);
}

static void add_figure(cJSON *object, const char *key, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(object, key, v);
    else
        cJSON_AddNullToObject(object, key);
}

static int print_json(const struct folds *f, const struct results *r, struct error *err)
{
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "folds");
    for (int k = 0; k < f->n; k++) {
        cJSON *fold = cJSON_CreateObject();
        char *folder = fold_path(f, k + 1), *best = text_join(folder, "best.safetensors");
        cJSON_AddNumberToObject(fold, "fold", k + 1);
        for (int i = 0; i < r->n; i++)
            add_figure(fold, r->name[i], r->fold[k][i]);
        cli_json_text(fold, "best", best);
        cJSON_AddItemToArray(list, fold);
        free(best);
        free(folder);
    }
    cJSON *means = cJSON_AddObjectToObject(root, "mean"), *deviations = cJSON_AddObjectToObject(root, "sd");
    for (int i = 0; i < r->n; i++) {
        double mean, deviation;
        summarise(r, f->n, i, &mean, &deviation);
        add_figure(means, r->name[i], mean);
        add_figure(deviations, r->name[i], deviation);
    }
    return cli_json_line(root, err);
}

int folds_train(const struct folds *f, struct error *err)
{
    struct results r = {.fold = mem_new((size_t)f->n, sizeof *r.fold)};
    int result = 0;
    for (int fold = 1; fold <= f->n && result == 0; fold++) {
        char *folder = fold_path(f, fold);
        result = file_make_dirs(folder, err);
        if (result == 0)
            result = train_fold(f, fold, folder, err);
        if (result == 0)
            result = read_figures(folder, fold, &r, err);
        if (result != 0)
            rmdir(folder); /* goes only when it is empty */
        free(folder);
    }
    if (result == 0 && f->common->json)
        result = print_json(f, &r, err);
    else if (result == 0)
        print_text(f, &r);
    for (int i = 0; i < FIGURES; i++)
        free(r.name[i]);
    free(r.fold);
    return result;
}
