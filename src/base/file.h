/* file: whole files in, whole files out. */
#ifndef DLNET_BASE_FILE_H
#define DLNET_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

/* The whole file, with a 0 byte after the last (not counted in *size). NULL: missing (66), unreadable (66 or 74), a directory
 * or larger than limit bytes (65). Free with mem_free. */
char *file_read(const char *path, size_t limit, size_t *size, struct error *err);

/* Atomic write: writes go to a temporary file beside path; file_commit syncs it and renames it over path; file_discard
 * removes it. Every failure (disk full included) is found at the latest by file_commit: -1 and err, path as it was. */
struct file_writer {
    FILE *stream; /* write here with stdio; errors are collected until file_commit */
    char *path, *temporary;
};
int file_begin(struct file_writer *w, const char *path, struct error *err);
int file_commit(struct file_writer *w, struct error *err);
void file_discard(struct file_writer *w);

/* All of text to path, atomically. */
int file_write(const char *path, const void *data, size_t size, struct error *err);

/* Next line of a text that stands in memory (as file_read returns it): \n, \r\n and a BOM at the very start are removed,
 * the text is cut in place. NULL at the end. *cursor starts at the text; *line counts from 1. */
char *file_line(char **cursor, int *line);

bool file_exists(const char *path);
bool file_is_dir(const char *path);

/* mkdir -p. */
int file_make_dirs(const char *path, struct error *err);

/* Names in a folder (without . and ..), sorted bytewise. */
int file_list_dir(const char *path, struct text_list *out, struct error *err);

/* Whether the text is a pattern rather than a path: it has one of * ? [ {, and nothing has it as its name. */
bool file_is_pattern(const char *path);

/* The files that a shell's pattern stands for (*, ?, [5-9], {a,b}), sorted bytewise, each once. 0: none, or no pattern. */
int file_match(const char *pattern, struct text_list *out);

#endif
