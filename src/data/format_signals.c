/* format_signals: a file a signal, WAV or CSV, for networks over one dimension: height=1, width= samples, channels=.
 *
 * A folder per class (as for images); or a folder of such files, a pattern that they match, or a list of their paths, in which the class is
 * a folder of the path, or what stands before the first _ - or . of the file's name (3_lucas_17.wav is a 3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/names.h"
#include "data/signal_file.h"

struct signals {
    enum signal_channel channel;
};

enum { DEEPEST = 2, LOOKED_AT = 4 };

/* Is a signal among the first files below the folder? */
static bool holds_signals(const char *folder, int depth)
{
    struct text_list names = {0};
    bool found = false;
    int looked = 0;
    if (file_list_dir(folder, &names, NULL) != 0)
        names.n = 0;
    for (int i = 0; i < names.n && !found; i++)
        found = names.item[i][0] != '.' && signal_is_file(names.item[i]);
    for (int i = 0; i < names.n && !found && depth < DEEPEST && looked < LOOKED_AT; i++) {
        char *path = names.item[i][0] == '.' ? NULL : text_join(folder, names.item[i]);
        if (path && file_is_dir(path)) {
            looked++;
            found = holds_signals(path, depth + 1);
        }
        free(path);
    }
    text_list_free(&names);
    return found;
}

static bool probe(const char *path)
{
    if (file_is_dir(path))
        return holds_signals(path, 0);
    struct text_list found = {0};
    if (file_match(path, &found) > 0) {
        const bool any = signal_is_file(found.item[0]);
        text_list_free(&found);
        return any;
    }
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    char head[4096];
    const size_t n = fread(head, 1, sizeof head - 1, f);
    fclose(f);
    if (memchr(head, 0, n))
        return false;
    head[n] = 0;
    int line = 0;
    for (char *cursor = head, *raw; (raw = file_line(&cursor, &line));) {
        const char *name = text_trim(raw);
        if (*name)
            return signal_is_file(name);
    }
    return false;
}

static size_t leading_length(const char *base)
{
    return strcspn(base, "_-.");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The classes of files[]: the leading parts of their names, sorted, unless names= or the training data gave them. */
static void find_names(struct dataset *d, const struct text_list *files)
{
    const struct text_list *known = d->options->known;
    for (int i = 0, n = d->names.n == 0 && known && known->n > 1 ? known->n : 0; i < n; i++)
        text_list_add(&d->names, known->item[i]);
    if (d->names.n > 0)
        return;
    struct text_list leading = {0};
    for (int i = 0; i < files->n; i++) {
        const char *base = text_basename(files->item[i]);
        char *name = mem_string_n(base, leading_length(base));
        text_list_add(&leading, name);
        free(name);
    }
    if (leading.n > 0)
        qsort(leading.item, (size_t)leading.n, sizeof *leading.item, compare_names);
    for (int i = 0; i < leading.n; i++)
        if (i == 0 || strcmp(leading.item[i], leading.item[i - 1]) != 0)
            text_list_add(&d->names, leading.item[i]);
    text_list_free(&leading);
}

/* A folder of the path, then the leading part of the name, then as for images. */
static int class_of(const struct name_index *index, const char *path)
{
    const char *base = text_basename(path);
    int other[2], found = name_index_folder(index, path);
    if (found < 0)
        found = name_index_find(index, base, leading_length(base));
    return found >= 0 ? found : name_index_path(index, path, other);
}

/* Samples of files[], which stand in the lines of a list or (lines NULL) in a folder. */
static int add_files(struct dataset *d, const struct text_list *files, const int *lines, const char *from, struct error *err)
{
    find_names(d, files);
    struct name_index index;
    name_index_init(&index, &d->names);
    int result = 0;
    for (int i = 0; i < files->n && result == 0; i++) {
        const int label = class_of(&index, files->item[i]);
        if (label >= 0)
            dataset_add(d, files->item[i])->label = label;
        else
            result = dataset_bad(d, err, from, lines ? lines[i] : 0,
                                 "found '%.200s', expected one of the %d class names in this path, or before the first _ of the name",
                                 files->item[i], d->names.n);
    }
    name_index_free(&index);
    return result;
}

/* Those of names that are signals. */
static int add_signals(struct dataset *d, const struct text_list *names, const char *from, struct error *err)
{
    struct text_list files = {0};
    for (int i = 0; i < names->n; i++)
        if (text_basename(names->item[i])[0] != '.' && signal_is_file(names->item[i]))
            text_list_add(&files, names->item[i]);
    const int result = add_files(d, &files, NULL, from, err);
    text_list_free(&files);
    return result;
}

/* Files that match. */
static int open_pattern(struct dataset *d, const char *pattern, struct error *err)
{
    struct text_list found = {0};
    file_match(pattern, &found);
    const int result = add_signals(d, &found, pattern, err);
    text_list_free(&found);
    return result;
}

/* Files that lie in root itself. */
static int open_flat(struct dataset *d, const char *root, struct error *err)
{
    struct text_list names = {0}, paths = {0};
    int result = file_list_dir(root, &names, err);
    for (int i = 0; i < names.n && result == 0; i++) {
        char *path = text_join(root, names.item[i]);
        text_list_add(&paths, path);
        free(path);
    }
    if (result == 0)
        result = add_signals(d, &paths, root, err);
    text_list_free(&names);
    text_list_free(&paths);
    return result;
}

static int open_list(struct dataset *d, const char *path, struct error *err)
{
    size_t size, capacity = 0;
    char *text = file_read(path, (size_t)1 << 30, &size, err);
    if (!text)
        return -1;
    char *folder = text_dirname(path);
    struct text_list files = {0};
    int line = 0, result = 0, *lines = NULL;
    for (char *cursor = text, *raw; result == 0 && (raw = file_line(&cursor, &line));) {
        const char *name = text_trim(raw);
        if (!*name)
            continue;
        char *found = list_find(folder, name);
        if (found) {
            lines = mem_grow(lines, &capacity, (size_t)files.n + 1, sizeof *lines);
            lines[files.n] = line;
            text_list_add(&files, found);
        } else {
            result =
                dataset_bad(d, err, path, line, "found '%.200s', but there is no such file in %s or the working directory", name, folder);
        }
        free(found);
    }
    if (result == 0)
        result = add_files(d, &files, lines, path, err);
    text_list_free(&files);
    free(lines);
    free(folder);
    mem_free(text);
    return result;
}

/* All samples have the rate of the first, or rate=; those that can't be read, or have another, are bad. */
static int check_files(struct dataset *d, struct error *err)
{
    int rate = d->options->rate, kept = 0, result = 0;
    const char *first = NULL;
    for (int i = 0; i < d->n_samples; i++) {
        struct sample *s = &d->sample[i];
        struct error why = ERROR_INIT;
        int own = 0, bad = result == 0 ? signal_check(s->name, d->want_c, &own, &why) : 0;
        if (bad) {
            result = dataset_bad(d, err, NULL, 0, "%s", why.text);
        } else if (result == 0 && rate > 0 && own > 0 && own != rate) {
            bad = 1;
            result = dataset_bad(d, err, s->name, 0, "found %d samples a second, expected %d (as %s): give all files the same rate", own,
                                 rate, first ? first : "rate= says");
        } else if (rate == 0 && own > 0) {
            rate = own;
            first = s->name;
        }
        if (bad)
            free(s->name);
        else
            d->sample[kept++] = *s; /* `first` stays: the name moves with its sample */
    }
    d->n_samples = kept;
    return result;
}

static int open_signals(struct dataset *d, const char *path, struct error *err)
{
    if (dataset_need(d, TASK_CLASSIFY, path, err) != 0)
        return -1;
    if (d->want_h != 1)
        return error_at(err, EXIT_DATA, path, 0,
                        "holds signals, but [net] has height=%d: expected height=1, the number of samples as width=", d->want_h);
    struct signals *state = d->state = mem_new(1, sizeof *state);
    state->channel = (enum signal_channel)d->options->channel;
    int result;
    if (file_is_dir(path)) {
        char *root = folder_of_split(d, path, err);
        if (!root)
            return -1;
        result = open_flat(d, root, err);
        if (result == 0 && d->n_samples == 0 && d->bad == 0)
            result = folder_open(d, path, signal_is_file, err);
        free(root);
    } else if (file_is_pattern(path)) {
        result = open_pattern(d, path, err);
    } else {
        result = open_list(d, path, err);
    }
    return result == 0 ? check_files(d, err) : -1;
}

static int values(const struct dataset *d, int i, float *out, struct error *err)
{
    return signal_read(d->sample[i].name, ((const struct signals *)d->state)->channel, d->want_c, d->want_w, out, err);
}

static void close_signals(struct dataset *d)
{
    free(d->state);
}

const struct dataset_format dataset_signals = {
    .name = "signals",
    .unit = "signal",
    .help = "WAV or CSV files, one a signal: a folder per class, or a folder, a pattern (recordings/*_[0-4].wav) or a list of names that "
            "begin with the class (3_lucas_17.wav)",
    .probe = probe,
    .open = open_signals,
    .values = values,
    .close = close_signals,
};
