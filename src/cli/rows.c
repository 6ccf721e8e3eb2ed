#include "cli/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/formats.h"
#include "data/table.h"

struct rows {
    struct csv csv;
    struct table_columns columns;
};

bool rows_are_in(const char *path)
{
    return dataset_csv.probe(path);
}

static int inputs_of(const struct network *net)
{
    return (int)shape_each(net->input.shape);
}

struct rows *rows_open(const char *path, const struct network *net, const struct data_options *o, struct error *err)
{
    struct rows *r = mem_new(1, sizeof *r);
    if (csv_read(&r->csv, path, (enum csv_separator)o->separator, (enum csv_header)o->header, err) != 0) {
        free(r);
        return NULL;
    }
    int result = r->csv.n_rows > 0 ? 0 : error_at(err, EXIT_DATA, path, 0, "holds no row");
    if (result == 0)
        result = table_columns(&r->csv, o, inputs_of(net), false, &r->columns, err);
    if (result == 0)
        return r;
    rows_close(r);
    return NULL;
}

int rows_count(const struct rows *r)
{
    return r->csv.n_rows;
}

char *rows_name(const struct rows *r, int row)
{
    return mem_format("%s:%d", r->csv.path, r->csv.line[row]);
}

int rows_fill(const struct rows *r, int row, float *out, struct error *err)
{
    return table_features(&r->csv, &r->columns, row, out, err);
}

void rows_close(struct rows *r)
{
    table_columns_free(&r->columns);
    csv_free(&r->csv);
    free(r);
}

/* A first line without any number is a header, where header= doesn't say otherwise. */
static bool is_header(const struct row_stream *s, const char *line)
{
    if (s->o->header != CSV_HEADER_AUTO)
        return s->o->header == CSV_HEADER_YES;
    struct csv t;
    if (csv_parse(&t, "-", line, 1, (enum csv_separator)s->o->separator, CSV_HEADER_NO, NULL) != 0)
        return false;
    bool number = false;
    double v;
    for (int i = 0; i < t.n_columns && t.n_rows == 1; i++)
        number |= text_to_double(csv_cell(&t, 0, i), &v);
    csv_free(&t);
    return !number;
}

int row_stream_line(struct row_stream *s, const char *line, float *out, struct error *err)
{
    if (s->line == 0 && text_starts(line, "\xEF\xBB\xBF"))
        line += 3;
    s->line++;
    if (line[strspn(line, " \t\r")] == 0)
        return 0;
    if (s->line == 1 && is_header(s, line)) {
        s->header = mem_string(line);
        return 0;
    }
    struct rows r = {0};
    char *text = mem_format("%s%s%s", s->header ? s->header : "", s->header ? "\n" : "", line);
    int result = csv_parse(&r.csv, "-", text, s->line - (s->header ? 1 : 0), (enum csv_separator)s->o->separator,
                           s->header ? CSV_HEADER_YES : CSV_HEADER_NO, err);
    free(text);
    if (result != 0)
        return -1;
    if (r.csv.n_rows != 1)
        result = error_at(err, EXIT_DATA, "-", s->line, "expected one row in a line");
    if (result == 0)
        result = table_columns(&r.csv, s->o, inputs_of(s->net), false, &r.columns, err);
    if (result == 0)
        result = table_features(&r.csv, &r.columns, 0, out, err);
    table_columns_free(&r.columns);
    csv_free(&r.csv);
    return result == 0 ? 1 : -1;
}

void row_stream_free(struct row_stream *s)
{
    free(s->header);
    s->header = NULL;
}
