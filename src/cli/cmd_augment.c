/* dlnet augment: the training data and what the augmentation makes of them, on disk or on a sheet. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/sheet.h"
#include "data/formats.h"
#include "data/loader.h"
#include "data/names.h"
#include "data/part.h"
#include "data/set_writer.h"
#include "data/signal_file.h"

const char cmd_augment_usage[] =
    "Usage: dlnet augment CFG [-n K] --out DIR [options]\n"
    "       dlnet augment CFG --sheet FILE.png\n"
    "\n"
    "Writes an enlarged training set: each sample of [data] train= as it is, and K variants of it, as the keys of\n"
    "[net] and [augment] make them, at the size of the network's input. The form is that of the data: a folder per\n"
    "class, Darknet's lists and label files, or Pascal VOC's tree; pictures that stood in no file of their own\n"
    "(MNIST, CIFAR, shapes) become PNG. Classes that mixup and the like have mixed are told in soft-labels.tsv, which is\n"
    "read with the set. DIR must not be there yet. DIR/augmented.data tells where all is; its path goes to stdout\n"
    "(with --json: {\"data\": PATH, \"samples\": N}); training on it does not augment once more:\n"
    "\n"
    "  dlnet train CFG --data DIR/augmented.data\n"
    "\n"
    "  -n K            variants of each sample (1)\n"
    "  --out DIR       the new folder\n"
    "  --sheet PNG     a sheet to look at instead: a row for each augmentation, samples before and after, with boxes and\n"
    "                  the shares of mixed classes\n"
    "  --seed N        other random numbers\n"
    "\n"
    "  dlnet augment cfg/yolo.cfg --sheet sheet.png\n"
    "  dlnet augment cfg/mnist.cfg -n 3 --out more --set augment.rotate=15\n";

struct job {
    struct network *net;
    struct data_options options;
    struct dataset data;
    struct recipe recipe;
    struct text_list names; /* of all classes */
    const char *out;
    long variants;
    enum set_form form;
    struct loader_options loader;
};

/* Names, numbers where there are none. */
static void find_names(struct job *j)
{
    const struct dataset *d = &j->data;
    const int n = j->net->n_classes == 1 ? 2 : j->net->n_classes > d->n_classes ? j->net->n_classes : d->n_classes;
    for (int k = 0; k < n; k++) {
        char number[16];
        snprintf(number, sizeof number, "%d", k);
        text_list_add(&j->names, k < d->names.n ? d->names.item[k] : number);
    }
}

static int open_data(struct job *j, enum split split, struct error *err)
{
    const struct network *net = j->net;
    const struct net_options *o = &net->options;
    const enum task task = network_is_detector(net) ? TASK_DETECT : TASK_CLASSIFY;
    return dataset_open(&j->data, &j->options, split, task, net->n_classes, o->width, o->height, o->channels, net->seed, err);
}

static int open_job(struct job *j, const char *data_file, struct error *err)
{
    const struct network *net = j->net;
    const struct net_options *o = &net->options;
    const bool detector = network_is_detector(net);
    if (data_options_read(&j->options, &net->config, data_file, err) != 0 || open_data(j, SPLIT_TRAIN, err) != 0 ||
        recipe_read(&j->recipe, &net->config, o, detector, err) != 0 || recipe_open(&j->recipe, &j->data, err) != 0)
        return -1;
    find_names(j);
    j->form = set_form_of(&j->data);
    j->loader = (struct loader_options){.batch = 16,
                                        .train = true,
                                        .seed = net->seed,
                                        .threads = parallel_threads(),
                                        .ahead = 2,
                                        .n_classes = detector ? 0 : net->n_classes,
                                        .total = (int64_t)j->data.n_samples * j->variants};
    j->loader.augment = augment_from(o, net->jitter, net->resize, j->data.task, o->width, o->height, o->channels);
    augment_follow(&j->loader.augment, &j->recipe);
    return 0;
}

/* Whether such data can be written at all. */
static int check_job(const struct job *j, struct error *err)
{
    const struct dataset *d = &j->data;
    const int c = j->net->options.channels;
    if (d->task == TASK_REGRESS || d->task == TASK_LABELS || (dataset_has_values(d) && d->format != &dataset_signals))
        return error_add(err, EXIT_DATA,
                         "the training data are a table; `augment` writes pictures and signals. Tables are augmented in training alone");
    if (!dataset_has_values(d) && c != 1 && c != 3)
        return error_add(err, EXIT_DATA, "pictures have 1 or 3 channels, the network's input has %d", c);
    return 0;
}

/* "000017-dog": the sample's number keeps names apart. Owned by the caller. */
static char *stem_of(const struct sample *s, int number)
{
    const char *name = text_basename(s->name), *dot = strrchr(name, '.');
    char *stem = mem_format("%06d-%.*s", number, dot && dot != name ? (int)(dot - name) : (int)strlen(name), name);
    for (char *p = stem; *p; p++)
        if (*p == ':' || *p == ' ')
            *p = '-';
    return stem;
}

/* A sample as it is. */
static int write_original(struct job *j, struct set_writer *w, int i, struct error *err)
{
    const struct dataset *d = &j->data;
    const struct sample *s = &d->sample[i];
    struct image im = {0};
    const bool signal = dataset_has_values(d), is_file = signal || d->format->image == dataset_file_image || file_exists(s->name);
    if (!signal && dataset_image(d, i, &im, err) != 0)
        return -1;
    char *stem = stem_of(s, i);
    const char *dot = strrchr(s->name, '.');
    struct set_item item = {.stem = stem, .ending = is_file && dot ? dot : ".png", .w = im.w, .h = im.h, .label = s->label};
    if (is_file)
        item.source = s->name;
    else
        item.image = &im;
    item.share = s->target;
    item.n_shares = j->net->n_classes;
    item.box = s->box;
    item.n_boxes = s->n_boxes;
    const int result = set_writer_add(w, &item, err);
    free(stem);
    image_free(&im);
    return result;
}

/* A broken picture is left out, as in training; what the disk says ends it. */
static int write_originals(struct job *j, struct set_writer *w, struct error *err)
{
    int left_out = 0;
    for (int i = 0; i < j->data.n_samples; i++) {
        struct error e = ERROR_INIT;
        if (write_original(j, w, i, &e) == 0)
            continue;
        if (e.status == EXIT_IO || e.status == EXIT_FAIL || !j->data.skip_bad)
            return error_add(err, e.status, "%s", e.text);
        if (left_out++ == 0)
            cli_warn("left out: %s", e.text);
    }
    if (left_out > 1)
        cli_warn("%d pictures couldn't be read and are left out", left_out);
    return 0;
}

static bool is_jpeg(const char *name)
{
    return text_ends(name, ".jpg") || text_ends(name, ".jpeg");
}

/* Class with the largest share; *mixed: it isn't all. */
static int likeliest(const float *label, int n, bool *mixed)
{
    if (n == 1) {
        *mixed = label[0] > 0 && label[0] < 1;
        return label[0] >= .5f;
    }
    int best = 0;
    for (int k = 1; k < n; k++)
        best = label[k] > label[best] ? k : best;
    *mixed = label[best] < 1;
    return best;
}

static int write_variant(struct job *j, struct set_writer *w, const struct batch *b, int i, int variant, struct error *err)
{
    const struct augment *a = &j->loader.augment;
    const struct sample *s = &j->data.sample[b->sample[i]];
    const bool signal = dataset_has_values(&j->data);
    const float *x = b->input + (size_t)i * (size_t)a->c * (size_t)b->w * (size_t)b->h;
    struct image im = {0};
    if (!signal && image_from_input(x, b->w, b->h, a->c, &im, err) != 0)
        return -1;
    char *stem = stem_of(s, b->sample[i]), *name = mem_format("%s-%d", stem, variant);
    struct set_item item = {.stem = name,
                            .ending = signal             ? ".csv"
                                      : is_jpeg(s->name) ? ".jpg"
                                                         : ".png",
                            .image = signal ? NULL : &im,
                            .w = b->w,
                            .h = b->h,
                            .values = signal ? x : NULL,
                            .channels = a->c,
                            .length = b->w,
                            .label = s->label};
    if (b->label) {
        bool mixed;
        const float *label = b->label + (size_t)i * (size_t)j->loader.n_classes;
        item.label = likeliest(label, j->loader.n_classes, &mixed);
        item.share = mixed ? label : NULL;
        item.n_shares = j->loader.n_classes;
    } else {
        item.box = b->box + b->box_start[i];
        item.n_boxes = b->box_start[i + 1] - b->box_start[i];
    }
    const int result = set_writer_add(w, &item, err);
    free(stem);
    free(name);
    image_free(&im);
    return result;
}

static int write_variants(struct job *j, struct set_writer *w, struct error *err)
{
    const int64_t n = j->data.n_samples, all = n * j->variants;
    struct loader *l = all > 0 ? loader_open(&j->data, &j->loader, err) : NULL;
    if (!l)
        return all > 0 ? -1 : 0;
    int result = 0;
    for (int64_t done = 0; done < all && result == 0;) {
        struct batch *b;
        if (loader_next(l, &b, err) != 1)
            result = -1;
        for (int i = 0; result == 0 && i < b->n && done < all; i++, done++)
            result = write_variant(j, w, b, i, (int)(done / n) + 1, err);
    }
    loader_close(l);
    return result;
}

static int write_split(struct job *j, enum split split, int *written, struct error *err)
{
    struct set_writer w = {0};
    int result = set_writer_begin(&w, j->form, j->out, split, &j->names, err);
    if (result == 0)
        result = write_originals(j, &w, err);
    if (result == 0 && split == SPLIT_TRAIN)
        result = write_variants(j, &w, err);
    *written = w.written;
    struct error e = ERROR_INIT;
    if (set_writer_end(&w, &e) != 0 && result == 0)
        result = error_add(err, e.status, "%s", e.text);
    return result;
}

/* A part of train= that is held back for validation is written too: the new folder must not be cut once more. */
static int write_held_back(struct job *j, struct error *err)
{
    int written;
    dataset_close(&j->data);
    if (open_data(j, SPLIT_VALID, err) != 0)
        return -1;
    return write_split(j, SPLIT_VALID, &written, err);
}

/* The other splits stay where they are. */
static void tell_path(FILE *f, const char *key, const char *path)
{
    char *whole = *path && !dataset_is_builtin(path) ? realpath(path, NULL) : NULL;
    if (*path)
        fprintf(f, "%s = %s\n", key, whole ? whole : path);
    free(whole);
}

static char *write_data_file(const struct job *j, bool held_back, struct error *err)
{
    char *path = text_join(j->out, "augmented.data"), *names = text_join(j->out, "classes.names");
    struct file_writer f, g;
    int result = file_begin(&g, names, err);
    if (result == 0) {
        for (int k = 0; k < j->names.n; k++)
            fprintf(g.stream, "%s\n", j->names.item[k]);
        result = file_commit(&g, err);
    }
    if (result == 0 && (result = file_begin(&f, path, err)) == 0) {
        fprintf(f.stream, "train = %s\n", set_writer_path(j->form, SPLIT_TRAIN));
        if (held_back)
            fprintf(f.stream, "valid = %s\nvalid_fraction = 0\nfolds = 0\n", set_writer_path(j->form, SPLIT_VALID));
        else
            tell_path(f.stream, "valid", j->options.valid);
        tell_path(f.stream, "test", j->options.test);
        fprintf(f.stream, "names = classes.names\nclasses = %d\nlabels =\naugment = 0\n", j->names.n);
        result = file_commit(&f, err);
    }
    free(names);
    if (result == 0)
        return path;
    free(path);
    return NULL;
}

static int new_folder(const char *out, struct error *err)
{
    char *above = text_dirname(out);
    int result = file_make_dirs(above, err);
    free(above);
    if (result == 0 && mkdir(out, 0777) != 0)
        result = errno == EEXIST ? error_add(err, EXIT_USAGE, "%s: is there already; expected a new folder for --out", out)
                                 : error_at(err, EXIT_IO, out, 0, "can't be made: %s", strerror(errno));
    return result;
}

static int write_set(struct job *j, const struct cli_common *common, const char *cfg, struct error *err)
{
    const bool held_back = part_is_wanted(&j->options);
    int written = 0;
    if (check_job(j, err) != 0 || new_folder(j->out, err) != 0 || write_split(j, SPLIT_TRAIN, &written, err) != 0 ||
        (held_back && write_held_back(j, err) != 0))
        return -1;
    char *path = write_data_file(j, held_back, err);
    if (!path)
        return -1;
    if (common->json) {
        cJSON *object = cJSON_CreateObject();
        cli_json_text(object, "data", path);
        cJSON_AddNumberToObject(object, "samples", written);
        cli_json_line(object, err);
    } else {
        puts(path);
    }
    if (!common->quiet)
        fprintf(stderr, "%d samples; train on them: dlnet train %s --data %s\n", written, cfg, path);
    free(path);
    return 0;
}

int cmd_augment(int argc, char **argv)
{
    enum { SHEET = 256 };
    static const struct cli_option own[] = {{"variants", 'n', true}, {"out", 'o', true}, {"sheet", SHEET, true}, {0}};
    struct cli_common common = CLI_COMMON_INIT;
    struct job j = {.variants = 1};
    const char *sheet = NULL;
    int bad = 0;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == 'n')
            bad = cli_whole("variants", optarg, 0, 1000000, &j.variants);
        else if (c == 'o')
            j.out = optarg;
        else if (c == SHEET)
            sheet = optarg;
        else
            bad = 1;
    }
    struct error err = ERROR_INIT;
    int status = bad ? EXIT_USAGE : EXIT_OK;
    if (!bad && argc - optind != 1)
        status = cli_usage_error("augment", "%s: expected one cfg file", argc > optind ? argv[optind + 1] : "nothing given");
    else if (!bad && !j.out == !sheet)
        status = cli_usage_error("augment", "expected either --out DIR or --sheet FILE.png");
    if (status == EXIT_OK && !(j.net = cli_build(argv[optind], &common, &err)))
        status = cli_fail(&err);
    if (status == EXIT_OK) {
        int result = open_job(&j, common.data_file, &err);
        if (result == 0 && sheet && dataset_has_values(&j.data))
            result = error_add(&err, EXIT_DATA, "a sheet shows pictures, but the training data are numbers");
        else if (result == 0 && sheet)
            result = sheet_write(&j.data, &j.loader, &j.names, sheet, &err);
        else if (result == 0)
            result = write_set(&j, &common, argv[optind], &err);
        status = result == 0 ? EXIT_OK : cli_fail(&err);
    }
    dataset_close(&j.data);
    recipe_free(&j.recipe);
    data_options_free(&j.options);
    text_list_free(&j.names);
    network_free(j.net);
    cli_common_free(&common);
    return status;
}
