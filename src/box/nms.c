#include "box/nms.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/simd.h"

/* Boxes as arrays by edge; those of one class stand together, best first. */
struct candidates {
    real *left, *top, *right, *bottom, *area;
    int *removed;
};

/* Marks those of [i + 1, end) whose IoU with box i is above `threshold`. */
SIMD_CLONES static void mark_overlaps(const struct candidates *c, int i, int end, real threshold)
{
    const real *restrict left = c->left, *restrict top = c->top, *restrict right = c->right, *restrict bottom = c->bottom;
    const real *restrict area = c->area;
    int *restrict removed = c->removed;
    const real l = left[i], t = top[i], r = right[i], b = bottom[i], a = area[i];
    for (int j = i + 1; j < end; j++) {
        real w = (r < right[j] ? r : right[j]) - (l > left[j] ? l : left[j]);
        real h = (b < bottom[j] ? b : bottom[j]) - (t > top[j] ? t : top[j]);
        w = w > 0 ? w : 0;
        h = h > 0 ? h : 0;
        const real inter = w * h;
        removed[j] |= inter > threshold * (a + area[j] - inter);
    }
}

static struct candidates candidates_new(size_t n)
{
    real *edges = mem_new(n * 5, sizeof *edges);
    return (struct candidates){.left = edges,
                               .top = edges + n,
                               .right = edges + 2 * n,
                               .bottom = edges + 3 * n,
                               .area = edges + 4 * n,
                               .removed = mem_new(n, sizeof(int))};
}

static void candidates_set(struct candidates *c, int i, struct box b)
{
    const real w = b.w > 0 ? b.w : 0, h = b.h > 0 ? b.h : 0;
    c->left[i] = b.x - w / 2;
    c->right[i] = b.x + w / 2;
    c->top[i] = b.y - h / 2;
    c->bottom[i] = b.y + h / 2;
    c->area[i] = w * h;
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

    /* A counting sort by class keeps the order of the scores; afterwards class k is [end[k − 1], end[k]). */
    int *end = mem_new((size_t)n_classes + 1, sizeof *end), *place = mem_new((size_t)d->n, sizeof *place);
    for (int i = 0; i < d->n; i++)
        end[d->item[i].class_id + 1]++;
    for (int k = 0; k < n_classes; k++)
        end[k + 1] += end[k];
    struct candidates c = candidates_new((size_t)d->n);
    for (int i = 0; i < d->n; i++) {
        place[i] = end[d->item[i].class_id]++;
        candidates_set(&c, place[i], d->item[i].box);
    }

#pragma omp parallel for schedule(dynamic)
    for (int k = 0; k < n_classes; k++)
        for (int i = k > 0 ? end[k - 1] : 0; i < end[k]; i++)
            if (!c.removed[i])
                mark_overlaps(&c, i, end[k], (real)iou);

    int kept = 0;
    for (int i = 0; i < d->n; i++)
        if (!c.removed[place[i]])
            d->item[kept++] = d->item[i];
    d->n = kept;
    free(end);
    free(place);
    free(c.left);
    free(c.removed);
}
