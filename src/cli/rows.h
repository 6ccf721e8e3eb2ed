/* rows: the rows of a table as inputs of a network, for `predict`. */
#ifndef DLNET_CLI_ROWS_H
#define DLNET_CLI_ROWS_H

#include "data/dataset.h"
#include "net/network.h"

struct rows;

/* A name that is a table's. */
bool rows_are_in(const char *path);

/* The table of a file, with its target columns or without them. NULL: err. */
struct rows *rows_open(const char *path, const struct network *net, const struct data_options *o, struct error *err);
int rows_count(const struct rows *r);

/* "file:line" of a row, owned by the caller. */
char *rows_name(const struct rows *r, int row);

/* The network's input from a row. Thread-safe. −1: a value is missing or no number. */
int rows_fill(const struct rows *r, int row, float *out, struct error *err);
void rows_close(struct rows *r);

/* Rows that come line by line. */
struct row_stream {
    const struct network *net;
    const struct data_options *o;
    char *header; /* the first line, when it is one; owned */
    int line;     /* lines read */
};

/* The next line of the stream. 1: out is filled; 0: it was the header, or empty; −1: err. */
int row_stream_line(struct row_stream *s, const char *line, float *out, struct error *err);
void row_stream_free(struct row_stream *s);

#endif
