/* recipe: the augmentation of training samples as steps: the keys of [augment] in the order in which they stand, and those of [net] that
 * Darknet has. One row of recipe_rows is one augmentation. */
#ifndef DLNET_DATA_RECIPE_H
#define DLNET_DATA_RECIPE_H

#include <stdio.h>

#include "config/config.h"
#include "data/dataset.h"
#include "data/steps.h"
#include "net/net_options.h"

#define STEP_VALUES 4

/* When a step works: all of a stage before the next stage, within it in the order of the file; PIXELS and MIX are one stage. */
enum step_stage { STEP_MOSAIC, STEP_GEOMETRY, STEP_PIXELS, STEP_MIX };

struct step_value {
    const char *name;
    double fallback, min, max;
};

struct step_row {
    const char *key;
    enum step_stage stage;
    bool for_pictures, for_signals;
    int task; /* the only one that it is for; −1: any */
    int n_values;
    struct step_value value[STEP_VALUES]; /* the first is what stands before the names; without any that is p */
    bool off_at_one;                      /* factors: 1 changes nothing; else 0 does not */
    void (*view)(struct step_view *view, const double *v, struct rng *rng);
    void (*pixels)(struct canvas *cv, const double *v, struct rng *rng);
    void (*mix)(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng);
    const char *help;
};
extern const struct step_row recipe_rows[]; /* terminated by key NULL */

struct step {
    const struct step_row *row;
    double v[STEP_VALUES];
    double p;                             /* probability */
    double ramp;                          /* part of the training in which p rises from 0; 0: none */
    const struct config_section *section; /* where it stands; borrowed */
};

struct recipe {
    struct step *step;
    int n;
    size_t capacity;
    double fill;          /* colour where there is no pixel */
    bool flip_given;      /* flip= of [net] counts: it is written, or there is no [augment] */
    char *attentive_path; /* as written; NULL: none */
    struct attention *attention;
    const struct config *config; /* borrowed */
};

/* Reads the steps; mistakes are told with their lines. c is borrowed and must outlive the recipe. 0 or −1 (out is then empty). */
int recipe_read(struct recipe *out, const struct config *c, const struct net_options *o, bool detector, struct error *err);

/* Whether every step suits the data; loads attentive_model=. 0 or −1. */
int recipe_open(struct recipe *r, const struct dataset *d, struct error *err);

/* Whether a step needs another sample. */
bool recipe_mixes(const struct recipe *r);

void recipe_free(struct recipe *r);

/* The manual: all rows, or that of one key (false: there is none). */
void recipe_print(FILE *out);
bool recipe_print_key(FILE *out, const char *key);

#endif
