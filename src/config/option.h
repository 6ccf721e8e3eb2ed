/* option: tables of keys. One row says name, kind, range, default and help of a key; the table fills a struct, finds unknown
 * keys and wrong values, and prints the manual. */
#ifndef DLNET_CONFIG_OPTION_H
#define DLNET_CONFIG_OPTION_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "config/config.h"

enum option_kind {
    OPTION_INT,     /* int; [min, max]; "3.0" is a whole number too, "3.5" a mistake */
    OPTION_LONG,    /* int64_t; [min, max] */
    OPTION_FLOAT,   /* double; [min, max] */
    OPTION_FLAG,    /* int: 0 or 1 */
    OPTION_CHOICE,  /* int: position in choices[] */
    OPTION_TEXT,    /* char *, owned */
    OPTION_PATH,    /* char *, owned; as written: data/ resolves it */
    OPTION_INTS,    /* struct option_ints, separated by commas or spaces; each in [min, max] */
    OPTION_FLOATS,  /* struct option_floats, separated by commas or spaces; each in [min, max] */
    OPTION_IGNORED, /* a key that Darknet knows and that changes nothing here: accepted; help says why. offset unused */
    /* Keys of Darknet that this version doesn't honour: accepted, so that the cfg loads, and told by option_unsupported when their value
     * isn't the fallback (which must be the neutral value). offset unused. */
    OPTION_UNSUPPORTED,        /* training would differ; inference is right without it */
    OPTION_UNSUPPORTED_ANSWER, /* the network's answer would differ: commands that answer refuse it */
};

struct option_ints {
    int *v, n;
};
struct option_floats {
    double *v;
    int n;
};

struct config_key {
    const char *key;
    enum option_kind kind;
    size_t offset;              /* of the field in the state */
    const char *fallback;       /* default, as text, parsed like a value; NULL: the key must be given; "" for TEXT/PATH/lists: empty */
    double min, max;            /* both 0: no bounds; ±INFINITY: no bound on that side */
    const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
    const char *help;           /* one line */
};

/* ${NAME} and ${NAME:-default} in any value are replaced from the environment before it is parsed.
 *
 * Fills *state (zeroed by the caller) from the section by the table (terminated by key NULL). Every mistake is added to err with file and
 * line: unknown key (with the nearest known), wrong type, out of range, missing key. extra: a second table of keys that the section may
 * also have and that fill *extra_state (NULL: none). 0 or -1; even on -1 every field holds a valid default, so that
 * later checks can go on. */
int option_fill(const struct config *c, const struct config_section *s, const struct config_key *table, void *state,
                const struct config_key *extra, void *extra_state, struct error *err);

/* Releases what option_fill allocated in the fields of state. */
void option_free(const struct config_key *table, void *state);

/* Adds "file:line: message", the line being the key's in this section, else the section's. Always -1. */
int option_error(const struct config *c, const struct config_section *s, const char *key, struct error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Calls report for every unsupported key of the section whose value isn't the neutral one, with its row and "file:line: mixup=1 has no
 * effect in this version". Returns their number. report may be NULL. */
int option_unsupported(const struct config_section *s, const struct config_key *table,
                       void (*report)(void *context, const struct config_key *key, const char *message), void *context);

/* The row of that key, or NULL. */
const struct config_key *option_find(const struct config_key *table, const char *key);

/* The manual page of a table: key, type and range, default, help; plain text, 100 columns at most. option_print_key: one row;
 * option_print_text: a key with a text of its own, in the same form. */
void option_print(FILE *out, const struct config_key *table);
void option_print_key(FILE *out, const struct config_key *row);
void option_print_text(FILE *out, const char *key, const char *text);

#endif
