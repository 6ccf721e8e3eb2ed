/* dataset: samples with their labels, whatever the format on disk. Labels are read and checked when it is opened; pixels are decoded on
 * demand. */
#ifndef DLNET_DATA_DATASET_H
#define DLNET_DATA_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "box/box.h"
#include "config/option.h"
#include "image/codec.h"
#include "image/image.h"

/* What is learnt: one class of several (or, with one output, yes or no), boxes, numbers, several yes/no at once. */
enum task { TASK_CLASSIFY, TASK_DETECT, TASK_REGRESS, TASK_LABELS };
enum split { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST };

/* task= of [data]: what the targets of a table are. */
enum table_task { TABLE_AUTO, TABLE_CLASSIFY, TABLE_LABELS, TABLE_REGRESS };

struct sample {
    char *name;            /* the file's path, or "mnist:17", "shapes:17"; owned */
    int label;             /* classification: class id; else −1 */
    struct truth_box *box; /* detection: fractions of the original image, centre and size; owned */
    int n_boxes;
    /* regression: numbers, labels: 0 or 1; dataset.n_targets of them, the format's; classes: probabilities, one for each of the network's
     * outputs, where they aren't one class; else NULL */
    const float *target;
    int64_t number; /* for the format's own use (record number) */
    bool no_label;  /* detection: there is no label file */
};

struct dataset;

/* A format: one file format_*.c and one line in the table of dataset.c. */
struct dataset_format {
    const char *name, *help;
    const char *unit;                /* what a sample is called; NULL: image */
    bool (*probe)(const char *path); /* does this path look like mine? Cheap, no error */
    /* Fills samples, names (if it knows them), task. path is what stands after train= etc. */
    int (*open)(struct dataset *d, const char *path, struct error *err);
    int (*image)(const struct dataset *d, int i, struct image *out, struct error *err); /* thread-safe; NULL: has no pictures, but values */
    /* Data that is numbers: fills want_c × want_h × want_w of out, the network's input itself. Thread-safe. */
    int (*values)(const struct dataset *d, int i, float *out, struct error *err);
    void (*close)(struct dataset *d);
};

/* Why a box is left out. */
enum box_fault { BOX_NOT_FINITE, BOX_NO_AREA, BOX_OUTSIDE, BOX_TOO_LARGE, BOX_FAULTS };

struct dataset {
    enum task task;
    enum split split; /* whose files are read; with folds= or valid_fraction= train for the validation set too */
    struct sample *sample;
    int n_samples;
    size_t capacity;
    struct text_list names;   /* classes */
    struct text_list columns; /* tables with a header: the columns that are the input; else empty */
    int n_classes;            /* ≥ names.n; 0 before it is known */
    int n_targets;            /* of each sample.target */
    const struct dataset_format *format;
    struct codec_options codec; /* how files are decoded: jpeg= */
    struct image_cache *cache;  /* of decoded pictures; owned; NULL: none */
    float *soft;                /* soft_labels.h: the targets of samples with class probabilities; owned */
    void *state;                /* the format's */

    /* what the opener was told */
    bool skip_bad;              /* on_bad=skip */
    int bad;                    /* samples or labels left out so far */
    struct error first_bad;     /* the first mistake skipped, for the warning */
    int want_w, want_h, want_c; /* size of [net]: shapes makes images of it */
    int outputs;                /* of the network; 0: unknown or a detector */
    uint64_t seed;
    const struct data_options *options; /* all of [data], while the format's open runs; NULL afterwards */
    int class_limit;            /* a label must be below it: number of names=, else classes=, else of the network's head; 0: unknown */
    int unlabelled;             /* detection: images without a label file, taken as background */
    int box_faults[BOX_FAULTS]; /* boxes left out */
};

enum data_cache { DATA_CACHE_AUTO, DATA_CACHE_NONE, DATA_CACHE_MEMORY };

/* Keys of [data]. */
struct data_options {
    char *train, *valid, *test, *names, *backup, *labels, *images;
    int classes; /* 0: not given */
    int jpeg;    /* 0 stb, 1 turbo, 2 scaled */
    int cache;   /* enum data_cache */
    int cache_mb;
    int augment; /* 0: the training data stay as they are */
    int on_bad;  /* 0 skip, 1 error */
    bool on_bad_given;
    double valid_fraction; /* of train=, when there is no valid=; 0: none */
    int folds, fold;       /* train= in folds parts, part number `fold` (from 1) is the validation set; 0: not */
    /* tables */
    char *target, *columns, *drop; /* lists of columns, by name or number */
    int header, separator, task;   /* enum csv_header, csv_separator (data/csv.h), table_task */
    double threshold;              /* of a yes/no answer */
    int rate, channel;             /* signals: samples a second, 0: as the first file; enum signal_channel (data/signal_file.h) */
    /* shapes: number of images; MNIST: use so many from the start (train, test) or the end (valid); 0: the format's default */
    int train_count, valid_count, test_count;

    /* Where the keys stand, for messages and the search of paths; filled by data_options_read. */
    char *file;       /* the cfg or .data file; NULL: there is no [data] and no .data file */
    char *folders[2]; /* searched besides the working directory; NULL: none */
    int train_line, valid_line, test_line, names_line, labels_line, images_line, classes_line; /* 0: not given in a file */

    /* Class names of the training data or of the model, by which the classes of a table are numbered; NULL: none. Borrowed; set by who
     * opens the validation or test data. */
    const struct text_list *known;
    /* Every mistake that is skipped is added; NULL: the first is enough. Borrowed. */
    struct text_list *complaints;
};
extern const struct config_key data_option_table[];

/* Reads [data] of a cfg, or a Darknet .data file when data_file is not NULL (`train = …` lines without a section; wins over [data], key by
 * key). Paths are resolved: relative to the file that names them if they exist there, else to the working directory, else to the folder
 * of the cfg; those of --set and of the cfg inside a model start at the working directory. What exists nowhere stays as written:
 * dataset_open tells. -1: out holds nothing. */
int data_options_read(struct data_options *out, const struct config *c, const char *data_file, struct error *err);
void data_options_free(struct data_options *o);

/* Opens the data set of one split. task: what the network is for. n_classes: classes of the network's head (0: unknown); more classes in
 * the data than that, or a class id beyond it, is an error that names the file and line. -1 and err on failure; also when nothing is left.
 * Say what is missing when the split isn't given (e.g. "[data] has no valid="). task TASK_CLASSIFY stands for all that has no boxes: a
 * format that knows better (tables) sets another in d->task. n_classes 1 without boxes: one output that tells two classes apart. */
int dataset_open(struct dataset *d, const struct data_options *o, enum split split, enum task task, int n_classes, int want_w, int want_h,
                 int want_c, uint64_t seed, struct error *err);

/* What a sample is called: image, row, signal. */
const char *dataset_unit(const struct dataset *d);

/* The value of task= that says what d holds. */
const char *dataset_task_name(const struct dataset *d);

/* True when dataset_open finds samples for that split: its path is given, or it is a part of train=. */
bool dataset_has(const struct data_options *o, enum split split);

/* Decodes the pixels of sample i. Thread-safe. For data of numbers (dataset_has_values) dataset_values fills the input itself. */
bool dataset_has_values(const struct dataset *d);
int dataset_values(const struct dataset *d, int i, float *out, struct error *err);
int dataset_image(const struct dataset *d, int i, struct image *out, struct error *err);
/* For data that are read again and again: with cache=auto, decoded pictures are kept from now on if they are files and all of them fit into
 * what cache_mb= and memory allow, judged by the first of them. Returns the bytes that kept pictures are
 * expected to take; 0: none are kept. */
size_t dataset_keep(struct dataset *d, const struct data_options *o);

/* The same through the cache, where there is one: to be released (data/image_cache.h), and not written. NULL: an error. */
struct picture *dataset_picture(const struct dataset *d, int i, struct error *err);

/* For formats. Adds a sample (name is copied) and returns it (valid until the next call). */
struct sample *dataset_add(struct dataset *d, const char *name);
void sample_add_box(struct sample *s, struct truth_box box);
/* For formats: a bad label or file. With on_bad=skip counts it, keeps the first for the warning and returns 0; else adds it to err and
 * returns −1. file NULL: the message names it. */
int dataset_bad(struct dataset *d, struct error *err, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

void dataset_close(struct dataset *d);

#endif
