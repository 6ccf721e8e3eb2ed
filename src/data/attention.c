#include "data/attention.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/model.h"

enum { G = ATTENTION_GRID };

struct attention {
    struct network *net; /* planned for one picture */
    int layer;           /* whose output are the features */
    pthread_mutex_t lock;
};

static int find_layer(const struct network *net)
{
    for (int i = net->n_layers - 1; i >= 0; i--) {
        const struct layer *l = &net->layer[i];
        if (!l->absorbed && !l->unread && !l->is_loss && l->out.shape.h * l->out.shape.w > 1)
            return i;
    }
    return -1;
}

struct attention *attention_open(const char *path, struct error *err)
{
    struct model_file *file = model_open(path, err);
    if (!file)
        return NULL;
    struct attention *a = mem_new(1, sizeof *a);
    pthread_mutex_init(&a->lock, NULL);
    a->net = model_build(file, path, NULL, 0, err);
    model_close(file);
    bool ok = a->net != NULL;
    if (ok) {
        network_fold(a->net);
        ok = network_plan(a->net, 1, 0, 0, false, err) == 0;
    }
    if (ok && (a->layer = find_layer(a->net)) < 0) {
        error_at(err, EXIT_DATA, path, 0, "has no layer with more than one pixel, expected a convolutional network as attentive_model=");
        ok = false;
    }
    if (ok)
        return a;
    attention_close(a);
    return NULL;
}

/* Picture to input: the pixel whose centre is nearest where sizes differ, the mean of the channels where their numbers do. */
static void fill_input(struct network *net, const float *x, int c, int h, int w)
{
    const struct shape s = net->input.shape;
    const size_t plane = (size_t)h * (size_t)w;
    for (int k = 0; k < s.c; k++)
        for (int i = 0; i < s.h; i++)
            for (int j = 0; j < s.w; j++) {
                const size_t at = (size_t)((2 * i + 1) * h / (2 * s.h)) * (size_t)w + (size_t)((2 * j + 1) * w / (2 * s.w));
                float v = 0;
                for (int m = 0; m < c && s.c != c; m++)
                    v += x[(size_t)m * plane + at] / (float)c;
                net->input.x[((size_t)k * (size_t)s.h + (size_t)i) * (size_t)s.w + (size_t)j] = s.c == c ? x[(size_t)k * plane + at] : v;
            }
}

/* First and last + 1 of n pixels that cell number `cell` covers; at least one. */
static void cell_range(int cell, int n, int *begin, int *end)
{
    *begin = cell * n / G;
    *end = ((cell + 1) * n + G - 1) / G;
}

void attention_map(struct attention *a, const float *x, int c, int h, int w, double heat[G * G])
{
    pthread_mutex_lock(&a->lock);
    const struct run run = {.mode = MODE_EVAL};
    fill_input(a->net, x, c, h, w);
    for (int i = 0; i <= a->layer; i++)
        if (!a->net->layer[i].is_absorbed)
            network_forward_layer(a->net, i, &run);
    const struct tensor *f = &a->net->layer[a->layer].out;
    for (int cell = 0; cell < G * G; cell++) {
        int x1, x2, y1, y2;
        cell_range(cell % G, f->shape.w, &x1, &x2);
        cell_range(cell / G, f->shape.h, &y1, &y2);
        double sum = 0;
        for (int k = 0; k < f->shape.c; k++)
            for (int i = y1; i < y2; i++)
                for (int j = x1; j < x2; j++)
                    sum += fabs((double)f->x[((size_t)k * (size_t)f->shape.h + (size_t)i) * (size_t)f->shape.w + (size_t)j]);
        heat[cell] = sum / ((double)(x2 - x1) * (y2 - y1));
    }
    pthread_mutex_unlock(&a->lock);
}

void attention_close(struct attention *a)
{
    if (!a)
        return;
    network_free(a->net);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
