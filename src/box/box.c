#include "box/box.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

void detections_add(struct detections *d, struct detection item)
{
    d->item = mem_grow(d->item, &d->capacity, (size_t)d->n + 1, sizeof *d->item);
    d->item[d->n++] = item;
}

void detections_free(struct detections *d)
{
    free(d->item);
    *d = (struct detections){0};
}

struct ranked {
    real score;
    int position;
};

/* A total order, so that every correct sort gives the same result. */
static int compare_ranked(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return a->position < b->position ? -1 : a->position > b->position;
}

void detections_sort(struct detections *d)
{
    if (d->n < 2)
        return;
    struct ranked *rank = mem_new((size_t)d->n, sizeof *rank);
    for (int i = 0; i < d->n; i++)
        rank[i] = (struct ranked){d->item[i].score, i};
    qsort(rank, (size_t)d->n, sizeof *rank, compare_ranked);
    struct detection *sorted = mem_new((size_t)d->n, sizeof *sorted);
    for (int i = 0; i < d->n; i++)
        sorted[i] = d->item[rank[i].position];
    free(rank);
    free(d->item);
    d->item = sorted;
    d->capacity = (size_t)d->n;
}

static real positive(real v)
{
    return v > 0 ? v : 0;
}

/* One axis of a prediction p and a truth t: overlap and hull (the extent that holds both), with their derivatives by the prediction's
 * centre and size. */
struct axis {
    real overlap, overlap_centre, overlap_size;
    real hull, hull_centre, hull_size;
};

static struct axis axis_of(real p, real p_size, real t, real t_size)
{
    const real p_low = p - p_size / 2, p_high = p + p_size / 2;
    const real t_low = t - t_size / 2, t_high = t + t_size / 2;
    /* 1 where the prediction's own edge is the inner one; the other edge is then the hull's. */
    const real low_inside = p_low > t_low, high_inside = p_high < t_high;
    struct axis a = {0};
    a.overlap = (high_inside ? p_high : t_high) - (low_inside ? p_low : t_low);
    if (a.overlap > 0) {
        a.overlap_centre = high_inside - low_inside;
        a.overlap_size = (high_inside + low_inside) / 2;
    } else {
        a.overlap = 0;
    }
    a.hull = (high_inside ? t_high : p_high) - (low_inside ? t_low : p_low);
    a.hull_centre = low_inside - high_inside;
    a.hull_size = 1 - (high_inside + low_inside) / 2;
    return a;
}

real box_iou(struct box a, struct box b)
{
    return box_iou_grad(IOU_PLAIN, a, b, NULL);
}

/* Gradients are arrays over the prediction's x, y, w, h. */
static void store(struct box *grad, const real g[4])
{
    if (grad)
        *grad = (struct box){g[0], g[1], g[2], g[3]};
}

real box_iou_grad(enum iou_kind kind, struct box prediction, struct box truth, struct box *grad)
{
    const struct box p = {prediction.x, prediction.y, positive(prediction.w), positive(prediction.h)};
    const struct box t = {truth.x, truth.y, positive(truth.w), positive(truth.h)};
    const struct axis x = axis_of(p.x, p.w, t.x, t.w), y = axis_of(p.y, p.h, t.y, t.h);
    /* A clamped size doesn't move: its derivatives are 0. */
    const real moves_w = prediction.w > 0, moves_h = prediction.h > 0;

    const real inter = x.overlap * y.overlap;
    const real uni = p.w * p.h + t.w * t.h - inter;
    const real d_inter[4] = {x.overlap_centre * y.overlap, y.overlap_centre * x.overlap, moves_w * x.overlap_size * y.overlap,
                             moves_h * y.overlap_size * x.overlap};
    const real d_union[4] = {-d_inter[0], -d_inter[1], moves_w * p.h - d_inter[2], moves_h * p.w - d_inter[3]};
    real iou = 0, d_iou[4] = {0}, g[4] = {0};
    if (uni > 0) {
        iou = inter / uni;
        for (int i = 0; i < 4; i++)
            g[i] = d_iou[i] = (d_inter[i] - iou * d_union[i]) / uni;
    }
    if (kind == IOU_PLAIN) {
        store(grad, g);
        return iou;
    }

    const real d_hull_w[4] = {x.hull_centre, 0, moves_w * x.hull_size, 0};
    const real d_hull_h[4] = {0, y.hull_centre, 0, moves_h * y.hull_size};
    if (kind == IOU_GIOU) {
        const real hull = x.hull * y.hull;
        if (!(hull > 0)) {
            store(grad, g);
            return iou;
        }
        for (int i = 0; i < 4; i++) {
            const real d_hull = d_hull_w[i] * y.hull + x.hull * d_hull_h[i];
            g[i] += (d_union[i] - uni / hull * d_hull) / hull;
        }
        store(grad, g);
        return iou - (hull - uni) / hull;
    }

    real value = iou;
    const real diagonal = x.hull * x.hull + y.hull * y.hull;
    const real dx = p.x - t.x, dy = p.y - t.y;
    if (diagonal > 0) {
        const real distance = (dx * dx + dy * dy) / diagonal;
        const real d_square[4] = {2 * dx, 2 * dy, 0, 0};
        for (int i = 0; i < 4; i++) {
            const real d_diagonal = 2 * (x.hull * d_hull_w[i] + y.hull * d_hull_h[i]);
            g[i] -= (d_square[i] - distance * d_diagonal) / diagonal;
        }
        value -= distance;
    }
    if (kind == IOU_DIOU) {
        store(grad, g);
        return value;
    }

    assert(kind == IOU_CIOU);
    /* alpha·v = v²/(1 − IoU + v). Differentiated as it stands, alpha included, so that the loss is the integral of its gradient. */
    const real side = p.w * p.w + p.h * p.h;
    const real four_over_pi2 = (real)0.40528473456935108578;
    const real angle = (real)(atan2((double)t.w, (double)t.h) - atan2((double)p.w, (double)p.h));
    const real v = four_over_pi2 * angle * angle;
    const real denominator = (iou < 1 ? 1 - iou : 0) + v;
    if (denominator > 0) {
        const real alpha = v / denominator;
        const real d_v[4] = {0, 0, side > 0 ? -2 * four_over_pi2 * angle * moves_w * p.h / side : 0,
                             side > 0 ? 2 * four_over_pi2 * angle * moves_h * p.w / side : 0};
        for (int i = 0; i < 4; i++)
            g[i] -= 2 * alpha * d_v[i] - alpha * alpha * (d_v[i] - d_iou[i]);
        value -= alpha * v;
    }
    store(grad, g);
    return value;
}
