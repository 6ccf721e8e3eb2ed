/* format_cifar: the binary version of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): records of 1 byte (class) or 2
 * (coarse class, fine class), then 3072: the red, green and blue plane of 32 x 32 pixels.
 *
 * A folder serves three splits: train = the first records of data_batch_*.bin (CIFAR-100: train.bin), valid = the last tenth of them,
 * test = test_batch.bin (test.bin). Classes of CIFAR-100 are the fine ones. Pixels stay in the files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/names.h"
#include "data/part.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE, MOST_FILES = 64, VALID_SHARE = 10 };

struct cifar {
    int labels; /* bytes before the pixels of a record: 1 or 2 */
    int n_files;
    int fd[MOST_FILES];
    char *path[MOST_FILES];
    int count[MOST_FILES]; /* records */
};

static bool has(const char *folder, const char *name)
{
    char *path = text_join(folder, name);
    const bool found = file_exists(path) && !file_is_dir(path);
    free(path);
    return found;
}

static bool is_batch(const char *name)
{
    return (text_starts(name, "data_batch") || text_starts(name, "test_batch")) && text_ends(name, ".bin");
}

static bool is_hundred(const char *name)
{
    return strcmp(name, "train.bin") == 0 || strcmp(name, "test.bin") == 0;
}

static bool probe(const char *path)
{
    const char *name = text_basename(path);
    if (!file_is_dir(path))
        return (is_batch(name) || is_hundred(name)) && file_exists(path);
    return has(path, "data_batch_1.bin") || has(path, "test_batch.bin") || has(path, "train.bin") || has(path, "test.bin");
}

static int cut_short(const char *path, int record, struct error *err)
{
    return error_at(err, EXIT_DATA, path, 0, "record %d can't be read: %s", record,
                    errno ? strerror(errno) : "the file has become shorter");
}

/* Opens one file and counts its records. */
static int add_file(struct cifar *c, const char *path, struct error *err)
{
    const size_t each = (size_t)c->labels + PIXELS;
    struct stat s;
    if (c->n_files == MOST_FILES)
        return error_at(err, EXIT_DATA, path, 0, "is one file more than the %d expected", MOST_FILES);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_add(err, EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
    c->fd[c->n_files] = fd;
    c->path[c->n_files] = mem_string(path);
    c->n_files++;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
        return error_at(err, EXIT_DATA, path, 0, "is no regular file");
    if (s.st_size == 0 || s.st_size % (off_t)each != 0 || s.st_size / (off_t)each > 100000000)
        return error_at(err, EXIT_DATA, path, 0, "found %lld bytes, expected a multiple of %zu (records of CIFAR-%d)", (long long)s.st_size,
                        each, c->labels == 1 ? 10 : 100);
    c->count[c->n_files - 1] = (int)(s.st_size / (off_t)each);
    return 0;
}

static int add_folder(struct cifar *c, const char *folder, const char *prefix, struct error *err)
{
    struct text_list names = {0};
    int result = file_list_dir(folder, &names, err);
    for (int i = 0; i < names.n && result == 0; i++) {
        if (!text_starts(names.item[i], prefix) || !text_ends(names.item[i], ".bin"))
            continue;
        char *path = text_join(folder, names.item[i]);
        result = add_file(c, path, err);
        free(path);
    }
    text_list_free(&names);
    return result;
}

/* Class names that come with the data. Their file may be missing. */
static int find_names(struct dataset *d, const char *folder, int labels, struct error *err)
{
    char *path = text_join(folder, labels == 1 ? "batches.meta.txt" : "fine_label_names.txt");
    const int result = d->names.n > 0 || !file_exists(path) ? 0 : names_read(path, &d->names, err);
    free(path);
    for (int k = 0, n = result == 0 && d->names.n == 0 ? (labels == 1 ? 10 : 100) : 0; k < n; k++) {
        char number[16];
        snprintf(number, sizeof number, "%d", k);
        text_list_add(&d->names, number);
    }
    return result;
}

static int add_records(struct dataset *d, int file, int skip, int count, struct error *err)
{
    const struct cifar *c = d->state;
    const off_t each = c->labels + PIXELS;
    for (int i = skip; i < skip + count; i++) {
        unsigned char label;
        errno = 0;
        if (pread(c->fd[file], &label, 1, i * each + c->labels - 1) != 1)
            return cut_short(c->path[file], i, err);
        if (label >= d->names.n) {
            if (dataset_bad(d, err, c->path[file], 0, "found class %d in record %d, expected 0..%d", label, i, d->names.n - 1) != 0)
                return -1;
            continue;
        }
        char *name = mem_format("%s:%d", c->path[file], i);
        struct sample *s = dataset_add(d, name);
        free(name);
        s->label = label;
        s->number = (int64_t)file << 32 | i;
    }
    return 0;
}

static int read_files(struct dataset *d, const char *path, bool divided, struct error *err)
{
    const struct cifar *c = d->state;
    int total = 0, first, count, at = 0;
    for (int i = 0; i < c->n_files; i++)
        total += c->count[i];
    if (total == 0)
        return error_add(err, EXIT_NO_INPUT, "%s: has no %s", path,
                         d->split == SPLIT_TEST ? (c->labels == 1 ? "test_batch.bin" : "test.bin")
                                                : (c->labels == 1 ? "data_batch_*.bin" : "train.bin"));
    if (part_range(d, path, divided, total, VALID_SHARE, &first, &count, err) != 0)
        return -1;
    for (int i = 0; i < c->n_files; at += c->count[i++]) {
        const int from = first > at ? first - at : 0;
        const int to = first + count - at < c->count[i] ? first + count - at : c->count[i];
        if (to > from && add_records(d, i, from, to - from, err) != 0)
            return -1;
    }
    return 0;
}

static int open_cifar(struct dataset *d, const char *path, struct error *err)
{
    if (dataset_need(d, TASK_CLASSIFY, path, err) != 0)
        return -1;
    struct cifar *c = d->state = mem_new(1, sizeof *c);
    const bool folder = file_is_dir(path), test = d->split == SPLIT_TEST;
    char *dir = folder ? mem_string(path) : text_dirname(path);
    const bool hundred = folder ? !has(path, "data_batch_1.bin") && !has(path, "test_batch.bin") : is_hundred(text_basename(path));
    c->labels = hundred ? 2 : 1;
    int result = find_names(d, dir, c->labels, err);
    if (result == 0)
        result = !folder   ? add_file(c, path, err)
                 : hundred ? add_folder(c, path, test ? "test.bin" : "train.bin", err)
                           : add_folder(c, path, test ? "test_batch" : "data_batch", err);
    free(dir);
    return result == 0 ? read_files(d, path, folder && !test, err) : -1;
}

static int image(const struct dataset *d, int i, struct image *out, struct error *err)
{
    const struct cifar *c = d->state;
    const int file = (int)(d->sample[i].number >> 32), record = (int)(d->sample[i].number & INT32_MAX);
    unsigned char planes[PIXELS];
    errno = 0;
    if (pread(c->fd[file], planes, PIXELS, (off_t)record * (c->labels + PIXELS) + c->labels) != PIXELS)
        return cut_short(c->path[file], record, err);
    if (image_new(out, SIDE, SIDE, 3, 0, err) != 0)
        return -1;
    for (int k = 0; k < PIXELS; k++)
        out->data[k] = planes[k % 3 * PLANE + k / 3];
    return 0;
}

static void close_cifar(struct dataset *d)
{
    struct cifar *c = d->state;
    for (int i = 0; c && i < c->n_files; i++) {
        close(c->fd[i]);
        free(c->path[i]);
    }
    free(c);
}

const struct dataset_format dataset_cifar = {
    .name = "CIFAR",
    .help =
        "the binary version of CIFAR-10 or CIFAR-100: a folder with data_batch_*.bin and test_batch.bin, or train.bin and test.bin, or one "
        "such file",
    .probe = probe,
    .open = open_cifar,
    .image = image,
    .close = close_cifar,
};
