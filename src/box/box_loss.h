/* box_loss: 1 − overlap as the loss of boxes that are 4 numbers each. */
#ifndef DLNET_BOX_BOX_LOSS_H
#define DLNET_BOX_BOX_LOSS_H

#include <stdbool.h>
#include <stddef.h>

#include "box/box.h"

enum box_format {
    BOX_XYWH, /* centre and size */
    BOX_XYXY, /* corners; a box whose second corner isn't right of and below the first is empty */
};

/* Σ (1 − overlap) of n predicted boxes p and true boxes t, 4 numbers each. In double and in order. */
double box_loss(enum iou_kind kind, enum box_format format, const real *p, const real *t, size_t n);

/* dp += (or =) scale · d loss / d p, exactly. */
void box_loss_backward(enum iou_kind kind, enum box_format format, const real *p, const real *t, double scale, real *dp, size_t n,
                       bool overwrite);

#endif
