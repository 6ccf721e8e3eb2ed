/* dlnet data: what a data set holds, and what is wrong with it. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/data_report.h"
#include "data/formats.h"

const char cmd_data_usage[] =
    "Usage: dlnet data CFG [options]\n"
    "\n"
    "Looks at every sample of the data that a cfg names, as the network would get it, and prints a table: samples\n"
    "and classes of each split, sizes of images and boxes, missing and empty labels, boxes outside or without area,\n"
    "unreadable and truncated images, turned ones (EXIF), equal ones. What is wrong is told on stderr, file and\n"
    "line, the first 10 mistakes of each split (-v: all of them).\n"
    "\n"
    "  --split NAME    train, valid or test; without it all that the cfg has\n"
    "  --quick         labels alone: no image is read\n"
    "  --picture FILE  a .png: bars of the classes, sizes of the boxes, samples with their boxes\n"
    "  --data FILE     a Darknet .data file instead of the [data] section\n"
    "  --json          one object: task, classes, splits, shared (equal samples of two splits), warnings\n"
    "\n"
    "The exit status is 65 when something is wrong and [data] has on_bad=error (in tables: unless it has\n"
    "on_bad=skip), or when nothing is left of a split; else 0.\n"
    "\n"
    "  dlnet data cfg/yolo.cfg --picture data.png\n"
    "  dlnet data my.cfg --set data.on_bad=error -q || echo not yet\n"
    "  dlnet data my.cfg --json | jq .splits.train.problems\n";

enum { TOLD = 10 };

static void show_progress(int done, int of)
{
    if (done < of)
        fprintf(stderr, "\r%d of %d ", done, of);
    else
        fputs("\r                         \r", stderr);
}

static void warn(struct data_report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct data_report *r, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_list_add(&r->warnings, text);
}

static int open_split(struct data_report *r, const struct network *net, const struct data_options *o, enum split split, struct error *err)
{
    const struct shape s = net->input.shape;
    struct data_options own = *o;
    const struct text_list known = {.item = net->names, .n = net->names ? net->n_classes : 0};
    own.on_bad = 0; /* all mistakes are wanted, not the first */
    own.on_bad_given = true;
    own.complaints = &r->complaints[split];
    own.known = r->has[SPLIT_TRAIN] ? &r->data[SPLIT_TRAIN].names : known.n > 0 ? &known : NULL;
    if (dataset_open(&r->data[split], &own, split, network_is_detector(net) ? TASK_DETECT : TASK_CLASSIFY, net->n_classes, s.w, s.h, s.c,
                     net->seed, err) != 0)
        return -1;
    r->has[split] = true;
    return 0;
}

static void warn_of_classes(struct data_report *r, const struct network *net)
{
    for (int k = 0; k < DATA_SPLITS; k++) {
        const struct dataset *d = &r->data[k];
        int none = 0;
        const char *first = NULL;
        for (int i = 0; r->has[k] && d->task == TASK_CLASSIFY && i < r->found[k].n_classes; i++)
            if (r->found[k].objects[i] == 0 && none++ == 0)
                first = i < d->names.n ? d->names.item[i] : "";
        for (int i = 0; r->has[k] && d->task == TASK_DETECT && i < r->found[k].n_classes; i++)
            if (r->found[k].objects[i] == 0 && none++ == 0)
                first = i < d->names.n ? d->names.item[i] : "";
        if (none > 0)
            warn(r, "%s: %d of %d classes have no example, the first is '%s'", split_name((enum split)k), none, r->found[k].n_classes,
                 first);
        if (r->has[k] && net->n_classes > d->n_classes && d->task != TASK_REGRESS && net->n_classes > 1)
            warn(r, "%s: the network has %d classes, the data %d", split_name((enum split)k), net->n_classes, d->n_classes);
    }
    int first = 0;
    while (!r->has[first])
        first++;
    if (net->options.flip && !dataset_has_values(&r->data[first]) && inspect_is_writing(&r->data[first].names) &&
        !config_find(&net->config, "augment"))
        warn(r, "the classes look like digits or letters, which mirroring changes, but flip=1 mirrors half of the training images: write "
                "flip=0 in [net] unless that is meant");
}

static void compare_splits(struct data_report *r)
{
    for (int a = 0; a < DATA_SPLITS; a++)
        for (int b = a + 1; b < DATA_SPLITS; b++) {
            struct data_shared *s = &r->shared[r->n_shared];
            if (!r->has[a] || !r->has[b])
                continue;
            *s = (struct data_shared){.a = a, .b = b};
            s->n = inspect_shared(&r->found[a], &r->found[b], DATA_PAIRS, s->pair);
            if (s->n == 0)
                continue;
            warn(r, "%d of the %d %ss of %s are in %s too: the first is %s, equal to %s", s->n, r->data[b].n_samples,
                 dataset_unit(&r->data[b]), split_name((enum split)b), split_name((enum split)a), r->data[b].sample[s->pair[0][1]].name,
                 r->data[a].sample[s->pair[0][0]].name);
            r->n_shared++;
        }
}

/* The mistakes of a split, on stderr. */
static void tell(const struct data_report *r, int split, bool verbose)
{
    const struct text_list *lists[] = {&r->complaints[split], &r->found[split].complaints};
    int told = 0, all = 0;
    for (int l = 0; l < 2; l++)
        for (int i = 0; i < lists[l]->n; i++, all++)
            if (verbose || all < TOLD) {
                cli_warn("%s: %s", split_name((enum split)split), lists[l]->item[i]);
                told++;
            }
    if (all > told)
        cli_warn("%s: and %d more mistakes (-v shows them)", split_name((enum split)split), all - told);
}

/* Opens and looks; an exit status. */
static int look(struct data_report *r, const struct network *net, const struct data_options *o, const struct cli_common *common, int split,
                bool quick)
{
    int status = EXIT_OK;
    for (int k = 0; k < DATA_SPLITS; k++) {
        struct error err = ERROR_INIT;
        if (split >= 0 ? k != split : !dataset_has(o, (enum split)k) && k != SPLIT_TRAIN)
            continue;
        if (open_split(r, net, o, (enum split)k, &err) != 0)
            status = cli_fail(&err);
    }
    bool any = false;
    for (int k = 0; k < DATA_SPLITS; k++) {
        if (!r->has[k])
            continue;
        any = true;
        inspect(&r->found[k], &r->data[k], quick, !common->quiet && isatty(STDERR_FILENO) ? show_progress : NULL);
        const bool strict = dataset_has_values(&r->data[k]) && !o->on_bad_given ? true : o->on_bad == 1;
        if (strict && (r->data[k].bad > 0 || r->found[k].unreadable > 0))
            status = EXIT_DATA;
    }
    if (!any)
        return status;
    compare_splits(r);
    warn_of_classes(r, net);
    for (int k = 0; k < DATA_SPLITS; k++)
        if (r->has[k] && !common->quiet)
            tell(r, k, common->verbose);
    for (int i = 0; i < r->warnings.n && !common->quiet; i++)
        cli_warn("%s", r->warnings.item[i]);
    return status;
}

static void report_free(struct data_report *r)
{
    for (int k = 0; k < DATA_SPLITS; k++) {
        inspect_free(&r->found[k]);
        if (r->has[k])
            dataset_close(&r->data[k]);
        text_list_free(&r->complaints[k]);
    }
    text_list_free(&r->warnings);
}

static int report(const struct network *net, const struct cli_common *common, int split, bool quick, const char *picture)
{
    struct error err = ERROR_INIT;
    struct data_options o;
    if (data_options_read(&o, &net->config, common->data_file, &err) != 0)
        return cli_fail(&err);
    struct data_report *r = mem_new(1, sizeof *r);
    r->title = net->config.path;
    int status = look(r, net, &o, common, split, quick);
    if (r->has[0] || r->has[1] || r->has[2]) {
        int result = 0;
        if (common->json)
            result = data_report_json(r, &err);
        else
            data_report_text(r);
        if (result == 0 && picture)
            result = data_report_picture(r, picture, &err);
        if (result == 0 && picture && !common->quiet)
            fprintf(stderr, "dlnet: picture: %s\n", picture);
        if (result != 0)
            status = cli_fail(&err);
    }
    report_free(r);
    free(r);
    data_options_free(&o);
    return status;
}

int cmd_data(int argc, char **argv)
{
    enum { SPLIT = 256, QUICK, PICTURE };
    static const struct cli_option own[] = {{"split", SPLIT, true}, {"quick", QUICK, false}, {"picture", PICTURE, true}, {0}};
    struct cli_common common = CLI_COMMON_INIT;
    struct error err = ERROR_INIT;
    const char *picture = NULL;
    int split = -1, bad = 0;
    bool quick = false;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == QUICK) {
            quick = true;
        } else if (c == PICTURE) {
            picture = optarg;
        } else if (c == SPLIT) {
            for (int k = 0; k < DATA_SPLITS; k++)
                if (strcmp(optarg, split_name((enum split)k)) == 0)
                    split = k;
            if (split < 0)
                bad = cli_usage_error("data", "--split %s: expected train, valid or test", optarg);
        } else {
            bad = 1;
        }
    }
    int status = EXIT_USAGE;
    if (!bad && picture && !text_ends(picture, ".png"))
        bad = cli_usage_error("data", "--picture %s: expected a file that ends in .png", picture);
    if (!bad) {
        struct network *net = optind < argc || common.n_models > 0 ? cli_cfg_or_model(&common, &argc, argv, &err) : NULL;
        if (optind < argc && (net || err.count == 0))
            status = cli_usage_error("data", "found '%s', expected one CFG or model", argv[optind]);
        else if (!net && err.count == 0)
            status = cli_usage_error("data", "no cfg file given");
        else
            status = net ? report(net, &common, split, quick, picture) : cli_fail(&err);
        network_free(net);
    }
    cli_common_free(&common);
    return status;
}
