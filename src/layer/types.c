#include "layer/types.h"

const struct layer_type *const layer_types[] = {
    &layer_convolutional,
    &layer_connected,
    &layer_batchnorm,
    &layer_activation,
    &layer_maxpool,
    &layer_avgpool,
    &layer_dropout,
    &layer_softmax,
    &layer_cost,
    &layer_route,
    &layer_shortcut,
    &layer_upsample,
    &layer_reorg,
    &layer_scale_channels,
    &layer_yolo,
    &layer_region,
    NULL,
};
