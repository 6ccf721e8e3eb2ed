/* Memory: what must live when, then one block.
 *
 * Time runs over the steps of one training step: forward of layer i is moment i, its backward moment 2L − 1 − i. Each array lives from its
 * first writer to its last reader; arrays that don't live at the same moment share bytes. Placement is greedy, largest first, at the lowest
 * offset that is free (the "greedy by size" rule of Pisarchyk and Lee, 2020). Scratch is one area for all layers. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/network.h"
#include "net/view.h"

struct item {
    size_t bytes, offset;
    int first, last;
    void **target; /* where its address goes */
};

struct plan {
    struct item *item;
    int n;
    size_t capacity, total, scratch;
    struct view *view; /* of each layer; their arrays are no items */
    int *first, *last; /* of each layer's output, and of its views */
};

static void plan_free(struct plan *p)
{
    free(p->item);
    free(p->view);
    free(p->first);
    free(p->last);
}

static size_t align(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void add(struct plan *p, size_t bytes, int first, int last, void **target)
{
    *target = NULL;
    if (bytes == 0)
        return;
    p->item = mem_grow(p->item, &p->capacity, (size_t)p->n + 1, sizeof *p->item);
    p->item[p->n++] = (struct item){.bytes = align(bytes), .first = first, .last = last, .target = target};
}

/* Which tensors want a gradient, which layers run backward, and who writes a gradient first. */
static void plan_gradients(struct network *net)
{
    const int n = net->n_layers;
    bool *up = mem_new((size_t)n, 1);    /* something that learns lies at or above this layer */
    bool *reach = mem_new((size_t)n, 1); /* a loss lies at or below it */
    bool *wanted = mem_new((size_t)n, 1);
    for (int i = 0; i < n && net->training; i++) {
        const struct layer *l = &net->layer[i];
        up[i] = l->trainable;
        for (int k = 0; k < l->n_in && i >= net->frozen_up_to; k++)
            up[i] |= l->in_layer[k] >= 0 ? up[l->in_layer[k]] : net->input_gradient;
    }
    bool input_wanted = false;
    for (int i = n - 1; i >= 0; i--) {
        struct layer *l = &net->layer[i];
        reach[i] |= l->is_loss;
        l->runs_backward = reach[i] && up[i] && l->type->backward && (l->is_loss || wanted[i]);
        for (int k = 0; k < l->n_in; k++) {
            l->in_fresh[k] = false;
            if (!l->runs_backward)
                continue;
            const int from = l->in_layer[k];
            if (from < 0) {
                l->in_fresh[k] = net->input_gradient && !input_wanted;
                input_wanted |= net->input_gradient;
            } else {
                l->in_fresh[k] = up[from] && !wanted[from]; /* layers run in falling order: the first to want is the first to write */
                wanted[from] |= up[from];
                reach[from] = true;
            }
        }
    }
    for (int i = 0; i < n; i++) {
        struct layer *l = &net->layer[i];
        l->out.dx = wanted[i] ? (real *)l : NULL; /* a mark until memory is placed */
    }
    net->input.dx = input_wanted ? (real *)net : NULL;
    free(up);
    free(reach);
    free(wanted);
}

/* Which layers do the work of the next one as well. */
static void plan_absorption(struct network *net)
{
    for (int i = 0; i < net->n_layers; i++) {
        net->layer[i].absorbed = NULL;
        net->layer[i].is_absorbed = false;
    }
    for (int i = 0; i + 1 < net->n_layers; i++) {
        struct layer *l = &net->layer[i], *next = l + 1;
        int readers = 0;
        for (int j = i + 1; j < net->n_layers; j++)
            for (int k = 0; k < net->layer[j].n_in; k++)
                readers += net->layer[j].in_layer[k] == i;
        if (readers != 1 || next->n_in < 1 || next->in_layer[0] != i || l->is_absorbed ||
            (net->training && (!l->runs_backward || !next->runs_backward)) || !l->type->absorb || !l->type->absorb(l, next))
            continue;
        l->absorbed = next;
        next->is_absorbed = true;
        for (int b = 0; b < LAYER_BUFFERS; b++)
            if (next->buffer[b].life == BUFFER_SAVED)
                next->buffer[b].bytes = 0;
    }
}

/* When the values of layer `from` (−1: the input) are read last in forward, when first and last in backward (never: 2n and −1); and when
 * their gradient is first written. */
struct lifetime {
    int forward, backward_first, backward_last, dx;
    int reader; /* the first in backward */
};

static struct lifetime lifetime(const struct network *net, int from)
{
    const int n = net->n_layers;
    struct lifetime t = {.forward = from < 0 ? 0 : from, .backward_first = 2 * n, .backward_last = -1, .dx = 2 * n};
    for (int j = from + 1; j < n; j++) {
        const struct layer *c = &net->layer[j];
        for (int k = 0; k < c->n_in; k++) {
            if (c->in_layer[k] != from)
                continue;
            const int backward = 2 * n - 1 - j;
            if (t.forward < j)
                t.forward = j;
            if (!c->runs_backward)
                continue;
            if (backward < t.dx)
                t.dx = backward;
            if (!c->backward_reads_in)
                continue;
            if (backward < t.backward_first) {
                t.backward_first = backward;
                t.reader = j;
            }
            if (backward > t.backward_last)
                t.backward_last = backward;
        }
    }
    return t;
}

/* Adds the outputs, each with the life of all its views; those that are written again in backward are added already. */
static void collect_outputs(struct network *net, struct plan *p)
{
    const int n = net->n_layers;
    for (int i = 0; i < n; i++) {
        const int of = p->view[i].of;
        if (of < 0)
            continue;
        p->first[of] = p->first[i] < p->first[of] ? p->first[i] : p->first[of];
        p->last[of] = p->last[i] > p->last[of] ? p->last[i] : p->last[of];
    }
    for (int i = 0; i < n; i++) {
        struct layer *l = &net->layer[i];
        if (!l->remade)
            add(p, l->unread || p->view[i].of >= 0 ? 0 : shape_size(l->out.shape) * sizeof(real), p->first[i], p->last[i],
                (void **)&l->out.x);
    }
}

static void collect(struct network *net, struct plan *p)
{
    const int n = net->n_layers, end = 2 * n;
    p->view = mem_new((size_t)n, sizeof *p->view);
    p->first = mem_new((size_t)n, sizeof *p->first);
    p->last = mem_new((size_t)n, sizeof *p->last);
    view_find(net, p->view);
    const struct lifetime image = lifetime(net, -1);
    const size_t input = shape_size(net->input.shape) * sizeof(real);
    add(p, input, 0, net->training ? end : image.forward, (void **)&net->input.x);
    if (net->input.dx)
        add(p, input, image.dx, end, (void **)&net->input.dx);
    const struct layer *output = network_output(net);
    for (int i = 0; i < n; i++) {
        struct layer *l = &net->layer[i];
        const int backward = 2 * n - 1 - i;
        const struct lifetime t = lifetime(net, i);
        int last = t.forward > t.backward_last ? t.forward : t.backward_last;
        const int end_of_backward = l->is_absorbed ? backward + 1 : backward;
        const bool read_again = l->backward_reads_out || (l->is_absorbed && net->layer[i - 1].backward_reads_out);
        if (l->runs_backward && read_again && last < end_of_backward)
            last = end_of_backward;
        if (l == output || l->type->detect || l->is_loss)
            last = end; /* read after the walks */
        l->unread = l->is_copy && l != output;
        const size_t bytes = l->unread ? 0 : shape_size(l->out.shape) * sizeof(real);
        /* What is absorbed happens at the moments of the layer before. */
        l->remade = l->runs_backward && l->out_can_be_remade && l->type->remake && !l->absorbed && last == t.backward_last && last < end;
        if (l->remade) {
            l->remade_for = t.reader;
            add(p, bytes, i, t.forward, (void **)&l->out_forward);
            add(p, bytes, t.backward_first, last, (void **)&l->out_again);
        }
        p->first[i] = l->is_absorbed ? i - 1 : i;
        p->last[i] = last;
        if (l->out.dx)
            add(p, bytes, t.dx, end_of_backward, (void **)&l->out.dx);
        size_t scratch = 0;
        for (int b = 0; b < LAYER_BUFFERS; b++) {
            struct buffer *u = &l->buffer[b];
            if (u->bytes == 0)
                u->p = NULL;
            else if (u->life == BUFFER_SAVED && l->runs_backward)
                add(p, u->bytes, i, backward, &u->p);
            else if (u->life == BUFFER_SAVED)
                add(p, u->bytes, i, i, &u->p);
            else
                scratch += align(u->bytes);
        }
        if (scratch > p->scratch)
            p->scratch = scratch;
    }
    collect_outputs(net, p);
}

static int by_size(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : (x->last < y->last ? -1 : x->last > y->last);
}

static int by_offset(const void *a, const void *b)
{
    const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void place(struct plan *p)
{
    qsort(p->item, (size_t)p->n, sizeof *p->item, by_size);
    struct item **live = mem_new((size_t)p->n, sizeof(struct item *));
    for (int i = 0; i < p->n; i++) {
        struct item *it = &p->item[i];
        int n_live = 0;
        for (int j = 0; j < i; j++)
            if (p->item[j].first <= it->last && it->first <= p->item[j].last)
                live[n_live++] = &p->item[j];
        if (n_live > 1)
            qsort(live, (size_t)n_live, sizeof(struct item *), by_offset);
        size_t at = 0;
        for (int j = 0; j < n_live && live[j]->offset < at + it->bytes; j++)
            if (live[j]->offset + live[j]->bytes > at)
                at = live[j]->offset + live[j]->bytes;
        it->offset = at;
        if (at + it->bytes > p->total)
            p->total = at + it->bytes;
    }
    free(live);
}

/* Whether the bytes of an array of this shape can be counted, with room to add up those of all layers. */
static bool countable(struct shape s)
{
    size_t n = sizeof(real) << 10;
    return mem_mul(n, (size_t)s.n, &n) && mem_mul(n, (size_t)s.c, &n) && mem_mul(n, (size_t)s.h, &n) && mem_mul(n, (size_t)s.w, &n);
}

/* Shapes for this batch and size, then the plan. */
static int make_plan(struct network *net, struct plan *p, int batch, int w, int h, bool training, struct error *err)
{
    net->training = training;
    net->input.shape = (struct shape){batch, net->options.channels, h > 0 ? h : net->options.height, w > 0 ? w : net->options.width};
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        memset(l->buffer, 0, sizeof l->buffer);
        if (l->type->shape(l, err) != 0)
            return -1;
        const struct shape s = l->out.shape;
        if (!countable(s))
            return layer_error(l, NULL, err, "an output of %d x %d x %d for %d images at a time is more than memory can hold", s.w, s.h,
                               s.c, s.n);
    }
    plan_gradients(net);
    plan_absorption(net);
    collect(net, p);
    place(p);
    return 0;
}

int network_plan_bytes(struct network *net, int batch, int w, int h, bool training, size_t *bytes, struct error *err)
{
    struct plan p = {0};
    const int result = make_plan(net, &p, batch, w, h, training, err);
    *bytes = p.total + p.scratch;
    plan_free(&p);
    mem_free(net->arena);
    net->arena = NULL;
    net->arena_bytes = 0;
    return result;
}

static int allocate_grads(struct network *net, struct error *err)
{
    for (int i = 0; i < net->n_params; i++) {
        struct param *p = net->param[i];
        if (!net->training || p->role == PARAM_STATISTIC || p->lr_mult == 0 || p->grad)
            continue;
        p->grad = mem_try(shape_size(p->shape), sizeof(real));
        if (!p->grad)
            return error_add(err, EXIT_FAIL, "out of memory: the gradient of %s needs %zu bytes", p->name,
                             shape_size(p->shape) * sizeof(real));
    }
    return 0;
}

int network_plan(struct network *net, int batch, int w, int h, bool training, struct error *err)
{
    assert(batch >= 1 && !(training && net->folded) && !net->packed);
    struct plan p = {0};
    int result = make_plan(net, &p, batch, w, h, training, err);
    const size_t bytes = p.total + p.scratch;
    if (result == 0 && (bytes > net->arena_bytes || !net->arena)) {
        mem_free(net->arena);
        net->arena_bytes = 0;
        net->arena = mem_try(bytes, 1);
        if (net->arena)
            net->arena_bytes = bytes;
        else
            result = error_add(err, EXIT_FAIL,
                               "out of memory: the activations of %d images of %d x %d need %.1f MB (info shows where; a smaller batch= or "
                               "more subdivisions= needs less)",
                               batch, net->input.shape.w, net->input.shape.h, (double)bytes / 1e6);
    }
    if (result == 0) {
        char *base = net->arena;
        for (int i = 0; i < p.n; i++)
            *p.item[i].target = base + p.item[i].offset;
        for (int i = 0; i < net->n_layers; i++) {
            const struct view v = p.view[i];
            if (net->layer[i].remade)
                net->layer[i].out.x = net->layer[i].out_forward;
            else if (v.of >= 0)
                net->layer[i].out.x = net->layer[v.of].out.x + v.at;
            char *scratch = base + p.total;
            for (int b = 0; b < LAYER_BUFFERS; b++) {
                struct buffer *u = &net->layer[i].buffer[b];
                if (u->bytes && u->life == BUFFER_SCRATCH) {
                    u->p = scratch;
                    scratch += align(u->bytes);
                }
            }
        }
        result = allocate_grads(net, err);
    }
    plan_free(&p);
    return result;
}

void network_want_input_gradient(struct network *net)
{
    net->input_gradient = true;
}
