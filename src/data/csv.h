/* csv: a table as text (RFC 4180, and what spreadsheets make of it) into cells. Knows nothing of samples. */
#ifndef DLNET_DATA_CSV_H
#define DLNET_DATA_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* In the order of separator= and header=. */
enum csv_separator { CSV_AUTO, CSV_COMMA, CSV_SEMICOLON, CSV_TAB, CSV_SPACE };
enum csv_header { CSV_HEADER_NO, CSV_HEADER_YES, CSV_HEADER_AUTO };

struct csv {
    char *path;
    char *text;              /* owned; cells are cut out of it */
    uint32_t *cell;          /* n_rows × n_columns starts of cells in text */
    int *line;               /* line of each row, from 1 */
    int n_rows, n_columns;   /* without the header */
    size_t cells, rows_room; /* room of cell and line */
    struct text_list name;   /* of the columns; empty: no header */
    char separator;
};

/* Fields may stand in double quotes ("" is a quote, line ends allowed within); LF or CRLF; a BOM and empty lines are passed over; white
 * space around a field doesn't count. CSV_AUTO: tab, semicolon or comma, whichever the first line has most of; else blanks (several count
 * as one). CSV_HEADER_AUTO: the first line is a header when no field of it is a number and some field of the second is. Every row must have
 * as many fields as the first. -1: err. csv_free releases it. */
int csv_read(struct csv *t, const char *path, enum csv_separator separator, enum csv_header header, struct error *err);

/* The same from a text in memory, which is copied; path stands in messages, line is the number of its first line. */
int csv_parse(struct csv *t, const char *path, const char *text, int line, enum csv_separator separator, enum csv_header header,
              struct error *err);
void csv_free(struct csv *t);

static inline const char *csv_cell(const struct csv *t, int row, int column)
{
    return t->text + t->cell[(size_t)row * (size_t)t->n_columns + (size_t)column];
}

/* A missing value: nothing, ?, NA, N/A, NaN or null. */
bool csv_is_missing(const char *cell);

/* "column 3 'width'", for messages; columns count from 0. */
const char *csv_column_text(const struct csv *t, int column, char *buffer, size_t size);

/* The column of that name, else of that number: from 0, or, negative, from the end. −1 and err: none; where ("target=x") leads the message.
 */
int csv_find_column(const struct csv *t, const char *word, const char *where, struct error *err);

#endif
