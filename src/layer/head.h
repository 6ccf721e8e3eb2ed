/* head: what the detection heads [yolo] and [region] share: the grid of cells, matching with the truths, cross-entropy, sums.
 *
 * A head's tensor holds, for each of its anchors, 5 + classes planes of h × w: x, y, w, h, objectness, classes (Darknet's layout). A cell
 * is one place of one anchor: number (anchor·h + row)·w + column. */
#ifndef DLNET_LAYER_HEAD_H
#define DLNET_LAYER_HEAD_H

#include "net/network.h"

/* Keys of both sections. */
struct head {
    int classes, num;
    struct option_floats anchors; /* num pairs of width and height */
    int max;                      /* truths of an image that count in training */
    double jitter, resize, random;
    int n; /* anchors of this head: of the mask, else num */
};

/* Rows of the option tables; `type` is the state, whose member `head` is a struct head. */
#define HEAD_OPTIONS(type)                                                                                                                 \
    {"classes", OPTION_INT, offsetof(type, head.classes), "20", 1, 100000, NULL, "number of classes"},                                     \
        {"num", OPTION_INT, offsetof(type, head.num), "1", 1, 10000, NULL, "number of anchors"},                                           \
        {"max", OPTION_INT, offsetof(type, head.max), "200", 1, 100000, NULL, "truths of an image that count in training"},                \
        {"jitter", OPTION_FLOAT, offsetof(type, head.jitter), ".2", 0, 0.9, NULL, "augmentation: the crop moves by this share of a side"}, \
        {"resize", OPTION_FLOAT, offsetof(type, head.resize), "1", 0.1, 10, NULL, "augmentation: scale factor in [1/v, v]"},               \
    {                                                                                                                                      \
        "random", OPTION_FLOAT, offsetof(type, head.random), "0", 0, 10, NULL, "1: the input size changes during training"                 \
    }

/* Checks num, anchors and the channels of the input, tells the network what its loader must know. For setup, after n is known. */
int head_setup(struct layer *l, const struct head *h, struct error *err);

/* The largest exponent of a decoded size: e^20 anchors are beyond every image, and their products stay finite. */
#define HEAD_EXPONENT 20.0

/* x, y, objectness and classes through the logistic function, w and h as they are; `classes` false leaves the classes as they are too. */
void head_activate(struct layer *l, const struct head *h, bool classes);

enum { HEAD_DELTA, HEAD_BOXES, HEAD_NUMBERS, HEAD_MATCHES, HEAD_SUMS };

/* Shape of the output and the buffers above; capacity: matches an image can have at most. */
void head_shape(struct layer *l, const struct head *h, size_t capacity);

/* One truth that a cell is responsible for. */
struct head_match {
    int truth, next; /* the cell's next match, or −1 */
};

/* What a head adds up over an image, for its loss and its figures. */
struct head_sums {
    double loss;
    double iou, objectness, probability; /* over the matches */
    double any_objectness;               /* over all cells */
    int matches, recalled, cells;
};

/* One image while its loss is computed. */
struct head_image {
    int cells, plane, width, height;
    const real *in, *out; /* this image's input and output planes */
    real *delta;          /* gradient by `in`, zeroed; NULL: only the loss is wanted */
    real *x, *y, *w, *h;  /* the predicted boxes by cell; */
    real *iou;            /* best IoU of the cell's box with any truth */
    int *best, *first;    /* that truth, or −1; the cell's first match, or −1 */
    struct head_match *match;
    int n_matches, capacity;
    const struct truth_box *truth;
    int n_truths;
    struct head_sums sums;
};

/* Decodes a box from output planes of an image: n-th anchor of the head, place in the plane. */
typedef struct box head_decode(const struct layer *l, const real *planes, int n, int place);

/* Everything about an image that the loss starts from; boxes, iou and best are filled. */
struct head_image head_image(const struct layer *l, const struct head *h, const struct run *run, int image, size_t capacity,
                             head_decode *decode);

/* Makes a cell responsible for a truth (once). */
void head_match(struct head_image *im, int cell, int truth);

/* A truth that a head can learn: not difficult, with an area, of a class that exists. Its centre's column and row are then in the grid. */
bool head_wants(const struct head_image *im, const struct head *h, int truth, int *column, int *row);

/* Index of entry 0 .. 4 + classes of a cell in the planes. */
static inline size_t head_entry(const struct head_image *im, const struct head *h, int cell, int entry)
{
    const int anchor = cell / im->plane, place = cell % im->plane;
    return ((size_t)anchor * (size_t)(5 + h->classes) + (size_t)entry) * (size_t)im->plane + (size_t)place;
}

/* Cross-entropy −t·log p − (1 − t)·log(1 − p) of a logit (p = σ(value)) or, when activated, of a probability (p = value, kept 1e-7 away
 * from 0 and 1). *gradient: its derivative by value. */
double head_cross_entropy(bool activated, double value, double target, double *gradient);

/* Entropy of a soft target: what the cross-entropy can't fall below. */
double head_entropy(double target);

/* The loss of every image (in parallel; `image` leaves its sums in HEAD_SUMS), added up in order into l->loss and, in training, l->figures.
 * Without targets there is no loss and the gradient is 0. */
void head_loss(struct layer *l, const struct run *run, void (*image)(struct layer *l, const struct run *run, int image));

/* Adds one detection for each box and class with objectness × probability > threshold. */
void head_detect(const struct layer *l, const struct head *h, int image, double threshold, head_decode *decode, struct detections *out);

/* Gradient of the forward pass into the input: the backward of both types. */
void head_backward(struct layer *l, const struct run *run);

#endif
