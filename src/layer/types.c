#include "layer/types.h"

const struct layer_type *const layer_types[] = {
    &layer_convolutional,  &layer_connected,   &layer_batchnorm, &layer_layernorm,   &layer_groupnorm,
    &layer_activation,     &layer_maxpool,     &layer_avgpool,   &layer_dropout,     &layer_gaussian_dropout,
    &layer_standout,       &layer_dropconnect, &layer_softmax,   &layer_logistic,    &layer_l2norm,
    &layer_cost,           &layer_route,       &layer_shortcut,  &layer_upsample,    &layer_reorg,
    &layer_scale_channels, &layer_yolo,        &layer_region,    &layer_standardize, NULL,
};
