/* data_report: what `data` has found, as a table, as JSON and as a picture. */
#ifndef DLNET_CLI_DATA_REPORT_H
#define DLNET_CLI_DATA_REPORT_H

#include "diagnose/inspect.h"

#define DATA_SPLITS 3
#define DATA_PAIRS 20 /* equal samples that are named */

/* Samples that two splits share. */
struct data_shared {
    int a, b; /* enum split */
    int n, pair[DATA_PAIRS][2];
};

struct data_report {
    const char *title;     /* of the picture: the cfg */
    bool has[DATA_SPLITS]; /* by enum split */
    struct dataset data[DATA_SPLITS];
    struct inspected found[DATA_SPLITS];
    struct text_list complaints[DATA_SPLITS]; /* about labels and files */
    struct data_shared shared[DATA_SPLITS];
    int n_shared;
    struct text_list warnings;
};

void data_report_text(const struct data_report *r);
int data_report_json(const struct data_report *r, struct error *err);
int data_report_picture(const struct data_report *r, const char *path, struct error *err);

#endif
