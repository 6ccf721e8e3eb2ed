/* config: the text of a cfg file as sections of key=value with line numbers. Knows no section and no key. */
#ifndef DLNET_CONFIG_CONFIG_H
#define DLNET_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

struct config_entry {
    char *key, *value; /* trimmed; value as written, ${…} not expanded */
    char *source;      /* for messages: the file, or the assignment: "--set net.batch=16" */
    int line;          /* 0 for --set */
};

struct config_section {
    char *name; /* lower-case, without brackets: "convolutional" */
    int line;
    struct config_entry *entry; /* in order; no key twice */
    int n_entries;
    size_t capacity;
};

struct config {
    char *path;   /* as given by the user; for messages, and relative paths start from its folder */
    char *folder; /* folder of path */
    struct config_section *section;
    int n_sections;
    size_t capacity;
    struct text_list notes; /* warnings of the reader, "file:line: …"; for commands to print */
};

/* Reads a file: `[section]`, `key=value`, lines that start with # or ; are comments, and so is what follows " #" or " ;" after
 * a value or a section; CRLF, BOM, spaces accepted. Every mistake of the file is added to err: file:line: what was found and expected.
 * A key twice in a section: with the same value accepted; else a mistake, but in [net] real Darknet files do so (`# Testing batch=1
 * # Training batch=64`): there the first one stands, as in Darknet, and notes has a warning.
 * 0, or -1 (out is then empty). config_free releases it. */
int config_read(struct config *out, const char *path, struct error *err);

/* The same from text in memory; path stands in messages. */
int config_parse(struct config *out, const char *path, const char *text, struct error *err);

/* --set SECTION.key=value: SECTION is a section name that occurs once ("net", "data"), or the number of a layer counted from 0
 * ([net]/[network], [data] and [augment] are not counted). Replaces the entry or adds it; a missing [data] or [augment] is added too. -1:
 * not of that form (EXIT_USAGE), no such section (EXIT_DATA). Whether the key exists is found by option_fill. */
int config_set(struct config *c, const char *assignment, struct error *err);

/* Replaces the entry of that key, or adds it; source stands in messages. */
void config_put(struct config_section *s, const char *key, const char *value, const char *source);

/* True for [net], [network], [data] and [augment], which are no layers. */
bool config_is_general(const struct config_section *s);

/* The first section of that name, or NULL; "net" and "network" are the same. */
struct config_section *config_find(const struct config *c, const char *name);

/* The entry of that key, or NULL. */
const struct config_entry *config_get(const struct config_section *s, const char *key);

/* The config as text that config_parse reads back to the same sections (effective.cfg; the cfg inside a model). Owned by the caller. */
char *config_text(const struct config *c);

void config_free(struct config *c);

#endif
