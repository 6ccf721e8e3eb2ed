#include "detect/evaluate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "box/nms.h"
#include "data/loader.h"
#include "detect/ap.h"

/* Of one target: squared and absolute errors; the truths' squared distance from their mean, kept up to date (Welford 1962). */
struct sums {
    double squared, absolute, mean, spread;
};

struct evaluator {
    struct network *net;
    const struct dataset *data;
    const struct evaluate_options *o;
    struct evaluation *out;
    struct ap *ap;          /* detector */
    int64_t right1, right5; /* classifier */
    int64_t exact;          /* labels: images with every label right */
    struct sums *sums;      /* regression, of each target */
    double loss;
};

/* Moves the readable images of a batch together. */
static void drop_bad(struct batch *b, size_t input, size_t labels)
{
    int n = 0;
    for (int i = 0; i < b->n; i++) {
        if (b->bad[i])
            continue;
        if (n != i) {
            memcpy(b->input + (size_t)n * input, b->input + (size_t)i * input, input * sizeof *b->input);
            if (b->label)
                memcpy(b->label + (size_t)n * labels, b->label + (size_t)i * labels, labels * sizeof *b->label);
            b->sample[n] = b->sample[i];
            b->placement[n] = b->placement[i];
            b->original_w[n] = b->original_w[i];
            b->original_h[n] = b->original_h[i];
            b->bad[n] = false;
            if (b->box_start) { /* an unreadable image has no boxes, so the boxes themselves stay */
                b->box_start[n] = b->box_start[i];
                b->box_start[n + 1] = b->box_start[i + 1];
            }
        }
        n++;
    }
    b->n = n;
}

/* Detections of every image of the batch against its truths, in pixels of the original images. */
static void add_detections(struct evaluator *e, const struct batch *b)
{
    const struct shape s = e->net->input.shape;
    struct detections *found = mem_new((size_t)b->n, sizeof *found);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < b->n; i++) {
        const struct placement p = b->placement[i];
        network_detect(e->net, i, e->o->floor, &found[i]);
        nms_greedy(&found[i], e->o->nms);
        for (int k = 0; k < found[i].n; k++) {
            struct box *box = &found[i].item[k].box;
            box->x = (real)(((double)box->x * s.w - p.offset_x) / p.scale_x);
            box->y = (real)(((double)box->y * s.h - p.offset_y) / p.scale_y);
            box->w = (real)((double)box->w * s.w / p.scale_x);
            box->h = (real)((double)box->h * s.h / p.scale_y);
        }
    }
    for (int i = 0; i < b->n; i++) {
        const struct sample *sample = &e->data->sample[b->sample[i]];
        struct truth_box *truth = mem_new((size_t)sample->n_boxes + 1, sizeof *truth);
        int n = 0;
        for (int k = 0; k < sample->n_boxes; k++) {
            if (sample->box[k].class_id < 0 || sample->box[k].class_id >= e->out->n_classes)
                continue;
            truth[n] = sample->box[k];
            truth[n].box.x *= (real)b->original_w[i];
            truth[n].box.w *= (real)b->original_w[i];
            truth[n].box.y *= (real)b->original_h[i];
            truth[n++].box.h *= (real)b->original_h[i];
        }
        ap_add(e->ap, found[i].item, found[i].n, truth, n);
        free(truth);
        detections_free(&found[i]);
    }
    free(found);
}

/* One output: yes or no. */
static void add_yes_no(struct evaluator *e, const struct batch *b)
{
    const real *p = network_output(e->net)->out.x;
    for (int i = 0; i < b->n; i++) {
        const int truth = e->data->sample[b->sample[i]].label == 1, best = (double)p[i] >= e->o->yes;
        e->right1 += truth == best;
        e->right5++;
        e->out->confusion[truth * 2 + best]++;
    }
}

static void add_labels(struct evaluator *e, const struct batch *b)
{
    const int n = e->out->n_classes;
    const real *p = network_output(e->net)->out.x;
    for (int i = 0; i < b->n; i++) {
        int right = 0;
        for (int k = 0; k < n; k++) {
            struct class_figures *f = &e->out->class_figures[k];
            const bool truth = e->data->sample[b->sample[i]].target[k] >= .5f,
                       yes = (double)p[(size_t)i * (size_t)n + (size_t)k] >= e->o->yes;
            f->truths += truth;
            f->true_positives += truth && yes;
            f->false_positives += !truth && yes;
            f->false_negatives += truth && !yes;
            right += truth == yes;
        }
        e->right1 += right;
        e->exact += right == n;
    }
}

static void add_numbers(struct evaluator *e, const struct batch *b)
{
    const int n = e->out->n_classes;
    const real *p = network_output(e->net)->out.x;
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < n; k++) {
            struct sums *s = &e->sums[k];
            const double t = (double)e->data->sample[b->sample[i]].target[k], error = (double)p[(size_t)i * (size_t)n + (size_t)k] - t;
            const double before = t - s->mean;
            s->squared += error * error;
            s->absolute += fabs(error);
            s->mean += before / (e->out->images - b->n + i + 1);
            s->spread += before * (t - s->mean);
        }
}

static void add_answers(struct evaluator *e, const struct batch *b)
{
    const struct layer *answer = network_output(e->net);
    const int n = e->out->n_classes;
    const size_t each = shape_each(answer->out.shape);
    if (e->data->task == TASK_LABELS || e->data->task == TASK_REGRESS) {
        assert(each == (size_t)n && e->data->n_targets == n);
        (e->data->task == TASK_LABELS ? add_labels : add_numbers)(e, b);
        return;
    }
    if (e->net->n_classes == 1) {
        add_yes_no(e, b);
        return;
    }
    assert(each >= (size_t)n);
    for (int i = 0; i < b->n; i++) {
        const real *p = answer->out.x + (size_t)i * each;
        const int truth = e->data->sample[b->sample[i]].label;
        int best = 0, before = 0; /* classes that come before the true one: more probable, or as probable with a lower number */
        for (int k = 0; k < n; k++) {
            if (p[k] > p[best])
                best = k;
            if (k != truth && !(p[k] < p[truth] || (p[k] == p[truth] && k > truth)))
                before++;
        }
        e->right1 += before == 0;
        e->right5 += before < 5;
        e->out->confusion[(size_t)truth * (size_t)n + (size_t)best]++;
    }
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static void finish_detector(struct evaluator *e)
{
    struct evaluation *out = e->out;
    out->map50 = ap_mean(e->ap, 0.5);
    for (int i = 0; i < 10; i++)
        out->map += ap_mean(e->ap, 0.5 + 0.05 * i) / 10;
    const struct ap_counts all = ap_count(e->ap, -1, e->o->iou, e->o->threshold);
    out->precision = share(all.true_positives, (double)all.true_positives + all.false_positives);
    out->recall = share(all.true_positives, (double)all.true_positives + all.false_negatives);
    for (int k = 0; k < out->n_classes; k++) {
        const struct ap_counts c = ap_count(e->ap, k, e->o->iou, e->o->threshold);
        out->class_figures[k] = (struct class_figures){.truths = ap_truths(e->ap, k),
                                                       .ap = ap_class(e->ap, k, 0.5),
                                                       .true_positives = c.true_positives,
                                                       .false_positives = c.false_positives,
                                                       .false_negatives = c.false_negatives};
    }
}

static void finish_classifier(struct evaluator *e)
{
    struct evaluation *out = e->out;
    out->top1 = share((double)e->right1, out->images);
    out->top5 = share((double)e->right5, out->images);
    for (int k = 0; k < out->n_classes; k++) {
        struct class_figures *f = &out->class_figures[k];
        int answered = 0;
        for (int j = 0; j < out->n_classes; j++) {
            f->truths += out->confusion[(size_t)k * (size_t)out->n_classes + (size_t)j];
            answered += out->confusion[(size_t)j * (size_t)out->n_classes + (size_t)k];
        }
        f->true_positives = out->confusion[(size_t)k * (size_t)out->n_classes + (size_t)k];
        f->false_positives = answered - f->true_positives;
        f->false_negatives = f->truths - f->true_positives;
        f->ap = f->truths > 0 ? (double)f->true_positives / f->truths : NAN;
    }
}

static void finish_labels(struct evaluator *e)
{
    struct evaluation *out = e->out;
    out->accuracy = share((double)e->right1, (double)out->images * out->n_classes);
    out->exact = share((double)e->exact, out->images);
}

static void finish_regression(struct evaluator *e)
{
    struct evaluation *out = e->out;
    const int n = out->n_classes;
    for (int k = 0; k < n; k++) {
        const struct sums *s = &e->sums[k];
        out->target_figures[k] = (struct target_figures){
            .mse = s->squared / out->images, .mae = s->absolute / out->images, .r2 = s->spread > 0 ? 1 - s->squared / s->spread : NAN};
        out->mse += out->target_figures[k].mse / n;
        out->mae += out->target_figures[k].mae / n;
        out->r2 += out->target_figures[k].r2 / n;
    }
    out->rmse = sqrt(out->mse);
}

/* One batch through the network, whose plan has room for exactly its images. */
static int evaluate_batch(struct evaluator *e, struct batch *b, struct error *err)
{
    struct network *net = e->net;
    const size_t input = shape_each(net->input.shape);
    const int read = b->n;
    drop_bad(b, input, (size_t)net->n_classes);
    e->out->bad += read - b->n;
    if (b->n == 0)
        return 0;
    if (b->n != net->input.shape.n && network_plan(net, b->n, 0, 0, net->training, err) != 0)
        return -1;
    for (size_t i = 0; i < (size_t)b->n * input; i++)
        net->input.x[i] = (real)b->input[i];
    const struct targets targets = {.label = b->label, .n_labels = net->n_classes, .box = b->box, .box_start = b->box_start};
    const struct run run = {.mode = MODE_EVAL, .seed = net->seed, .targets = &targets};
    e->loss += network_forward(net, &run);
    e->out->images += b->n;
    if (e->ap)
        add_detections(e, b);
    else
        add_answers(e, b);
    return 0;
}

static int evaluate_all(struct evaluator *e, int batch, struct error *err)
{
    struct network *net = e->net;
    if (network_plan(net, batch, 0, 0, net->training, err) != 0)
        return -1;
    const struct shape s = net->input.shape;
    const struct loader_options options = {
        .batch = batch,
        .threads = e->o->threads > 0 ? e->o->threads : 1,
        .ahead = 2,
        .n_classes = net->n_classes,
        .seed = net->seed,
        .augment = augment_from(&net->options, net->jitter, net->resize, e->data->task, s.w, s.h, s.c),
    };
    struct loader *loader = loader_open(e->data, &options, err);
    if (!loader)
        return -1;
    struct batch *b;
    int more;
    while ((more = loader_next(loader, &b, err)) == 1)
        if (evaluate_batch(e, b, err) != 0) {
            more = -1;
            break;
        }
    loader_close(loader);
    return more;
}

int evaluate(struct network *net, const struct dataset *d, const struct evaluate_options *o, struct evaluation *out, struct error *err)
{
    const int batch = net->input.shape.n;
    *out = (struct evaluation){.task = d->task, .n_classes = net->n_classes, .loss = NAN};
    struct evaluator e = {.net = net, .data = d, .o = o, .out = out};
    if (d->task == TASK_CLASSIFY && net->n_classes == 1)
        out->n_classes = 2;
    const size_t n = (size_t)out->n_classes;
    out->class_figures = mem_new(n, sizeof *out->class_figures);
    if (d->task == TASK_DETECT)
        e.ap = ap_new(out->n_classes);
    else if (d->task == TASK_REGRESS) {
        out->target_figures = mem_new(n, sizeof *out->target_figures);
        e.sums = mem_new(n, sizeof *e.sums);
    } else if (d->task == TASK_CLASSIFY)
        out->confusion = mem_new(n * n, sizeof *out->confusion);

    int result = evaluate_all(&e, batch, err);
    if (result == 0 && net->input.shape.n != batch)
        result = network_plan(net, batch, 0, 0, net->training, err);
    if (result == 0 && out->images == 0)
        result = error_add(err, EXIT_DATA, "none of the %d images of the data set could be read", out->bad);
    if (result == 0) {
        for (int i = 0; i < net->n_layers; i++)
            if (net->layer[i].is_loss)
                out->loss = e.loss / out->images;
        if (e.ap)
            finish_detector(&e);
        else if (d->task == TASK_REGRESS)
            finish_regression(&e);
        else if (d->task == TASK_LABELS)
            finish_labels(&e);
        else
            finish_classifier(&e);
    }
    ap_free(e.ap);
    free(e.sums);
    if (result != 0)
        evaluation_free(out);
    return result;
}

void evaluation_free(struct evaluation *e)
{
    free(e->confusion);
    free(e->class_figures);
    free(e->target_figures);
    e->confusion = NULL;
    e->target_figures = NULL;
    e->class_figures = NULL;
}
