#include "data/soft_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/names.h"

static int by_name(const void *a, const void *b)
{
    const struct sample *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

struct reading {
    struct dataset *d;
    struct sample **sorted;
    struct name_index index;
    const char *file;
    int width; /* of a target: the network's outputs */
    double *share;
};

/* The shares of a line, after its path, into r->share. */
static int read_shares(struct reading *r, char **save, int line, struct error *err)
{
    struct dataset *d = r->d;
    double sum = 0;
    memset(r->share, 0, (size_t)d->names.n * sizeof *r->share);
    for (char *name; (name = strtok_r(NULL, "\t", save)) != NULL;) {
        const char *text = strtok_r(NULL, "\t", save);
        const int k = name_index_find(&r->index, name, strlen(name));
        double v;
        if (k < 0)
            return dataset_bad(d, err, r->file, line, "found class '%.80s', expected one of the %d class names", name, d->names.n);
        if (!text || !text_to_double(text, &v) || v < 0 || v > 1)
            return dataset_bad(d, err, r->file, line, "found '%.40s' after %.80s, expected its share, a number in 0..1", text ? text : "",
                               name);
        r->share[k] += v;
        sum += v;
    }
    if (fabs(sum - 1) > 1e-3)
        return dataset_bad(d, err, r->file, line, "the shares sum to %.6g, expected 1", sum);
    return 1;
}

static int read_line(struct reading *r, const char *folder, char *text, int line, struct error *err)
{
    struct dataset *d = r->d;
    char *save = NULL;
    const char *path = strtok_r(text, "\t", &save);
    if (!path)
        return 0;
    struct sample key = {.name = text_join(folder, path)}, *wanted = &key;
    struct sample **found = bsearch(&wanted, r->sorted, (size_t)d->n_samples, sizeof *r->sorted, by_name);
    free(key.name);
    if (!found)
        return 0; /* of a sample that isn't used */
    const int got = read_shares(r, &save, line, err);
    if (got <= 0)
        return got;
    struct sample *s = *found;
    float *target = d->soft + (size_t)(s - d->sample) * (size_t)r->width;
    s->label = 0;
    double total = 0;
    for (int k = 0; k < d->names.n; k++) {
        s->label = r->share[k] > r->share[s->label] ? k : s->label;
        total += r->share[k];
    }
    for (int k = 0; k < d->names.n && k < r->width; k++) /* one output: the probability of yes */
        target[k] = (float)(r->share[r->width == 1 ? 1 : k] / total);
    s->target = target;
    return 0;
}

int soft_labels_read(struct dataset *d, const char *folder, struct error *err)
{
    char *file = text_join(folder, SOFT_LABELS_FILE);
    if (!file_exists(file) || d->task != TASK_CLASSIFY || d->names.n < 2 || d->n_samples == 0) {
        free(file);
        return 0;
    }
    size_t size;
    char *text = file_read(file, (size_t)1 << 30, &size, err);
    struct reading r = {.d = d, .file = file, .width = d->outputs > d->names.n || d->outputs == 1 ? d->outputs : d->names.n};
    r.sorted = mem_new((size_t)d->n_samples, sizeof *r.sorted);
    r.share = mem_new((size_t)d->names.n, sizeof *r.share);
    d->soft = mem_new((size_t)d->n_samples * (size_t)r.width, sizeof *d->soft);
    for (int i = 0; i < d->n_samples; i++)
        r.sorted[i] = &d->sample[i];
    qsort(r.sorted, (size_t)d->n_samples, sizeof *r.sorted, by_name);
    name_index_init(&r.index, &d->names);
    int line = 0, result = text ? 0 : -1;
    for (char *cursor = text, *raw; result == 0 && (raw = file_line(&cursor, &line));)
        result = read_line(&r, folder, raw, line, err);
    name_index_free(&r.index);
    free(r.sorted);
    free(r.share);
    mem_free(text);
    free(file);
    return result;
}

void soft_labels_write(FILE *f, const char *path, const struct text_list *names, const float *share, int n)
{
    fputs(path, f);
    if (n == 1) { /* a yes/no answer: of both classes */
        fprintf(f, "\t%s\t%.9g\t%s\t%.9g", names->item[0], 1 - (double)share[0], names->item[1], (double)share[0]);
    } else {
        for (int k = 0; k < n && k < names->n; k++)
            if (share[k] > 0)
                fprintf(f, "\t%s\t%.9g", names->item[k], (double)share[k]);
    }
    fputc('\n', f);
}
