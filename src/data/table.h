/* table: which columns of a table are features and which the target, and their values as numbers. For the data format and for `predict` on
 * rows. */
#ifndef DLNET_DATA_TABLE_H
#define DLNET_DATA_TABLE_H

#include "data/csv.h"
#include "data/dataset.h"

/* The features in the order in which the network takes them. Owned; table_columns_free. */
struct table_columns {
    int *feature, n_features;
    int *target, n_targets;
};

/* By target=, columns= and drop= of o. `wanted` features must come out (0: any number). need_target false: a table without its target
 * columns is right too (n_targets is 0 then). −1: err. */
int table_columns(const struct csv *t, const struct data_options *o, int wanted, bool need_target, struct table_columns *out,
                  struct error *err);
void table_columns_free(struct table_columns *c);

/* The number in a cell. −1: missing or not a number; err names file, line and column. */
int table_number(const struct csv *t, int row, int column, float *out, struct error *err);

/* The features of a row. */
int table_features(const struct csv *t, const struct table_columns *c, int row, float *out, struct error *err);

#endif
