#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/option.h"
#include "data/csv.h"
#include "data/dataset.h"
#include "data/formats.h"

static const char *const on_bad_names[] = {"skip", "error", NULL};
static const char *const headers[] = {"0", "1", "auto", NULL};                                /* enum csv_header */
static const char *const separators[] = {"auto", "comma", "semicolon", "tab", "space", NULL}; /* enum csv_separator */
static const char *const channels[] = {"mean", "first", NULL};                                /* enum signal_channel */
static const char *const tasks[] = {"auto", "classify", "labels", "regress", NULL};           /* see format_csv.c */

static const char *const jpegs[] = {"stb", "turbo", "scaled", NULL};
static const char *const caches[] = {"auto", "none", "memory", NULL};

#define AT(field) offsetof(struct data_options, field)
#define MOST_IMAGES 100000000
const struct config_key data_option_table[] = {
    {"train", OPTION_PATH, AT(train), "",
     .help = "training data: shapes, an MNIST folder or idx file, a CIFAR folder or .bin file, a Pascal VOC folder, COCO's "
             "instances_*.json, a CSV table, WAV or CSV signals, a folder per class, or a list of image paths"},
    {"valid", OPTION_PATH, AT(valid), "", .help = "validation data"},
    {"test", OPTION_PATH, AT(test), "", .help = "test data"},
    {"names", OPTION_PATH, AT(names), "", .help = "file of class names, one a line"},
    {"labels", OPTION_PATH, AT(labels), "",
     .help = "file of the words that tell the class in an image's path, one a line, when they aren't the names"},
    {"images", OPTION_PATH, AT(images), "",
     .help = "COCO: the folder of the images, when they aren't beside the JSON file or one folder higher"},
    {"classes", OPTION_INT, AT(classes), "0", 0, 1000000, .help = "number of classes; 0: from the names or the data"},
    {"jpeg", OPTION_CHOICE, AT(jpeg), "stb", .choices = jpegs,
     .help =
         "who decodes JPEG files: stb (stb_image), turbo (libjpeg-turbo, faster, where dlnet is built with it), scaled (turbo, training "
         "data at 1/8, 1/4 or 1/2 of their size where that isn't below the input's: faster still, but crops are less sharp)"},
    {"cache", OPTION_CHOICE, AT(cache), "auto", .choices = caches,
     .help = "memory: decoded pictures are kept, up to cache_mb=; the others are decoded each time; auto: training keeps them where all of "
             "them take no more than cache_mb= and an eighth of the memory that is free, else none"},
    {"cache_mb", OPTION_INT, AT(cache_mb), "1024", 1, 1 << 22, .help = "megabytes that kept pictures may take"},
    {"augment", OPTION_FLAG, AT(augment), "1",
     .help =
         "0: the training data are taken as they are, whatever [net] and [augment] say (what `dlnet augment` writes is augmented already)"},
    {"backup", OPTION_PATH, AT(backup), "", .help = "Darknet: folder for weights; not used here: `train --out DIR` says where a run goes"},
    {"on_bad", OPTION_CHOICE, AT(on_bad), "skip", .choices = on_bad_names,
     .help = "unreadable images and wrong labels: skip (warned and counted) or error. In tables an error where this key isn't given"},
    {"valid_fraction", OPTION_FLOAT, AT(valid_fraction), "0", 0, .99,
     .help = "without valid=: this part of train=, drawn by the seed, as much of each class, is the validation set"},
    {"folds", OPTION_INT, AT(folds), "0", 0, 100000,
     .help =
         "cross-validation: train= is cut into so many parts by the seed, with as much of each class (`train --folds K` sets it); 0: not"},
    {"fold", OPTION_INT, AT(fold), "1", 1, 100000, .help = "the part that is the validation set, from 1, in place of valid="},
    {"target", OPTION_TEXT, AT(target), "",
     .help =
         "tables: the columns to be learnt, by name or number (from 0; negative: from the end), separated by commas; default: the last. A "
         "single one of text, of 0 and 1, or with several outputs is a class (numbered by size or alphabet); several of 0 and 1 are "
         "labels; else regression"},
    {"task", OPTION_CHOICE, AT(task), "auto", .choices = tasks, .help = "tables: what target= is, when that rule guesses wrong"},
    {"columns", OPTION_TEXT, AT(columns), "",
     .help = "tables: the columns that are the network's input; default: all but target= and drop="},
    {"drop", OPTION_TEXT, AT(drop), "", .help = "tables: columns that aren't used"},
    {"header", OPTION_CHOICE, AT(header), "auto", .choices = headers,
     .help = "tables: 1: the first line has the names of the columns; auto: when it holds no number, but the second does"},
    {"separator", OPTION_CHOICE, AT(separator), "auto", .choices = separators, .help = "tables: what stands between the columns"},
    {"threshold", OPTION_FLOAT, AT(threshold), ".5", -INFINITY, INFINITY,
     .help = "networks with one output, and labels: the answer is yes where the output is at least this"},
    {"rate", OPTION_INT, AT(rate), "0", 0, 100000000,
     .help = "signals: samples a second that every file must have; 0: as many as the first"},
    {"channel", OPTION_CHOICE, AT(channel), "mean", .choices = channels,
     .help = "signals: what a network with channels=1 takes of a WAV file with several: their mean or the first"},
    {"train_count", OPTION_INT, AT(train_count), "0", 0, MOST_IMAGES,
     .help = "images for training, of shapes, or of MNIST from the start; 0: 2000 shapes, 55000 of MNIST"},
    {"valid_count", OPTION_INT, AT(valid_count), "0", 0, MOST_IMAGES,
     .help = "images for validation, of shapes, or of MNIST's training files from the end; 0: 400 shapes, 5000 of MNIST"},
    {"test_count", OPTION_INT, AT(test_count), "0", 0, MOST_IMAGES, .help = "images for the test; 0: 400 shapes, all of MNIST"},
    {"eval", OPTION_IGNORED, .fallback = "", .help = "Darknet: way of evaluation; val tells every metric"},
    {"results", OPTION_IGNORED, .fallback = "", .help = "Darknet: folder of result files"},
    {"top", OPTION_IGNORED, .fallback = "", .help = "Darknet: number of answers that its classifier prints"},
    {0},
};

/* Paths that are searched, and the field that remembers their line. */
static const struct {
    const char *key;
    size_t path, line;
} searched[] = {
    {"train", AT(train), AT(train_line)}, {"valid", AT(valid), AT(valid_line)},    {"test", AT(test), AT(test_line)},
    {"names", AT(names), AT(names_line)}, {"labels", AT(labels), AT(labels_line)}, {"images", AT(images), AT(images_line)},
};
enum { SEARCHED = sizeof searched / sizeof *searched };

static void *field(struct data_options *o, size_t offset)
{
    return (char *)o + offset;
}

/* The path that exists (of a pattern: that matches): in folder, in the working directory, in the second folder; else as written. Takes
 * value over. */
static char *resolve(char *value, const char *folder, const char *second)
{
    if (!*value || value[0] == '/' || dataset_is_builtin(value))
        return value;
    const char *const folders[] = {folder, ".", second};
    for (int i = 0; i < 3; i++) {
        char *path = folders[i] ? text_join(folders[i], value) : NULL;
        struct text_list found = {0};
        const bool there = path && (file_exists(path) || file_match(path, &found) > 0);
        text_list_free(&found);
        if (there) {
            free(value);
            return path;
        }
        free(path);
    }
    return value;
}

/* Fills out from one section, lines and resolved paths included. What --set gives, or the cfg inside a model, is searched from the
 * working directory first. */
static int fill(struct data_options *out, const struct config *c, const struct config_section *s, const char *second, struct error *err)
{
    const int result = option_fill(c, s, data_option_table, out, NULL, NULL, err);
    const bool beside = c->path && !text_ends(c->path, ":cfg"); /* else net/model shows MODEL:cfg */
    for (int i = 0; i < SEARCHED; i++) {
        const struct config_entry *e = config_get(s, searched[i].key);
        char **path = field(out, searched[i].path);
        if (!e)
            continue;
        *(int *)field(out, searched[i].line) = e->line;
        *path = beside && e->line > 0 ? resolve(*path, c->folder, second) : resolve(*path, ".", c->folder);
    }
    const struct config_entry *e = config_get(s, "classes");
    out->classes_line = e ? e->line : 0;
    out->on_bad_given = config_get(s, "on_bad") != NULL;
    return result;
}

/* Darknet's .data file as a config of one section: `key = value` lines without a header. */
static int read_data_file(struct config *c, const char *path, struct error *err)
{
    size_t size;
    char *text = file_read(path, (size_t)1 << 20, &size, err);
    if (!text)
        return -1;
    *c = (struct config){.path = mem_string(path), .folder = text_dirname(path), .n_sections = 1};
    struct config_section *s = c->section = mem_new(1, sizeof *s);
    s->name = mem_string("data");
    s->line = 1;
    int line = 0, result = 0;
    for (char *cursor = text, *raw; (raw = file_line(&cursor, &line));) {
        char *key = text_trim(raw);
        if (!*key || *key == '#' || *key == ';')
            continue;
        char *equals = strchr(key, '=');
        if (!equals || equals == key) {
            result = error_at(err, EXIT_DATA, path, line, "found '%.80s', expected key = value (a .data file has no sections)", key);
            continue;
        }
        *equals = 0;
        key = text_trim(key);
        char *value = text_trim(equals + 1);
        const struct config_entry *before = config_get(s, key);
        if (before && strcmp(before->value, value) != 0)
            result = error_at(err, EXIT_DATA, path, line, "found '%.80s' again, expected it once: line %d has it", key, before->line);
        if (before)
            continue;
        s->entry = mem_grow(s->entry, &s->capacity, (size_t)s->n_entries + 1, sizeof *s->entry);
        s->entry[s->n_entries++] = (struct config_entry){mem_string(key), mem_string(value), mem_string(path), line};
    }
    mem_free(text);
    if (result != 0)
        config_free(c);
    return result;
}

/* Takes from `from` what the .data file gives. */
static void override(struct data_options *out, struct data_options *from, const struct config_section *s)
{
    for (const struct config_key *k = data_option_table; k->key; k++) {
        if (k->kind == OPTION_IGNORED || !config_get(s, k->key))
            continue;
        if (k->kind == OPTION_PATH || k->kind == OPTION_TEXT) {
            char **to = field(out, k->offset), **give = field(from, k->offset);
            free(*to);
            *to = *give;
            *give = NULL;
        } else if (k->kind == OPTION_FLOAT) {
            *(double *)field(out, k->offset) = *(double *)field(from, k->offset);
        } else {
            *(int *)field(out, k->offset) = *(int *)field(from, k->offset);
        }
    }
    for (int i = 0; i < SEARCHED; i++)
        if (config_get(s, searched[i].key))
            *(int *)field(out, searched[i].line) = *(int *)field(from, searched[i].line);
    out->on_bad_given |= from->on_bad_given;
    if (config_get(s, "classes"))
        out->classes_line = from->classes_line;
    free(out->file);
    out->file = from->file;
    from->file = NULL;
}

int data_options_read(struct data_options *out, const struct config *c, const char *data_file, struct error *err)
{
    *out = (struct data_options){0};
    const struct config none = {0};
    c = c ? c : &none;
    const struct config_section *s = config_find(c, "data");
    const struct config_section empty = {0};
    int result = fill(out, c, s ? s : &empty, NULL, err);
    out->folders[0] = c->folder ? mem_string(c->folder) : NULL;
    out->file = s ? mem_string(c->path) : NULL;
    if (data_file) {
        struct config d;
        if (read_data_file(&d, data_file, err) != 0) {
            data_options_free(out);
            return -1;
        }
        struct data_options given = {.file = mem_string(data_file)};
        result |= fill(&given, &d, &d.section[0], c->folder, err);
        override(out, &given, &d.section[0]);
        out->folders[1] = mem_string(d.folder);
        data_options_free(&given);
        config_free(&d);
    }
    if (result != 0)
        data_options_free(out);
    return result;
}

void data_options_free(struct data_options *o)
{
    option_free(data_option_table, o);
    free(o->file);
    free(o->folders[0]);
    free(o->folders[1]);
    *o = (struct data_options){0};
}
