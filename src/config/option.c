#include "config/option.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static bool is_unsupported(const struct config_key *k)
{
    return k->kind == OPTION_UNSUPPORTED || k->kind == OPTION_UNSUPPORTED_ANSWER;
}

const struct config_key *option_find(const struct config_key *table, const char *key)
{
    for (const struct config_key *k = table; k && k->key; k++)
        if (strcmp(k->key, key) == 0)
            return k;
    return NULL;
}

static bool is_whole(const struct config_key *k)
{
    return k->kind == OPTION_INT || k->kind == OPTION_LONG || k->kind == OPTION_INTS;
}

/* The bounds of a number of this row: those of the table within those of its type. */
static void bounds(const struct config_key *k, double *min, double *max)
{
    const bool none = k->min == 0 && k->max == 0;
    *min = none ? -INFINITY : k->min;
    *max = none ? INFINITY : k->max;
    if (k->kind == OPTION_INT || k->kind == OPTION_INTS) {
        *min = fmax(*min, INT_MIN);
        *max = fmin(*max, INT_MAX);
    } else if (k->kind == OPTION_LONG) {
        *min = fmax(*min, -0x1p62);
        *max = fmin(*max, 0x1p62);
    }
}

static bool is_none(const struct config_key *k, double bound)
{
    return isinf(bound) || fabs(bound) >= (k->kind == OPTION_LONG ? 0x1p53 : is_whole(k) ? INT_MAX : 1e30);
}

/* What a value of this row must look like: "a whole number in 1..65536". */
static void describe(const struct config_key *k, char *text, size_t size)
{
    const bool list = k->kind == OPTION_INTS || k->kind == OPTION_FLOATS;
    double min, max;
    int n = 0;
    switch (k->kind) {
    case OPTION_FLAG:
        snprintf(text, size, "0 or 1");
        return;
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_IGNORED:
    case OPTION_UNSUPPORTED:
    case OPTION_UNSUPPORTED_ANSWER:
        snprintf(text, size, k->kind == OPTION_PATH ? "a path" : "text");
        return;
    case OPTION_CHOICE:
        text[0] = 0;
        for (int i = 0; k->choices[i] && n >= 0 && (size_t)n < size; i++)
            n += snprintf(text + n, size - (size_t)n, "%s%s", i == 0 ? "" : k->choices[i + 1] ? ", " : " or ", k->choices[i]);
        return;
    default:
        break;
    }
    bounds(k, &min, &max);
    n = snprintf(text, size, is_whole(k) ? (list ? "whole numbers" : "a whole number") : (list ? "numbers" : "a number"));
    const bool open_below = is_none(k, min), open_above = is_none(k, max);
    if (open_above && !open_below)
        n += snprintf(text + n, size - (size_t)n, " of %.10g or more", min);
    else if (open_below && !open_above)
        n += snprintf(text + n, size - (size_t)n, " of %.10g or less", max);
    else if (!open_below)
        n += snprintf(text + n, size - (size_t)n, " in %.10g..%.10g", min, max);
    if (list)
        snprintf(text + n, size - (size_t)n, ", separated by commas");
}

/* One number of this row, within its bounds. */
static bool parse_number(const struct config_key *k, const char *text, double *v, int64_t *whole)
{
    double min, max;
    bounds(k, &min, &max);
    long exact;
    if (text_to_long(text, &exact)) {
        *whole = exact;
        *v = (double)exact;
    } else {
        if (!text_to_double(text, v) || (is_whole(k) && (*v != floor(*v) || fabs(*v) > 0x1p53)))
            return false;
        *whole = is_whole(k) ? (int64_t)*v : 0;
    }
    return *v >= min && *v <= max;
}

static void free_field(const struct config_key *k, void *field)
{
    if (k->kind == OPTION_TEXT || k->kind == OPTION_PATH) {
        free(*(char **)field);
        *(char **)field = NULL;
    } else if (k->kind == OPTION_INTS) {
        free(((struct option_ints *)field)->v);
        *(struct option_ints *)field = (struct option_ints){0};
    } else if (k->kind == OPTION_FLOATS) {
        free(((struct option_floats *)field)->v);
        *(struct option_floats *)field = (struct option_floats){0};
    }
}

/* A list into the field; on failure *bad is the item (owned by the caller) and the field untouched. */
static bool parse_list(const struct config_key *k, const char *text, void *field, char **bad)
{
    const size_t most = strlen(text) / 2 + 1;
    int *ints = k->kind == OPTION_INTS ? mem_new(most, sizeof *ints) : NULL;
    double *floats = k->kind == OPTION_FLOATS ? mem_new(most, sizeof *floats) : NULL;
    int n = 0;
    bool good = true;
    const char *p = text + strspn(text, " \t");
    while (*p && good) {
        const size_t length = strcspn(p, ", \t");
        char *item = mem_string_n(p, length);
        double v;
        int64_t whole;
        good = parse_number(k, item, &v, &whole);
        if (!good) {
            *bad = item;
            break;
        }
        free(item);
        if (ints)
            ints[n++] = (int)whole;
        else
            floats[n++] = v;
        p += length;
        p += strspn(p, " \t");
        if (*p == ',') {
            p += 1 + strspn(p + 1, " \t");
            if (!*p) { /* a comma promises another number */
                *bad = mem_string("");
                good = false;
            }
        }
    }
    if (!good) {
        free(ints);
        free(floats);
        return false;
    }
    free_field(k, field);
    if (ints)
        *(struct option_ints *)field = (struct option_ints){ints, n};
    else
        *(struct option_floats *)field = (struct option_floats){floats, n};
    return true;
}

/* Parses a value into its field; on failure the field is untouched and *bad may be the item of a list that is wrong (owned by the caller).
 */
static bool assign(const struct config_key *k, const char *text, void *state, char **bad)
{
    void *field = (char *)state + k->offset;
    double v;
    int64_t whole;
    switch (k->kind) {
    case OPTION_INT:
        if (!parse_number(k, text, &v, &whole))
            return false;
        *(int *)field = (int)whole;
        return true;
    case OPTION_LONG:
        if (!parse_number(k, text, &v, &whole))
            return false;
        *(int64_t *)field = whole;
        return true;
    case OPTION_FLOAT:
        if (!parse_number(k, text, &v, &whole))
            return false;
        *(double *)field = v;
        return true;
    case OPTION_FLAG:
        if (!text_to_double(text, &v) || (v != 0 && v != 1))
            return false;
        *(int *)field = v == 1;
        return true;
    case OPTION_CHOICE:
        for (int i = 0; k->choices[i]; i++)
            if (strcmp(k->choices[i], text) == 0) {
                *(int *)field = i;
                return true;
            }
        return false;
    case OPTION_TEXT:
    case OPTION_PATH:
        free_field(k, field);
        *(char **)field = mem_string(text);
        return true;
    case OPTION_INTS:
    case OPTION_FLOATS:
        return parse_list(k, text, field, bad);
    case OPTION_IGNORED:
    case OPTION_UNSUPPORTED:
    case OPTION_UNSUPPORTED_ANSWER:
        return true;
    }
    return false;
}

/* A default that is valid even when the key must be given and isn't. */
static void fill_default(const struct config_key *k, void *state)
{
    char *bad = NULL;
    if (k->fallback) {
        const bool good = assign(k, k->fallback, state, &bad);
        assert(good);
        (void)good;
        return;
    }
    double min, max;
    bounds(k, &min, &max);
    const double v = fmin(fmax(0, min), max);
    void *field = (char *)state + k->offset;
    if (k->kind == OPTION_INT)
        *(int *)field = (int)v;
    else if (k->kind == OPTION_LONG)
        *(int64_t *)field = (int64_t)v;
    else if (k->kind == OPTION_FLOAT)
        *(double *)field = v;
    else if (k->kind == OPTION_TEXT || k->kind == OPTION_PATH)
        assign(k, "", state, &bad);
}

static int wrong_value(const struct config_entry *e, const struct config_key *k, const char *value, const char *item, struct error *err)
{
    char expected[512];
    describe(k, expected, sizeof expected);
    const char *near = NULL;
    if (k->kind == OPTION_CHOICE) {
        int n = 0;
        while (k->choices[n])
            n++;
        near = text_nearest(value, k->choices, n);
    }
    char where[160] = "";
    if (item && strcmp(item, value) != 0)
        snprintf(where, sizeof where, *item ? " has '%.100s' in it," : " has nothing beside a comma,", item);
    else
        snprintf(where, sizeof where, *value ? " found," : " has no value,");
    return error_at(err, EXIT_DATA, e->source, e->line, "%s=%.200s%s expected %s%s%s%s", e->key, value, where, expected,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int unknown_key(const struct config_section *s, const struct config_entry *e, const struct config_key *table,
                       const struct config_key *extra, struct error *err)
{
    const struct config_key *tables[] = {table, extra};
    const char **names = NULL;
    size_t capacity = 0;
    int n = 0;
    char known[1400] = "";
    size_t used = 0;
    for (int t = 0; t < 2; t++)
        for (const struct config_key *k = tables[t]; k && k->key; k++) {
            names = mem_grow(names, &capacity, (size_t)n + 1, sizeof *names);
            names[n] = k->key;
            const int length = snprintf(known + used, sizeof known - used, "%s%s", n ? ", " : "", k->key);
            if (length > 0 && used + (size_t)length < sizeof known)
                used += (size_t)length;
            else
                known[used] = 0;
            n++;
        }
    const char *near = text_nearest(e->key, names, n);
    free(names);
    if (near)
        return error_at(err, EXIT_DATA, e->source, e->line, "unknown key '%.80s' in [%s]; did you mean '%s'?", e->key, s->name, near);
    return error_at(err, EXIT_DATA, e->source, e->line, "unknown key '%.80s' in [%s]; %s%s", e->key, s->name,
                    n ? "its keys are " : "it has no keys", known);
}

int option_fill(const struct config *c, const struct config_section *s, const struct config_key *table, void *state,
                const struct config_key *extra, void *extra_state, struct error *err)
{
    const struct config_key *tables[] = {table, extra};
    void *states[] = {state, extra_state};
    int result = 0;
    for (int t = 0; t < 2; t++)
        for (const struct config_key *k = tables[t]; k && k->key; k++)
            fill_default(k, states[t]);

    for (int i = 0; i < s->n_entries; i++) {
        const struct config_entry *e = &s->entry[i];
        const struct config_key *k = option_find(table, e->key);
        void *to = state;
        if (!k) {
            k = option_find(extra, e->key);
            to = extra_state;
        }
        if (!k) {
            result = unknown_key(s, e, table, extra, err);
            continue;
        }
        const char *bad_name = NULL;
        char *value = text_expand(e->value, &bad_name);
        if (!value) {
            const char *end = strchr(bad_name, '}');
            const int length = end ? (int)(end - bad_name) + 1 : (int)strlen(bad_name);
            result = error_at(err, EXIT_DATA, e->source, e->line, "%s=%.200s: %.*s %s", e->key, e->value, length, bad_name,
                              end ? "is not set in the environment and has no default (${NAME:-default})" : "has no closing }");
            continue;
        }
        char *item = NULL;
        if (!assign(k, text_trim(value), to, &item))
            result = wrong_value(e, k, value, item, err);
        free(item);
        free(value);
    }

    for (int t = 0; t < 2; t++)
        for (const struct config_key *k = tables[t]; k && k->key; k++)
            if (!k->fallback && k->kind != OPTION_IGNORED && !is_unsupported(k) && !config_get(s, k->key)) {
                char expected[512];
                describe(k, expected, sizeof expected);
                result = error_at(err, EXIT_DATA, c->path, s->line, "[%s] needs %s=, expected %s", s->name, k->key, expected);
            }
    return result;
}

void option_free(const struct config_key *table, void *state)
{
    for (const struct config_key *k = table; k && k->key; k++)
        free_field(k, (char *)state + k->offset);
}

int option_error(const struct config *c, const struct config_section *s, const char *key, struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = NULL;
    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    va_end(args);
    const struct config_entry *e = key ? config_get(s, key) : NULL;
    error_at(err, EXIT_DATA, e ? e->source : c->path, e ? e->line : s->line, "%s", message ? message : "out of memory");
    free(message);
    return -1;
}

static bool same_value(const char *a, const char *b)
{
    double x, y;
    return strcmp(a, b) == 0 || (text_to_double(a, &x) && text_to_double(b, &y) && x == y);
}

int option_unsupported(const struct config_section *s, const struct config_key *table,
                       void (*report)(void *context, const struct config_key *key, const char *message), void *context)
{
    int n = 0;
    for (int i = 0; i < s->n_entries; i++) {
        const struct config_entry *e = &s->entry[i];
        const struct config_key *k = option_find(table, e->key);
        if (!k || !is_unsupported(k) || (k->fallback && same_value(e->value, k->fallback)))
            continue;
        n++;
        if (!report)
            continue;
        char *message = e->line > 0 ? mem_format("%s:%d: %s=%s has no effect in this version", e->source, e->line, e->key, e->value)
                                    : mem_format("%s: %s=%s has no effect in this version", e->source, e->key, e->value);
        report(context, k, message);
        free(message);
    }
    return n;
}

/* text from column `column` on, wrapped at 100 columns with lines indented to the same column. */
static void print_wrapped(FILE *out, int column, const char *text)
{
    enum { WIDTH = 100 };
    int at = column;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, (size_t)length, out);
        at += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void option_print_text(FILE *out, const char *key, const char *text)
{
    enum { COLUMN = 26 };
    const int n = fprintf(out, "  %s", key);
    if (n >= COLUMN)
        fprintf(out, "\n%*s", COLUMN, "");
    else
        fprintf(out, "%*s", COLUMN - n, "");
    print_wrapped(out, COLUMN, text);
}

void option_print_key(FILE *out, const struct config_key *k)
{
    char expected[512];
    describe(k, expected, sizeof expected);
    char *text;
    if (k->kind == OPTION_IGNORED)
        text = mem_format("(accepted, changes nothing here) %s", k->help);
    else if (is_unsupported(k))
        text = mem_format("(accepted, not supported in this version) %s", k->help);
    else if (!k->fallback)
        text = mem_format("%s (%s; must be given)", k->help, expected);
    else
        text = mem_format("%s (%s; default %s)", k->help, expected, *k->fallback ? k->fallback : "none");
    option_print_text(out, k->key, text);
    free(text);
}

void option_print(FILE *out, const struct config_key *table)
{
    for (const struct config_key *k = table; k && k->key; k++)
        option_print_key(out, k);
}
