/* names: class names, and finding one in the path of an image. */
#ifndef DLNET_DATA_NAMES_H
#define DLNET_DATA_NAMES_H

#include "base/error.h"
#include "base/text.h"

/* Reads a file of class names, one a line, in the order of their numbers; white space at the ends and empty lines at the end of the file
 * don't count. -1: missing (66), an empty line between names, or no name (65). */
int names_read(const char *path, struct text_list *out, struct error *err);

/* Hash table over a list of names, for data sets of many thousand paths. Borrows the list. */
struct name_index {
    const struct text_list *names;
    int *slot; /* class + 1, 0: empty; owned */
    size_t mask;
};
void name_index_init(struct name_index *index, const struct text_list *names);
void name_index_free(struct name_index *index);

enum { NAME_NONE = -1, NAME_AMBIGUOUS = -2 };

/* Number of the name s[0..length); the first one of equal names. NAME_NONE: unknown. */
int name_index_find(const struct name_index *index, const char *s, size_t length);

/* The folder of the path that is a name, the nearest to the file; NAME_NONE: none is. */
int name_index_folder(const struct name_index *index, const char *path);

/* Class of an image from its path. In this order: a folder of the path (the nearest to the file), the longest part of the file's name
 * (without its ending) between _ - . or blanks; then, as in Darknet, the only name that stands anywhere in the path. NAME_NONE: none does;
 * NAME_AMBIGUOUS: several do, two of them in other[]. */
int name_index_path(const struct name_index *index, const char *path, int other[2]);

/* A name for the class that isn't this one, of two: 0 for 1, no for yes, false for true, else "not NAME". Owned by the caller. */
char *names_other(const char *name);

/* Nearest name for a message, or NULL. */
const char *names_nearest(const struct text_list *names, const char *s);

#endif
