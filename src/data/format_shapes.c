/* The built-in pictures as a data set: train=shapes. */
#include <stdio.h>
#include <string.h>

#include "data/formats.h"
#include "data/shapes.h"

static bool shapes_probe(const char *path)
{
    return strcmp(path, "shapes") == 0;
}

static struct shapes_key key_of(const struct dataset *d, int64_t number)
{
    return (struct shapes_key){.seed = d->seed, .split = d->split, .number = number, .single = d->task == TASK_CLASSIFY};
}

static int width_of(const struct dataset *d)
{
    return d->want_w > 0 ? d->want_w : SHAPES_SIDE;
}

static int height_of(const struct dataset *d)
{
    return d->want_h > 0 ? d->want_h : SHAPES_SIDE;
}

static int shapes_open(struct dataset *d, const char *path, struct error *err)
{
    (void)path;
    (void)err;
    const struct data_options *o = d->options;
    const int asked = d->split == SPLIT_TRAIN ? o->train_count : d->split == SPLIT_VALID ? o->valid_count : o->test_count;
    const int count = asked > 0 ? asked : d->split == SPLIT_TRAIN ? 2000 : 400;
    if (d->names.n == 0)
        for (int i = 0; i < SHAPES_CLASSES; i++)
            text_list_add(&d->names, shapes_names[i]);
    for (int i = 0; i < count; i++) {
        const struct shapes_key key = key_of(d, i);
        struct shapes_layout layout;
        shapes_layout(&key, width_of(d), height_of(d), &layout);
        char name[48];
        snprintf(name, sizeof(name), "shapes:%s:%d", split_name(d->split), i);
        struct sample *s = dataset_add(d, name);
        s->number = i;
        if (d->task == TASK_CLASSIFY)
            s->label = layout.figure[0].class_id;
        for (int k = 0; d->task == TASK_DETECT && k < layout.n; k++)
            sample_add_box(s, shapes_box(&layout.figure[k], width_of(d), height_of(d)));
    }
    return 0;
}

static int shapes_read(const struct dataset *d, int i, struct image *out, struct error *err)
{
    const struct shapes_key key = key_of(d, d->sample[i].number);
    return shapes_image(&key, width_of(d), height_of(d), out, err);
}

const struct dataset_format dataset_shapes = {
    .name = "shapes",
    .help = "the word shapes: coloured figures drawn by the program itself",
    .probe = shapes_probe,
    .open = shapes_open,
    .image = shapes_read,
};
