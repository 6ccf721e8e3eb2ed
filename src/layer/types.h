/* types: the layer types, one file each. A new layer: its file, a line here and one in types.c. */
#ifndef DLNET_LAYER_TYPES_H
#define DLNET_LAYER_TYPES_H

#include "net/layer.h"

extern const struct layer_type layer_convolutional, layer_connected, layer_batchnorm, layer_activation;
extern const struct layer_type layer_layernorm, layer_groupnorm;
extern const struct layer_type layer_standardize, layer_pca;
extern const struct layer_type layer_maxpool, layer_avgpool;
extern const struct layer_type layer_dropout, layer_gaussian_dropout, layer_standout, layer_dropconnect;
extern const struct layer_type layer_softmax, layer_logistic, layer_cost;
extern const struct layer_type layer_l2norm;
extern const struct layer_type layer_route, layer_shortcut, layer_scale_channels;
extern const struct layer_type layer_upsample, layer_reorg;
extern const struct layer_type layer_yolo, layer_region;

/* A [maxpool] of 2 x 2 windows, stride 2, that cover the image exactly. */
bool maxpool_halves(const struct layer *l);

/* A [shortcut] y = g(a + b) of two arrays of one shape, a the layer before, g(z) = z for z > 0, else *slope·z. */
bool shortcut_joins(const struct layer *l, real *slope);

#endif
