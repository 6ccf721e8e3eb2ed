/* anchors: shapes of boxes that stand for all the boxes of a data set. */
#ifndef DLNET_BOX_ANCHORS_H
#define DLNET_BOX_ANCHORS_H

#include <stdint.h>

struct box_shape {
    double w, h;
};

/* Overlap of two shapes laid on one centre: 0 .. 1. */
double shape_iou(struct box_shape a, struct box_shape b);

/* k shapes by k-means with the distance 1 − IoU (Redmon and Farhadi 2016, section 2), best of several k-means++ starts drawn from the seed;
 * sorted by area. Shapes must have an area; n ≥ 1, k ≥ 1 (with n < k some anchors are equal). Returns the mean IoU of the shapes with their
 * nearest anchor. */
double anchors_kmeans(const struct box_shape *shape, int n, int k, uint64_t seed, struct box_shape *anchor);

#endif
