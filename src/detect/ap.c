/* Average precision as the PASCAL VOC development kit counts it (Everingham 2010, section 4.2; all points since 2010).
 *
 * A detection's best-overlapping truth doesn't depend on the IoU asked for, so it is found once, in ap_add. */
#include "detect/ap.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct found {
    double score, iou; /* iou with its best truth; 0: there is none */
    int truth;         /* number of that truth within the class, or −1 */
    int order;         /* of addition */
};

struct ap_of_class {
    struct found *found;
    int n_found;
    size_t found_capacity;
    bool sorted;
    bool *difficult; /* of each truth */
    int n_truths, n_difficult;
    size_t truth_capacity;
};

struct ap {
    struct ap_of_class *class;
    int n_classes;
};

struct ap *ap_new(int n_classes)
{
    struct ap *a = mem_new(1, sizeof *a);
    a->class = mem_new((size_t)n_classes, sizeof *a->class);
    a->n_classes = n_classes;
    return a;
}

void ap_free(struct ap *a)
{
    if (!a)
        return;
    for (int i = 0; i < a->n_classes; i++) {
        free(a->class[i].found);
        free(a->class[i].difficult);
    }
    free(a->class);
    free(a);
}

void ap_add(struct ap *a, const struct detection *d, int n_detections, const struct truth_box *t, int n_truths)
{
    int *number = mem_new((size_t)n_truths + 1, sizeof *number);
    for (int i = 0; i < n_truths; i++) {
        assert(t[i].class_id >= 0 && t[i].class_id < a->n_classes);
        struct ap_of_class *c = &a->class[t[i].class_id];
        c->difficult = mem_grow(c->difficult, &c->truth_capacity, (size_t)c->n_truths + 1, sizeof *c->difficult);
        c->difficult[c->n_truths] = t[i].difficult != 0;
        c->n_difficult += t[i].difficult != 0;
        number[i] = c->n_truths++;
    }
    for (int i = 0; i < n_detections; i++) {
        assert(d[i].class_id >= 0 && d[i].class_id < a->n_classes);
        struct ap_of_class *c = &a->class[d[i].class_id];
        struct found f = {.score = (double)d[i].score, .truth = -1, .order = c->n_found};
        for (int k = 0; k < n_truths; k++) {
            if (t[k].class_id != d[i].class_id)
                continue;
            const double iou = (double)box_iou(d[i].box, t[k].box);
            if (iou > f.iou) {
                f.iou = iou;
                f.truth = number[k];
            }
        }
        c->found = mem_grow(c->found, &c->found_capacity, (size_t)c->n_found + 1, sizeof *c->found);
        c->found[c->n_found++] = f;
        c->sorted = false;
    }
    free(number);
}

static int compare_found(const void *pa, const void *pb)
{
    const struct found *a = pa, *b = pb;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return a->order < b->order ? -1 : a->order > b->order;
}

enum verdict { VERDICT_FALSE, VERDICT_TRUE, VERDICT_NEITHER };

/* Walks over a class's detections, best first. */
struct walk {
    const struct ap_of_class *c;
    double iou;
    bool *taken; /* of each truth */
    int next;
};

static struct walk walk_begin(const struct ap *a, int class_id, double iou)
{
    assert(class_id >= 0 && class_id < a->n_classes);
    struct ap_of_class *c = &a->class[class_id];
    if (!c->sorted && c->n_found > 1)
        qsort(c->found, (size_t)c->n_found, sizeof *c->found, compare_found);
    c->sorted = true;
    return (struct walk){.c = c, .iou = iou, .taken = mem_new((size_t)c->n_truths + 1, sizeof(bool))};
}

static enum verdict walk_next(struct walk *w)
{
    const struct found *f = &w->c->found[w->next++];
    if (f->truth < 0 || f->iou < w->iou)
        return VERDICT_FALSE;
    if (w->c->difficult[f->truth])
        return VERDICT_NEITHER;
    if (w->taken[f->truth])
        return VERDICT_FALSE;
    w->taken[f->truth] = true;
    return VERDICT_TRUE;
}

int ap_truths(const struct ap *a, int class_id)
{
    assert(class_id >= 0 && class_id < a->n_classes);
    return a->class[class_id].n_truths - a->class[class_id].n_difficult;
}

double ap_class(const struct ap *a, int class_id, double iou)
{
    const int truths = ap_truths(a, class_id);
    if (truths == 0)
        return NAN;
    struct walk w = walk_begin(a, class_id, iou);
    /* Precision at each true detection: recall rises by 1/truths there and nowhere else. */
    double *precision = mem_new((size_t)w.c->n_found + 1, sizeof *precision);
    int right = 0, counted = 0;
    while (w.next < w.c->n_found) {
        const enum verdict v = walk_next(&w);
        counted += v != VERDICT_NEITHER;
        if (v == VERDICT_TRUE) {
            right++;
            precision[right - 1] = (double)right / counted;
        }
    }
    double sum = 0, envelope = 0;
    for (int i = right - 1; i >= 0; i--) {
        envelope = fmax(envelope, precision[i]);
        sum += envelope;
    }
    free(precision);
    free(w.taken);
    return sum / truths;
}

double ap_mean(const struct ap *a, double iou)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < a->n_classes; i++) {
        if (ap_truths(a, i) == 0)
            continue;
        sum += ap_class(a, i, iou);
        n++;
    }
    return n > 0 ? sum / n : NAN;
}

struct ap_counts ap_count(const struct ap *a, int class_id, double iou, double threshold)
{
    struct ap_counts counts = {0};
    for (int k = class_id < 0 ? 0 : class_id; k < (class_id < 0 ? a->n_classes : class_id + 1); k++) {
        struct walk w = walk_begin(a, k, iou);
        int right = 0;
        while (w.next < w.c->n_found && w.c->found[w.next].score > threshold) {
            const enum verdict v = walk_next(&w);
            right += v == VERDICT_TRUE;
            counts.false_positives += v == VERDICT_FALSE;
        }
        counts.true_positives += right;
        counts.false_negatives += ap_truths(a, k) - right;
        free(w.taken);
    }
    return counts;
}
