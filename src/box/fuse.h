/* fuse: the boxes of several detectors made one. */
#ifndef DLNET_BOX_FUSE_H
#define DLNET_BOX_FUSE_H

#include "box/box.h"

#define FUSE_IOU 0.55 /* the paper's */

/* Weighted box fusion (Solovyev, Wang and Gabruseva 2021, section 3, all models with weight 1): class by class and best first, each box
 * joins the cluster whose fused box it overlaps most, by more than `iou`, or starts one. A fused box is the mean of its cluster weighted by
 * score; its score is the cluster's mean, times min(T, models) / models for T boxes. In: the boxes of all models, in one frame, in any
 * order (of equal scores the earlier goes first). Out: the fused boxes, sorted by score. */
void fuse_boxes(struct detections *d, int models, double iou);

#endif
