/* text: strings as the command line and the formats need them. */
#ifndef DLNET_BASE_TEXT_H
#define DLNET_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A growing list of owned strings. */
struct text_list {
    char **item;
    int n;
    size_t capacity;
};

void text_list_add(struct text_list *list, const char *s);
void text_list_free(struct text_list *list);

/* Removes white space at both ends, in place; returns the new start. */
char *text_trim(char *s);

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix); /* ASCII case ignored */

/* Whole string as a number, independent of the locale. false: not a number, trailing text, out of range, NaN or infinite. */
bool text_to_double(const char *s, double *out);
bool text_to_long(const char *s, long *out);

/* The word of words[0..n) nearest to s by edit distance (Damerau–Levenshtein, ASCII case ignored),
 * or NULL when none is near enough to be worth suggesting (distance > 2 and > a third of the length). */
const char *text_nearest(const char *s, const char *const *words, int n);

/* Paths. text_join: name itself when it is absolute, else dir/name. Results are owned by the caller. */
char *text_dirname(const char *path);
char *text_join(const char *dir, const char *name);
const char *text_basename(const char *path); /* points into path */

/* Replaces ${NAME} and ${NAME:-default} from the environment; NULL: a ${ without }, or NAME unset without default
 * (*bad then points to the offending text in s). Owned by the caller. */
char *text_expand(const char *s, const char **bad);

#endif
