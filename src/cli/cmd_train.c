/* dlnet train: from a cfg to a run folder. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/folds.h"
#include "cli/session.h"
#include "train/train.h"

const char cmd_train_usage[] =
    "Usage: dlnet train CFG [WEIGHTS] [options]\n"
    "\n"
    "Trains the network of a cfg on the data of its [data] section and writes a run folder:\n"
    "best.safetensors (the best validation figure), last.safetensors (to resume from), metrics.csv,\n"
    "metrics.jsonl, chart.svg, chart.png, effective.cfg. The path of the best model goes to stdout\n"
    "(with --json: {\"best\": PATH}).\n"
    "\n"
    "  --out DIR       run folder (default: runs/CFGNAME, runs/CFGNAME-2, ...; never over another run)\n"
    "  --resume [DIR]  go on with a run that was stopped or killed (default: the newest of this cfg);\n"
    "                  it ends with the same bytes as a run that was never interrupted\n"
    "  --init MODEL    start from the weights of a .weights or .safetensors file (WEIGHTS and -m are the same):\n"
    "                  the layers that fit by number, kind and shape, the others start anew; freeze= in [net]\n"
    "                  keeps layers as they are\n"
    "  --layers N      with a .weights file: take its first N layers only\n"
    "  --classes N     change the cfg to N classes: classes= of its heads, filters= (output=) of the layers\n"
    "                  before them; with --init, these start anew\n"
    "  --folds K       cross-validation: K trainings, each validated on another part of the training data\n"
    "                  (stratified, drawn by the seed), in DIR/fold-1 .. fold-K; stdout gets a table of the\n"
    "                  figures of each one's last validation (not of its best, which would flatter), their\n"
    "                  mean and standard deviation (--json: folds, mean, sd)\n"
    "\n"
    "Ctrl-C finishes the step and saves; a second one exits at once.\n"
    "\n"
    "  dlnet train cfg/yolo.cfg\n"
    "  dlnet train cfg/mnist.cfg --set net.epochs=2 --out runs/quick\n"
    "  dlnet train cfg/yolo.cfg --resume\n"
    "  dlnet train cfg/iris.cfg --folds 5 -q\n"
    "  dlnet train yolov4-tiny.cfg yolov4-tiny.weights --classes 3 --data mine.data --set net.freeze=28\n";

static volatile sig_atomic_t stop; /* what a signal handler may touch */

static void on_signal(int number)
{
    (void)number;
    if (stop)
        _exit(EXIT_INTERRUPTED);
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

/* "runs/NAME" for number 1, "runs/NAME-2", … */
static char *run_path(const char *cfg, int number)
{
    char *name = mem_string(text_basename(cfg));
    char *dot = strrchr(name, '.');
    if (dot && dot > name)
        *dot = 0;
    char *path = number == 1 ? mem_format("runs/%s", name) : mem_format("runs/%s-%d", name, number);
    free(name);
    return path;
}

/* The folder of a new run, made here. */
static char *new_run(const char *cfg, const char *out, struct error *err)
{
    if (out) {
        char *last = text_join(out, "last.safetensors"), *best = text_join(out, "best.safetensors");
        const bool taken = file_exists(last) || file_exists(best) || folds_are_there(out);
        free(last);
        free(best);
        if (taken) {
            error_add(err, EXIT_USAGE, "%s: holds a run already; choose another --out, or go on with it: --resume %s", out, out);
            return NULL;
        }
        return file_make_dirs(out, err) == 0 ? mem_string(out) : NULL;
    }
    if (file_make_dirs("runs", err) != 0)
        return NULL;
    for (int number = 1;; number++) {
        char *path = run_path(cfg, number);
        if (mkdir(path, 0777) == 0)
            return path;
        if (errno != EEXIST) {
            error_add(err, EXIT_IO, "%s: cannot make this folder: %s", path, strerror(errno));
            free(path);
            return NULL;
        }
        free(path);
    }
}

/* The folder of the run to go on with: DIR, or the newest of this cfg, or a new one. */
static char *old_run(const char *cfg, const char *dir, struct error *err)
{
    if (dir)
        return file_make_dirs(dir, err) == 0 ? mem_string(dir) : NULL;
    char *newest = NULL;
    for (int number = 1;; number++) {
        char *path = run_path(cfg, number);
        if (!file_is_dir(path)) {
            free(path);
            return newest ? newest : new_run(cfg, NULL, err);
        }
        free(newest);
        newest = path;
    }
}

/* A word of a command line, in quotes where a shell needs them. */
static void print_word(FILE *f, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
    if (*word && word[strspn(word, plain)] == 0) {
        fputs(word, f);
        return;
    }
    fputc('\'', f);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", f);
        else
            fputc(*word, f);
    fputc('\'', f);
}

/* The command that goes on with an interrupted run: the same cfg, so the same assignments. */
static void tell_resume(const char *cfg, const struct cli_common *common, long folds, const char *out)
{
    fputs("interrupted; go on with: dlnet train ", stderr);
    print_word(stderr, cfg);
    if (folds > 0)
        fprintf(stderr, " --folds %ld", folds);
    for (int i = 0; i < common->n_sets; i++) {
        fputs(" --set ", stderr);
        print_word(stderr, common->sets[i]);
    }
    if (common->classes > 0)
        fprintf(stderr, " --classes %d", common->classes);
    if (common->seed >= 0)
        fprintf(stderr, " --seed %lld", (long long)common->seed);
    if (common->data_file) {
        fputs(" --data ", stderr);
        print_word(stderr, common->data_file);
    }
    fputs(" --resume ", stderr);
    print_word(stderr, out);
    fputc('\n', stderr);
}

/* Features at random that never learn: sometimes wanted, mostly a forgotten --init. */
static void warn_of_frozen_noise(const struct network *net)
{
    int n = 0;
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        n += l->n_params > 0 && !l->trainable && !l->loaded && !l->type->fit;
    }
    if (n > 0)
        cli_warn("%s: %d frozen layers keep their initial weights, which come from no model (--init)", net->config.path, n);
}

static int train(struct network *net, const struct cli_common *common, const char *out, bool resume, struct error *err)
{
    struct data_options data;
    if (data_options_read(&data, &net->config, common->data_file, err) != 0)
        return cli_fail(err);
    if (!common->quiet) {
        cli_warn_config(net);
        if (!resume)
            warn_of_frozen_noise(net);
    }
    const struct train_options o = {
        .out = out, .resume = resume, .threads = parallel_threads(), .quiet = common->quiet, .verbose = common->verbose, .stop = &stop};
    catch_signals();
    const int result = train_run(net, &data, &o, err);
    data_options_free(&data);
    if (result < 0)
        return cli_fail(err);
    char *best = text_join(out, "best.safetensors");
    if (file_exists(best) && common->json) {
        cJSON *object = cJSON_CreateObject();
        cli_json_text(object, "best", best);
        cli_json_line(object, err);
    } else if (file_exists(best)) {
        puts(best);
    }
    if (result == 1 && !common->quiet)
        tell_resume(net->config.path, common, 0, out);
    free(best);
    return result == 1 ? EXIT_INTERRUPTED : EXIT_OK;
}

static int train_folds(const struct folds *f, struct error *err)
{
    catch_signals();
    const int result = folds_train(f, err);
    if (result < 0)
        return cli_fail(err);
    if (result == 1 && !f->common->quiet)
        tell_resume(f->cfg, f->common, f->n, f->folder);
    return result == 1 ? EXIT_INTERRUPTED : EXIT_OK;
}

int cmd_train(int argc, char **argv)
{
    enum { OUT = 1000, RESUME, INIT, LAYERS, CLASSES, FOLDS };
    static const struct cli_option options[] = {{"out", OUT, true},       {"resume", RESUME, false},  {"init", INIT, true},
                                                {"layers", LAYERS, true}, {"classes", CLASSES, true}, {"folds", FOLDS, true},
                                                {NULL, 0, false}};
    struct cli_common common = CLI_COMMON_INIT;
    struct error err = ERROR_INIT;
    const char *out = NULL, *init = NULL;
    bool resume = false;
    long layers = 0, classes = 0, folds = 0;
    for (int o; (o = cli_next_option(argc, argv, options, &common)) != -1;)
        switch (o) {
        case OUT:
            out = optarg;
            break;
        case RESUME:
            resume = true;
            break;
        case INIT:
            init = optarg;
            break;
        case LAYERS:
            if (cli_whole("layers", optarg, 1, 100000, &layers) != 0)
                return EXIT_USAGE;
            break;
        case CLASSES:
            if (cli_whole("classes", optarg, 1, 100000, &classes) != 0)
                return EXIT_USAGE;
            common.classes = (int)classes;
            break;
        case FOLDS:
            if (cli_whole("folds", optarg, 2, 100000, &folds) != 0)
                return EXIT_USAGE;
            break;
        default:
            return EXIT_USAGE;
        }
    const char *cfg = optind < argc ? argv[optind] : NULL, *second = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (!cfg)
        return cli_usage_error("train", "no cfg file given");
    if (argc - optind > 2)
        return cli_usage_error("train", "%s: expected one cfg file and at most one weights file (or, with --resume, a run folder)",
                               argv[optind + 2]);
    if (second && resume)
        out = second; /* --resume DIR */
    else if (second)
        init = second;
    const char *model;
    if (cli_one_model(&common, "train", &model) != 0)
        return EXIT_USAGE;
    init = init ? init : model;
    if (layers > 0 && (!init || text_ends(init, ".safetensors")))
        return cli_usage_error("train", "--layers %ld: expected with a .weights file to take them from", layers);
    struct network *net = cli_build(cfg, &common, &err);
    if (!net) {
        cli_common_free(&common);
        return cli_fail(&err);
    }
    int status = EXIT_OK;
    char *folder = NULL;
    const bool was_there = out && file_exists(out);
    if (init && cli_start_from(net, init, (int)layers, common.quiet || resume || folds > 0, &err) != 0)
        status = cli_fail(&err);
    else if (!(folder = resume ? old_run(cfg, out, &err) : new_run(cfg, out, &err)))
        status = cli_fail(&err);
    else if (folds == 0)
        status = train(net, &common, folder, resume, &err);
    else
        status = train_folds(&(struct folds){cfg, &common, (int)folds, init, (int)layers, folder, resume, &stop}, &err);
    if (status != EXIT_OK && folder && !was_there)
        rmdir(folder); /* a run that came to nothing: goes only when it is empty */
    free(folder);
    network_free(net);
    cli_common_free(&common);
    return status;
}
