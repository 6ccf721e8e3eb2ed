/* classifier: what the losses of classifiers share: class weights, label smoothing, where probabilities come from. */
#ifndef DLNET_LAYER_CLASSIFIER_H
#define DLNET_LAYER_CLASSIFIER_H

#include "net/network.h"

struct classifier {
    struct option_floats class_weights;
    double label_smooth_eps; /* from classifier_setup on: that of [net] where the layer has none */
};

/* Rows of the option table; `type` is the state, whose member `field` is a struct classifier. */
#define CLASSIFIER_OPTIONS(type, field)                                                                                                    \
    {"class_weights",                                                                                                                      \
     OPTION_FLOATS,                                                                                                                        \
     offsetof(type, field.class_weights),                                                                                                  \
     "",                                                                                                                                   \
     0,                                                                                                                                    \
     1e9,                                                                                                                                  \
     NULL,                                                                                                                                 \
     "factor of each class in the loss, in the order of the classes; default: 1"},                                                         \
    {                                                                                                                                      \
        "label_smooth_eps", OPTION_FLOAT, offsetof(type, field.label_smooth_eps), "-1", -1, 1, NULL,                                       \
            "in training this share of a class target goes to the other classes in equal parts (of a yes/no target: half of it to the "    \
            "other answer); below 0: label_smooth_eps of [net]"                                                                            \
    }

/* For setup: finds the smoothing. */
void classifier_setup(const struct layer *l, struct classifier *c);

/* For shape: whether there are as many weights as classes (or none). */
int classifier_check(const struct layer *l, const struct classifier *c, int classes, struct error *err);

/* Factors of the classes, or NULL. */
const double *classifier_weights(const struct classifier *c);
/* The smoothing of this run: none in evaluation. */
double classifier_smoothing(const struct classifier *c, const struct run *run);

/* For losses of rows (math/loss.h, math/softmax.h): the targets t with smoothing and weights, in the buffer `slot` (asked for by
 * classifier_buffer in shape) where they are other than t. */
void classifier_buffer(struct layer *l, const struct classifier *c, int slot);
const real *classifier_targets(const struct layer *l, const struct classifier *c, const struct run *run, const real *t, size_t outer, int k,
                               size_t step, int slot);

/* For setup: no layer but [cost] comes after l's section. */
bool classifier_is_last(const struct layer *l);

/* For setup: the layer before l if its output are probabilities already, else NULL. */
const struct layer *classifier_probabilities(const struct layer *l);
/* For setup of a layer that expects logits but may stand after probabilities: warns of it. */
void classifier_warn(const struct layer *l);

/* The labels of this run, n × as many numbers as l's input has; NULL: none. */
const real *classifier_labels(const struct layer *l, const struct run *run);

#endif
