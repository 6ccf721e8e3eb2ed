#include "diagnose/inspect.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "image/codec.h"
#include "image/exif.h"

const double inspect_at[INSPECT_QUANTILES] = {0, .05, .25, .5, .75, .95, 1};

enum { STEP = 256 }; /* samples between two reports */
#define MAX_FILE ((size_t)1 << 30)

/* What one sample shows. */
struct look {
    uint64_t hash;
    int w, h, c, orientation;
    bool bad, truncated;
    char *message;
};

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_of(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}
#define HASH_START 0xCBF29CE484222325u

static int read_pixels(const struct dataset *d, int i, struct image *im, struct look *l, struct error *err)
{
    if (d->format->image != dataset_file_image)
        return dataset_image(d, i, im, err);
    const char *path = d->sample[i].name;
    size_t size;
    char *bytes = file_read(path, MAX_FILE, &size, err);
    if (!bytes)
        return -1;
    const unsigned char *p = (const unsigned char *)bytes;
    if (size > 3 && p[0] == 0xFF && p[1] == 0xD8)
        l->orientation = jpeg_outline(p, size).orientation;
    const int result = codec_decode(im, bytes, size, path, err);
    mem_free(bytes);
    return result;
}

static void look_at(const struct dataset *d, int i, float *numbers, size_t n, struct look *l)
{
    struct error err = ERROR_INIT;
    struct image im = {0};
    if (numbers) {
        l->bad = dataset_values(d, i, numbers, &err) != 0;
        if (!l->bad)
            l->hash = hash_of(HASH_START, numbers, n * sizeof *numbers);
    } else {
        l->bad = read_pixels(d, i, &im, l, &err) != 0;
        if (!l->bad) {
            const int size[3] = {l->w = im.w, l->h = im.h, l->c = im.c};
            l->hash = hash_of(hash_of(HASH_START, size, sizeof size), im.data, (size_t)im.w * (size_t)im.h * (size_t)im.c);
        }
        image_free(&im);
    }
    if (l->bad) {
        l->message = mem_string(err.text);
        l->truncated = strstr(err.text, "truncated") || strstr(err.text, "cut short");
    }
}

static void look_at_all(const struct dataset *d, struct look *look, void (*told)(int, int))
{
    const size_t n = (size_t)d->want_w * (size_t)d->want_h * (size_t)d->want_c;
    for (int from = 0; from < d->n_samples; from += STEP) {
        const int to = d->n_samples - from < STEP ? d->n_samples : from + STEP;
#pragma omp parallel
        {
            float *numbers = dataset_has_values(d) ? mem_new(n, sizeof *numbers) : NULL;
#pragma omp for schedule(dynamic)
            for (int i = from; i < to; i++)
                look_at(d, i, numbers, n, &look[i]);
            free(numbers);
        }
        if (told)
            told(to, d->n_samples);
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Quantiles by linear interpolation between the order statistics; v is sorted. */
static void quantiles(double *v, int n, double out[INSPECT_QUANTILES])
{
    memset(out, 0, INSPECT_QUANTILES * sizeof *out);
    if (n == 0)
        return;
    qsort(v, (size_t)n, sizeof *v, by_size);
    for (int k = 0; k < INSPECT_QUANTILES; k++) {
        const double at = inspect_at[k] * (n - 1);
        const int i = (int)floor(at), j = i + 1 < n ? i + 1 : i;
        out[k] = v[i] + (at - i) * (v[j] - v[i]);
    }
}

static void count_classes(struct inspected *r, const struct dataset *d)
{
    int *last = mem_new((size_t)r->n_classes + 1, sizeof *last); /* number + 1 of the last sample with a class */
    for (int i = 0; i < d->n_samples; i++) {
        const struct sample *s = &d->sample[i];
        if (d->task == TASK_CLASSIFY && s->label >= 0) {
            r->objects[s->label]++;
            r->samples[s->label]++;
        }
        for (int k = 0; d->task == TASK_LABELS && k < d->n_targets; k++) {
            r->objects[k] += s->target[k] != 0;
            r->samples[k] += s->target[k] != 0;
        }
        for (int k = 0; k < s->n_boxes; k++) {
            const int id = s->box[k].class_id;
            r->objects[id]++;
            r->samples[id] += last[id] != i + 1;
            last[id] = i + 1;
            r->difficult += s->box[k].difficult != 0;
        }
        r->boxes += s->n_boxes;
        r->empty += d->task == TASK_DETECT && s->n_boxes == 0 && !s->no_label;
    }
    free(last);
}

static void measure_boxes(struct inspected *r, const struct dataset *d)
{
    double *v = mem_new((size_t)r->boxes + 1, sizeof *v);
    for (int what = 0; what < 3; what++) {
        int n = 0;
        for (int i = 0; i < d->n_samples; i++)
            for (int k = 0; k < d->sample[i].n_boxes; k++) {
                const double w = (double)d->sample[i].box[k].box.w, h = (double)d->sample[i].box[k].box.h;
                v[n++] = what == 0 ? w : what == 1 ? h : sqrt(w * h);
            }
        quantiles(v, n, what == 0 ? r->box_width : what == 1 ? r->box_height : r->box_side);
    }
    free(v);
}

static int by_hash(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void take_looks(struct inspected *r, const struct dataset *d, struct look *look)
{
    const size_t n = (size_t)d->n_samples;
    double *w = mem_new(n, sizeof *w), *h = mem_new(n, sizeof *h);
    uint64_t *sorted = mem_new(n, sizeof *sorted);
    int images = 0, known = 0;
    for (int i = 0; i < d->n_samples; i++) {
        struct look *l = &look[i];
        r->hash[i] = l->hash;
        r->unreadable += l->bad;
        r->truncated += l->truncated;
        r->grey += l->c == 1;
        r->orientation[l->orientation]++;
        if (l->w > 0) {
            w[images] = l->w;
            h[images++] = l->h;
        }
        if (l->hash)
            sorted[known++] = l->hash;
        if (l->message)
            text_list_add(&r->complaints, l->message);
        free(l->message);
    }
    quantiles(w, images, r->width);
    quantiles(h, images, r->height);
    qsort(sorted, (size_t)known, sizeof *sorted, by_hash);
    for (int i = 1; i < known; i++)
        r->duplicates += sorted[i] == sorted[i - 1];
    free(w);
    free(h);
    free(sorted);
}

void inspect(struct inspected *r, const struct dataset *d, bool quick, void (*told)(int done, int of))
{
    *r = (struct inspected){.data = d, .quick = quick, .n_classes = d->n_classes > d->n_targets ? d->n_classes : d->n_targets};
    r->objects = mem_new((size_t)r->n_classes + 1, sizeof *r->objects);
    r->samples = mem_new((size_t)r->n_classes + 1, sizeof *r->samples);
    r->hash = mem_new((size_t)d->n_samples, sizeof *r->hash);
    count_classes(r, d);
    measure_boxes(r, d);
    if (quick)
        return;
    struct look *look = mem_new((size_t)d->n_samples, sizeof *look);
    look_at_all(d, look, told);
    take_looks(r, d, look);
    free(look);
}

void inspect_free(struct inspected *r)
{
    free(r->objects);
    free(r->samples);
    free(r->hash);
    text_list_free(&r->complaints);
    *r = (struct inspected){0};
}

struct place {
    uint64_t hash;
    int sample;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : x->sample - y->sample;
}

int inspect_shared(const struct inspected *a, const struct inspected *b, int most, int (*pair)[2])
{
    const int n = a->data->n_samples;
    struct place *place = mem_new((size_t)n, sizeof *place);
    for (int i = 0; i < n; i++)
        place[i] = (struct place){a->hash[i], i};
    qsort(place, (size_t)n, sizeof *place, by_place);
    int found = 0;
    for (int i = 0; i < b->data->n_samples; i++) {
        int lo = 0, hi = n;
        while (lo < hi) {
            const int mid = lo + (hi - lo) / 2;
            if (place[mid].hash < b->hash[i])
                lo = mid + 1;
            else
                hi = mid;
        }
        if (b->hash[i] == 0 || lo == n || place[lo].hash != b->hash[i])
            continue;
        if (found < most) {
            pair[found][0] = place[lo].sample;
            pair[found][1] = i;
        }
        found++;
    }
    free(place);
    return found;
}

bool inspect_is_writing(const struct text_list *names)
{
    static const char *const words[] = {"zero",  "one",   "two",  "three", "four",  "five",  "six",
                                        "seven", "eight", "nine", "text",  "digit", "letter"};
    int signs = 0;
    for (int i = 0; i < names->n; i++) {
        const char *s = names->item[i];
        bool sign = s[0] && !s[1] && isalnum((unsigned char)s[0]);
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            sign |= strcasecmp(s, words[k]) == 0;
        signs += sign;
    }
    return names->n > 1 && signs * 2 > names->n;
}
