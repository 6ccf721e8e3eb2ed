/* dlnet lrfind: the learning-rate range test. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "diagnose/lrfind.h"

const char cmd_lrfind_usage[] =
    "Usage: dlnet lrfind CFG [options]\n"
    "\n"
    "Searches a good learning rate: trains the network of a cfg for some steps with a rate that grows from step to\n"
    "step, and prints rate, loss and smoothed loss of each, tab-separated, then three suggestions:\n"
    "  valley      inside the longest stretch on which the loss falls: a good first choice\n"
    "  steepest    where it falls fastest\n"
    "  minimum/10  a tenth of the rate at which it is lowest\n"
    "It ends early when the smoothed loss is 4 times its best. No weights are kept.\n"
    "\n"
    "  --init MODEL   start from the weights of a .safetensors or .weights file (-m is the same)\n"
    "  --classes N    as in train: change the cfg to N classes\n"
    "  --from R       first rate (1e-7)\n"
    "  --to R         last rate (10)\n"
    "  --steps N      updates (100)\n"
    "  --out PATH     a folder for lrfind.svg and lrfind.png (the working folder), or a file: .svg or .png\n"
    "  --seed N       of weights, order and augmentation (seed= of [net])\n"
    "  --data FILE    a Darknet .data file instead of the [data] section\n"
    "  --json         one object: points and suggestions\n"
    "\n"
    "  dlnet lrfind cfg/mnist.cfg --out /tmp\n"
    "  dlnet lrfind cfg/yolo.cfg --from 1e-5 --to 1 --steps 50 --set net.batch=16\n"
    "  dlnet lrfind cfg/mnist.cfg --json | jq .suggestions.valley\n";

struct view {
    bool table;    /* rows go to stdout as they come */
    bool progress; /* stderr is a terminal and nothing else moves on it */
    int steps;
};

static void show_step(void *context, int step, const struct lrfind_point *p)
{
    const struct view *v = context;
    if (v->table) {
        if (step == 1)
            puts("step\trate\tloss\tsmoothed");
        printf("%d\t%.6g\t%.6g\t%.6g\n", step, p->rate, p->loss, p->smoothed);
        fflush(stdout);
    }
    if (v->progress)
        fprintf(stderr, "\rstep %d of %d, rate %.3g, loss %.4g   ", step, v->steps, p->rate, p->smoothed);
}

static cJSON *number_or_null(double v)
{
    return isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull();
}

static int print_json(const struct lrfind *l, struct lrfind_suggestions s, struct error *err)
{
    cJSON *object = cJSON_CreateObject(), *points = cJSON_AddArrayToObject(object, "points");
    for (int i = 0; i < l->n; i++) {
        cJSON *p = cJSON_CreateObject();
        cJSON_AddNumberToObject(p, "step", i + 1);
        cJSON_AddItemToObject(p, "rate", number_or_null(l->point[i].rate));
        cJSON_AddItemToObject(p, "loss", number_or_null(l->point[i].loss));
        cJSON_AddItemToObject(p, "smoothed", number_or_null(l->point[i].smoothed));
        cJSON_AddItemToArray(points, p);
    }
    cJSON *suggestions = cJSON_AddObjectToObject(object, "suggestions");
    cJSON_AddItemToObject(suggestions, "valley", number_or_null(s.valley));
    cJSON_AddItemToObject(suggestions, "steepest", number_or_null(s.steepest));
    cJSON_AddItemToObject(suggestions, "minimum/10", number_or_null(s.minimum));
    cJSON_AddBoolToObject(object, "exploded", l->exploded);
    return cli_json_line(object, err);
}

static void print_suggestion(const char *name, double rate)
{
    if (isnan(rate))
        printf("%s\tnone\n", name);
    else
        printf("%s\t%.3g\n", name, rate);
}

static bool is_chart(const char *path)
{
    return text_ends(path, ".svg") || text_ends(path, ".png");
}

static int write_charts(const struct lrfind *l, const char *cfg, const char *out, bool quiet, struct error *err)
{
    const bool single = is_chart(out);
    static const char *const names[] = {"lrfind.svg", "lrfind.png"};
    char title[256];
    snprintf(title, sizeof title, "Learning-rate search: %s", text_basename(cfg));
    if (!single && file_make_dirs(out, err) != 0)
        return -1;
    int result = 0;
    for (int i = 0; i < (single ? 1 : 2) && result == 0; i++) {
        char *path = single ? text_join(".", out) : text_join(out, names[i]);
        const char *shown = single ? out : text_starts(path, "./") ? path + 2 : path;
        result = lrfind_chart(l, title, shown, err);
        if (result == 0 && !quiet)
            fprintf(stderr, "dlnet: chart: %s\n", shown);
        free(path);
    }
    return result;
}

static int find_rate(struct network *net, const struct cli_common *common, struct lrfind_options o, const char *out, struct error *err)
{
    struct data_options data;
    if (data_options_read(&data, &net->config, common->data_file, err) != 0)
        return -1;
    if (!common->quiet)
        cli_warn_config(net);
    struct view view = {.table = !common->json, .steps = o.steps};
    view.progress = !common->quiet && isatty(STDERR_FILENO) && !(view.table && isatty(STDOUT_FILENO));
    o.each = show_step;
    o.context = &view;
    o.threads = parallel_threads();
    struct lrfind l;
    int result = lrfind_run(net, &data, &o, &l, err);
    data_options_free(&data);
    if (view.progress)
        fputs("\n", stderr);
    if (result != 0)
        return -1;
    if (l.exploded && !common->quiet)
        fprintf(stderr, "dlnet: ended at %s\n", l.reason);
    const struct lrfind_suggestions s = lrfind_suggest(l.point, l.n, l.steps);
    if (common->json) {
        result = print_json(&l, s, err);
    } else {
        print_suggestion("valley", s.valley);
        print_suggestion("steepest", s.steepest);
        print_suggestion("minimum/10", s.minimum);
    }
    if (isnan(s.valley) && !common->quiet)
        cli_warn("the loss doesn't fall anywhere between %g and %g: no suggestion", o.from, o.to);
    if (result == 0)
        result = write_charts(&l, net->config.path, out, common->quiet, err);
    lrfind_free(&l);
    return result;
}

int cmd_lrfind(int argc, char **argv)
{
    enum { OUT = 256, INIT, CLASSES, FROM, TO, STEPS };
    static const struct cli_option own[] = {{"out", OUT, true},
                                            {"init", INIT, true},
                                            {"classes", CLASSES, true},
                                            {"from", FROM, true},
                                            {"to", TO, true},
                                            {"steps", STEPS, true},
                                            {0}};
    struct cli_common common = CLI_COMMON_INIT;
    struct lrfind_options o = LRFIND_DEFAULTS;
    struct error err = ERROR_INIT;
    const char *out = ".", *init = NULL;
    long steps = o.steps, classes = 0;
    int bad = 0;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == OUT)
            out = optarg;
        else if (c == INIT)
            init = optarg;
        else if (c == CLASSES)
            bad = cli_whole("classes", optarg, 1, 100000, &classes);
        else if (c == FROM)
            bad = cli_number("from", optarg, 1e-30, 1e6, &o.from);
        else if (c == TO)
            bad = cli_number("to", optarg, 1e-30, 1e6, &o.to);
        else if (c == STEPS)
            bad = cli_whole("steps", optarg, 10, 1000000, &steps);
        else
            bad = 1;
    }
    o.steps = (int)steps;
    common.classes = (int)classes;
    const char *model;
    if (cli_one_model(&common, "lrfind", &model) != 0)
        return EXIT_USAGE;
    init = init ? init : model;
    int status = EXIT_USAGE;
    if (bad)
        ;
    else if (argc - optind != 1)
        optind < argc ? cli_usage_error("lrfind", "%s: expected one cfg file and nothing else", argv[optind + 1])
                      : cli_usage_error("lrfind", "no cfg file given");
    else if (file_exists(out) && !file_is_dir(out) && !is_chart(out))
        cli_usage_error("lrfind", "--out %s: expected a folder, or a file that ends in .svg or .png", out);
    else if (o.from >= o.to)
        cli_usage_error("lrfind", "--from %g --to %g: expected a first rate below the last one", o.from, o.to);
    else {
        struct network *net = cli_build(argv[optind], &common, &err);
        const bool good =
            net && (!init || cli_start_from(net, init, 0, common.quiet, &err) == 0) && find_rate(net, &common, o, out, &err) == 0;
        status = good ? EXIT_OK : cli_fail(&err);
        network_free(net);
    }
    cli_common_free(&common);
    return status;
}
