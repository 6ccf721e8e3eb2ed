/* format_coco: COCO's instances_*.json, or the folder above its annotations/. Classes are the categories in the order of their ids, or by
 * name those of names=. Boxes with iscrowd=1 are marked as VOC's difficult ones are. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/coco_json.h"
#include "data/formats.h"
#include "data/names.h"
#include "image/codec.h"

enum { PLACES = 7 };

/* An image or a category by its id. */
struct entry {
    int64_t id;
    int index;
};

struct reading {
    struct dataset *d;
    struct error *err;
    const char *path;
};

static int bad_entry(void *context, int line, const char *message)
{
    const struct reading *r = context;
    return dataset_bad(r->d, r->err, r->path, line, "%s", message);
}

/* folder/annotations/instances_SPLIT*.json. Owned by the caller; NULL: none. */
static char *find_json(const char *folder, const char *split)
{
    char *annotations = mem_format("%s/annotations", folder), *prefix = mem_format("instances_%s", split), *found = NULL;
    struct text_list names = {0};
    if (file_is_dir(annotations) && file_list_dir(annotations, &names, NULL) == 0)
        for (int i = 0; i < names.n && !found; i++)
            if (text_starts(names.item[i], prefix) && text_ends(names.item[i], ".json"))
                found = text_join(annotations, names.item[i]);
    text_list_free(&names);
    free(annotations);
    free(prefix);
    return found;
}

static bool probe(const char *path)
{
    if (!file_is_dir(path))
        return text_ends(path, ".json") && file_exists(path);
    char *found = find_json(path, "");
    free(found);
    return found != NULL;
}

/* Folders in which the images of a JSON file may stand; each NULL or owned. */
static void find_places(const struct dataset *d, const char *path, char *place[PLACES])
{
    char *folder = text_dirname(path), *set = mem_string(text_basename(path));
    *strrchr(set, '.') = 0;
    const char *name = text_starts(set, "instances_") ? set + strlen("instances_") : set;
    const char *given = d->options->images;
    place[0] = given && *given ? mem_string(given) : NULL;
    place[1] = mem_string(folder);
    place[2] = mem_format("%s/images", folder);
    place[3] = mem_format("%s/%s", folder, name);
    place[4] = mem_format("%s/../%s", folder, name);
    place[5] = mem_format("%s/../images", folder);
    place[6] = mem_format("%s/../images/%s", folder, name);
    free(folder);
    free(set);
}

/* The image where the last one was found, else in the first place that has it. Owned by the caller. */
static char *find_image(char *const place[PLACES], int *last, const char *file)
{
    for (int i = -1; i < PLACES; i++) {
        const int k = i < 0 ? *last : i;
        char *found = place[k] ? text_join(place[k], file) : NULL;
        if (found && access(found, F_OK) == 0) {
            *last = k;
            return found;
        }
        free(found);
    }
    return NULL;
}

static int by_id(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id ? 1 : x->index - y->index;
}

static const struct entry *find_entry(const struct entry *list, int n, int64_t id)
{
    int lo = 0, hi = n;
    while (lo < hi) {
        const int mid = lo + (hi - lo) / 2;
        if (list[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && list[lo].id == id ? &list[lo] : NULL;
}

/* An image's size where the file doesn't tell it. */
static int read_size(struct coco_image *im, const char *file, struct error *why)
{
    struct image pixels;
    if (im->width >= 1 && im->height >= 1)
        return 0;
    if (codec_read(&pixels, file, why) != 0)
        return -1;
    im->width = pixels.w;
    im->height = pixels.h;
    image_free(&pixels);
    return 0;
}

/* A sample for each image that is there: index of the entry becomes the sample's, −1 where there is none. */
static int add_images(const struct reading *r, struct coco *c, struct entry *entry)
{
    char *place[PLACES];
    int last = 0, result = 0;
    find_places(r->d, r->path, place);
    for (int i = 0; i < c->n_images; i++)
        entry[i] = (struct entry){c->image[i].id, i};
    qsort(entry, (size_t)c->n_images, sizeof *entry, by_id);
    int *sample = mem_new((size_t)c->n_images + 1, sizeof *sample);
    for (int i = 0; i < c->n_images && result == 0; i++) {
        struct coco_image *im = &c->image[i];
        struct error why = ERROR_INIT;
        sample[i] = -1;
        const struct entry *first = find_entry(entry, c->n_images, im->id);
        if (first->index != i) {
            result = dataset_bad(r->d, r->err, r->path, im->line, "an image has the id %lld, as another before", (long long)im->id);
            continue;
        }
        char *file = find_image(place, &last, im->file);
        if (!file)
            result = dataset_bad(r->d, r->err, r->path, im->line,
                                 "found the image '%.200s', but there is none of that name in %s, in images or %s beside it, or there one "
                                 "folder higher (images= in [data] says where)",
                                 im->file, place[1], text_basename(place[3]));
        else if (read_size(im, file, &why) != 0)
            result = dataset_bad(r->d, r->err, r->path, im->line, "an image has no width and height, and %s", why.text);
        else {
            sample[i] = r->d->n_samples;
            dataset_add(r->d, file)->number = i;
        }
        free(file);
    }
    for (int i = 0; i < c->n_images; i++)
        entry[i].index = sample[entry[i].index];
    free(sample);
    for (int i = 0; i < PLACES; i++)
        free(place[i]);
    return result;
}

/* index of each entry becomes the class, −1 where names= has none of that name. */
static int add_categories(const struct reading *r, const struct coco *c, struct entry *entry)
{
    struct dataset *d = r->d;
    for (int i = 0; i < c->n_categories; i++)
        entry[i] = (struct entry){c->category[i].id, i};
    qsort(entry, (size_t)c->n_categories, sizeof *entry, by_id);
    for (int i = 1; i < c->n_categories; i++)
        if (entry[i].id == entry[i - 1].id)
            return error_at(r->err, EXIT_DATA, r->path, c->category[entry[i].index].line, "a category has the id %lld, as another before",
                            (long long)entry[i].id);
    const bool own = d->names.n == 0;
    for (int i = 0; own && i < c->n_categories; i++)
        text_list_add(&d->names, c->category[entry[i].index].name);
    struct name_index index;
    name_index_init(&index, &d->names);
    for (int i = 0; i < c->n_categories; i++) {
        const char *name = c->category[entry[i].index].name;
        entry[i].index = own ? i : name_index_find(&index, name, strlen(name));
    }
    name_index_free(&index);
    return 0;
}

static int add_box(const struct reading *r, const struct coco *c, const struct coco_box *b, const struct entry *images,
                   const struct entry *categories)
{
    const struct entry *image = find_entry(images, c->n_images, b->image), *category = find_entry(categories, c->n_categories, b->category);
    if (!image)
        return dataset_bad(r->d, r->err, r->path, b->line, "annotation %lld is of image %lld, which is none of the %d in the file",
                           (long long)b->id, (long long)b->image, c->n_images);
    if (!category)
        return dataset_bad(r->d, r->err, r->path, b->line, "annotation %lld has category %lld, which is none of the %d in the file",
                           (long long)b->id, (long long)b->category, c->n_categories);
    if (image->index < 0) /* told already */
        return 0;
    if (category->index < 0)
        return dataset_bad(r->d, r->err, r->path, b->line, "annotation %lld has category %lld, whose name is none of the %d of %s",
                           (long long)b->id, (long long)b->category, r->d->names.n, r->d->options->names);
    struct sample *s = &r->d->sample[image->index];
    const struct coco_image *im = &c->image[s->number];
    const double x = (double)b->edge[0], y = (double)b->edge[1];
    const double corners[4] = {x / im->width, y / im->height, (x + (double)b->edge[2]) / im->width, (y + (double)b->edge[3]) / im->height};
    return dataset_add_box(r->d, s, corners, category->index, b->crowd, r->path, b->line, r->err);
}

static int open_json(struct dataset *d, const char *path, struct error *err)
{
    struct reading r = {d, err, path};
    struct coco c = {.bad = bad_entry, .context = &r};
    int result = coco_read(&c, path, err);
    struct entry *images = mem_new((size_t)c.n_images + 1, sizeof *images);
    struct entry *categories = mem_new((size_t)c.n_categories + 1, sizeof *categories);
    if (result == 0)
        result = add_categories(&r, &c, categories);
    if (result == 0)
        result = add_images(&r, &c, images);
    for (int i = 0; i < c.n_boxes && result == 0; i++)
        result = add_box(&r, &c, &c.box[i], images, categories);
    if (result == 0 && c.n_boxes == 0)
        result = error_at(err, EXIT_DATA, path, 0, "holds no annotations with a bbox, expected COCO's instances%s%s",
                          d->bad ? "; the first mistake: " : "", d->first_bad.text);
    free(images);
    free(categories);
    coco_free(&c);
    return result;
}

static int open_coco(struct dataset *d, const char *path, struct error *err)
{
    if (dataset_need(d, TASK_DETECT, path, err) != 0)
        return -1;
    if (!file_is_dir(path))
        return open_json(d, path, err);
    const char *split = d->split == SPLIT_VALID ? "val" : split_name(d->split);
    char *json = find_json(path, split);
    const int result =
        json ? open_json(d, json, err) : error_add(err, EXIT_NO_INPUT, "%s: has no annotations/instances_%s*.json", path, split);
    free(json);
    return result;
}

const struct dataset_format dataset_coco = {
    .name = "COCO",
    .help = "an instances_*.json, its images beside it or one folder higher (or images=), or the folder above annotations/",
    .probe = probe,
    .open = open_coco,
    .image = dataset_file_image,
};
