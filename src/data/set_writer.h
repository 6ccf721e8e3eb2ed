/* set_writer: a data set on disk: a folder per class (classes.names, SPLIT/CLASS/…), with a list for who reads lists; Darknet's lists with
 * a label file beside each image; or Pascal VOC's tree. What is mixed of classes has its shares in soft-labels.tsv. */
#ifndef DLNET_DATA_SET_WRITER_H
#define DLNET_DATA_SET_WRITER_H

#include <stdio.h>

#include "data/canvas.h"
#include "data/dataset.h"

enum set_form { SET_FOLDERS, SET_LIST, SET_DARKNET, SET_VOC };

struct set_writer {
    enum set_form form;
    const char *folder;            /* borrowed */
    const struct text_list *names; /* of the classes; borrowed */
    FILE *list, *soft;             /* NULL: not open */
    char *root;                    /* where the paths of lists and soft labels start */
    int written;
};

/* One sample. Pixels, or a file that is copied as it is (source, with the size of its picture). */
struct set_item {
    const char *stem;          /* of the file's name, unique in the set */
    const char *ending;        /* ".png"; of a source, its own */
    const struct image *image; /* NULL: source */
    const char *source;
    int w, h;             /* of the picture */
    const float *values;  /* a signal in place of a picture: c rows of `length` numbers; else NULL */
    int channels, length; /* of a signal */
    int label;            /* class */
    const float *share;   /* n_shares class probabilities, where they aren't 1 for the label; else NULL */
    int n_shares;
    const struct truth_box *box;
    int n_boxes;
};

/* The form in which a data set is given: the writer's choice for it. */
enum set_form set_form_of(const struct dataset *d);

/* Begins a split in the folder, which exists. 0 or −1; then set_writer_end releases. */
int set_writer_begin(struct set_writer *w, enum set_form form, const char *folder, enum split split, const struct text_list *names,
                     struct error *err);
int set_writer_add(struct set_writer *w, const struct set_item *item, struct error *err);
int set_writer_end(struct set_writer *w, struct error *err);

/* What stands after train= for such a set. */
const char *set_writer_path(enum set_form form, enum split split);

#endif
