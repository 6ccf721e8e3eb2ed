#include "detect/evaluate.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "box/nms.h"
#include "data/loader.h"
#include "detect/ap.h"
#include "net/ensemble.h"
#include "net/tta.h"

/* Of one target: squared and absolute errors; the truths' squared distance from their mean, kept up to date (Welford 1962). */
struct sums {
    double squared, absolute, mean, spread;
};

struct evaluator {
    struct network *const *net;
    int n; /* networks */
    const struct dataset *data;
    const struct evaluate_options *o;
    struct evaluation *out;
    struct loader **loader;   /* one for each network */
    bool averaged;            /* several networks or views answer together */
    struct detections *found; /* detector: of each image of the batch, by all networks and views */
    real *mean;               /* the averaged outputs for a batch; NULL: detectors, or one network and view */
    const real *p;            /* outputs for the batch of now: mean, or the network's own */
    struct ap *ap;            /* detector */
    int64_t right1, right5;   /* classifier */
    int64_t exact;            /* labels: images with every label right */
    struct sums *sums;        /* regression, of each target */
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

/* Detections of a view that count, best first. COCO's own evaluation takes 100; a network that has learnt nothing yet has thousands above
 * the floor, which a large data set would fill the memory with. */
#define MOST_DETECTIONS 1000

/* What network m finds in view k of image i, in pixels of the original image, added to `all`. */
static void detect(const struct evaluator *e, int m, int k, int i, struct placement p, struct detections *all)
{
    const struct shape s = e->net[m]->input.shape;
    struct detections found = {0};
    network_detect(e->net[m], i, e->o->floor, &found);
    nms_greedy(&found, e->o->nms);
    for (int n = 0; n < found.n && n < MOST_DETECTIONS; n++) {
        struct box *box = &found.item[n].box;
        *box = e->o->tta ? tta_box(e->net[m], k, *box) : *box;
        box->x = (real)(((double)box->x * s.w - p.offset_x) / p.scale_x);
        box->y = (real)(((double)box->y * s.h - p.offset_y) / p.scale_y);
        box->w = (real)((double)box->w * s.w / p.scale_x);
        box->h = (real)((double)box->h * s.h / p.scale_y);
        detections_add(all, found.item[n]);
    }
    detections_free(&found);
}

static void detect_all(struct evaluator *e, int m, int k, const struct batch *b)
{
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < b->n; i++)
        detect(e, m, k, i, b->placement[i], &e->found[i]);
}

/* Detections of every image of the batch against its truths. */
static void add_detections(struct evaluator *e, const struct batch *b)
{
    int answers = 0;
    for (int m = 0; m < e->n; m++)
        answers += e->o->tta ? tta_views(e->net[m]) : 1;
    for (int i = 0; i < b->n; i++) {
        const struct sample *sample = &e->data->sample[b->sample[i]];
        struct truth_box *truth = mem_new((size_t)sample->n_boxes + 1, sizeof *truth);
        int n = 0;
        if (e->averaged)
            fuse_boxes(&e->found[i], answers, e->o->fuse);
        for (int k = 0; k < sample->n_boxes; k++) {
            if (sample->box[k].class_id < 0 || sample->box[k].class_id >= e->out->n_classes)
                continue;
            truth[n] = sample->box[k];
            truth[n].box.x *= (real)b->original_w[i];
            truth[n].box.w *= (real)b->original_w[i];
            truth[n].box.y *= (real)b->original_h[i];
            truth[n++].box.h *= (real)b->original_h[i];
        }
        ap_add(e->ap, e->found[i].item, e->found[i].n, truth, n);
        free(truth);
        detections_free(&e->found[i]);
        e->found[i] = (struct detections){0};
    }
}

/* One output: yes or no. */
static void add_yes_no(struct evaluator *e, const struct batch *b)
{
    const real *p = e->p;
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
    const real *p = e->p;
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
    const real *p = e->p;
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
    const struct layer *answer = network_output(e->net[0]);
    const int n = e->out->n_classes;
    const size_t each = shape_each(answer->out.shape);
    if (e->mean)
        ensemble_mean(e->net, e->n, e->mean);
    e->p = e->mean ? e->mean : answer->out.x;
    if (e->data->task == TASK_LABELS || e->data->task == TASK_REGRESS) {
        assert(each == (size_t)n && e->data->n_targets == n);
        (e->data->task == TASK_LABELS ? add_labels : add_numbers)(e, b);
        return;
    }
    if (e->net[0]->n_classes == 1) {
        add_yes_no(e, b);
        return;
    }
    assert(each >= (size_t)n);
    for (int i = 0; i < b->n; i++) {
        const real *p = e->p + (size_t)i * each;
        const int truth = e->data->sample[b->sample[i]].label;
        int best = 0, before = 0; /* classes that come before the true one: more probable, or as probable with a lower number */
        for (int k = 0; k < n; k++) {
            if (p[k] > p[best])
                best = k;
            if (k != truth && !(p[k] < p[truth] || (p[k] == p[truth] && k > truth)))
                before++;
        }
        if (e->mean)
            e->loss -= log(fmax((double)p[truth], FLT_MIN));
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

/* Network m answers the batch. */
static void forward(struct evaluator *e, int m, const struct batch *b, size_t each)
{
    struct network *net = e->net[m];
    const struct targets targets = {.label = b->label, .n_labels = net->n_classes, .box = b->box, .box_start = b->box_start};
    const struct run run = {.mode = MODE_EVAL, .seed = net->seed, .targets = e->averaged ? NULL : &targets};
    real *view = e->o->tta && e->ap ? mem_new((size_t)b->n * each, sizeof *view) : NULL;
    real *input = view ? view : net->input.x;
    for (size_t i = 0; i < (size_t)b->n * each; i++)
        input[i] = (real)b->input[i];
    if (e->o->tta && !e->ap)
        tta_forward(net);
    for (int k = 0; k < (view ? tta_views(net) : 1) && (e->ap || !e->o->tta); k++) {
        if (view)
            tta_view(net, k, view, net->input.x);
        e->loss += network_forward(net, &run);
        if (e->ap)
            detect_all(e, m, k, b);
    }
    free(view);
}

/* One batch through the networks, whose plans have room for exactly its images. */
static int evaluate_batch(struct evaluator *e, struct batch *const *batch, struct error *err)
{
    const int read = batch[0]->n;
    for (int m = 0; m < e->n; m++) {
        struct network *net = e->net[m];
        struct batch *b = batch[m];
        const size_t input = shape_each(net->input.shape);
        drop_bad(b, input, (size_t)net->n_classes);
        if (b->n == 0)
            continue;
        if (b->n != net->input.shape.n && network_plan(net, b->n, 0, 0, net->training, err) != 0)
            return -1;
        forward(e, m, b, input);
    }
    e->out->bad += read - batch[0]->n;
    e->out->images += batch[0]->n;
    if (batch[0]->n == 0)
        return 0;
    if (e->ap)
        add_detections(e, batch[0]);
    else
        add_answers(e, batch[0]);
    return 0;
}

static int open_loaders(struct evaluator *e, int batch, struct error *err)
{
    for (int m = 0; m < e->n; m++) {
        struct network *net = e->net[m];
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
        e->loader[m] = loader_open(e->data, &options, err);
        if (!e->loader[m])
            return -1;
    }
    return 0;
}

/* The next batch of every loader: 1, or 0 or -1 as loader_next. */
static int next(struct evaluator *e, struct batch **batch, struct error *err)
{
    int more = 1;
    for (int m = 0; m < e->n && more == 1; m++)
        more = loader_next(e->loader[m], &batch[m], err);
    return more;
}

static int evaluate_all(struct evaluator *e, int batch_size, struct error *err)
{
    e->loader = mem_new((size_t)e->n, sizeof *e->loader);
    struct batch **batch = mem_new((size_t)e->n, sizeof *batch);
    int result = open_loaders(e, batch_size, err);
    e->found = mem_new((size_t)batch_size, sizeof *e->found);
    if (result == 0 && !e->ap && e->averaged)
        e->mean = mem_new(shape_size(network_output(e->net[0])->out.shape), sizeof *e->mean);
    while (result == 0) {
        const int more = next(e, batch, err);
        if (more == 0)
            break;
        result = more < 0 ? -1 : evaluate_batch(e, batch, err);
    }
    for (int m = 0; m < e->n; m++)
        if (e->loader[m])
            loader_close(e->loader[m]);
    free(e->loader);
    free(batch);
    free(e->mean);
    free(e->found);
    return result;
}

static bool has_loss(const struct evaluator *e)
{
    bool any = false, softmax = e->data->task == TASK_CLASSIFY;
    for (int i = 0; i < e->net[0]->n_layers; i++)
        any |= e->net[0]->layer[i].is_loss;
    for (int m = 0; m < e->n; m++)
        softmax &= network_output(e->net[m])->is_loss && network_output(e->net[m])->link == LINK_SOFTMAX;
    return e->averaged ? softmax : any;
}

int evaluate_ensemble(struct network *const *net, int n, const struct dataset *d, const struct evaluate_options *o, struct evaluation *out,
                      struct error *err)
{
    const int batch = net[0]->input.shape.n;
    *out = (struct evaluation){.task = d->task, .n_classes = net[0]->n_classes, .loss = NAN};
    struct evaluator e = {.net = net, .n = n, .data = d, .o = o, .out = out, .averaged = n > 1 || o->tta};
    if (d->task == TASK_CLASSIFY && net[0]->n_classes == 1)
        out->n_classes = 2;
    const size_t classes = (size_t)out->n_classes;
    out->class_figures = mem_new(classes, sizeof *out->class_figures);
    if (d->task == TASK_DETECT)
        e.ap = ap_new(out->n_classes);
    else if (d->task == TASK_REGRESS) {
        out->target_figures = mem_new(classes, sizeof *out->target_figures);
        e.sums = mem_new(classes, sizeof *e.sums);
    } else if (d->task == TASK_CLASSIFY)
        out->confusion = mem_new(classes * classes, sizeof *out->confusion);

    int result = evaluate_all(&e, batch, err);
    for (int m = 0; m < n && result == 0; m++)
        if (net[m]->input.shape.n != batch)
            result = network_plan(net[m], batch, 0, 0, net[m]->training, err);
    if (result == 0 && out->images == 0)
        result = error_add(err, EXIT_DATA, "none of the %d images of the data set could be read", out->bad);
    if (result == 0) {
        if (has_loss(&e))
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

int evaluate(struct network *net, const struct dataset *d, const struct evaluate_options *o, struct evaluation *out, struct error *err)
{
    return evaluate_ensemble(&net, 1, d, o, out, err);
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
