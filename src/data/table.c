#include "data/table.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Adds the columns that a list such as "height, -1" names. −1: unknown (unless some may be missing), or named twice. */
static int add_columns(const struct csv *t, const char *key, const char *text, bool may_miss, int *column, int *n, struct error *err)
{
    char *copy = mem_string(text ? text : ""), *rest = copy;
    int result = 0;
    for (char *word; result == 0 && (word = strsep(&rest, ","));) {
        word = text_trim(word);
        if (!*word && !rest && *n == 0)
            break;
        char where[128];
        snprintf(where, sizeof where, "%s=%.80s", key, word);
        const int found = csv_find_column(t, word, where, may_miss ? NULL : err);
        if (found < 0 && may_miss)
            continue;
        if (found < 0)
            result = -1;
        for (int i = 0; i < *n && result == 0; i++)
            if (column[i] == found)
                result = error_at(err, EXIT_DATA, t->path, 0, "%s: this column is named twice", where);
        if (result == 0)
            column[(*n)++] = found;
    }
    free(copy);
    return result;
}

static bool is_in(int column, const int *list, int n)
{
    for (int i = 0; i < n; i++)
        if (list[i] == column)
            return true;
    return false;
}

static int too_many(const struct csv *t, int found, int wanted, struct error *err)
{
    return error_at(err, EXIT_DATA, t->path, 0,
                    "has %d feature column%s, but the network takes %d numbers: expected inputs=%d in [net], or others named by target=, "
                    "columns= or drop= in [data]",
                    found, found == 1 ? "" : "s", wanted, found);
}

int table_columns(const struct csv *t, const struct data_options *o, int wanted, bool need_target, struct table_columns *out,
                  struct error *err)
{
    const size_t n = (size_t)t->n_columns + 1;
    int *drop = mem_new(n, sizeof *drop), dropped = 0;
    *out = (struct table_columns){.feature = mem_new(n, sizeof(int)), .target = mem_new(n, sizeof(int))};
    const char *target = o->target && *o->target ? o->target : "-1";
    /* Without its target columns a table has just the features, where columns= doesn't say which these are. */
    const bool bare = !need_target && wanted > 0 && t->n_columns == wanted && !(o->columns && *o->columns) && !(o->drop && *o->drop);
    int result = bare ? 0 : add_columns(t, "target", target, !need_target, out->target, &out->n_targets, err);
    if (result == 0)
        result = add_columns(t, "drop", o->drop, false, drop, &dropped, err);
    if (result == 0)
        result = add_columns(t, "columns", o->columns, false, out->feature, &out->n_features, err);
    if (result == 0 && out->n_features == 0)
        for (int i = 0; i < t->n_columns; i++)
            if (!is_in(i, out->target, out->n_targets) && !is_in(i, drop, dropped))
                out->feature[out->n_features++] = i;
    for (int i = 0; i < out->n_features && result == 0; i++) {
        char buffer[96];
        if (is_in(out->feature[i], out->target, out->n_targets) || is_in(out->feature[i], drop, dropped))
            result = error_at(err, EXIT_DATA, t->path, 0, "%s stands in columns= and in target= or drop=, expected it in one of them",
                              csv_column_text(t, out->feature[i], buffer, sizeof buffer));
    }
    if (result == 0 && (out->n_features == 0 || (wanted > 0 && out->n_features != wanted)))
        result = too_many(t, out->n_features, wanted, err);
    free(drop);
    if (result != 0)
        table_columns_free(out);
    return result;
}

void table_columns_free(struct table_columns *c)
{
    free(c->feature);
    free(c->target);
    *c = (struct table_columns){0};
}

int table_number(const struct csv *t, int row, int column, float *out, struct error *err)
{
    const char *cell = csv_cell(t, row, column);
    char buffer[96];
    double v = 0;
    if (text_to_double(cell, &v) && fabs(v) <= (double)FLT_MAX) {
        *out = (float)v;
        return 0;
    }
    csv_column_text(t, column, buffer, sizeof buffer);
    if (csv_is_missing(cell))
        return error_at(err, EXIT_DATA, t->path, t->line[row], "%s: the value is missing (found '%s'), expected a number", buffer, cell);
    return error_at(err, EXIT_DATA, t->path, t->line[row], "%s: found '%.60s', expected a number", buffer, cell);
}

int table_features(const struct csv *t, const struct table_columns *c, int row, float *out, struct error *err)
{
    for (int i = 0; i < c->n_features; i++)
        if (table_number(t, row, c->feature[i], &out[i], err) != 0)
            return -1;
    return 0;
}
