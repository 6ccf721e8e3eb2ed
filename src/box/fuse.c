#include "box/fuse.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct cluster {
    int class_id, n;
    double score; /* sum over the boxes, of them and of score × coordinate */
    double x, y, w, h;
};

static struct box fused(const struct cluster *c)
{
    return (struct box){(real)(c->x / c->score), (real)(c->y / c->score), (real)(c->w / c->score), (real)(c->h / c->score)};
}

/* Index of the cluster of that class that overlaps the box most, by more than `iou`; n: none. */
static int find(const struct cluster *c, int n, const struct detection *d, double iou)
{
    int best = n;
    double most = iou;
    for (int i = 0; i < n; i++) {
        const double overlap = c[i].class_id == d->class_id ? (double)box_iou(fused(&c[i]), d->box) : 0;
        if (overlap > most) {
            most = overlap;
            best = i;
        }
    }
    return best;
}

void fuse_boxes(struct detections *d, int models, double iou)
{
    assert(models >= 1);
    detections_sort(d);
    struct cluster *cluster = mem_new((size_t)d->n, sizeof *cluster);
    int n = 0;
    for (int i = 0; i < d->n; i++) {
        const struct detection *a = &d->item[i];
        const double score = (double)a->score;
        if (!(score > 0)) /* weighs nothing */
            continue;
        const int at = find(cluster, n, a, iou);
        n += at == n;
        struct cluster *c = &cluster[at];
        c->class_id = a->class_id;
        c->n++;
        c->score += score;
        c->x += score * (double)a->box.x;
        c->y += score * (double)a->box.y;
        c->w += score * (double)a->box.w;
        c->h += score * (double)a->box.h;
    }
    for (int i = 0; i < n; i++) {
        const struct cluster *c = &cluster[i];
        const int counted = c->n < models ? c->n : models;
        d->item[i] = (struct detection){fused(c), c->class_id, (real)(c->score / c->n * counted / models)};
    }
    d->n = n;
    free(cluster);
    detections_sort(d);
}
