/* format_list: Darknet's lists: a text file with the path of one image a line.
 *
 * Detection: labels stand in a file beside the image, or in the folder labels where the image's path has images or JPEGImages;
 * lines `class x y w h`, fractions of the image. Classification: the class is read from the image's path. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/names.h"
#include "data/soft_labels.h"

/* Any text file: a zero byte in its first part tells that it is something else. */
static bool probe(const char *path)
{
    if (file_is_dir(path))
        return false;
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    char head[512];
    const size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    return !memchr(head, 0, n) && !dataset_is_image(path);
}

/* The last component `folder` of path replaced by "labels", ending .txt. Owned by the caller; NULL: path has no such component. */
static char *replaced(const char *path, const char *stem, const char *folder)
{
    const size_t length = strlen(folder);
    for (const char *p = stem; p >= path; p--)
        if ((p == path || p[-1] == '/') && strncmp(p, folder, length) == 0 && p[length] == '/' && p + length < stem)
            return mem_format("%.*slabels%.*s.txt", (int)(p - path), path, (int)(stem - p - (long)length), p + length);
    return NULL;
}

/* The label file that exists, or NULL. Owned by the caller. */
static char *find_label(const char *path)
{
    const char *base = text_basename(path), *dot = strrchr(base, '.');
    const char *stem = dot ? dot : base + strlen(base); /* where the ending begins */
    char *candidates[] = {replaced(path, stem, "images"), replaced(path, stem, "JPEGImages"),
                          mem_format("%.*s.txt", (int)(stem - path), path)};
    char *found = NULL;
    for (int i = 0; i < 3; i++) {
        if (candidates[i] && !found && access(candidates[i], F_OK) == 0)
            found = candidates[i];
        else
            free(candidates[i]);
    }
    return found;
}

/* Detection without any truth is hardly meant: the label files are somewhere else. */
static int no_labels(const struct dataset *d, const char *path, struct error *err)
{
    const char *image = d->sample[0].name, *base = text_basename(image), *dot = strrchr(base, '.');
    const char *stem = dot ? dot : base + strlen(base);
    char *beside = mem_format("%.*s.txt", (int)(stem - image), image), *in_labels = replaced(image, stem, "images");
    error_at(err, EXIT_DATA, path, 0, "none of its %d images has a label file, expected for the first %s%s%s", d->n_samples,
             in_labels ? in_labels : "", in_labels ? " or " : "", beside);
    free(beside);
    free(in_labels);
    return -1;
}

/* One line `class x y w h`. */
static int add_label_line(struct dataset *d, struct sample *s, char *text, const char *file, int line, struct error *err)
{
    char *word[6] = {0}, *save = NULL;
    int n = 0;
    for (char *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        if (n < 6)
            word[n] = w;
        n++;
    }
    if (n != 5)
        return dataset_bad(d, err, file, line, "found %d field%s, expected 5: class x y width height", n, n == 1 ? "" : "s");
    long id;
    if (!text_to_long(word[0], &id))
        return dataset_bad(d, err, file, line, "found class '%.40s', expected a whole number", word[0]);
    if (id < 0 || id >= (d->class_limit > 0 ? d->class_limit : 1000000)) {
        if (d->class_limit > 0)
            return dataset_bad(d, err, file, line, "found class %ld, expected 0..%d (%d classes)", id, d->class_limit - 1, d->class_limit);
        return dataset_bad(d, err, file, line, "found class %ld, expected the number of a class, from 0", id);
    }
    static const char *const what[] = {"x", "y", "width", "height"};
    double v[4];
    for (int k = 0; k < 4; k++)
        if (!text_to_double(word[k + 1], &v[k]))
            return dataset_bad(d, err, file, line, "found %s '%.40s', expected a number in 0..1", what[k], word[k + 1]);
    const double corners[4] = {v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2};
    return dataset_add_box(d, s, corners, (int)id, 0, file, line, err);
}

static int add_labels(struct dataset *d, struct sample *s, struct error *err)
{
    char *file = find_label(s->name);
    if (!file) { /* an image without objects */
        d->unlabelled++;
        s->no_label = true;
        return 0;
    }
    size_t size;
    struct error why = ERROR_INIT;
    char *text = file_read(file, (size_t)64 << 20, &size, &why);
    int line = 0, result = text ? 0 : dataset_bad(d, err, file, 0, "can't be read: %s", why.text);
    for (char *cursor = text, *raw; text && result == 0 && (raw = file_line(&cursor, &line));) {
        char *trimmed = text_trim(raw);
        if (*trimmed)
            result = add_label_line(d, s, trimmed, file, line, err);
    }
    mem_free(text);
    free(file);
    return result;
}

static void copy_list(const struct text_list *from, struct text_list *to)
{
    for (int i = 0; i < from->n; i++)
        text_list_add(to, from->item[i]);
}

/* The words that are looked for in paths: labels=, else names=. */
static int read_words(struct dataset *d, const char *path, struct text_list *words, struct error *err)
{
    const char *file = d->options->labels;
    if (file && *file) {
        if (names_read(file, words, err) != 0)
            return -1;
        if (d->names.n > 0 && d->names.n != words->n)
            return error_at(err, EXIT_DATA, file, 0, "has %d labels, but %s has %d names, expected as many", words->n, d->options->names,
                            d->names.n);
    } else if (d->names.n == 0) {
        return error_at(err, EXIT_DATA, path, 0,
                        "is a list of images; to find their classes in the paths, expected names= in [data] (a file, one class a line)");
    }
    if (words->n == 0)
        copy_list(&d->names, words);
    else if (d->names.n == 0)
        copy_list(words, &d->names);
    d->class_limit = words->n;
    return 0;
}

static int add_class(struct dataset *d, struct sample *s, const struct name_index *words, const char *list, int line, struct error *err)
{
    int other[2] = {0};
    s->label = name_index_path(words, s->name, other);
    if (s->label >= 0)
        return 0;
    int result;
    if (s->label == NAME_AMBIGUOUS)
        result = dataset_bad(d, err, list, line, "found '%.200s', whose class may be '%s' or '%s', expected one name in it", s->name,
                             words->names->item[other[0]], words->names->item[other[1]]);
    else
        result =
            dataset_bad(d, err, list, line, "found '%.200s', expected one of the %d class names in this path", s->name, words->names->n);
    d->n_samples--;
    free(s->name);
    return result;
}

char *list_find(const char *folder, const char *name)
{
    char *path = text_join(folder, name);
    if (access(path, F_OK) != 0 && name[0] != '/') {
        free(path);
        path = mem_string(name);
    }
    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static int open_list(struct dataset *d, const char *path, struct error *err)
{
    struct text_list words = {0};
    if (d->task == TASK_CLASSIFY && read_words(d, path, &words, err) != 0) {
        text_list_free(&words);
        return -1;
    }
    size_t size;
    char *text = file_read(path, (size_t)1 << 30, &size, err), *folder = text_dirname(path);
    struct name_index index;
    name_index_init(&index, &words);
    int line = 0, result = text ? 0 : -1;
    for (char *cursor = text, *raw; result == 0 && (raw = file_line(&cursor, &line));) {
        const char *name = text_trim(raw);
        if (!*name)
            continue;
        char *found = list_find(folder, name);
        if (!found) {
            result =
                dataset_bad(d, err, path, line, "found '%.200s', but there is no such image in %s or the working directory", name, folder);
            continue;
        }
        struct sample *s = dataset_add(d, found);
        free(found);
        result = d->task == TASK_DETECT ? add_labels(d, s, err) : add_class(d, s, &index, path, line, err);
    }
    if (result == 0 && d->n_samples > 0 && d->unlabelled == d->n_samples)
        result = no_labels(d, path, err);
    if (result == 0)
        result = soft_labels_read(d, folder, err);
    name_index_free(&index);
    text_list_free(&words);
    mem_free(text);
    free(folder);
    return result;
}

const struct dataset_format dataset_list = {
    .name = "list",
    .help = "a text file with the path of one image a line (Darknet); boxes from labels/*.txt, classes from the paths",
    .probe = probe,
    .open = open_list,
    .image = dataset_file_image,
};
