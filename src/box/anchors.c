#include "box/anchors.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { STARTS = 8, ROUNDS = 300 };

double shape_iou(struct box_shape a, struct box_shape b)
{
    const double inter = (a.w < b.w ? a.w : b.w) * (a.h < b.h ? a.h : b.h);
    return inter / (a.w * a.h + b.w * b.h - inter);
}

/* Nearest anchor of every shape; true when one of them changed. *mean: their mean IoU. */
static bool assign(const struct box_shape *shape, int n, const struct box_shape *anchor, int k, int *nearest, double *mean)
{
    bool changed = false;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        int best = 0;
        double best_iou = -1;
        for (int j = 0; j < k; j++) {
            const double iou = shape_iou(shape[i], anchor[j]);
            if (iou > best_iou) {
                best_iou = iou;
                best = j;
            }
        }
        changed |= nearest[i] != best;
        nearest[i] = best;
        sum += best_iou;
    }
    *mean = sum / n;
    return changed;
}

/* k-means++ (Arthur and Vassilvitskii 2007): each next anchor is a shape drawn with the square of its distance to those there are. */
static void seed_anchors(const struct box_shape *shape, int n, int k, struct rng *rng, struct box_shape *anchor, double *weight)
{
    anchor[0] = shape[rng_below(rng, n)];
    for (int j = 1; j < k; j++) {
        double total = 0;
        for (int i = 0; i < n; i++) {
            double nearest = 1;
            for (int m = 0; m < j; m++) {
                const double distance = 1 - shape_iou(shape[i], anchor[m]);
                nearest = distance < nearest ? distance : nearest;
            }
            weight[i] = nearest * nearest;
            total += weight[i];
        }
        double left = rng_uniform(rng) * total;
        int chosen = 0;
        while (chosen < n - 1 && (left -= weight[chosen]) >= 0)
            chosen++;
        anchor[j] = shape[chosen];
    }
}

/* Anchors become the means of their shapes; one without shapes stays. */
static void move_anchors(const struct box_shape *shape, int n, const int *nearest, struct box_shape *anchor, int k)
{
    for (int j = 0; j < k; j++) {
        struct box_shape sum = {0, 0};
        int count = 0;
        for (int i = 0; i < n; i++)
            if (nearest[i] == j) {
                sum.w += shape[i].w;
                sum.h += shape[i].h;
                count++;
            }
        if (count > 0)
            anchor[j] = (struct box_shape){sum.w / count, sum.h / count};
    }
}

static int by_area(const void *pa, const void *pb)
{
    const struct box_shape *a = pa, *b = pb;
    const double x = a->w * a->h, y = b->w * b->h;
    return x != y ? (x < y ? -1 : 1) : a->w < b->w ? -1 : a->w > b->w;
}

double anchors_kmeans(const struct box_shape *shape, int n, int k, uint64_t seed, struct box_shape *anchor)
{
    assert(n >= 1 && k >= 1);
    struct box_shape *now = mem_new((size_t)k, sizeof *now);
    int *nearest = mem_new((size_t)n, sizeof *nearest);
    double *weight = mem_new((size_t)n, sizeof *weight), best = -1;
    for (int start = 0; start < STARTS; start++) {
        struct rng rng = rng_make(seed, RNG_INIT, (uint64_t)start, (uint64_t)k);
        seed_anchors(shape, n, k, &rng, now, weight);
        memset(nearest, -1, (size_t)n * sizeof *nearest);
        for (int round = 0; round < ROUNDS; round++) {
            double mean;
            const bool changed = assign(shape, n, now, k, nearest, &mean);
            if (mean > best) { /* the mean of shapes isn't the best of IoU: a round may make it worse */
                best = mean;
                memcpy(anchor, now, (size_t)k * sizeof *now);
            }
            if (!changed)
                break;
            move_anchors(shape, n, nearest, now, k);
        }
    }
    qsort(anchor, (size_t)k, sizeof *anchor, by_area);
    free(now);
    free(nearest);
    free(weight);
    return best;
}
