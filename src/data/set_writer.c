#include "data/set_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/soft_labels.h"
#include "image/codec.h"

/* VOC's names of the splits. */
static const char *voc_split(enum split split)
{
    return split == SPLIT_VALID ? "val" : split_name(split);
}

enum set_form set_form_of(const struct dataset *d)
{
    if (d->task == TASK_DETECT)
        return d->format == &dataset_voc ? SET_VOC : SET_DARKNET;
    return d->format == &dataset_list ? SET_LIST : SET_FOLDERS;
}

const char *set_writer_path(enum set_form form, enum split split)
{
    static const char *const lists[] = {"train.txt", "valid.txt", "test.txt"};
    return form == SET_LIST || form == SET_DARKNET ? lists[split] : ".";
}

static FILE *open_text(const char *folder, const char *name, struct error *err)
{
    char *path = text_join(folder, name);
    FILE *f = fopen(path, "w");
    if (!f)
        error_at(err, EXIT_IO, path, 0, "can't be written: %s", strerror(errno));
    free(path);
    return f;
}

static int make_folder(const char *root, const char *name, struct error *err)
{
    char *path = text_join(root, name);
    const int result = file_make_dirs(path, err);
    free(path);
    return result;
}

int set_writer_begin(struct set_writer *w, enum set_form form, const char *folder, enum split split, const struct text_list *names,
                     struct error *err)
{
    *w = (struct set_writer){.form = form, .folder = folder, .names = names};
    w->root = form == SET_FOLDERS ? text_join(folder, split_name(split)) : mem_string(folder);
    if (file_make_dirs(w->root, err) != 0)
        return -1;
    if (form == SET_VOC) {
        if (make_folder(folder, "JPEGImages", err) != 0 || make_folder(folder, "Annotations", err) != 0 ||
            make_folder(folder, "ImageSets/Main", err) != 0)
            return -1;
        char *name = mem_format("ImageSets/Main/%s.txt", voc_split(split));
        w->list = open_text(folder, name, err);
        free(name);
        return w->list ? 0 : -1;
    }
    if (form == SET_DARKNET && (make_folder(folder, "images", err) != 0 || make_folder(folder, "labels", err) != 0))
        return -1;
    if (form == SET_FOLDERS)
        for (int k = 0; k < names->n; k++)
            if (make_folder(w->root, names->item[k], err) != 0) /* a class without pictures keeps its number */
                return -1;
    if (form == SET_FOLDERS)
        return 0;
    w->list = open_text(folder, set_writer_path(form, split), err);
    return w->list ? 0 : -1;
}

static int write_file(const struct set_item *item, const char *path, struct error *err)
{
    if (item->image)
        return codec_write(item->image, path, err);
    size_t size;
    char *bytes = file_read(item->source, (size_t)1 << 30, &size, err);
    const int result = bytes ? file_write(path, bytes, size, err) : -1;
    mem_free(bytes);
    return result;
}

/* A row a moment, a column a channel. */
static int write_signal(const struct set_item *item, const char *path, struct error *err)
{
    struct file_writer f;
    if (file_begin(&f, path, err) != 0)
        return -1;
    for (int i = 0; i < item->length; i++)
        for (int c = 0; c < item->channels; c++)
            fprintf(f.stream, "%.9g%c", (double)item->values[(size_t)c * (size_t)item->length + (size_t)i],
                    c + 1 < item->channels ? ',' : '\n');
    return file_commit(&f, err);
}

static int write_darknet_labels(const struct set_writer *w, const struct set_item *item, struct error *err)
{
    char *name = mem_format("labels/%s.txt", item->stem), *path = text_join(w->folder, name);
    struct file_writer f;
    int result = file_begin(&f, path, err);
    for (int i = 0; result == 0 && i < item->n_boxes; i++) {
        const struct truth_box *t = &item->box[i];
        fprintf(f.stream, "%d %.6f %.6f %.6f %.6f\n", t->class_id, (double)t->box.x, (double)t->box.y, (double)t->box.w, (double)t->box.h);
    }
    if (result == 0)
        result = file_commit(&f, err);
    free(name);
    free(path);
    return result;
}

static void write_escaped(FILE *f, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        default:
            fputc(*text, f);
        }
}

static int write_annotation(const struct set_writer *w, const struct set_item *item, struct error *err)
{
    char *name = mem_format("Annotations/%s.xml", item->stem), *path = text_join(w->folder, name);
    struct file_writer f;
    int result = file_begin(&f, path, err);
    if (result == 0) {
        fprintf(f.stream, "<annotation>\n  <filename>%s%s</filename>\n  <size><width>%d</width><height>%d</height></size>\n", item->stem,
                item->ending, item->w, item->h);
        for (int i = 0; i < item->n_boxes; i++) {
            const struct truth_box *t = &item->box[i];
            const double x = (double)t->box.x * item->w, y = (double)t->box.y * item->h, bw = (double)t->box.w * item->w / 2,
                         bh = (double)t->box.h * item->h / 2;
            fputs("  <object>\n    <name>", f.stream);
            write_escaped(f.stream, w->names->item[t->class_id]);
            fprintf(f.stream,
                    "</name>\n    <difficult>%d</difficult>\n"
                    "    <bndbox><xmin>%.3f</xmin><ymin>%.3f</ymin><xmax>%.3f</xmax><ymax>%.3f</ymax></bndbox>\n  </object>\n",
                    t->difficult != 0, x - bw, y - bh, x + bw, y + bh);
        }
        fputs("</annotation>\n", f.stream);
        result = file_commit(&f, err);
    }
    free(name);
    free(path);
    return result;
}

/* The picture's path below root. Owned by the caller. */
static char *place_of(const struct set_writer *w, const struct set_item *item)
{
    if (w->form == SET_VOC)
        return mem_format("JPEGImages/%s%s", item->stem, item->ending);
    if (w->form == SET_DARKNET)
        return mem_format("images/%s%s", item->stem, item->ending);
    const char *class_name = w->names->item[item->label];
    return w->form == SET_LIST ? mem_format("images/%s/%s%s", class_name, item->stem, item->ending)
                               : mem_format("%s/%s%s", class_name, item->stem, item->ending);
}

static int add_to_list(struct set_writer *w, const struct set_item *item, const char *place, struct error *err)
{
    if (w->list)
        fprintf(w->list, "%s\n", w->form == SET_VOC ? item->stem : place);
    if (!item->share)
        return 0;
    if (!w->soft)
        w->soft = open_text(w->root, SOFT_LABELS_FILE, err);
    if (!w->soft)
        return -1;
    soft_labels_write(w->soft, place, w->names, item->share, item->n_shares);
    return 0;
}

int set_writer_add(struct set_writer *w, const struct set_item *item, struct error *err)
{
    char *place = place_of(w, item), *path = text_join(w->root, place), *folder = text_dirname(path);
    int result = w->form == SET_LIST ? file_make_dirs(folder, err) : 0;
    if (result == 0)
        result = item->values ? write_signal(item, path, err) : write_file(item, path, err);
    if (result == 0 && w->form == SET_DARKNET)
        result = write_darknet_labels(w, item, err);
    if (result == 0 && w->form == SET_VOC)
        result = write_annotation(w, item, err);
    if (result == 0)
        result = add_to_list(w, item, place, err);
    w->written += result == 0;
    free(place);
    free(path);
    free(folder);
    return result;
}

int set_writer_end(struct set_writer *w, struct error *err)
{
    int result = 0;
    FILE *const files[] = {w->list, w->soft};
    for (int i = 0; i < 2; i++)
        if (files[i]) {
            const int bad = ferror(files[i]);
            if (fclose(files[i]) != 0 || bad)
                result = error_at(err, EXIT_IO, w->folder, 0, "a list could not be written: %s", strerror(errno));
        }
    free(w->root);
    w->list = w->soft = NULL;
    w->root = NULL;
    return result;
}
