/* config: the text of a cfg file as sections of key=value with line numbers. Knows no section and no key. */
#ifndef DLNET_CONFIG_CONFIG_H
#define DLNET_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct config_entry {
    char *key, *value; /* trimmed; value as written, ${…} not expanded */
    char *source;      /* for messages: the file, or "--set" */
    int line;          /* 0 for --set */
};

struct config_section {
    char *name; /* lower-case, without brackets: "convolutional" */
    int line;
    struct config_entry *entry; /* in order; a key given twice is an error at parse time */
    int n_entries;
};

struct config {
    char *path;   /* as given by the user; for messages, and relative paths start from its folder */
    char *folder; /* folder of path */
    struct config_section *section;
    int n_sections;
};

/* Reads a file: `[section]`, `key=value`, lines that start with # or ; are comments, and so is what follows " #" or " ;" after
 * a value; CRLF, BOM, spaces accepted. Every mistake of the file is added to err: file:line: what was found and expected.
 * 0, or -1 (out is then empty). config_free releases it. */
int config_read(struct config *out, const char *path, struct error *err);

/* The same from text in memory; path stands in messages. */
int config_parse(struct config *out, const char *path, const char *text, struct error *err);

/* --set SECTION.key=value: SECTION is a section name that occurs once ("net", "data"), or the number of a layer counted from 0
 * ([net]/[network] and [data] are not counted). Replaces the entry or adds it. */
int config_set(struct config *c, const char *assignment, struct error *err);

/* The first section of that name, or NULL. */
struct config_section *config_find(const struct config *c, const char *name);

/* The entry of that key, or NULL. */
const struct config_entry *config_get(const struct config_section *s, const char *key);

/* The config as text that config_parse reads back to the same sections (effective.cfg; the cfg inside a model). Owned by the caller. */
char *config_text(const struct config *c);

void config_free(struct config *c);

#endif
