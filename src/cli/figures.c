#include "cli/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_model.h"
#include "cli/session.h"

/* What the figures of all tasks are printed from. */
struct page {
    const struct network *net;
    const struct text_list *names;
    const struct evaluation *e;
    int width; /* of the longest name */
};

static double share(int part, int whole)
{
    return whole > 0 ? (double)part / whole : NAN;
}

/* The data's names of the two classes of one output come first: the network has but one. */
static const char *name_of(const struct page *p, int k, char buffer[16])
{
    if (p->net->n_classes != p->e->n_classes || !p->net->names)
        if (k < p->names->n)
            return p->names->item[k];
    return cli_class_name(p->net, k, buffer);
}

/* A number column, empty where there is none. */
static void print_figure(double v)
{
    if (isnan(v))
        printf(" %9s", "-");
    else
        printf(" %9.4f", v);
}

static void print_name(const struct page *p, int k)
{
    char buffer[16];
    printf("%-*s", p->width, name_of(p, k, buffer));
}

static void print_classes(const struct page *p)
{
    const struct evaluation *e = p->e;
    const bool detector = e->task == TASK_DETECT, labels = e->task == TASK_LABELS;
    const char *heads = detector ? "%-*s %8s %9s %9s %9s\n" : labels ? "%-*s %8s %9s %9s %9s\n" : "%-*s %8s %9s %9s\n";
    printf(heads, p->width, labels ? "label" : "class", detector ? "truths" : "images",
           detector ? "AP50"
           : labels ? "accuracy"
                    : "recall",
           "precision", "recall");
    for (int k = 0; k < e->n_classes; k++) {
        const struct class_figures *f = &e->class_figures[k];
        print_name(p, k);
        printf(" %8d", f->truths);
        print_figure(labels ? 1 - share(f->false_positives + f->false_negatives, e->images) : f->ap);
        print_figure(share(f->true_positives, f->true_positives + f->false_positives));
        if (detector || labels)
            print_figure(share(f->true_positives, f->truths));
        putchar('\n');
    }
}

static void print_confusion(const struct page *p)
{
    const int n = p->e->n_classes;
    printf("\nconfusion (row: truth, column: answer)\n%-*s", p->width, "");
    for (int k = 0; k < n; k++)
        printf(" %6d", k);
    putchar('\n');
    for (int k = 0; k < n; k++) {
        print_name(p, k);
        for (int j = 0; j < n; j++)
            printf(" %6d", p->e->confusion[k * n + j]);
        putchar('\n');
    }
}

static void print_targets(const struct page *p)
{
    printf("%-*s %11s %11s %11s %9s\n", p->width, "target", "MSE", "RMSE", "MAE", "R2");
    for (int k = 0; k < p->e->n_classes; k++) {
        const struct target_figures *f = &p->e->target_figures[k];
        print_name(p, k);
        printf(" %11.5g %11.5g %11.5g", f->mse, sqrt(f->mse), f->mae);
        print_figure(f->r2);
        putchar('\n');
    }
}

void figures_text(const struct network *net, const struct text_list *names, const struct evaluation *e)
{
    struct page p = {.net = net, .names = names, .e = e, .width = 6};
    char buffer[16];
    for (int k = 0; k < e->n_classes; k++) {
        const int length = (int)strlen(name_of(&p, k, buffer));
        p.width = length > p.width ? length : p.width;
    }
    if (e->task == TASK_REGRESS)
        print_targets(&p);
    else
        print_classes(&p);
    if (e->task == TASK_CLASSIFY && e->n_classes <= 20)
        print_confusion(&p);
    printf("\nimages     %d\n", e->images);
    if (e->task == TASK_DETECT)
        printf("mAP50      %.4f\nmAP        %.4f\nprecision  %.4f\nrecall     %.4f\n", e->map50, e->map, e->precision, e->recall);
    else if (e->task == TASK_LABELS)
        printf("accuracy   %.4f\nexact      %.4f\n", e->accuracy, e->exact);
    else if (e->task == TASK_REGRESS)
        printf("mse        %.6g\nrmse       %.6g\nmae        %.6g\nr2         %.4f\n", e->mse, e->rmse, e->mae, e->r2);
    else
        printf("top1       %.4f\ntop5       %.4f\n", e->top1, e->top5);
    if (!isnan(e->loss))
        printf("loss       %.6g\n", e->loss);
}

/* NaN becomes null. */
static void add_number(cJSON *object, const char *key, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(object, key, v);
    else
        cJSON_AddNullToObject(object, key);
}

static void add_classes(cJSON *root, const struct page *p)
{
    const bool detector = p->e->task == TASK_DETECT;
    cJSON *classes = cJSON_AddArrayToObject(root, "per_class");
    for (int k = 0; k < p->e->n_classes; k++) {
        const struct class_figures *f = &p->e->class_figures[k];
        char buffer[16];
        cJSON *c = cJSON_CreateObject();
        cli_json_text(c, "class", name_of(p, k, buffer));
        add_number(c, "class_id", k);
        add_number(c, detector ? "truths" : "images", f->truths);
        if (detector)
            add_number(c, "AP50", f->ap);
        if (p->e->task == TASK_LABELS)
            add_number(c, "accuracy", 1 - share(f->false_positives + f->false_negatives, p->e->images));
        add_number(c, "precision", share(f->true_positives, f->true_positives + f->false_positives));
        add_number(c, "recall", share(f->true_positives, f->truths));
        cJSON_AddItemToArray(classes, c);
    }
}

static void add_targets(cJSON *root, const struct page *p)
{
    cJSON *targets = cJSON_AddArrayToObject(root, "per_target");
    for (int k = 0; k < p->e->n_classes; k++) {
        const struct target_figures *f = &p->e->target_figures[k];
        char buffer[16];
        cJSON *t = cJSON_CreateObject();
        cli_json_text(t, "target", name_of(p, k, buffer));
        add_number(t, "mse", f->mse);
        add_number(t, "rmse", sqrt(f->mse));
        add_number(t, "mae", f->mae);
        add_number(t, "r2", f->r2);
        cJSON_AddItemToArray(targets, t);
    }
}

int figures_json(const struct network *net, const struct text_list *names, const struct evaluation *e, struct error *err)
{
    static const struct {
        enum task task;
        const char *key;
        size_t offset;
    } figures[] = {
        {TASK_DETECT, "mAP50", offsetof(struct evaluation, map50)},
        {TASK_DETECT, "mAP", offsetof(struct evaluation, map)},
        {TASK_DETECT, "precision", offsetof(struct evaluation, precision)},
        {TASK_DETECT, "recall", offsetof(struct evaluation, recall)},
        {TASK_CLASSIFY, "top1", offsetof(struct evaluation, top1)},
        {TASK_CLASSIFY, "top5", offsetof(struct evaluation, top5)},
        {TASK_LABELS, "accuracy", offsetof(struct evaluation, accuracy)},
        {TASK_LABELS, "exact", offsetof(struct evaluation, exact)},
        {TASK_REGRESS, "mse", offsetof(struct evaluation, mse)},
        {TASK_REGRESS, "rmse", offsetof(struct evaluation, rmse)},
        {TASK_REGRESS, "mae", offsetof(struct evaluation, mae)},
        {TASK_REGRESS, "r2", offsetof(struct evaluation, r2)},
    };
    const struct page p = {.net = net, .names = names, .e = e};
    cJSON *root = cJSON_CreateObject();
    add_number(root, "images", e->images);
    add_number(root, "loss", e->loss);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (figures[i].task == e->task)
            add_number(root, figures[i].key, *(const double *)(const void *)((const char *)e + figures[i].offset));
    if (e->task == TASK_REGRESS)
        add_targets(root, &p);
    else
        add_classes(root, &p);
    if (e->confusion) {
        cJSON *rows = cJSON_AddArrayToObject(root, "confusion");
        for (int k = 0; k < e->n_classes; k++)
            cJSON_AddItemToArray(rows, cJSON_CreateIntArray(e->confusion + (size_t)k * (size_t)e->n_classes, e->n_classes));
    }
    return cli_json_line(root, err);
}
