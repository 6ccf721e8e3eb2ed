/* evaluate: the figures of a network on a data set, for `dlnet val` and for the validation during training. Prints nothing. */
#ifndef DLNET_DETECT_EVALUATE_H
#define DLNET_DETECT_EVALUATE_H

#include "box/fuse.h"
#include "data/dataset.h"
#include "net/network.h"

struct evaluate_options {
    int threads;      /* loader threads */
    double floor;     /* detections with less score are left out; .001 */
    double nms;       /* IoU of non-maximum suppression; .45 */
    double threshold; /* score at which precision and recall are counted; .25 */
    double iou;       /* IoU of a right box there; .5 */
    double yes;       /* output from which a yes/no answer is yes; .5 */
    double fuse;      /* ensembles: IoU above which boxes are one; .55 */
    bool tta;         /* test-time augmentation (net/tta.h): every view of an image counts as a network of an ensemble */
};
#define EVALUATE_DEFAULTS                                                                                                                  \
    ((struct evaluate_options){.threads = 2, .floor = .001, .nms = .45, .threshold = .25, .iou = .5, .yes = .5, .fuse = FUSE_IOU})

struct class_figures {
    int truths; /* without the difficult ones; images of that class for a classifier; of a label, images that have it */
    double ap;  /* AP at IoU .5, all points; NaN: no truth. Classifier: share of its images that are right */
    int true_positives, false_positives, false_negatives; /* at the threshold */
};

struct target_figures {
    double mse, mae, r2;
};

struct evaluation {
    enum task task;
    int images;  /* evaluated */
    int bad;     /* unreadable, left out */
    double loss; /* mean an image; NaN: the network has no loss */
    /* detector */
    double map50, map; /* at IoU .5; mean over .5, .55 … .95 */
    double precision, recall;
    /* classifier, with one output too: n_classes is 2 then */
    double top1, top5;
    int *confusion; /* n_classes × n_classes, row: truth, column: answer; NULL for other tasks */
    /* labels: share of the answers that are right, over images and labels; share of the images with every label right */
    double accuracy, exact;
    /* regression: over images and targets: mean squared error, its root, mean absolute error; R² (mean over the targets of
     * 1 − Σ(p − t)² / Σ(t − mean t)²; NaN where a target is constant) */
    double mse, rmse, mae, r2;
    struct target_figures *target_figures; /* n_classes, for regression; else NULL */
    int n_classes;                         /* or targets */
    struct class_figures *class_figures;   /* n_classes */
};

/* Runs the network over a data set opened for its task. The network must be planned (for training or for inference); it keeps its plan's
 * batch, goes to the size of [net], and its parameters don't change. 0 or −1. evaluation_free releases out. */
int evaluate(struct network *net, const struct dataset *d, const struct evaluate_options *o, struct evaluation *out, struct error *err);

/* The same for n networks that answer together: the mean of the outputs, of detectors the boxes after suppression, fused (fuse.h). They
 * agree in kind, classes and outputs (ensemble.h), input sizes may differ; all are planned for the batch of the first. The loss (also with
 * tta) is that of the mean, -ln p of the true class, where all are classifiers that end in [softmax]; else NaN. */
int evaluate_ensemble(struct network *const *net, int n, const struct dataset *d, const struct evaluate_options *o, struct evaluation *out,
                      struct error *err);
void evaluation_free(struct evaluation *e);

#endif
