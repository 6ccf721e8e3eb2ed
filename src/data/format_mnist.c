/* format_mnist: idx files (http://yann.lecun.com/exdb/mnist: big-endian magic 0x803 images / 0x801 labels, sizes, bytes), plain or gzip.
 *
 * A folder serves three splits: train = the first images of the train files, valid = the last ones, test = the t10k files. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/part.h"

struct mnist {
    int w, h;
    unsigned char *pixels; /* of the samples kept */
};

/* One idx file being read. */
struct idx {
    gzFile file;
    const char *path;
    uint32_t dim[3];
    int n_dims;
    size_t each; /* bytes of one item */
};

/* dir/stem, with or without .gz and with '-' or '.' before idx; NULL: none. Owned by the caller. */
static char *find_file(const char *dir, const char *set, const char *what)
{
    static const char *const forms[] = {"%s/%s-%s-ubyte", "%s/%s-%s-ubyte.gz"};
    for (int i = 0; i < 4; i++) {
        char *stem = mem_string(what);
        if (i >= 2)
            *strstr(stem, "-idx") = '.'; /* some unpackers write train-images.idx3-ubyte */
        char *path = mem_format(forms[i % 2], dir, set, stem);
        free(stem);
        if (file_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool is_images_file(const char *path)
{
    const char *name = text_basename(path);
    return strstr(name, "idx3") && (text_ends(name, "ubyte") || text_ends(name, ".gz")) && !file_is_dir(path) && file_exists(path);
}

static bool probe(const char *path)
{
    if (is_images_file(path))
        return true;
    char *train = find_file(path, "train", "images-idx3"), *test = find_file(path, "t10k", "images-idx3");
    const bool found = train || test;
    free(train);
    free(test);
    return found;
}

static void idx_close(struct idx *x)
{
    if (x->file)
        gzclose(x->file);
    *x = (struct idx){0};
}

/* Reads and checks the header: magic and sizes. */
static int idx_open(struct idx *x, const char *path, int n_dims, struct error *err)
{
    *x = (struct idx){.path = path, .n_dims = n_dims, .each = 1};
    x->file = file_is_dir(path) ? NULL : gzopen(path, "rb");
    if (!x->file)
        return error_add(err, EXIT_NO_INPUT, "%s: cannot be opened", path);
    gzbuffer(x->file, 1 << 17);
    unsigned char head[16];
    const int wanted = 4 + 4 * n_dims, got = gzread(x->file, head, (unsigned)wanted);
    if (got < 0)
        return error_at(err, EXIT_DATA, path, 0, "the gzip data is damaged");
    if (got != wanted)
        return error_at(err, EXIT_DATA, path, 0, "found %d bytes, expected an idx header of %d", got, wanted);
    uint32_t word[4] = {0};
    for (int i = 0; i <= n_dims; i++)
        word[i] = (uint32_t)head[4 * i] << 24 | (uint32_t)head[4 * i + 1] << 16 | (uint32_t)head[4 * i + 2] << 8 | head[4 * i + 3];
    if (word[0] != 0x800u + (uint32_t)n_dims)
        return error_at(err, EXIT_DATA, path, 0, "found magic number 0x%08x, expected 0x%08x (idx, unsigned bytes, %d dimension%s)",
                        word[0], 0x800u + (unsigned)n_dims, n_dims, n_dims > 1 ? "s" : "");
    memcpy(x->dim, word + 1, sizeof x->dim);
    if (x->dim[0] > INT32_MAX || (n_dims == 3 && (x->dim[1] < 1 || x->dim[1] > 65535 || x->dim[2] < 1 || x->dim[2] > 65535)))
        return error_at(err, EXIT_DATA, path, 0, "found a header that claims %u items of %u x %u, expected sides of 1 to 65535", x->dim[0],
                        n_dims == 3 ? x->dim[2] : 1, n_dims == 3 ? x->dim[1] : 1);
    if (n_dims == 3)
        x->each = (size_t)x->dim[1] * x->dim[2];
    return 0;
}

/* The bytes of items [first, first + n) of the file, and a check that the file ends where its header says. Memory grows with what is
 * really there, so that a header which claims too much costs nothing. */
static unsigned char *idx_read(struct idx *x, size_t first, size_t n, struct error *err)
{
    const size_t total = x->each * x->dim[0], begin = first * x->each, end = begin + n * x->each; /* each < 2^32, dim < 2^31 */
    size_t capacity = 0, kept = 0, at = 0;
    unsigned char *out = NULL, *chunk = mem_new(1 << 16, 1);
    bool memory = true;
    int code = Z_OK;
    for (;;) {
        const int got = gzread(x->file, chunk, 1 << 16);
        if (got <= 0) {
            gzerror(x->file, &code);
            break;
        }
        const size_t from = at < begin ? (begin - at < (size_t)got ? begin - at : (size_t)got) : 0;
        size_t to = at >= end ? 0 : (end - at < (size_t)got ? end - at : (size_t)got);
        to = to < from ? from : to;
        if (to > from) {
            if (kept + to - from > capacity) {
                capacity = capacity * 2 > kept + to - from ? capacity * 2 : kept + to - from;
                capacity = capacity > end - begin ? end - begin : capacity;
                unsigned char *more = realloc(out, capacity);
                memory = more != NULL;
                out = more ? more : out;
                if (!memory)
                    break;
            }
            memcpy(out + kept, chunk + from, to - from);
            kept += to - from;
        }
        at += (size_t)got;
    }
    free(chunk);
    if (!memory)
        error_add(err, EXIT_FAIL, "%s: out of memory for %zu bytes of pixels", x->path, capacity);
    else if (code == Z_DATA_ERROR)
        error_at(err, EXIT_DATA, x->path, 0, "the gzip data is damaged after %zu bytes, expected %zu", at, total);
    else if (at != total)
        error_at(err, EXIT_DATA, x->path, 0, "found %zu bytes after the header, expected %zu (%u items of %zu)%s", at, total, x->dim[0],
                 x->each, at < total ? ": the file is cut short" : "");
    else
        return out ? out : mem_new(1, 1);
    free(out);
    return NULL;
}

/* Adds the samples of labels[]. */
static int add_samples(struct dataset *d, const char *labels_path, const unsigned char *labels, int first, int count, struct error *err)
{
    int highest = 9;
    for (int i = 0; i < count; i++) {
        const int label = labels[i];
        if (d->class_limit > 0 && label >= d->class_limit) {
            if (dataset_bad(d, err, labels_path, 0, "found label %d of image %d, expected 0..%d (%d classes)", label, first + i,
                            d->class_limit - 1, d->class_limit) != 0)
                return -1;
            continue;
        }
        char name[32];
        snprintf(name, sizeof name, "mnist:%d", first + i);
        struct sample *s = dataset_add(d, name);
        s->label = label;
        s->number = i;
        highest = label > highest ? label : highest;
    }
    for (int k = 0; d->options->names[0] == 0 && k <= highest; k++) {
        char name[16];
        snprintf(name, sizeof name, "%d", k);
        text_list_add(&d->names, name);
    }
    return 0;
}

static int read_files(struct dataset *d, const char *images_path, const char *labels_path, bool divided, struct error *err)
{
    struct idx images = {0}, labels = {0};
    int result = -1, first = 0, count = 0;
    unsigned char *label = NULL;
    struct mnist *m = d->state = mem_new(1, sizeof *m);
    if (idx_open(&images, images_path, 3, err) != 0 || idx_open(&labels, labels_path, 1, err) != 0)
        goto end;
    if (images.dim[0] != labels.dim[0]) {
        error_at(err, EXIT_DATA, labels_path, 0, "found %u labels, expected %u: as many as %s has images", labels.dim[0], images.dim[0],
                 images_path);
        goto end;
    }
    /* 60,000 are divided into 55,000 and 5,000 */
    if (part_range(d, images_path, divided, (int)images.dim[0], 12, &first, &count, err) != 0)
        goto end;
    m->w = (int)images.dim[2];
    m->h = (int)images.dim[1];
    m->pixels = idx_read(&images, (size_t)first, (size_t)count, err);
    label = m->pixels ? idx_read(&labels, (size_t)first, (size_t)count, err) : NULL;
    if (label)
        result = add_samples(d, labels_path, label, first, count, err);
end:
    free(label);
    idx_close(&images);
    idx_close(&labels);
    return result;
}

/* The labels that belong to one images file, by its name: images → labels, idx3 → idx1, with or without .gz. */
static char *labels_beside(const char *images_path)
{
    char *dir = text_dirname(images_path), *set = mem_string(text_basename(images_path));
    char *end = strstr(set, "-images");
    char *path = NULL;
    if (end) {
        *end = 0;
        path = find_file(dir, set, "labels-idx1");
    }
    free(dir);
    free(set);
    return path;
}

static int open_mnist(struct dataset *d, const char *path, struct error *err)
{
    if (dataset_need(d, TASK_CLASSIFY, path, err) != 0)
        return -1;
    char *images, *labels;
    const char *set = d->split == SPLIT_TEST ? "t10k" : "train";
    const bool folder = !is_images_file(path);
    if (folder) {
        images = find_file(path, set, "images-idx3");
        labels = find_file(path, set, "labels-idx1");
    } else {
        images = mem_string(path);
        labels = labels_beside(path);
    }
    int result;
    if (!images)
        result = error_add(err, EXIT_NO_INPUT, "%s: has no %s-images-idx3-ubyte or %s-images-idx3-ubyte.gz", path, set, set);
    else if (!labels)
        result = error_add(err, EXIT_NO_INPUT,
                           "%s: its labels aren't there, expected a file beside it whose name has labels-idx1 for images-idx3", images);
    else
        result = read_files(d, images, labels, folder && d->split != SPLIT_TEST, err);
    free(images);
    free(labels);
    return result;
}

static int image(const struct dataset *d, int i, struct image *out, struct error *err)
{
    const struct mnist *m = d->state;
    if (image_new(out, m->w, m->h, 1, 0, err) != 0)
        return -1;
    const size_t each = (size_t)m->w * (size_t)m->h;
    memcpy(out->data, m->pixels + (size_t)d->sample[i].number * each, each);
    return 0;
}

static void close_mnist(struct dataset *d)
{
    struct mnist *m = d->state;
    if (m)
        free(m->pixels);
    free(m);
    d->state = NULL;
}

const struct dataset_format dataset_mnist = {
    .name = "mnist",
    .help = "a folder with train-images-idx3-ubyte[.gz] and so on, or one such images file with its labels beside it",
    .probe = probe,
    .open = open_mnist,
    .image = image,
    .close = close_mnist,
};
