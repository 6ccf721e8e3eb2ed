/* ap: average precision and its relatives. */
#ifndef DLNET_DETECT_AP_H
#define DLNET_DETECT_AP_H

#include "box/box.h"

/* Collects an evaluation; boxes in any one unit (pixels of the original images). */
struct ap;
struct ap *ap_new(int n_classes);
void ap_free(struct ap *a);

/* One image: its detections (any order) and its truths. */
void ap_add(struct ap *a, const struct detection *d, int n_detections, const struct truth_box *t, int n_truths);

/* One class at one IoU: VOC 2010+ matching (each detection, best score first, goes to its best-overlapping truth; a second one on the same
 * truth is false; truths that are `difficult` are neither right nor wrong) and the area under the monotone precision envelope at all
 * points. NaN: the class has no truth. Ties in score: order of addition. */
double ap_class(const struct ap *a, int class_id, double iou);
int ap_truths(const struct ap *a, int class_id); /* without the difficult ones */

/* Mean of ap_class over the classes that have truths (NaN: none has). */
double ap_mean(const struct ap *a, double iou);

/* Counts at a score threshold and IoU, all classes together (class_id −1) or one. */
struct ap_counts {
    int true_positives, false_positives, false_negatives;
};
struct ap_counts ap_count(const struct ap *a, int class_id, double iou, double threshold);

#endif
