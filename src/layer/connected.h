/* connected: the weights and the shape of [connected], shared with [dropconnect]. */
#ifndef DLNET_LAYER_CONNECTED_H
#define DLNET_LAYER_CONNECTED_H

#include "layer/epilogue.h"

struct connected {
    int output;
    struct epilogue epilogue;
    struct param *weight; /* output × input */
};

/* Rows of the option tables of a state whose first member is a struct connected. */
#define CONNECTED_OPTIONS                                                                                                                  \
    {"output", OPTION_INT, offsetof(struct connected, output), "1", 1, 1e8, NULL, "number of outputs"}, EPILOGUE_OPTIONS(struct connected)

/* The same functions of struct layer_type, for a state whose first member is a struct connected. */
int connected_setup(struct layer *l, struct error *err);
int connected_shape(struct layer *l, struct error *err);
void connected_fold(struct layer *l);

#endif
