/* [yolo]: the head of YOLO v3 and v4 (Redmon 2018; Bochkovskiy 2020).
 *
 * A cell of an anchor predicts a box, an objectness and a probability for each class:
 *   centre = (cell + x)/grid, x = σ(t)·s − (s − 1)/2; size = anchor·e^t/input, anchors in pixels of the input;
 *   new_coords: the layer before has applied the logistic function: x = t·s − (s − 1)/2, size = anchor·(2t)²/input.
 * The truths are assigned to cells first; given that, the loss is a sum over cells, and each term stands beside its derivative. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "layer/head.h"
#include "layer/types.h"

enum { LOSS_MSE, LOSS_IOU, LOSS_GIOU, LOSS_DIOU, LOSS_CIOU };
static const char *const box_losses[] = {"mse", "iou", "giou", "diou", "ciou", NULL};
static const char *const iou_kinds[] = {"iou", "giou", "diou", "ciou", NULL}; /* in the order of enum iou_kind */

struct yolo {
    struct head head;
    struct option_ints mask, counters_per_class;
    double ignore_thresh, truth_thresh, iou_thresh;
    double scale_x_y, iou_normalizer, cls_normalizer, obj_normalizer, max_delta, label_smooth_eps;
    int iou_loss, iou_thresh_kind, new_coords, objectness_smooth;
    int *anchor;    /* n numbers of anchors: the mask, or all */
    double *weight; /* of each class: the most frequent class's count by its own (counters_per_class) */
};

#define FIELD(name) offsetof(struct yolo, name)
#define NO_MEANING(key, why)                                                                                                               \
    {                                                                                                                                      \
        key, OPTION_IGNORED, 0, "", 0, 0, NULL, why                                                                                        \
    }
static const char tracking[] = "of Darknet's tracking; detection doesn't use it";
static const struct config_key options[] = {
    HEAD_OPTIONS(struct yolo),
    {"mask", OPTION_INTS, FIELD(mask), "", 0, 10000, NULL, "which anchors belong to this head; default: all"},
    {"anchors", OPTION_FLOATS, FIELD(head.anchors), "", 0, 1e6, NULL, "width, height of every anchor, in pixels of the input"},
    {"ignore_thresh", OPTION_FLOAT, FIELD(ignore_thresh), ".5", 0, 1, NULL,
     "a box that overlaps a truth by more than this isn't punished for its objectness"},
    {"truth_thresh", OPTION_FLOAT, FIELD(truth_thresh), "1", 0, 1, NULL,
     "a box that overlaps a truth by more than this learns it (1: off)"},
    {"iou_thresh", OPTION_FLOAT, FIELD(iou_thresh), "1", 0, 1, NULL,
     "besides the best anchor, those whose shape overlaps the truth's by more than this learn it (1: off)"},
    {"iou_thresh_kind", OPTION_CHOICE, FIELD(iou_thresh_kind), "iou", 0, 0, iou_kinds, "overlap that iou_thresh means"},
    {"scale_x_y", OPTION_FLOAT, FIELD(scale_x_y), "1", 1, 10, NULL, "stretches the centre's range beyond its cell"},
    {"new_coords", OPTION_FLAG, FIELD(new_coords), "0", 0, 1, NULL, "1: inputs are probabilities already (logistic), sizes are (2t)^2"},
    {"iou_loss", OPTION_CHOICE, FIELD(iou_loss), "mse", 0, 0, box_losses,
     "loss of the boxes: mse (cross-entropy of the centre, squares of the size), or 1 - overlap"},
    {"iou_normalizer", OPTION_FLOAT, FIELD(iou_normalizer), ".75", 0, 1e6, NULL, "weight of the boxes' loss"},
    {"cls_normalizer", OPTION_FLOAT, FIELD(cls_normalizer), "1", 0, 1e6, NULL, "weight of the classes' loss"},
    {"obj_normalizer", OPTION_FLOAT, FIELD(obj_normalizer), "1", 0, 1e6, NULL, "weight of the objectness' loss"},
    {"max_delta", OPTION_FLOAT, FIELD(max_delta), "0", 0, 1e38, NULL,
     "bound on each component of the gradient of an overlap loss (0: none)"},
    {"label_smooth_eps", OPTION_FLOAT, FIELD(label_smooth_eps), "0", 0, 1, NULL, "class targets are pulled to 1/2 by this share"},
    {"objectness_smooth", OPTION_FLAG, FIELD(objectness_smooth), "0", 0, 1, NULL,
     "1: objectness of a box that overlaps a truth by more than ignore_thresh learns that overlap"},
    {"counters_per_class", OPTION_INTS, FIELD(counters_per_class), "", 0, INFINITY, NULL,
     "objects of each class in the training data: rare classes weigh more"},
    {"focal_loss", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "focal loss of the classes"},
    {"delta_normalizer", OPTION_UNSUPPORTED, 0, "1", 0, 0, NULL, "factor on the gradient"},
    {"map", OPTION_UNSUPPORTED_ANSWER, 0, "", 0, 0, NULL, "file that maps class numbers"},
    NO_MEANING("nms_kind", "suppression is chosen on the command line"),
    NO_MEANING("beta_nms", "suppression is chosen on the command line"),
    NO_MEANING("beta1", "Darknet doesn't read it either"),
    NO_MEANING("uc_normalizer", "of [Gaussian_yolo]"),
    NO_MEANING("show_details", "-v shows the figures of training"),
    NO_MEANING("track_history_size", tracking),
    NO_MEANING("sim_thresh", tracking),
    NO_MEANING("dets_for_track", tracking),
    NO_MEANING("dets_for_show", tracking),
    NO_MEANING("track_ciou_norm", tracking),
    NO_MEANING("embedding_layer", tracking),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int check_mask(struct layer *l, struct yolo *y, struct error *err)
{
    int bad = 0;
    y->head.n = y->mask.n > 0 ? y->mask.n : y->head.num;
    y->anchor = mem_new((size_t)y->head.n, sizeof *y->anchor);
    for (int i = 0; i < y->head.n; i++) {
        y->anchor[i] = y->mask.n > 0 ? y->mask.v[i] : i;
        if (y->anchor[i] >= y->head.num)
            bad = layer_error(l, "mask", err, "mask names anchor %d, expected 0..%d (num=%d)", y->anchor[i], y->head.num - 1, y->head.num);
        for (int k = 0; k < i; k++)
            if (y->anchor[k] == y->anchor[i])
                bad = layer_error(l, "mask", err, "mask names anchor %d twice", y->anchor[i]);
    }
    return bad;
}

static int yolo_setup(struct layer *l, struct error *err)
{
    struct yolo *y = l->state;
    int bad = check_mask(l, y, err);
    y->weight = mem_new((size_t)y->head.classes, sizeof *y->weight);
    if (y->counters_per_class.n > 0 && y->counters_per_class.n != y->head.classes)
        bad = layer_error(l, "counters_per_class", err, "%d numbers, expected one for each of the %d classes", y->counters_per_class.n,
                          y->head.classes);
    int most = 1;
    for (int i = 0; i < y->counters_per_class.n; i++)
        most = y->counters_per_class.v[i] > most ? y->counters_per_class.v[i] : most;
    for (int i = 0; i < y->head.classes; i++) {
        const int count = !bad && y->counters_per_class.n > 0 ? y->counters_per_class.v[i] : most;
        y->weight[i] = (double)most / (count > 1 ? count : 1);
        if (y->max_delta > 1)
            y->weight[i] = fmin(y->weight[i], y->max_delta);
    }
    return head_setup(l, &y->head, err) | bad;
}

/* A truth goes to its best anchor and, with iou_thresh, to others; with truth_thresh every cell may have one more. */
static size_t capacity(const struct layer *l)
{
    const struct yolo *y = l->state;
    const struct shape s = l->in[0]->shape;
    const size_t n = (size_t)y->head.n;
    return (size_t)y->head.max * n + (y->truth_thresh < 1 ? n * (size_t)s.h * (size_t)s.w : 0);
}

static int yolo_shape(struct layer *l, struct error *err)
{
    (void)err;
    const struct yolo *y = l->state;
    head_shape(l, &y->head, capacity(l));
    return 0;
}

/* Width (axis 0) or height (axis 1) of an anchor as a fraction of the network's input. */
static double anchor_size(const struct layer *l, int anchor, int axis)
{
    const struct yolo *y = l->state;
    const struct shape s = l->net->input.shape;
    return y->head.anchors.v[2 * anchor + axis] / (axis == 0 ? s.w : s.h);
}

static double decode_size(const struct yolo *y, double t, double anchor)
{
    return y->new_coords ? 4 * t * t * anchor : exp(fmin(t, HEAD_EXPONENT)) * anchor;
}

/* The box at `place` of the planes of the n-th anchor; planes: of the output (x and y are activated and scaled). */
static struct box decode(const struct layer *l, const real *planes, int n, int place)
{
    const struct yolo *y = l->state;
    const struct shape s = l->out.shape;
    const size_t plane = (size_t)s.h * (size_t)s.w;
    const real *p = planes + (size_t)n * (size_t)(5 + y->head.classes) * plane + (size_t)place;
    const int anchor = y->anchor[n];
    return (struct box){
        .x = (p[0] + (real)(place % s.w)) / (real)s.w,
        .y = (p[plane] + (real)(place / s.w)) / (real)s.h,
        .w = (real)decode_size(y, (double)p[2 * plane], anchor_size(l, anchor, 0)),
        .h = (real)decode_size(y, (double)p[3 * plane], anchor_size(l, anchor, 1)),
    };
}

static void match_truths(const struct layer *l, struct head_image *im)
{
    const struct yolo *y = l->state;
    int column, row;
    for (int i = 0; i < im->cells && y->truth_thresh < 1; i++)
        if ((double)im->iou[i] > y->truth_thresh && head_wants(im, &y->head, im->best[i], &column, &row))
            head_match(im, i, im->best[i]);

    for (int t = 0; t < im->n_truths; t++) {
        if (!head_wants(im, &y->head, t, &column, &row))
            continue;
        const int place = row * im->width + column;
        const struct box truth = {0, 0, im->truth[t].box.w, im->truth[t].box.h};
        double best_iou = 0;
        int best = 0;
        for (int a = 0; a < y->head.num; a++) {
            const struct box shape = {0, 0, (real)anchor_size(l, a, 0), (real)anchor_size(l, a, 1)};
            const double iou = (double)box_iou(shape, truth);
            if (iou > best_iou) {
                best_iou = iou;
                best = a;
            }
        }
        for (int n = 0; n < y->head.n; n++) {
            const int a = y->anchor[n];
            bool wanted = a == best;
            if (!wanted && y->iou_thresh < 1) {
                const struct box shape = {0, 0, (real)anchor_size(l, a, 0), (real)anchor_size(l, a, 1)};
                wanted = (double)box_iou_grad((enum iou_kind)y->iou_thresh_kind, shape, truth, NULL) > y->iou_thresh;
            }
            if (wanted)
                head_match(im, n * im->plane + place, t);
        }
    }
}

/* Loss of a cell's box against one truth, times weight; g: its derivative by the four inputs, added. */
static double box_loss(const struct layer *l, const struct head_image *im, int cell, struct box truth, double weight, double g[4])
{
    const struct yolo *y = l->state;
    const int n = cell / im->plane, place = cell % im->plane;
    const double s = y->scale_x_y, grid[2] = {im->width, im->height}, corner[2] = {place % im->width, place / im->width};
    const double centre[2] = {(double)truth.x, (double)truth.y}, size[2] = {(double)truth.w, (double)truth.h};
    double loss = 0;
    if (y->iou_loss == LOSS_MSE) {
        weight *= 2 - size[0] * size[1];
        for (int axis = 0; axis < 2; axis++) {
            /* The probability that decodes to the truth's centre; the target's entropy is taken off, so that a perfect box costs nothing.
             */
            const double target = (centre[axis] * grid[axis] - corner[axis] + (s - 1) / 2) / s;
            double d;
            loss += head_cross_entropy(y->new_coords, (double)im->in[head_entry(im, &y->head, cell, axis)], target, &d);
            loss -= head_entropy(target);
            g[axis] += weight * d;

            const double t = (double)im->in[head_entry(im, &y->head, cell, 2 + axis)];
            const double ratio = size[axis] / anchor_size(l, y->anchor[n], axis);
            const double difference = t - (y->new_coords ? sqrt(ratio) / 2 : log(ratio));
            loss += difference * difference / 2;
            g[2 + axis] += weight * difference;
        }
        return weight * loss;
    }

    const struct box prediction = {im->x[cell], im->y[cell], im->w[cell], im->h[cell]};
    struct box slope;
    loss = 1 - (double)box_iou_grad((enum iou_kind)(y->iou_loss - LOSS_IOU), prediction, truth, &slope);
    const double by_centre[2] = {(double)slope.x, (double)slope.y}, by_size[2] = {(double)slope.w, (double)slope.h};
    const double extent[2] = {(double)prediction.w, (double)prediction.h};
    for (int axis = 0; axis < 2; axis++) {
        const double z = (double)im->in[head_entry(im, &y->head, cell, axis)];
        const double small = exp(-fabs(z)), activation_slope = y->new_coords ? 1 : small / ((1 + small) * (1 + small));
        const double t = (double)im->in[head_entry(im, &y->head, cell, 2 + axis)];
        const double size_slope = y->new_coords ? 8 * t * anchor_size(l, y->anchor[n], axis) : t <= HEAD_EXPONENT ? extent[axis] : 0;
        double d[2] = {-weight * by_centre[axis] * activation_slope * s / grid[axis], -weight * by_size[axis] * size_slope};
        for (int k = 0; k < 2; k++) {
            if (y->max_delta > 0)
                d[k] = fmin(fmax(d[k], -y->max_delta), y->max_delta);
            g[axis + 2 * k] += d[k];
        }
    }
    return weight * loss;
}

static double class_loss(const struct yolo *y, struct head_image *im, int cell)
{
    double loss = 0;
    for (int c = 0; c < y->head.classes; c++) {
        bool here = false;
        for (int m = im->first[cell]; m >= 0; m = im->match[m].next)
            here |= im->truth[im->match[m].truth].class_id == c;
        const double target = (here ? 1 : 0) * (1 - y->label_smooth_eps) + y->label_smooth_eps / 2;
        const double weight = y->cls_normalizer * (here ? y->weight[c] : 1);
        const size_t at = head_entry(im, &y->head, cell, 5 + c);
        double d;
        loss += weight * head_cross_entropy(y->new_coords, (double)im->in[at], target, &d);
        if (im->delta)
            im->delta[at] = (real)(weight * d);
    }
    return loss;
}

/* Boxes and classes of a cell that is responsible for truths: the boxes' mean, all their classes. Returns the weight of its objectness. */
static double matched_loss(const struct layer *l, struct head_image *im, int cell)
{
    const struct yolo *y = l->state;
    struct head_sums *sums = &im->sums;
    const struct box prediction = {im->x[cell], im->y[cell], im->w[cell], im->h[cell]};
    int count = 0;
    for (int m = im->first[cell]; m >= 0; m = im->match[m].next)
        count++;
    double g[4] = {0}, weight = 1;
    for (int m = im->first[cell]; m >= 0; m = im->match[m].next) {
        const struct truth_box *t = &im->truth[im->match[m].truth];
        weight = y->weight[t->class_id];
        sums->loss += box_loss(l, im, cell, t->box, y->iou_normalizer * weight / count, g);
        const double iou = (double)box_iou(prediction, t->box);
        sums->iou += iou;
        sums->recalled += iou > 0.5;
        sums->objectness += (double)im->out[head_entry(im, &y->head, cell, 4)];
        sums->probability += (double)im->out[head_entry(im, &y->head, cell, 5 + t->class_id)];
        sums->matches++;
    }
    for (int k = 0; k < 4 && im->delta; k++)
        im->delta[head_entry(im, &y->head, cell, k)] = (real)g[k];
    sums->loss += class_loss(y, im, cell);
    return weight;
}

static void image_loss(struct layer *l, const struct run *run, int image)
{
    const struct yolo *y = l->state;
    struct head_image im = head_image(l, &y->head, run, image, capacity(l), decode);
    match_truths(l, &im);

    for (int i = 0; i < im.cells; i++) {
        const size_t at = head_entry(&im, &y->head, i, 4);
        const bool overlaps = (double)im.iou[i] > y->ignore_thresh;
        double target = 0, weight = y->obj_normalizer, d;
        im.sums.any_objectness += (double)im.out[at];
        if (im.first[i] >= 0) {
            weight *= matched_loss(l, &im, i);
            target = 1;
        } else if (overlaps && !y->objectness_smooth) {
            continue;
        }
        if (overlaps && y->objectness_smooth)
            target = (double)im.iou[i];
        im.sums.loss += weight * head_cross_entropy(y->new_coords, (double)im.in[at], target, &d);
        if (im.delta)
            im.delta[at] = (real)(weight * d);
    }
    ((struct head_sums *)l->buffer[HEAD_SUMS].p)[image] = im.sums;
}

/* x and y reach beyond their cell by (s − 1)/2 on each side. */
static void scale_centres(struct layer *l)
{
    const struct yolo *y = l->state;
    const struct shape s = l->out.shape;
    const size_t plane = (size_t)s.h * (size_t)s.w, entries = (size_t)(5 + y->head.classes);
    const real scale = (real)y->scale_x_y, shift = (real)((y->scale_x_y - 1) / 2);
    for (size_t n = 0; n < (size_t)s.n * (size_t)y->head.n; n++) {
        real *x = l->out.x + n * entries * plane;
        for (size_t i = 0; i < 2 * plane; i++)
            x[i] = x[i] * scale - shift;
    }
}

static void yolo_forward(struct layer *l, const struct run *run)
{
    const struct yolo *y = l->state;
    if (y->new_coords)
        memcpy(l->out.x, l->in[0]->x, shape_size(l->out.shape) * sizeof(real));
    else
        head_activate(l, &y->head, true);
    if (y->scale_x_y != 1)
        scale_centres(l);
    head_loss(l, run, image_loss);
}

static void yolo_detect(const struct layer *l, int image, double threshold, struct detections *out)
{
    const struct yolo *y = l->state;
    head_detect(l, &y->head, image, threshold, decode, out);
}

static void yolo_release(struct layer *l)
{
    struct yolo *y = l->state;
    free(y->anchor);
    free(y->weight);
}

const struct layer_type layer_yolo = {
    .name = "yolo",
    .help = "detection head of YOLO v3 and v4: boxes from anchors in pixels, several classes a box",
    .options = options,
    .state_size = sizeof(struct yolo),
    .setup = yolo_setup,
    .shape = yolo_shape,
    .forward = yolo_forward,
    .backward = head_backward,
    .backward_overwrites = true,
    .detect = yolo_detect,
    .release = yolo_release,
};
