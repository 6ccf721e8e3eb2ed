#include "data/dataset.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/image_cache.h"
#include "data/names.h"
#include "data/part.h"
#include "image/codec.h"
#include "image/turbo.h"

/* Asked in this order: a list of paths is what no other format wants. */
static const struct dataset_format *const formats[] = {&dataset_shapes, &dataset_mnist,   &dataset_cifar,  &dataset_voc, &dataset_coco,
                                                       &dataset_csv,    &dataset_signals, &dataset_folder, &dataset_list};
enum { MOST_COMPLAINTS = 100000 };
enum { FORMATS = sizeof formats / sizeof *formats };

const char *split_name(enum split split)
{
    return split == SPLIT_TRAIN ? "train" : split == SPLIT_VALID ? "valid" : "test";
}

bool dataset_is_builtin(const char *path)
{
    return dataset_shapes.probe(path);
}

bool dataset_is_image(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".tga", ".gif", ".psd", ".ppm", ".pgm", ".pnm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (text_ends(name, endings[i]))
            return true;
    return false;
}

struct sample *dataset_add(struct dataset *d, const char *name)
{
    d->sample = mem_grow(d->sample, &d->capacity, (size_t)d->n_samples + 1, sizeof *d->sample);
    struct sample *s = &d->sample[d->n_samples++];
    *s = (struct sample){.name = mem_string(name), .label = -1};
    return s;
}

void sample_add_box(struct sample *s, struct truth_box box)
{
    /* Room grows at powers of two, so that no capacity need be kept. */
    if ((s->n_boxes & (s->n_boxes - 1)) == 0) {
        size_t capacity = (size_t)s->n_boxes;
        s->box = mem_grow(s->box, &capacity, s->n_boxes ? (size_t)s->n_boxes * 2 : 1, sizeof *s->box);
    }
    s->box[s->n_boxes++] = box;
}

int dataset_skip(struct dataset *d, const struct error *why)
{
    if (d->bad++ == 0)
        d->first_bad = *why;
    if (d->options->complaints && d->options->complaints->n < MOST_COMPLAINTS)
        text_list_add(d->options->complaints, why->text);
    return 0;
}

int dataset_bad(struct dataset *d, struct error *err, const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char message[2048];
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct error why = ERROR_INIT;
    if (file)
        error_at(&why, EXIT_DATA, file, line, "%s", message);
    else
        error_add(&why, EXIT_DATA, "%s", message);
    if (d->skip_bad)
        return dataset_skip(d, &why);
    return error_add(err, EXIT_DATA, "%s", why.text);
}

int dataset_add_box(struct dataset *d, struct sample *s, const double corners[4], int class_id, int difficult, const char *file, int line,
                    struct error *err)
{
    double lo[2], hi[2];
    for (int k = 0; k < 2; k++) {
        lo[k] = corners[k];
        hi[k] = corners[k + 2];
        if (!isfinite(lo[k]) || !isfinite(hi[k])) {
            d->box_faults[BOX_NOT_FINITE]++;
            return dataset_bad(d, err, file, line, "found a box that isn't finite, expected numbers");
        }
    }
    const double w = hi[0] - lo[0], h = hi[1] - lo[1], x = (lo[0] + hi[0]) / 2, y = (lo[1] + hi[1]) / 2;
    if (w <= 0 || h <= 0) {
        d->box_faults[BOX_NO_AREA]++;
        return dataset_bad(d, err, file, line, "found a box without area (width %.6g, height %.6g of the image's)", w, h);
    }
    if (x < 0 || x > 1 || y < 0 || y > 1) {
        d->box_faults[BOX_OUTSIDE]++;
        return dataset_bad(d, err, file, line, "found a box whose centre (%.6g, %.6g) lies outside the image, expected 0..1", x, y);
    }
    if (w > 1.01 || h > 1.01) {
        d->box_faults[BOX_TOO_LARGE]++;
        return dataset_bad(d, err, file, line, "found a box larger than the image (width %.6g, height %.6g of the image's), expected 0..1",
                           w, h);
    }
    for (int k = 0; k < 2; k++) { /* real labels stand over the edge by a pixel or so */
        lo[k] = fmax(lo[k], 0);
        hi[k] = fmin(hi[k], 1);
    }
    const struct box box = {(real)((lo[0] + hi[0]) / 2), (real)((lo[1] + hi[1]) / 2), (real)(hi[0] - lo[0]), (real)(hi[1] - lo[1])};
    sample_add_box(s, (struct truth_box){box, class_id, difficult});
    return 0;
}

int dataset_need(const struct dataset *d, enum task task, const char *path, struct error *err)
{
    if (d->task == task)
        return 0;
    return error_at(err, EXIT_DATA, path, 0,
                    task == TASK_DETECT
                        ? "is a data set with boxes, but the network is a classifier: it has no detection head such as [yolo]"
                        : "is a data set for classification (no boxes), but the network is a detector");
}

int dataset_file_image(const struct dataset *d, int i, struct image *out, struct error *err)
{
    return codec_read_with(out, d->sample[i].name, &d->codec, err);
}

struct picture *dataset_picture(const struct dataset *d, int i, struct error *err)
{
    assert(i >= 0 && i < d->n_samples && d->format->image);
    struct picture *p = d->cache ? image_cache_get(d->cache, i) : NULL;
    struct image im = {0};
    if (p || d->format->image(d, i, &im, err) != 0)
        return p;
    p = picture_new(im);
    if (d->cache)
        image_cache_put(d->cache, i, p);
    return p;
}

int dataset_image(const struct dataset *d, int i, struct image *out, struct error *err)
{
    assert(i >= 0 && i < d->n_samples && d->format->image);
    return d->format->image(d, i, out, err);
}

const char *dataset_task_name(const struct dataset *d)
{
    return d->task == TASK_REGRESS ? "regress" : d->task == TASK_LABELS ? "labels" : "classify";
}

const char *dataset_unit(const struct dataset *d)
{
    return d->format->unit ? d->format->unit : "image";
}

bool dataset_has_values(const struct dataset *d)
{
    return d->format->values != NULL;
}

int dataset_values(const struct dataset *d, int i, float *out, struct error *err)
{
    assert(i >= 0 && i < d->n_samples);
    return d->format->values(d, i, out, err);
}

static const char *split_path(const struct data_options *o, enum split split, int *line)
{
    *line = split == SPLIT_TRAIN ? o->train_line : split == SPLIT_VALID ? o->valid_line : o->test_line;
    return split == SPLIT_TRAIN ? o->train : split == SPLIT_VALID ? o->valid : o->test;
}

static const char *options_file(const struct data_options *o)
{
    return o->file ? o->file : "[data]";
}

/* "a, b, c": every place where a path was looked for. Owned by the caller. */
static char *places(const struct data_options *o, const char *path)
{
    struct text_list list = {0};
    const char *const folders[] = {o->folders[1], o->folders[0], "."};
    char *out = mem_string("");
    for (int i = 0; i < 3; i++) {
        char *place = folders[i] ? text_join(folders[i], path) : NULL;
        int k = 0;
        while (place && k < list.n && strcmp(list.item[k], place) != 0)
            k++;
        if (place && k == list.n) {
            text_list_add(&list, place);
            char *longer = mem_format("%s%s%s", out, k ? ", " : "", place);
            free(out);
            out = longer;
        }
        free(place);
    }
    text_list_free(&list);
    return out;
}

static int missing(const struct data_options *o, const char *key, const char *path, int line, struct error *err)
{
    char *looked = places(o, path);
    error_at(err, EXIT_NO_INPUT, options_file(o), line, "%s=%s: %s (looked for %s)", key, path,
             file_is_pattern(path) ? "no file matches" : "no such file or folder", looked);
    free(looked);
    return -1;
}

static int no_split(const struct data_options *o, enum split split, struct error *err)
{
    const char *key = split_name(split);
    if (!o->file)
        return error_add(err, EXIT_DATA, "no data set is given: expected %s= in a [data] section of the cfg, or in a file with --data FILE",
                         key);
    return error_at(err, EXIT_DATA, o->file, 0, "[data] has no %s=, expected the path of a data set (or shapes)", key);
}

/* names= and classes= against each other and against the network. */
static int read_classes(struct dataset *d, const struct data_options *o, int n_classes, struct error *err)
{
    if (o->names && *o->names) {
        if (!file_exists(o->names))
            return missing(o, "names", o->names, o->names_line, err);
        if (names_read(o->names, &d->names, err) != 0)
            return -1;
    }
    const int n = d->names.n;
    if (o->classes > 0 && n_classes > 0 && o->classes != n_classes)
        return error_at(err, EXIT_DATA, options_file(o), o->classes_line, "classes=%d, but the network has %d: one of them must change",
                        o->classes, n_classes);
    if (o->classes > 0 && n > 0 && o->classes != n)
        return error_at(err, EXIT_DATA, options_file(o), o->classes_line, "classes=%d, but %s has %d names", o->classes, o->names, n);
    if (n_classes > 0 && n > n_classes)
        return error_at(err, EXIT_DATA, options_file(o), o->names_line,
                        "names=%s has %d classes, but the network has %d: expected %s%d in its last layer", o->names, n, n_classes,
                        d->task == TASK_DETECT ? "classes=" : "an output of ", n);
    d->class_limit = n > 0 ? n : o->classes > 0 ? o->classes : n_classes;
    return 0;
}

/* What the format found, against the network. */
static int check_opened(struct dataset *d, const char *path, int line, int n_classes, struct error *err)
{
    d->n_classes = d->names.n > d->options->classes ? d->names.n : d->options->classes;
    for (int i = 0; i < d->n_samples; i++) {
        const struct sample *s = &d->sample[i];
        d->n_classes = s->label >= d->n_classes ? s->label + 1 : d->n_classes;
        for (int k = 0; k < s->n_boxes; k++)
            d->n_classes = s->box[k].class_id >= d->n_classes ? s->box[k].class_id + 1 : d->n_classes;
    }
    if (d->n_samples == 0) {
        const char *what = dataset_unit(d);
        if (d->bad == 0)
            return error_at(err, EXIT_DATA, path, 0, "holds no %s for %s=", what, split_name(d->split));
        return error_at(err, EXIT_DATA, path, 0, "no %s for %s= is left: %d mistake%s, the first is: %s", what, split_name(d->split),
                        d->bad, d->bad == 1 ? "" : "s", d->first_bad.text);
    }
    if (n_classes > 0 && d->n_classes > n_classes)
        return error_at(err, EXIT_DATA, options_file(d->options), line,
                        "%s=%s has %d classes, but the network has %d: expected %s%d in its last layer", split_name(d->split), path,
                        d->n_classes, n_classes, d->task == TASK_DETECT ? "classes=" : "an output of ", d->n_classes);
    return 0;
}

static int open_format(struct dataset *d, const struct data_options *o, const char *path, int line, int n_classes, struct error *err)
{
    for (int i = 0; i < FORMATS && !d->format; i++)
        if (formats[i]->probe(path))
            d->format = formats[i];
    if (!d->format && !file_exists(path))
        return missing(o, split_name(d->split), path, line, err);
    if (!d->format) {
        error_at(err, EXIT_DATA, options_file(o), line, "%s=%s is none of the forms of data known, which are:", split_name(d->split), path);
        for (int i = 0; i < FORMATS; i++)
            error_add(err, EXIT_DATA, "  %s: %s", formats[i]->name, formats[i]->help);
        return -1;
    }
    if (read_classes(d, o, n_classes, err) != 0 || d->format->open(d, path, err) != 0)
        return -1;
    return check_opened(d, path, line, n_classes, err);
}

int dataset_open(struct dataset *d, const struct data_options *o, enum split split, enum task task, int n_classes, int want_w, int want_h,
                 int want_c, uint64_t seed, struct error *err)
{
    const bool part = split != SPLIT_TEST && part_is_wanted(o);
    *d = (struct dataset){.task = task,
                          .split = part ? SPLIT_TRAIN : split,
                          .outputs = task == TASK_DETECT ? 0 : n_classes,
                          .skip_bad = o->on_bad == 0,
                          .want_w = want_w,
                          .want_h = want_h,
                          .want_c = want_c,
                          .seed = seed,
                          .options = o};
    if (o->jpeg && !turbo_is_built_in())
        return error_at(err, EXIT_DATA, options_file(o), 0,
                        "jpeg=%s, but this dlnet is built without libjpeg; expected jpeg=stb, or a build with libjpeg-dev",
                        o->jpeg == 1 ? "turbo" : "scaled");
    d->codec.turbo = o->jpeg > 0;
    if (o->jpeg == 2 && split == SPLIT_TRAIN) {
        d->codec.least_w = want_w;
        d->codec.least_h = want_h;
    }
    if (part_check(o, err) != 0)
        return -1;
    int line;
    const char *path = split_path(o, d->split, &line);
    if (!path || !*path)
        return no_split(o, d->split, err);
    if (d->outputs == 1)
        n_classes = 2; /* no and yes */
    if (open_format(d, o, path, line, n_classes, err) != 0 || (part && part_take(d, split == SPLIT_VALID, path, err) != 0)) {
        dataset_close(d);
        return -1;
    }
    if (o->cache == DATA_CACHE_MEMORY && !dataset_has_values(d))
        d->cache = image_cache_new(d->n_samples, (size_t)o->cache_mb << 20, CACHE_FIRST);
    d->options = NULL;
    return 0;
}

size_t dataset_keep(struct dataset *d, const struct data_options *o)
{
    const size_t asked = (size_t)o->cache_mb << 20;
    if (d->cache)
        return asked;
    if (o->cache != DATA_CACHE_AUTO || dataset_has_values(d) || d->format->image != dataset_file_image)
        return 0;
    const size_t free_part = mem_available() / 8, most = asked < free_part ? asked : free_part;
    struct image first = {0};
    struct error err = ERROR_INIT;
    size_t all = 0;
    const bool readable = dataset_image(d, 0, &first, &err) == 0;
    if (readable && (!mem_mul((size_t)first.w * (size_t)first.h * (size_t)first.c, (size_t)d->n_samples, &all) || all > most))
        all = 0;
    image_free(&first);
    if (all > 0)
        d->cache = image_cache_new(d->n_samples, most, CACHE_ALL);
    return all;
}

bool dataset_has(const struct data_options *o, enum split split)
{
    int line;
    const bool part = split == SPLIT_VALID && part_is_wanted(o);
    const char *path = split_path(o, part ? SPLIT_TRAIN : split, &line);
    return path && *path;
}

void dataset_close(struct dataset *d)
{
    if (d->format && d->format->close)
        d->format->close(d);
    for (int i = 0; i < d->n_samples; i++) {
        free(d->sample[i].name);
        free(d->sample[i].box);
    }
    free(d->sample);
    free(d->soft);
    image_cache_free(d->cache);
    text_list_free(&d->names);
    text_list_free(&d->columns);
    *d = (struct dataset){0};
}
