#include "layer/head.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"
#include "math/activation.h"

int head_setup(struct layer *l, const struct head *h, struct error *err)
{
    struct network *net = l->net;
    int bad = 0;
    if (h->anchors.n < 2 * h->num)
        bad = layer_error(l, "anchors", err, "%d numbers, expected num=%d pairs of width and height", h->anchors.n, h->num);
    for (int i = 0; i < h->anchors.n && i < 2 * h->num && !bad; i++)
        if (!(h->anchors.v[i] > 0))
            bad = layer_error(l, "anchors", err, "anchor %d has the size %g, expected more than 0", i / 2, h->anchors.v[i]);

    const int channels = l->in[0]->shape.c, wanted = h->n * (h->classes + 5);
    if (channels != wanted) {
        const int fitting = channels % h->n == 0 ? channels / h->n - 5 : 0;
        if (fitting > 0)
            bad = layer_error(
                l, "classes", err,
                "classes=%d needs %d channels (%d anchors x (classes + 5)), but the layer before has %d: write filters=%d there, or "
                "classes=%d here",
                h->classes, wanted, h->n, channels, wanted, fitting);
        else
            bad = layer_error(
                l, "classes", err,
                "classes=%d needs %d channels (%d anchors x (classes + 5)), but the layer before has %d: write filters=%d there",
                h->classes, wanted, h->n, channels, wanted);
    }
    if (net->n_classes > 0 && net->n_classes != h->classes)
        bad = layer_error(l, "classes", err, "classes=%d, but an earlier head has classes=%d", h->classes, net->n_classes);
    if (bad)
        return -1;

    net->n_classes = h->classes;
    net->jitter = fmax(net->jitter, h->jitter);
    net->resize = fmax(net->resize, h->resize);
    net->random = h->random > 0 ? 1 : net->random;
    net->max_boxes = h->max > net->max_boxes ? h->max : net->max_boxes;
    l->is_loss = true;
    l->prior_first = 4;
    l->prior_step = 5 + h->classes;
    l->backward_reads_in = l->backward_reads_out = false;
    return 0;
}

void head_shape(struct layer *l, const struct head *h, size_t capacity)
{
    const struct shape s = l->in[0]->shape;
    l->out.shape = s;
    const size_t n = (size_t)s.n, cells = (size_t)h->n * (size_t)s.h * (size_t)s.w;
    if (layer_trains(l))
        layer_buffer(l, HEAD_DELTA, BUFFER_SAVED, shape_size(s), sizeof(real));
    layer_buffer(l, HEAD_BOXES, BUFFER_SCRATCH, n * cells * 5, sizeof(real));
    layer_buffer(l, HEAD_NUMBERS, BUFFER_SCRATCH, n * cells * 2, sizeof(int));
    layer_buffer(l, HEAD_MATCHES, BUFFER_SCRATCH, n * capacity, sizeof(struct head_match));
    layer_buffer(l, HEAD_SUMS, BUFFER_SCRATCH, n, sizeof(struct head_sums));
}

void head_activate(struct layer *l, const struct head *h, bool classes)
{
    const struct shape s = l->out.shape;
    const size_t plane = (size_t)s.h * (size_t)s.w;
    const int entries = 5 + h->classes, planes = s.n * s.c;
    const real *in = l->in[0]->x;
    real *out = l->out.x;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < planes; i++) {
        const int entry = i % entries;
        const bool active = entry < 2 || entry == 4 || (entry > 4 && classes);
        activation_forward_serial(activation_of(active ? ACTIVATION_LOGISTIC : ACTIVATION_LINEAR), in + (size_t)i * plane,
                                  out + (size_t)i * plane, plane);
    }
}

/* One truth against all cells, kept where it is better. */
SIMD_CLONES static void better_iou(struct head_image *im, int number)
{
    const struct box t = im->truth[number].box;
    const real left = t.x - t.w / 2, right = t.x + t.w / 2, top = t.y - t.h / 2, bottom = t.y + t.h / 2, area = t.w * t.h;
    const real *restrict x = im->x, *restrict y = im->y, *restrict w = im->w, *restrict h = im->h;
    real *restrict iou = im->iou;
    int *restrict best = im->best;
    const int cells = im->cells;
    for (int i = 0; i < cells; i++) {
        const real l = x[i] - w[i] / 2, r = x[i] + w[i] / 2, u = y[i] - h[i] / 2, d = y[i] + h[i] / 2;
        real ow = (r < right ? r : right) - (l > left ? l : left);
        real oh = (d < bottom ? d : bottom) - (u > top ? u : top);
        ow = ow > 0 ? ow : 0;
        oh = oh > 0 ? oh : 0;
        const real inter = ow * oh, uni = w[i] * h[i] + area - inter;
        const real v = inter > 0 ? inter / uni : 0;
        const bool better = v > iou[i];
        iou[i] = better ? v : iou[i];
        best[i] = better ? number : best[i];
    }
}

static void best_iou(struct head_image *im)
{
    for (int i = 0; i < im->cells; i++) {
        im->iou[i] = 0;
        im->best[i] = -1;
    }
    for (int t = 0; t < im->n_truths; t++)
        better_iou(im, t);
}

struct head_image head_image(const struct layer *l, const struct head *h, const struct run *run, int image, size_t capacity,
                             head_decode *decode)
{
    const struct shape s = l->in[0]->shape;
    const size_t each = shape_each(s), cells = (size_t)h->n * (size_t)s.h * (size_t)s.w;
    const struct targets *targets = run->targets;
    struct head_image im = {.cells = (int)cells, .plane = s.h * s.w, .width = s.w, .height = s.h, .capacity = (int)capacity};
    im.in = l->in[0]->x + (size_t)image * each;
    im.out = l->out.x + (size_t)image * each;
    if (run->mode == MODE_TRAIN && l->buffer[HEAD_DELTA].p) {
        im.delta = (real *)l->buffer[HEAD_DELTA].p + (size_t)image * each;
        memset(im.delta, 0, each * sizeof(real));
    }
    real *boxes = (real *)l->buffer[HEAD_BOXES].p + (size_t)image * cells * 5;
    im.x = boxes;
    im.y = boxes + cells;
    im.w = boxes + 2 * cells;
    im.h = boxes + 3 * cells;
    im.iou = boxes + 4 * cells;
    im.best = (int *)l->buffer[HEAD_NUMBERS].p + (size_t)image * cells * 2;
    im.first = im.best + cells;
    for (size_t i = 0; i < cells; i++)
        im.first[i] = -1;
    im.match = (struct head_match *)l->buffer[HEAD_MATCHES].p + (size_t)image * capacity;
    im.truth = targets->box + targets->box_start[image];
    im.n_truths = targets->box_start[image + 1] - targets->box_start[image];
    if (im.n_truths > h->max)
        im.n_truths = h->max;
    im.sums.cells = im.cells;
    for (int i = 0; i < im.cells; i++) {
        const struct box b = decode(l, im.out, i / im.plane, i % im.plane);
        im.x[i] = b.x;
        im.y[i] = b.y;
        im.w[i] = b.w;
        im.h[i] = b.h;
    }
    best_iou(&im);
    return im;
}

void head_match(struct head_image *im, int cell, int truth)
{
    assert(cell >= 0 && cell < im->cells);
    int *link = &im->first[cell];
    while (*link >= 0) {
        if (im->match[*link].truth == truth)
            return;
        link = &im->match[*link].next;
    }
    assert(im->n_matches < im->capacity);
    im->match[im->n_matches] = (struct head_match){truth, -1};
    *link = im->n_matches++;
}

bool head_wants(const struct head_image *im, const struct head *h, int truth, int *column, int *row)
{
    const struct truth_box *t = &im->truth[truth];
    if (t->difficult || t->class_id < 0 || t->class_id >= h->classes || !(t->box.w > 0 && t->box.h > 0))
        return false;
    if (!(t->box.x >= 0 && t->box.x <= 1 && t->box.y >= 0 && t->box.y <= 1))
        return false;
    *column = (int)(t->box.x * (real)im->width);
    *row = (int)(t->box.y * (real)im->height);
    if (*column == im->width)
        *column = im->width - 1;
    if (*row == im->height)
        *row = im->height - 1;
    return true;
}

double head_cross_entropy(bool activated, double value, double target, double *gradient)
{
    if (activated) {
        const double margin = 1e-7, p = value > margin ? value : margin, q = 1 - value > margin ? 1 - value : margin;
        *gradient = (value > margin ? -target / p : 0) + (1 - value > margin ? (1 - target) / q : 0);
        return -target * log(p) - (1 - target) * log(q);
    }
    const double small = exp(-fabs(value)); /* never overflows */
    *gradient = (value >= 0 ? 1 / (1 + small) : small / (1 + small)) - target;
    return (value > 0 ? value : 0) - value * target + log1p(small);
}

double head_entropy(double target)
{
    double e = 0;
    if (target > 0)
        e -= target * log(target);
    if (target < 1)
        e -= (1 - target) * log(1 - target);
    return e;
}

void head_loss(struct layer *l, const struct run *run, void (*image)(struct layer *l, const struct run *run, int image))
{
    if (!run->targets || !run->targets->box_start) {
        if (run->mode == MODE_TRAIN && l->buffer[HEAD_DELTA].p)
            memset(l->buffer[HEAD_DELTA].p, 0, l->buffer[HEAD_DELTA].bytes);
        return;
    }
    const int n = layer_batch(l);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; i++)
        image(l, run, i);

    const struct head_sums *sums = l->buffer[HEAD_SUMS].p;
    struct head_sums all = {0};
    for (int i = 0; i < n; i++) {
        all.loss += sums[i].loss;
        all.iou += sums[i].iou;
        all.objectness += sums[i].objectness;
        all.probability += sums[i].probability;
        all.any_objectness += sums[i].any_objectness;
        all.matches += sums[i].matches;
        all.recalled += sums[i].recalled;
        all.cells += sums[i].cells;
    }
    l->loss = all.loss;
    if (run->mode != MODE_TRAIN)
        return;
    const double matches = all.matches > 0 ? all.matches : 1;
    snprintf(l->figures, sizeof l->figures, "%d matched, iou %.2f obj %.2f any-obj %.3f cls %.2f recall %.2f", all.matches,
             all.iou / matches, all.objectness / matches, all.any_objectness / all.cells, all.probability / matches,
             all.recalled / matches);
}

void head_detect(const struct layer *l, const struct head *h, int image, double threshold, head_decode *decode, struct detections *out)
{
    const struct shape s = l->out.shape;
    const size_t plane = (size_t)s.h * (size_t)s.w, entries = (size_t)(5 + h->classes);
    const real *planes = l->out.x + (size_t)image * shape_each(s);
    for (int n = 0; n < h->n; n++) {
        const real *objectness = planes + ((size_t)n * entries + 4) * plane;
        for (size_t i = 0; i < plane; i++) {
            if (!((double)objectness[i] > threshold))
                continue; /* no probability makes it more */
            const struct box box = decode(l, planes, n, (int)i);
            for (int c = 0; c < h->classes; c++) {
                const real score = objectness[i] * objectness[(size_t)(1 + c) * plane + i];
                if ((double)score > threshold)
                    detections_add(out, (struct detection){.box = box, .class_id = c, .score = score});
            }
        }
    }
}

void head_backward(struct layer *l, const struct run *run)
{
    (void)run;
    real *dx = l->in[0]->dx;
    if (!dx)
        return;
    const real *delta = l->buffer[HEAD_DELTA].p;
    const size_t n = shape_size(l->in[0]->shape);
    const int tiles = parallel_tiles(n);
    const bool fresh = l->in_fresh[0];
#pragma omp parallel for schedule(static)
    for (int t = 0; t < tiles; t++) {
        size_t begin, end;
        parallel_range(n, t, tiles, &begin, &end);
        if (fresh) {
            memcpy(dx + begin, delta + begin, (end - begin) * sizeof(real));
            continue;
        }
        for (size_t i = begin; i < end; i++)
            dx[i] += delta[i];
    }
}
