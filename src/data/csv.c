#include "data/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"

#define MOST_BYTES ((size_t)1 << 31)

bool csv_is_missing(const char *cell)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(cell, words[i]) == 0)
            return true;
    return false;
}

const char *csv_column_text(const struct csv *t, int column, char *buffer, size_t size)
{
    if (column < t->name.n)
        snprintf(buffer, size, "column %d '%.60s'", column, t->name.item[column]);
    else
        snprintf(buffer, size, "column %d", column);
    return buffer;
}

int csv_find_column(const struct csv *t, const char *word, const char *where, struct error *err)
{
    int found = -1;
    for (int i = 0; i < t->name.n; i++)
        if (strcmp(t->name.item[i], word) == 0) {
            if (found >= 0)
                return error_at(err, EXIT_DATA, t->path, 0, "%s: columns %d and %d have that name, expected the number of one", where,
                                found, i);
            found = i;
        }
    if (found >= 0)
        return found;
    long number;
    if (text_to_long(word, &number)) {
        const long column = number < 0 ? number + t->n_columns : number;
        if (column >= 0 && column < t->n_columns)
            return (int)column;
        return error_at(err, EXIT_DATA, t->path, 0, "%s: the table has %d columns, expected a number in %d..%d, or a name", where,
                        t->n_columns, -t->n_columns, t->n_columns - 1);
    }
    if (t->name.n == 0)
        return error_at(err, EXIT_DATA, t->path, 0,
                        "%s: the table has no header, expected the number of a column in %d..%d, or header=1 when its first line is one",
                        where, -t->n_columns, t->n_columns - 1);
    const char *near = text_nearest(word, (const char *const *)t->name.item, t->name.n);
    if (near)
        return error_at(err, EXIT_DATA, t->path, 0, "%s: there is no such column; did you mean %s?", where, near);
    return error_at(err, EXIT_DATA, t->path, 0, "%s: there is no such column; the first is '%.60s', the last '%.60s'", where,
                    t->name.item[0], t->name.item[t->name.n - 1]);
}

/* The separator that the first line has most of, outside quotes. */
static char guess_separator(const char *s)
{
    static const char candidates[] = {'\t', ';', ','};
    int count[3] = {0}, best = 0;
    bool quoted = false;
    for (; *s && (quoted || (*s != '\n' && *s != '\r')); s++) {
        quoted ^= *s == '"';
        for (int k = 0; k < 3 && !quoted; k++)
            count[k] += *s == candidates[k];
    }
    for (int k = 1; k < 3; k++)
        best = count[k] > count[best] ? k : best;
    return count[best] > 0 ? candidates[best] : ' ';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The reader's place in the text, which it cuts into fields. */
struct cutter {
    char *at;
    int line;
    char separator;
};

static bool separates(const struct cutter *c, char ch)
{
    return ch == c->separator || (c->separator == ' ' && ch == '\t');
}

/* Blanks that separate nothing. */
static void skip_blanks(struct cutter *c)
{
    while (is_blank(*c->at) && !separates(c, *c->at))
        c->at++;
}

/* Cuts one field, leaving `at` behind its separator or line end. *last: the row ends with it. NULL: a quote is never closed, or something
 * stands behind it. */
static char *cut_field(struct cutter *c, bool *last)
{
    skip_blanks(c);
    char *start = c->at, *end;
    if (*start == '"') {
        char *to = start;
        for (c->at++; *c->at && (*c->at != '"' || c->at[1] == '"'); c->at++) {
            c->at += *c->at == '"';
            c->line += *c->at == '\n';
            *to++ = *c->at;
        }
        if (!*c->at)
            return NULL;
        c->at++;
        end = to;
        skip_blanks(c);
        if (*c->at && !separates(c, *c->at) && *c->at != '\n' && *c->at != '\r')
            return NULL;
    } else {
        while (*c->at && !separates(c, *c->at) && *c->at != '\n' && !(*c->at == '\r' && c->at[1] == '\n'))
            c->at++;
        for (end = c->at; end > start && (is_blank(end[-1]) || end[-1] == '\r'); end--)
            ;
    }
    if (c->separator == ' ')
        while (is_blank(*c->at) && (is_blank(c->at[1]) || c->at[1] == '\r' || c->at[1] == '\n' || !c->at[1]))
            c->at++;
    const char stop = *c->at;
    *last = !stop || !separates(c, stop);
    if (stop == '\r' && c->at[1] == '\n')
        c->at++;
    c->at += *c->at != 0;
    c->line += *last && stop != 0;
    *end = 0;
    return start;
}

static int cut_rows(struct csv *t, int line, struct error *err)
{
    struct cutter c = {.at = t->text, .line = line, .separator = t->separator};
    size_t n = 0;
    while (*c.at) {
        const size_t blank = strspn(c.at, " \t\r");
        if (c.at[blank] == '\n' || !c.at[blank]) { /* an empty line */
            c.at += blank + (c.at[blank] == '\n');
            c.line++;
            continue;
        }
        c.at += c.separator == ' ' ? strspn(c.at, " \t") : 0;
        const int start = c.line;
        const size_t before = n;
        for (bool last = false; !last;) {
            const char *cell = cut_field(&c, &last);
            if (!cell)
                return error_at(
                    err, EXIT_DATA, t->path, start,
                    "found a quoted field that isn't closed, or text behind its closing quote, expected \"field\" with \"\" for a "
                    "quote in it");
            t->cell = mem_grow(t->cell, &t->cells, n + 1, sizeof *t->cell);
            t->cell[n++] = (uint32_t)(cell - t->text);
        }
        if (t->n_rows == 0)
            t->n_columns = (int)n;
        if (n - before != (size_t)t->n_columns)
            return error_at(err, EXIT_DATA, t->path, start, "found %zu fields, expected %d as in the first row", n - before, t->n_columns);
        t->line = mem_grow(t->line, &t->rows_room, (size_t)t->n_rows + 1, sizeof *t->line);
        t->line[t->n_rows++] = start;
    }
    return 0;
}

static bool has_number(const struct csv *t, int row)
{
    double v;
    for (int i = 0; i < t->n_columns; i++)
        if (text_to_double(csv_cell(t, row, i), &v))
            return true;
    return false;
}

static void take_header(struct csv *t)
{
    for (int i = 0; i < t->n_columns; i++)
        text_list_add(&t->name, csv_cell(t, 0, i));
    t->n_rows--;
    memmove(t->cell, t->cell + t->n_columns, (size_t)t->n_rows * (size_t)t->n_columns * sizeof *t->cell);
    memmove(t->line, t->line + 1, (size_t)t->n_rows * sizeof *t->line);
}

/* t->text is there. */
static int parse(struct csv *t, int line, enum csv_separator separator, enum csv_header header, struct error *err)
{
    static const char separators[] = {[CSV_COMMA] = ',', [CSV_SEMICOLON] = ';', [CSV_TAB] = '\t', [CSV_SPACE] = ' '};
    const char *first = t->text + strspn(t->text, " \r\n");
    t->separator = separator == CSV_AUTO ? guess_separator(first) : separators[separator];
    if (cut_rows(t, line, err) != 0) {
        csv_free(t);
        return -1;
    }
    if (t->n_rows > 0 &&
        (header == CSV_HEADER_YES || (header == CSV_HEADER_AUTO && t->n_rows > 1 && !has_number(t, 0) && has_number(t, 1))))
        take_header(t);
    return 0;
}

int csv_read(struct csv *t, const char *path, enum csv_separator separator, enum csv_header header, struct error *err)
{
    *t = (struct csv){.path = mem_string(path)};
    size_t size;
    t->text = file_read(path, MOST_BYTES, &size, err);
    if (t->text && memchr(t->text, 0, size)) {
        error_at(err, EXIT_DATA, path, 0, "found a byte 0, expected a table as text");
    } else if (t->text) {
        if (strncmp(t->text, "\xEF\xBB\xBF", 3) == 0) /* blanks before the first field don't count */
            memset(t->text, ' ', 3);
        return parse(t, 1, separator, header, err);
    }
    csv_free(t);
    return -1;
}

int csv_parse(struct csv *t, const char *path, const char *text, int line, enum csv_separator separator, enum csv_header header,
              struct error *err)
{
    const size_t size = strlen(text);
    *t = (struct csv){.path = mem_string(path), .text = size < MOST_BYTES ? mem_try(size + 1, 1) : NULL};
    if (!t->text) {
        csv_free(t);
        return error_at(err, EXIT_FAIL, path, line, "no memory for a table of %zu bytes", size);
    }
    memcpy(t->text, text, size);
    return parse(t, line, separator, header, err);
}

void csv_free(struct csv *t)
{
    free(t->path);
    mem_free(t->text);
    free(t->cell);
    free(t->line);
    text_list_free(&t->name);
    *t = (struct csv){0};
}
