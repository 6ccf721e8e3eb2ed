/* answers: what `predict` prints of one picture or row. */
#ifndef DLNET_CLI_ANSWERS_H
#define DLNET_CLI_ANSWERS_H

#include "cli/session.h"

struct answer {
    const struct network *net;
    const struct cli_image *image;
    const real *p;          /* the network's outputs */
    const double *variance; /* of them, NULL without --mc */
    int n;
};

/* The classes ids[0 .. top), likeliest first. Text: NAME, CLASS, PROBABILITY lines; JSON: "top". −1: err. */
int answer_top(const struct answer *a, const int *ids, int top, bool json, struct error *err);

/* One output: yes where it is at least `yes`. Text: NAME, CLASS, OUTPUT; JSON: "class", "class_id", "output". */
int answer_yes_no(const struct answer *a, double yes, bool json, struct error *err);

/* A line for each output: NAME, LABEL, OUTPUT (JSON: "labels": label, probability, yes), and NAME, TARGET, VALUE ("values": target, value).
 */
int answer_labels(const struct answer *a, double yes, bool json, struct error *err);
int answer_values(const struct answer *a, bool json, struct error *err);

#endif
