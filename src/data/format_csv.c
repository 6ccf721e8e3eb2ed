/* Tables as data: a CSV file, its feature columns the network's input, its target column or columns what is learnt. All values stand in
 * memory.
 *
 * task=auto: several targets of 0 and 1 alone are labels, other several targets are regression; one target is a class where the network has
 * several outputs, where it is text, or where it is 0 and 1 alone; else regression. Classes are numbered in the order of their names:
 * numbers by size, texts bytewise. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/formats.h"
#include "data/names.h"
#include "data/table.h"

struct table {
    float *feature, *target; /* rows × n_features, rows × n_targets */
    int n_features;
};

static bool probe(const char *path)
{
    return text_ends(path, ".csv") || text_ends(path, ".tsv") || text_ends(path, ".data");
}

/* A mistake in a row: the row is left out and counted where on_bad=skip was written, else it is an error: data that isn't there is
 * too easily overlooked. */
static int bad_row(struct dataset *d, const struct error *why, struct error *err)
{
    if (!d->options->on_bad_given || !d->skip_bad)
        return error_add(err, why->status, "%s", why->text);
    return dataset_skip(d, why);
}

/* All values of the target columns are numbers, and all 0 or 1. Missing ones don't count. */
static void look(const struct csv *t, const struct table_columns *c, bool *numbers, bool *binary)
{
    *numbers = *binary = true;
    for (int row = 0; row < t->n_rows && (*numbers || *binary); row++)
        for (int k = 0; k < c->n_targets; k++) {
            const char *cell = csv_cell(t, row, c->target[k]);
            double v = 0;
            const bool number = text_to_double(cell, &v), missing = !number && csv_is_missing(cell);
            *numbers &= number || missing;
            *binary &= missing || (number && (v == 0 || v == 1));
        }
}

static int find_task(struct dataset *d, const struct csv *t, const struct table_columns *c, int outputs, struct error *err)
{
    static const enum task tasks[] = {[TABLE_CLASSIFY] = TASK_CLASSIFY, [TABLE_LABELS] = TASK_LABELS, [TABLE_REGRESS] = TASK_REGRESS};
    bool numbers, binary;
    look(t, c, &numbers, &binary);
    enum table_task task = (enum table_task)d->options->task;
    if (task == TABLE_AUTO && c->n_targets > 1)
        task = binary ? TABLE_LABELS : TABLE_REGRESS;
    else if (task == TABLE_AUTO)
        task = outputs > 1 || !numbers || binary ? TABLE_CLASSIFY : TABLE_REGRESS;
    d->task = tasks[task];
    if (task == TABLE_CLASSIFY && c->n_targets > 1)
        return error_at(err, EXIT_DATA, t->path, 0, "target= names %d columns, expected one with task=classify (or task=labels)",
                        c->n_targets);
    if (task != TABLE_CLASSIFY && outputs > 0 && c->n_targets != outputs)
        return error_at(
            err, EXIT_DATA, t->path, 0,
            "has %d target column%s, but the network has %d output%s: expected as many (target= in [data], or output= of its last "
            "layer)",
            c->n_targets, c->n_targets == 1 ? "" : "s", outputs, outputs == 1 ? "" : "s");
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const char *const *s = a, *const *t = b;
    return strcmp(*s, *t);
}

static int by_number(const void *a, const void *b)
{
    const char *const *s = a, *const *t = b;
    double x = 0, y = 0;
    text_to_double(*s, &x);
    text_to_double(*t, &y);
    return x < y ? -1 : x > y;
}

/* The classes that a column holds, in order. Numbers that are equal (1 and 1.0) are one class. */
static void find_classes(struct dataset *d, const struct csv *t, int column)
{
    const char **value = mem_new((size_t)t->n_rows + 1, sizeof *value);
    int n = 0;
    bool numbers = true;
    double v;
    for (int row = 0; row < t->n_rows; row++) {
        const char *cell = csv_cell(t, row, column);
        if (csv_is_missing(cell))
            continue;
        numbers &= text_to_double(cell, &v);
        value[n++] = cell;
    }
    int (*const order)(const void *, const void *) = numbers ? by_number : by_name;
    qsort(value, (size_t)n, sizeof *value, order);
    for (int i = 0; i < n; i++)
        if (i == 0 || order(&value[i - 1], &value[i]) != 0)
            text_list_add(&d->names, value[i]);
    free(value);
}

static int class_of(const struct text_list *names, const struct name_index *index, const char *cell)
{
    const int found = name_index_find(index, cell, strlen(cell));
    double v, w;
    if (found >= 0 || !text_to_double(cell, &v))
        return found;
    for (int i = 0; i < names->n; i++)
        if (text_to_double(names->item[i], &w) && w == v)
            return i;
    return -1;
}

/* A model with one output keeps the name of its class 1 alone: the other text of the column is class 0. */
static int find_other(struct dataset *d, const struct csv *t, int column, const char *known, struct error *err)
{
    struct text_list found = {0};
    find_classes(d, t, column);
    found = d->names;
    d->names = (struct text_list){0};
    struct name_index index;
    name_index_init(&index, &found);
    const int yes = class_of(&found, &index, known);
    name_index_free(&index);
    const bool fits = found.n - (yes >= 0) <= 1;
    char *no = found.n == 0 || (found.n == 1 && yes == 0) ? names_other(known) : mem_string(found.item[yes == 0 ? 1 : 0]);
    text_list_add(&d->names, no);
    text_list_add(&d->names, known);
    free(no);
    const int n = found.n;
    text_list_free(&found);
    char buffer[96];
    return fits ? 0
                : error_at(err, EXIT_DATA, t->path, 0, "%s: found %d classes, expected '%.60s' and at most one other",
                           csv_column_text(t, column, buffer, sizeof buffer), n, known);
}

static int read_class(const struct dataset *d, const struct csv *t, int row, int column, const struct name_index *index, int *out,
                      struct error *err)
{
    const char *cell = csv_cell(t, row, column);
    char buffer[96];
    csv_column_text(t, column, buffer, sizeof buffer);
    if (csv_is_missing(cell))
        return error_at(err, EXIT_DATA, t->path, t->line[row], "%s: the class is missing (found '%s'), expected a name", buffer, cell);
    *out = class_of(&d->names, index, cell);
    if (*out >= 0)
        return 0;
    const char *near = names_nearest(&d->names, cell);
    return error_at(err, EXIT_DATA, t->path, t->line[row], "%s: found class '%.60s', which is none of the %d known%s%s%s", buffer, cell,
                    d->names.n, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int read_targets(const struct dataset *d, const struct csv *t, const struct table_columns *c, int row, float *out, struct error *err)
{
    for (int k = 0; k < c->n_targets; k++) {
        if (table_number(t, row, c->target[k], &out[k], err) != 0)
            return -1;
        char buffer[96];
        if (d->task == TASK_LABELS && out[k] != 0 && out[k] != 1)
            return error_at(err, EXIT_DATA, t->path, t->line[row], "%s: found %s, expected 0 or 1 for a label (or task=regress)",
                            csv_column_text(t, c->target[k], buffer, sizeof buffer), csv_cell(t, row, c->target[k]));
    }
    return 0;
}

static int read_rows(struct dataset *d, const struct csv *t, const struct table_columns *c, struct error *err)
{
    struct table *table = d->state;
    const size_t rows = (size_t)t->n_rows + 1;
    size_t features = 0, targets = 0;
    table->n_features = c->n_features;
    d->n_targets = d->task == TASK_CLASSIFY ? 0 : c->n_targets;
    if (!mem_mul(rows, (size_t)c->n_features, &features) || !mem_mul(rows, (size_t)c->n_targets, &targets) ||
        !(table->feature = mem_try(features, sizeof *table->feature)) || !(table->target = mem_try(targets, sizeof *table->target)))
        return error_at(err, EXIT_FAIL, t->path, 0, "no memory for %d rows of %d numbers", t->n_rows, c->n_features);
    struct name_index index;
    name_index_init(&index, &d->names);
    int result = 0;
    for (int row = 0; row < t->n_rows && result == 0; row++) {
        const size_t at = (size_t)d->n_samples;
        float *target = table->target + at * (size_t)c->n_targets;
        struct error why = ERROR_INIT;
        int label = -1, bad = table_features(t, c, row, table->feature + at * (size_t)c->n_features, &why);
        if (bad == 0)
            bad = d->task == TASK_CLASSIFY ? read_class(d, t, row, c->target[0], &index, &label, &why)
                                           : read_targets(d, t, c, row, target, &why);
        if (bad != 0) {
            result = bad_row(d, &why, err);
            continue;
        }
        char *name = mem_format("%s:%d", t->path, t->line[row]);
        struct sample *s = dataset_add(d, name);
        free(name);
        s->label = label;
        s->number = (int64_t)at;
        s->target = d->n_targets > 0 ? target : NULL;
    }
    name_index_free(&index);
    return result;
}

static int name_targets(struct dataset *d, const struct csv *t, const struct table_columns *c, struct error *err)
{
    if (d->task == TASK_CLASSIFY) {
        const struct text_list *known = d->options->known;
        if (d->names.n > 0)
            return 0;
        if (known && known->n == 1 && d->outputs == 1)
            return find_other(d, t, c->target[0], known->item[0], err);
        for (int i = 0; known && i < known->n; i++)
            text_list_add(&d->names, known->item[i]);
        if (d->names.n == 0)
            find_classes(d, t, c->target[0]);
        return 0;
    }
    if (d->names.n > 0 && d->names.n != c->n_targets)
        return error_at(err, EXIT_DATA, t->path, 0, "has %d target columns, but names= has %d names", c->n_targets, d->names.n);
    for (int k = 0; d->names.n < c->n_targets; k++) {
        const int column = c->target[k];
        char number[32];
        snprintf(number, sizeof number, "%d", column);
        text_list_add(&d->names, column < t->name.n ? t->name.item[column] : number);
    }
    return 0;
}

static int open_table(struct dataset *d, const char *path, struct error *err)
{
    const struct data_options *o = d->options;
    if (dataset_need(d, TASK_CLASSIFY, path, err) != 0)
        return -1;
    d->state = mem_new(1, sizeof(struct table));
    struct csv t;
    if (csv_read(&t, path, (enum csv_separator)o->separator, (enum csv_header)o->header, err) != 0)
        return -1;
    if (t.n_rows == 0) { /* dataset_open tells */
        csv_free(&t);
        return 0;
    }
    struct table_columns c = {0};
    int result = table_columns(&t, o, d->want_w * d->want_h * d->want_c, true, &c, err);
    if (result == 0)
        result = find_task(d, &t, &c, d->outputs, err);
    if (result == 0)
        result = name_targets(d, &t, &c, err);
    if (result == 0)
        result = read_rows(d, &t, &c, err);
    for (int i = 0; i < c.n_features && t.name.n > 0 && result == 0; i++)
        text_list_add(&d->columns, t.name.item[c.feature[i]]);
    table_columns_free(&c);
    csv_free(&t);
    return result;
}

static int values(const struct dataset *d, int i, float *out, struct error *err)
{
    (void)err;
    const struct table *table = d->state;
    memcpy(out, table->feature + (size_t)d->sample[i].number * (size_t)table->n_features, (size_t)table->n_features * sizeof *out);
    return 0;
}

static void close_table(struct dataset *d)
{
    struct table *table = d->state;
    if (table) {
        mem_free(table->feature);
        mem_free(table->target);
    }
    free(table);
}

const struct dataset_format dataset_csv = {
    .name = "CSV",
    .unit = "row",
    .help = "a table, FILE.csv, .tsv or .data: a row an object, its last column (or target=) what is to be learnt",
    .probe = probe,
    .open = open_table,
    .values = values,
    .close = close_table,
};
