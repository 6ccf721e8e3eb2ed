/* formats: what the format files and dataset.c share. One file format_*.c and one line in dataset.c's table a format. */
#ifndef DLNET_DATA_FORMATS_H
#define DLNET_DATA_FORMATS_H

#include "data/dataset.h"

extern const struct dataset_format dataset_shapes;  /* "shapes": the built-in synthetic images */
extern const struct dataset_format dataset_mnist;   /* idx files, plain or gzip */
extern const struct dataset_format dataset_cifar;   /* CIFAR-10 and CIFAR-100, the binary version */
extern const struct dataset_format dataset_voc;     /* Pascal VOC folder */
extern const struct dataset_format dataset_coco;    /* COCO instances_*.json */
extern const struct dataset_format dataset_folder;  /* a folder per class */
extern const struct dataset_format dataset_csv;     /* a table */
extern const struct dataset_format dataset_signals; /* WAV and CSV files, one a signal */
extern const struct dataset_format dataset_list;    /* Darknet: a file of image paths */

/* True for a name that means data which the program makes itself; it is not searched as a path. */
bool dataset_is_builtin(const char *path);

/* -1 and an error when the network's task isn't the one that this data is for. */
int dataset_need(const struct dataset *d, enum task task, const char *path, struct error *err);

/* "train", "valid" or "test". */
const char *split_name(enum split split);

/* The path of an image file is sample.name: for the formats whose samples are files. */
int dataset_file_image(const struct dataset *d, int i, struct image *out, struct error *err);

/* Does the name end like an image file? */
bool dataset_is_image(const char *name);

/* Counts a mistake that is skipped and keeps it for the warning. Always 0. */
int dataset_skip(struct dataset *d, const struct error *why);

/* The folder in path that holds the split (train, valid or val, test), or path itself where there are no such folders. Owned by the caller;
 * NULL: others are there, but not this one. */
char *folder_of_split(const struct dataset *d, const char *path, struct error *err);

/* A folder per class: adds the files whose names are wanted. */
int folder_open(struct dataset *d, const char *path, bool (*wanted)(const char *name), struct error *err);

/* The file that a line of a list names: beside the list, else from the working directory. Owned by the caller; NULL: neither is there. */
char *list_find(const char *folder, const char *name);

/* Adds a box given by its corners as fractions of the image, or calls dataset_bad, saying why it isn't a box. What stands out over the edge
 * a little is cut off. */
int dataset_add_box(struct dataset *d, struct sample *s, const double corners[4], int class_id, int difficult, const char *file, int line,
                    struct error *err);

#endif
