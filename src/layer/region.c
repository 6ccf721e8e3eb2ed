/* [region]: the head of YOLO v2 (Redmon and Farhadi 2016).
 *
 * A cell of an anchor predicts a box, an objectness and one class among all (softmax):
 *   centre = (cell + σ(t))/grid, size = anchor·e^t/grid, anchors in cells.
 * The loss is a sum of squares of the activated values, and the classes' cross-entropy; each truth is learnt by one anchor of its cell, the
 * last truth of a cell wins. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "layer/head.h"
#include "layer/types.h"

struct region {
    struct head head;
    int coords, softmax, bias_match, rescore, background, classfix;
    double thresh, coord_scale, object_scale, noobject_scale, class_scale;
};

#define FIELD(name) offsetof(struct region, name)
#define NO_MEANING(key, why)                                                                                                               \
    {                                                                                                                                      \
        key, OPTION_IGNORED, 0, "", 0, 0, NULL, why                                                                                        \
    }
static const struct config_key options[] = {
    HEAD_OPTIONS(struct region),
    {"anchors", OPTION_FLOATS, FIELD(head.anchors), "", 0, 1e6, NULL, "width, height of every anchor, in cells; default: .5 each"},
    {"coords", OPTION_INT, FIELD(coords), "4", 1, 1000, NULL, "numbers of a box: 4"},
    {"softmax", OPTION_FLAG, FIELD(softmax), "0", 0, 1, NULL, "1: one class a box; 0: classes are independent (logistic)"},
    {"thresh", OPTION_FLOAT, FIELD(thresh), ".5", 0, 1, NULL,
     "a box that overlaps a truth by more than this isn't punished for its objectness"},
    {"bias_match", OPTION_FLAG, FIELD(bias_match), "0", 0, 1, NULL, "1: truths go to the anchor, 0: to the predicted size that fits best"},
    {"rescore", OPTION_FLAG, FIELD(rescore), "0", 0, 1, NULL, "1: objectness learns the overlap with the truth, 0: it learns 1"},
    {"coord_scale", OPTION_FLOAT, FIELD(coord_scale), "1", 0, 1e6, NULL, "weight of the boxes' loss"},
    {"object_scale", OPTION_FLOAT, FIELD(object_scale), "1", 0, 1e6, NULL, "weight of the objectness of cells with a truth"},
    {"noobject_scale", OPTION_FLOAT, FIELD(noobject_scale), "1", 0, 1e6, NULL, "weight of the objectness of the others"},
    {"class_scale", OPTION_FLOAT, FIELD(class_scale), "1", 0, 1e6, NULL, "weight of the classes' loss"},
    {"background", OPTION_INT, FIELD(background), "0", 0, 1, NULL, "only 0: objectness is a number of its own"},
    {"classfix", OPTION_INT, FIELD(classfix), "0", -1, 2, NULL, "only 0: classes are learnt by the truths' cells"},
    {"tree", OPTION_UNSUPPORTED_ANSWER, 0, "", 0, 0, NULL, "file with a hierarchy of classes (YOLO9000)"},
    {"map", OPTION_UNSUPPORTED_ANSWER, 0, "", 0, 0, NULL, "file that maps class numbers"},
    {"focal_loss", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "focal loss of the classes"},
    NO_MEANING("absolute", "sizes are always in cells"),
    NO_MEANING("log", "Darknet reads it for no purpose"),
    NO_MEANING("sqrt", "Darknet reads it for no purpose"),
    NO_MEANING("mask_scale", "of Darknet's masks"),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int region_setup(struct layer *l, struct error *err)
{
    struct region *r = l->state;
    int bad = 0;
    if (r->coords != 4)
        bad = layer_error(l, "coords", err, "coords=%d, expected 4", r->coords);
    if (r->background != 0)
        bad = layer_error(l, "background", err, "background=%d, expected 0", r->background);
    if (r->classfix != 0)
        bad = layer_error(l, "classfix", err, "classfix=%d, expected 0", r->classfix);
    struct option_floats *a = &r->head.anchors;
    if (a->n == 0) {
        free(a->v);
        a->n = 2 * r->head.num;
        a->v = mem_new((size_t)a->n, sizeof *a->v);
        for (int i = 0; i < a->n; i++)
            a->v[i] = 0.5;
    }
    r->head.n = r->head.num;
    return head_setup(l, &r->head, err) | bad;
}

static int region_shape(struct layer *l, struct error *err)
{
    (void)err;
    const struct region *r = l->state;
    head_shape(l, &r->head, (size_t)r->head.max);
    return 0;
}

static double anchor_size(const struct layer *l, int anchor, int axis)
{
    const struct region *r = l->state;
    return r->head.anchors.v[2 * anchor + axis] / (axis == 0 ? l->out.shape.w : l->out.shape.h);
}

static struct box decode(const struct layer *l, const real *planes, int n, int place)
{
    const struct region *r = l->state;
    const struct shape s = l->out.shape;
    const size_t plane = (size_t)s.h * (size_t)s.w;
    const real *p = planes + (size_t)n * (size_t)(5 + r->head.classes) * plane + (size_t)place;
    return (struct box){
        .x = (p[0] + (real)(place % s.w)) / (real)s.w,
        .y = (p[plane] + (real)(place / s.w)) / (real)s.h,
        .w = (real)(exp(fmin((double)p[2 * plane], HEAD_EXPONENT)) * anchor_size(l, n, 0)),
        .h = (real)(exp(fmin((double)p[3 * plane], HEAD_EXPONENT)) * anchor_size(l, n, 1)),
    };
}

/* The anchor of the truth's cell whose shape fits the truth best. */
static void match_truths(const struct layer *l, struct head_image *im)
{
    const struct region *r = l->state;
    for (int t = 0; t < im->n_truths; t++) {
        int column, row;
        if (!head_wants(im, &r->head, t, &column, &row))
            continue;
        const int place = row * im->width + column;
        const struct box truth = {0, 0, im->truth[t].box.w, im->truth[t].box.h};
        real best_iou = 0;
        int best = 0;
        for (int n = 0; n < r->head.n; n++) {
            const int cell = n * im->plane + place;
            const struct box shape = r->bias_match ? (struct box){0, 0, (real)anchor_size(l, n, 0), (real)anchor_size(l, n, 1)}
                                                   : (struct box){0, 0, im->w[cell], im->h[cell]};
            const real iou = box_iou(shape, truth);
            if (iou > best_iou) {
                best_iou = iou;
                best = n;
            }
        }
        im->first[best * im->plane + place] = -1;
        head_match(im, best * im->plane + place, t);
    }
}

/* scale/2·(target − σ(z))², its derivative by z in *d; p = σ(z). */
static double square_loss(double scale, double target, double p, double *d)
{
    *d = scale * (p - target) * p * (1 - p);
    return scale * (target - p) * (target - p) / 2;
}

static double box_loss(const struct layer *l, struct head_image *im, int cell, const double centre[2], const double size[2], double scale)
{
    const struct region *r = l->state;
    const int n = cell / im->plane, place = cell % im->plane;
    const double grid[2] = {im->width, im->height}, corner[2] = {place % im->width, place / im->width};
    double loss = 0;
    for (int axis = 0; axis < 2; axis++) {
        const size_t at_centre = head_entry(im, &r->head, cell, axis), at_size = head_entry(im, &r->head, cell, 2 + axis);
        double d;
        loss += square_loss(scale, centre[axis] * grid[axis] - corner[axis], (double)im->out[at_centre], &d);
        const double difference = (double)im->in[at_size] - log(size[axis] / anchor_size(l, n, axis));
        loss += scale * difference * difference / 2;
        if (im->delta) {
            im->delta[at_centre] = (real)d;
            im->delta[at_size] = (real)(scale * difference);
        }
    }
    return loss;
}

/* Softmax cross-entropy from the logits, or the classes' own cross-entropies. */
static double class_loss(const struct region *r, struct head_image *im, int cell, int class_id)
{
    double loss = 0, sum = 0, top = -INFINITY;
    for (int c = 0; c < r->head.classes && r->softmax; c++)
        top = fmax(top, (double)im->in[head_entry(im, &r->head, cell, 5 + c)]);
    for (int c = 0; c < r->head.classes && r->softmax; c++)
        sum += exp((double)im->in[head_entry(im, &r->head, cell, 5 + c)] - top);
    for (int c = 0; c < r->head.classes; c++) {
        const size_t at = head_entry(im, &r->head, cell, 5 + c);
        const double z = (double)im->in[at], target = c == class_id;
        double d;
        if (r->softmax) {
            d = exp(z - top) / sum - target;
            loss += r->class_scale * target * (log(sum) + top - z);
        } else {
            loss += r->class_scale * head_cross_entropy(false, z, target, &d);
        }
        if (im->delta)
            im->delta[at] = (real)(r->class_scale * d);
    }
    return loss;
}

static void matched_loss(const struct layer *l, struct head_image *im, int cell)
{
    const struct region *r = l->state;
    struct head_sums *sums = &im->sums;
    const struct truth_box *t = &im->truth[im->match[im->first[cell]].truth];
    const double centre[2] = {(double)t->box.x, (double)t->box.y}, size[2] = {(double)t->box.w, (double)t->box.h};
    const double iou = (double)box_iou((struct box){im->x[cell], im->y[cell], im->w[cell], im->h[cell]}, t->box);
    const size_t at = head_entry(im, &r->head, cell, 4);
    const double objectness = (double)im->out[at];
    sums->loss += box_loss(l, im, cell, centre, size, r->coord_scale);
    sums->loss += class_loss(r, im, cell, t->class_id);
    double d;
    sums->loss += square_loss(r->object_scale, r->rescore ? iou : 1, objectness, &d);
    if (im->delta)
        im->delta[at] = (real)d;
    sums->matches++;
    sums->iou += iou;
    sums->recalled += iou > 0.5;
    sums->objectness += objectness;
    sums->probability += (double)im->out[head_entry(im, &r->head, cell, 5 + t->class_id)];
}

/* Until that many images are seen, boxes without a truth learn their anchor, so that training starts from the anchors' shapes. */
enum { PRIOR_IMAGES = 12800 };

static void image_loss(struct layer *l, const struct run *run, int image)
{
    const struct region *r = l->state;
    struct head_image im = head_image(l, &r->head, run, image, (size_t)r->head.max, decode);
    match_truths(l, &im);

    const bool prior = run->mode == MODE_TRAIN && l->net->seen < PRIOR_IMAGES;
    for (int i = 0; i < im.cells; i++) {
        const size_t at = head_entry(&im, &r->head, i, 4);
        im.sums.any_objectness += (double)im.out[at];
        if (im.first[i] >= 0) {
            matched_loss(l, &im, i);
            continue;
        }
        if (!((double)im.iou[i] > r->thresh)) {
            double d;
            im.sums.loss += square_loss(r->noobject_scale, 0, (double)im.out[at], &d);
            if (im.delta)
                im.delta[at] = (real)d;
        }
        if (prior) {
            const int n = i / im.plane, place = i % im.plane;
            const double centre[2] = {(place % im.width + 0.5) / im.width, (place / im.width + 0.5) / im.height};
            const double size[2] = {anchor_size(l, n, 0), anchor_size(l, n, 1)};
            im.sums.loss += box_loss(l, &im, i, centre, size, 0.01);
        }
    }
    ((struct head_sums *)l->buffer[HEAD_SUMS].p)[image] = im.sums;
}

/* Softmax over the classes of each place of one anchor. */
static void softmax_planes(const real *in, real *out, int classes, size_t plane)
{
    for (size_t i = 0; i < plane; i++) {
        real top = in[i];
        for (int c = 1; c < classes; c++)
            top = in[(size_t)c * plane + i] > top ? in[(size_t)c * plane + i] : top;
        double sum = 0;
        for (int c = 0; c < classes; c++)
            sum += exp((double)(in[(size_t)c * plane + i] - top));
        for (int c = 0; c < classes; c++)
            out[(size_t)c * plane + i] = (real)(exp((double)(in[(size_t)c * plane + i] - top)) / sum);
    }
}

static void region_forward(struct layer *l, const struct run *run)
{
    const struct region *r = l->state;
    head_activate(l, &r->head, !r->softmax);
    if (r->softmax) {
        const size_t plane = (size_t)l->out.shape.h * (size_t)l->out.shape.w, entries = (size_t)(5 + r->head.classes);
        const int anchors = l->out.shape.n * r->head.n;
#pragma omp parallel for schedule(static)
        for (int i = 0; i < anchors; i++) {
            const size_t at = ((size_t)i * entries + 5) * plane;
            softmax_planes(l->in[0]->x + at, l->out.x + at, r->head.classes, plane);
        }
    }
    head_loss(l, run, image_loss);
}

static void region_detect(const struct layer *l, int image, double threshold, struct detections *out)
{
    const struct region *r = l->state;
    head_detect(l, &r->head, image, threshold, decode, out);
}

const struct layer_type layer_region = {
    .name = "region",
    .help = "detection head of YOLO v2: boxes from anchors in cells, one class a box",
    .options = options,
    .state_size = sizeof(struct region),
    .setup = region_setup,
    .shape = region_shape,
    .forward = region_forward,
    .backward = head_backward,
    .backward_overwrites = true,
    .detect = region_detect,
};
