/* nms: non-maximum suppression. */
#ifndef DLNET_BOX_NMS_H
#define DLNET_BOX_NMS_H

#include "box/box.h"

/* Greedy, per class: sorts by score and removes each detection whose IoU with a kept one of its class is above `iou`.
 * iou ≥ 1 keeps everything (sorted). */
void nms_greedy(struct detections *d, double iou);

#endif
