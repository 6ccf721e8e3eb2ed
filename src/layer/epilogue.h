/* epilogue: what follows the linear part of a layer: bias or batch normalisation, then the activation; with bn_after=1 the activation, then
 * batch normalisation (and no bias before). Shared by [convolutional],
 * [connected] and their like; channels are those of the layer's output. */
#ifndef DLNET_LAYER_EPILOGUE_H
#define DLNET_LAYER_EPILOGUE_H

#include "layer/activated.h"
#include "math/norm.h"
#include "net/network.h"

struct epilogue {
    int batch_normalize, bn_after, bias;
    struct activation_keys keys;
    struct activation activation, channels; /* of the keys, from epilogue_add_bias on; channels: of all channels, in place on the rest */
    double momentum;
    struct param *shift; /* bias; with batch_normalize the shift of the normalised value; NULL: refused */
    struct param *scale, *mean, *variance;
    bool folded;
    int parts; /* that the layer takes the moments of its linear part by (channel_map.moments), on being asked to; 0: it can't */
};

/* Rows of the option tables; `type` is the state, whose member `epilogue` is a struct epilogue. */
#define EPILOGUE_OPTIONS(type)                                                                                                             \
    ACTIVATION_OPTIONS(type, epilogue.keys, "logistic"), {"batch_normalize",                                                               \
                                                          OPTION_FLAG,                                                                     \
                                                          offsetof(type, epilogue.batch_normalize),                                        \
                                                          "0",                                                                             \
                                                          0,                                                                               \
                                                          1,                                                                               \
                                                          NULL,                                                                            \
                                                          "1: batch normalisation before the activation"},                                 \
        {"bn_after",                                                                                                                       \
         OPTION_FLAG,                                                                                                                      \
         offsetof(type, epilogue.bn_after),                                                                                                \
         "0",                                                                                                                              \
         0,                                                                                                                                \
         1,                                                                                                                                \
         NULL,                                                                                                                             \
         "1: with batch_normalize=1, batch normalisation after the activation"},                                                           \
        {"bias",                                                                                                                           \
         OPTION_FLAG,                                                                                                                      \
         offsetof(type, epilogue.bias),                                                                                                    \
         "1",                                                                                                                              \
         0,                                                                                                                                \
         1,                                                                                                                                \
         NULL,                                                                                                                             \
         "0: no bias; with batch_normalize=1, whose shift takes its place, it changes nothing"},                                           \
    {                                                                                                                                      \
        "bn_momentum", OPTION_FLOAT, offsetof(type, epilogue.momentum), ".1", 0, 1, NULL,                                                  \
            "share of a batch's statistics in the running ones: running = (1 - m)*running + m*batch"                                       \
    }

/* Buffers that it takes; the layer's own start at EPILOGUE_BUFFERS. */
enum {
    EPILOGUE_BEFORE,
    EPILOGUE_STATISTICS,
    EPILOGUE_MAP,
    EPILOGUE_SCRATCH,
    EPILOGUE_MAXIMA,
    EPILOGUE_PLACES,
    EPILOGUE_BUFFERS,
    EPILOGUE_LINEAR = EPILOGUE_MAXIMA,
    EPILOGUE_CHANNELS = EPILOGUE_MAXIMA /* an activation of channels absorbs no pooling and comes after the normalisation */
};

/* For setup, in the order in which Darknet stores them, epilogue_add_bias first of all (it finds the activation): the bias (none with
 * bias=0 and no batch norm), and scale, mean, variance (none without batch norm). channels: of the output. */
int epilogue_add_bias(struct layer *l, struct epilogue *e, int channels, struct error *err);
int epilogue_add_norm(struct layer *l, struct epilogue *e, int channels, struct error *err);

/* How weights before this activation start: He for the relu family and the like, Xavier for logistic and tanh, LeCun for selu. */
enum init_kind epilogue_init(const struct epilogue *e);

/* For shape, when out.shape is set: buffers, and l->backward_reads_out. */
void epilogue_shape(struct layer *l, const struct epilogue *e);

/* Whether in evaluation the map of epilogue_begin is all there is to do, number by number. */
bool epilogue_maps(const struct epilogue *e);

/* For absorb in training: a [maxpool] of 2 x 2 windows, stride 2, behind batch norm. */
bool epilogue_absorb(struct layer *l, const struct epilogue *e, const struct layer *next);

/* Where the linear part is to be written, and the map that its kernel applies (or norm_map afterwards). */
real *epilogue_begin(struct layer *l, const struct epilogue *e, const struct run *run, struct channel_map *map);
/* The rest of forward: out.x is there afterwards. In training and calibration, running statistics move unless the layer is frozen. */
void epilogue_end(struct layer *l, const struct epilogue *e, const struct run *run);

/* For remake, with batch norm: out.x once more. epilogue_shape says whether it can be. */
void epilogue_remake(struct layer *l, const struct epilogue *e);

/* out.dx becomes the gradient of the linear part, in place; those of bias, scale and shift are added up. */
void epilogue_backward(struct layer *l, const struct epilogue *e);

/* For fold: batch norm goes into the weights (`per_channel` numbers for each channel of the output) and the bias. Not that of bn_after,
 * which the activation parts from the weights. */
void epilogue_fold(struct epilogue *e, real *weight, size_t per_channel);

#endif
