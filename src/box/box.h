/* box: rectangles. Pure functions on numbers; no images, no layers. */
#ifndef DLNET_BOX_BOX_H
#define DLNET_BOX_BOX_H

#include <stddef.h>

#include "base/real.h"

/* Centre and size; fractions of the network's input unless a function says otherwise. */
struct box {
    real x, y, w, h;
};

/* One true object of an image. */
struct truth_box {
    struct box box;
    int class_id;
    int difficult; /* VOC difficult or COCO crowd: no target in training, ignored in val */
};

/* One answer of a detector: a box that passes the threshold in several classes is several detections. */
struct detection {
    struct box box;
    int class_id;
    real score; /* objectness × class probability */
};

struct detections {
    struct detection *item; /* owned; grown with detections_add */
    int n;
    size_t capacity;
};

void detections_add(struct detections *d, struct detection item);
void detections_free(struct detections *d);

/* Sorts by score, highest first; ties keep their order (stable), so results don't depend on the C library. */
void detections_sort(struct detections *d);

enum iou_kind { IOU_PLAIN, IOU_GIOU, IOU_DIOU, IOU_CIOU };

/* Intersection over union, 0 for two empty boxes; areas of negative sizes count as empty. */
real box_iou(struct box a, struct box b);

/* IoU, GIoU (Rezatofighi 2019, eq. 1–2), DIoU and CIoU (Zheng 2020, eq. 7 and 8–10) of a prediction with a truth, and, when grad is not
 * NULL, its exact derivative by the prediction's x, y, w, h (CIoU: alpha held constant, as in the paper). */
real box_iou_grad(enum iou_kind kind, struct box prediction, struct box truth, struct box *grad);

#endif
