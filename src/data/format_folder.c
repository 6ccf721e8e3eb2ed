/* format_folder: a folder per class: PATH/train/CLASS/image.jpg (also valid or val, test), or PATH/CLASS/image.jpg. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/names.h"
#include "data/soft_labels.h"

static const char *const split_folders[] = {"train", "valid", "val", "test"};
enum { SPLIT_FOLDERS = 4, DEEPEST = 8 };

/* path/NAME of a folder, or NULL. Owned by the caller. */
static char *subfolder(const char *path, const char *name)
{
    char *sub = mem_format("%s/%s", path, name);
    if (file_is_dir(sub))
        return sub;
    free(sub);
    return NULL;
}

static bool has_splits(const char *path)
{
    bool found = false;
    for (int i = 0; i < SPLIT_FOLDERS; i++) {
        char *sub = subfolder(path, split_folders[i]);
        found |= sub != NULL;
        free(sub);
    }
    return found;
}

/* Names of the folders in path, added to out where they aren't in it yet. */
static int add_folders(const char *path, struct text_list *out, struct error *err)
{
    struct text_list names = {0};
    const int result = file_list_dir(path, &names, err);
    for (int i = 0; i < names.n; i++) {
        char *sub = names.item[i][0] == '.' ? NULL : subfolder(path, names.item[i]);
        int k = 0;
        while (sub && k < out->n && strcmp(out->item[k], names.item[i]) != 0)
            k++;
        if (sub && k == out->n)
            text_list_add(out, names.item[i]);
        free(sub);
    }
    text_list_free(&names);
    return result;
}

static bool probe(const char *path)
{
    struct text_list folders = {0};
    const bool found = file_is_dir(path) && add_folders(path, &folders, NULL) == 0 && folders.n > 0;
    text_list_free(&folders);
    return found;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted folder names, alike for every split: of all splits in path, else of the training folder, else of path itself. */
static int find_names(struct dataset *d, const char *path, struct error *err)
{
    const char *from = path;
    const char *train = d->options->train;
    if (!has_splits(path) && train && *train && file_is_dir(train))
        from = train;
    int result = 0;
    if (has_splits(from)) {
        for (int i = 0; result == 0 && i < SPLIT_FOLDERS; i++) {
            char *sub = subfolder(from, split_folders[i]);
            result = sub ? add_folders(sub, &d->names, err) : 0;
            free(sub);
        }
    } else {
        result = add_folders(from, &d->names, err);
    }
    if (d->names.n > 0)
        qsort(d->names.item, (size_t)d->names.n, sizeof *d->names.item, compare_names);
    return result;
}

/* All files below a class's folder that are wanted. */
static int add_files(struct dataset *d, const char *folder, int label, int depth, bool (*wanted)(const char *), struct error *err)
{
    struct text_list names = {0};
    int result = file_list_dir(folder, &names, err);
    for (int i = 0; result == 0 && i < names.n; i++) {
        if (names.item[i][0] == '.')
            continue;
        char *path = mem_format("%s/%s", folder, names.item[i]);
        if (wanted(path))
            dataset_add(d, path)->label = label;
        else if (depth < DEEPEST && file_is_dir(path))
            result = add_files(d, path, label, depth + 1, wanted, err);
        free(path);
    }
    text_list_free(&names);
    return result;
}

static int add_class(struct dataset *d, const char *root, const char *name, const struct name_index *index, bool (*wanted)(const char *),
                     struct error *err)
{
    char *folder = mem_format("%s/%s", root, name);
    const int label = name_index_find(index, name, strlen(name));
    int result;
    if (label >= 0) {
        result = add_files(d, folder, label, 0, wanted, err);
    } else {
        const char *near = names_nearest(&d->names, name);
        result = dataset_bad(d, err, folder, 0, "found a folder of class '%.80s', expected one of the %d of %s%s%s%s", name, d->names.n,
                             *d->options->names ? d->options->names : d->options->train, near ? "; did you mean '" : "", near ? near : "",
                             near ? "'?" : "");
    }
    free(folder);
    return result;
}

char *folder_of_split(const struct dataset *d, const char *path, struct error *err)
{
    char *root = subfolder(path, split_name(d->split));
    if (!root && d->split == SPLIT_VALID)
        root = subfolder(path, "val");
    if (root || !has_splits(path))
        return root ? root : mem_string(path);
    error_add(err, EXIT_NO_INPUT, "%s: has no folder %s%s", path, split_name(d->split), d->split == SPLIT_VALID ? " or val" : "");
    return NULL;
}

int folder_open(struct dataset *d, const char *path, bool (*wanted)(const char *name), struct error *err)
{
    char *root = folder_of_split(d, path, err);
    if (!root)
        return -1;
    struct text_list folders = {0};
    int result = d->names.n > 0 ? 0 : find_names(d, path, err);
    if (result == 0)
        result = add_folders(root, &folders, err);
    struct name_index index;
    name_index_init(&index, &d->names);
    for (int i = 0; result == 0 && i < folders.n; i++)
        result = add_class(d, root, folders.item[i], &index, wanted, err);
    if (result == 0)
        result = soft_labels_read(d, root, err);
    name_index_free(&index);
    text_list_free(&folders);
    free(root);
    return result;
}

static int open_images(struct dataset *d, const char *path, struct error *err)
{
    return dataset_need(d, TASK_CLASSIFY, path, err) == 0 ? folder_open(d, path, dataset_is_image, err) : -1;
}

const struct dataset_format dataset_folder = {
    .name = "folder per class",
    .help = "PATH/train/CLASS/*.jpg (and valid or val, test), or PATH/CLASS/*.jpg",
    .probe = probe,
    .open = open_images,
    .image = dataset_file_image,
};
