#include "box/nms.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/simd.h"

/* The candidates of one class that are still alive, best first, as arrays by edge. */
struct candidates {
    real *left, *top, *right, *bottom, *area;
    unsigned char *removed;
    int *position; /* in the sorted detections */
    int n;
};

/* removed[j] = IoU of candidate 0 with candidate j is above `threshold`. */
SIMD_CLONES static void mark_overlaps(const struct candidates *c, real threshold)
{
    const real *restrict left = c->left, *restrict top = c->top, *restrict right = c->right, *restrict bottom = c->bottom;
    const real *restrict area = c->area;
    unsigned char *restrict removed = c->removed;
    const real l = left[0], t = top[0], r = right[0], b = bottom[0], a = area[0];
    for (int j = 1; j < c->n; j++) {
        real w = (r < right[j] ? r : right[j]) - (l > left[j] ? l : left[j]);
        real h = (b < bottom[j] ? b : bottom[j]) - (t > top[j] ? t : top[j]);
        w = w > 0 ? w : 0;
        h = h > 0 ? h : 0;
        const real inter = w * h, uni = a + area[j] - inter;
        removed[j] = inter > 0 && inter / uni > threshold;
    }
}

static void move_candidate(struct candidates *c, int to, int from)
{
    c->left[to] = c->left[from];
    c->top[to] = c->top[from];
    c->right[to] = c->right[from];
    c->bottom[to] = c->bottom[from];
    c->area[to] = c->area[from];
    c->position[to] = c->position[from];
}

/* Greedy suppression of one class; keep[position] is set for the survivors. */
static void suppress(struct candidates *c, real threshold, bool *keep)
{
    while (c->n > 0) {
        keep[c->position[0]] = true;
        mark_overlaps(c, threshold);
        int alive = 0;
        for (int j = 1; j < c->n; j++)
            if (!c->removed[j])
                move_candidate(c, alive++, j);
        c->n = alive;
    }
}

void nms_greedy(struct detections *d, double iou)
{
    detections_sort(d);
    if (d->n < 2 || iou >= 1)
        return;
    int n_classes = 0;
    for (int i = 0; i < d->n; i++) {
        assert(d->item[i].class_id >= 0);
        if (d->item[i].class_id >= n_classes)
            n_classes = d->item[i].class_id + 1;
    }

    /* Positions by class, in the order of the scores: a counting sort. */
    int *start = mem_new((size_t)n_classes + 1, sizeof *start);
    int *order = mem_new((size_t)d->n, sizeof *order);
    for (int i = 0; i < d->n; i++)
        start[d->item[i].class_id + 1]++;
    for (int k = 0; k < n_classes; k++)
        start[k + 1] += start[k];
    for (int i = 0; i < d->n; i++)
        order[start[d->item[i].class_id]++] = i; /* start[k] ends up as the end of class k */

    const size_t n = (size_t)d->n;
    real *edges = mem_new(n * 5, sizeof *edges);
    struct candidates c = {.left = edges, .top = edges + n, .right = edges + 2 * n, .bottom = edges + 3 * n, .area = edges + 4 * n};
    c.removed = mem_new(n, 1);
    c.position = mem_new(n, sizeof *c.position);
    bool *keep = mem_new(n, sizeof *keep);
    for (int k = 0; k < n_classes; k++) {
        c.n = 0;
        for (int i = k ? start[k - 1] : 0; i < start[k]; i++) {
            const struct box b = d->item[order[i]].box;
            const real w = b.w > 0 ? b.w : 0, h = b.h > 0 ? b.h : 0;
            c.left[c.n] = b.x - w / 2;
            c.right[c.n] = b.x + w / 2;
            c.top[c.n] = b.y - h / 2;
            c.bottom[c.n] = b.y + h / 2;
            c.area[c.n] = w * h;
            c.position[c.n++] = order[i];
        }
        suppress(&c, (real)iou, keep);
    }
    int kept = 0;
    for (int i = 0; i < d->n; i++)
        if (keep[i])
            d->item[kept++] = d->item[i];
    d->n = kept;
    free(start);
    free(order);
    free(edges);
    free(c.removed);
    free(c.position);
    free(keep);
}
