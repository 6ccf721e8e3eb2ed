#include "cli/data_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/session.h"
#include "data/formats.h"

/* One row of the table: a number of each split. */
struct figure {
    const char *name, *key;
    int (*of)(const struct data_report *r, int split);
    bool always; /* also where it is 0 */
    bool pixels; /* unknown without reading them */
};

static int samples(const struct data_report *r, int k)
{
    return r->data[k].n_samples;
}
static int boxes(const struct data_report *r, int k)
{
    return r->found[k].boxes;
}
static int difficult(const struct data_report *r, int k)
{
    return r->found[k].difficult;
}
static int unlabelled(const struct data_report *r, int k)
{
    return r->data[k].unlabelled;
}
static int empty(const struct data_report *r, int k)
{
    return r->found[k].empty;
}
static int mistakes(const struct data_report *r, int k)
{
    return r->data[k].bad;
}
static int no_area(const struct data_report *r, int k)
{
    return r->data[k].box_faults[BOX_NO_AREA];
}
static int outside(const struct data_report *r, int k)
{
    return r->data[k].box_faults[BOX_OUTSIDE] + r->data[k].box_faults[BOX_TOO_LARGE];
}
static int unreadable(const struct data_report *r, int k)
{
    return r->found[k].unreadable;
}
static int truncated(const struct data_report *r, int k)
{
    return r->found[k].truncated;
}
static int turned(const struct data_report *r, int k)
{
    int n = 0;
    for (int i = 2; i <= 8; i++)
        n += r->found[k].orientation[i];
    return n;
}
static int grey(const struct data_report *r, int k)
{
    return r->found[k].grey;
}
static int duplicates(const struct data_report *r, int k)
{
    return r->found[k].duplicates;
}

static const struct figure figures[] = {
    {"samples", "samples", samples, true, false},
    {"boxes", "boxes", boxes, false, false},
    {"difficult or crowd", "difficult", difficult, false, false},
    {"without label file", "unlabelled", unlabelled, false, false},
    {"labels without box", "empty", empty, false, false},
    {"mistakes, left out", "mistakes", mistakes, true, false},
    {"  boxes without area", "boxes_without_area", no_area, false, false},
    {"  boxes outside", "boxes_outside", outside, false, false},
    {"unreadable", "unreadable", unreadable, true, true},
    {"  truncated", "truncated", truncated, false, true},
    {"turned by EXIF", "exif_turned", turned, false, true},
    {"grey", "grey", grey, false, true},
    {"equal to another", "duplicates", duplicates, true, true},
};
enum { FIGURES = sizeof figures / sizeof *figures };

static const struct {
    const char *name, *key;
    size_t offset;
    bool pixels;
} measures[] = {
    {"image width", "image_width", offsetof(struct inspected, width), true},
    {"image height", "image_height", offsetof(struct inspected, height), true},
    {"box width", "box_width", offsetof(struct inspected, box_width), false},
    {"box height", "box_height", offsetof(struct inspected, box_height), false},
    {"box sqrt(area)", "box_side", offsetof(struct inspected, box_side), false},
};
enum { MEASURES = sizeof measures / sizeof *measures };

static const double *measure(const struct inspected *f, int i)
{
    return (const double *)(const void *)((const char *)f + measures[i].offset);
}

static int first_split(const struct data_report *r)
{
    int k = 0;
    while (!r->has[k])
        k++;
    return k;
}

static int classes(const struct data_report *r)
{
    int n = 0;
    for (int k = 0; k < DATA_SPLITS; k++)
        n = r->has[k] && r->found[k].n_classes > n ? r->found[k].n_classes : n;
    return n;
}

static const char *class_name(const struct data_report *r, int id, char buffer[16])
{
    const struct text_list *names = &r->data[first_split(r)].names;
    snprintf(buffer, 16, "%d", id);
    return id < names->n ? names->item[id] : buffer;
}

static bool is_counted(const struct data_report *r)
{
    return r->data[first_split(r)].task != TASK_REGRESS;
}

static void print_head(const struct data_report *r, int width, const char *what)
{
    printf("%-*s", width, what);
    for (int k = 0; k < DATA_SPLITS; k++)
        if (r->has[k])
            printf(" %9s", split_name((enum split)k));
    putchar('\n');
}

static void print_classes(const struct data_report *r)
{
    const bool boxed = r->data[first_split(r)].task == TASK_DETECT;
    char buffer[16];
    int width = 20;
    for (int i = 0; i < classes(r); i++) {
        const int length = (int)strlen(class_name(r, i, buffer));
        width = length > width ? length : width;
    }
    putchar('\n');
    print_head(r, width, boxed ? "boxes of class" : "samples of class");
    for (int i = 0; i < classes(r); i++) {
        const char *name = class_name(r, i, buffer);
        for (const char *p = name; *p; p++)
            putchar((unsigned char)*p < 0x20 || *p == 0x7F ? '?' : *p);
        printf("%*s", width - (int)strlen(name), "");
        for (int k = 0; k < DATA_SPLITS; k++)
            if (r->has[k])
                printf(" %9d", i < r->found[k].n_classes ? r->found[k].objects[i] : 0);
        putchar('\n');
    }
}

void data_report_text(const struct data_report *r)
{
    print_head(r, 20, "");
    for (int i = 0; i < FIGURES; i++) {
        bool any = figures[i].always;
        for (int k = 0; k < DATA_SPLITS; k++)
            any |= r->has[k] && figures[i].of(r, k) != 0;
        if (!any || (figures[i].pixels && r->found[first_split(r)].quick))
            continue;
        char name[32];
        snprintf(name, sizeof name, i == 0 ? "%ss" : "%s", i == 0 ? dataset_unit(&r->data[first_split(r)]) : figures[i].name);
        printf("%-20s", name);
        for (int k = 0; k < DATA_SPLITS; k++)
            if (r->has[k])
                printf(" %9d", figures[i].of(r, k));
        putchar('\n');
    }
    if (is_counted(r))
        print_classes(r);
    bool head = false;
    for (int i = 0; i < MEASURES; i++)
        for (int k = 0; k < DATA_SPLITS; k++) {
            const double *q = measure(&r->found[k], i);
            if (!r->has[k] || q[INSPECT_QUANTILES - 1] <= 0)
                continue;
            if (!head)
                printf("\n%-20s %9s %9s %9s %9s %9s %9s %9s %9s\n", "", "", "least", "5 %", "25 %", "median", "75 %", "95 %", "most");
            head = true;
            printf("%-20s %9s", measures[i].name, split_name((enum split)k));
            for (int j = 0; j < INSPECT_QUANTILES; j++)
                printf(measures[i].pixels ? " %9.0f" : " %9.4f", q[j]);
            putchar('\n');
        }
}

static cJSON *texts(const struct text_list *list)
{
    cJSON *a = cJSON_CreateArray(), *holder = cJSON_CreateObject();
    for (int i = 0; i < list->n; i++) {
        cli_json_text(holder, "x", list->item[i]);
        cJSON_AddItemToArray(a, cJSON_DetachItemFromObject(holder, "x"));
    }
    cJSON_Delete(holder);
    return a;
}

static cJSON *split_json(const struct data_report *r, int k)
{
    const struct inspected *f = &r->found[k];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "format", r->data[k].format->name);
    for (int i = 0; i < FIGURES; i++)
        if (!figures[i].pixels || !f->quick)
            cJSON_AddNumberToObject(o, figures[i].key, figures[i].of(r, k));
    if (is_counted(r)) {
        cJSON_AddItemToObject(o, "objects_per_class", cJSON_CreateIntArray(f->objects, f->n_classes));
        cJSON_AddItemToObject(o, "samples_per_class", cJSON_CreateIntArray(f->samples, f->n_classes));
    }
    if (!f->quick)
        cJSON_AddItemToObject(o, "exif_orientations", cJSON_CreateIntArray(f->orientation + 1, 8));
    for (int i = 0; i < MEASURES; i++)
        if (measure(f, i)[INSPECT_QUANTILES - 1] > 0)
            cJSON_AddItemToObject(o, measures[i].key, cJSON_CreateDoubleArray(measure(f, i), INSPECT_QUANTILES));
    cJSON *problems = texts(&r->complaints[k]), *unread = texts(&f->complaints);
    while (cJSON_GetArraySize(unread) > 0)
        cJSON_AddItemToArray(problems, cJSON_DetachItemFromArray(unread, 0));
    cJSON_Delete(unread);
    cJSON_AddItemToObject(o, "problems", problems);
    return o;
}

int data_report_json(const struct data_report *r, struct error *err)
{
    const struct dataset *first = &r->data[first_split(r)];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "task", first->task == TASK_DETECT ? "detect" : dataset_task_name(first));
    cJSON_AddItemToObject(o, "classes", texts(&first->names));
    cJSON_AddItemToObject(o, "quantiles", cJSON_CreateDoubleArray(inspect_at, INSPECT_QUANTILES));
    cJSON *splits = cJSON_AddObjectToObject(o, "splits"), *shared = cJSON_AddArrayToObject(o, "shared");
    for (int k = 0; k < DATA_SPLITS; k++)
        if (r->has[k])
            cJSON_AddItemToObject(splits, split_name((enum split)k), split_json(r, k));
    for (int i = 0; i < r->n_shared; i++) {
        const struct data_shared *s = &r->shared[i];
        cJSON *item = cJSON_CreateObject(), *pairs = cJSON_CreateArray();
        cJSON_AddStringToObject(item, "first", split_name((enum split)s->a));
        cJSON_AddStringToObject(item, "second", split_name((enum split)s->b));
        cJSON_AddNumberToObject(item, "samples", s->n);
        for (int j = 0; j < s->n && j < DATA_PAIRS; j++) {
            cJSON *pair = cJSON_CreateObject();
            cli_json_text(pair, "first", r->data[s->a].sample[s->pair[j][0]].name);
            cli_json_text(pair, "second", r->data[s->b].sample[s->pair[j][1]].name);
            cJSON_AddItemToArray(pairs, pair);
        }
        cJSON_AddItemToObject(item, "pairs", pairs);
        cJSON_AddItemToArray(shared, item);
    }
    cJSON_AddItemToObject(o, "warnings", texts(&r->warnings));
    return cli_json_line(o, err);
}
