/* [route]: the channels of earlier layers one after the other; with groups= only the group_id-th part of each. */
#include <limits.h>

#include "layer/types.h"
#include "math/vector.h"

struct route {
    struct option_ints layers;
    int groups, group_id;
};

static const struct config_key options[] = {
    {"layers", OPTION_INTS, offsetof(struct route, layers), NULL, -65535, 65535, NULL,
     "earlier layers: numbers from 0, or counted back from this one (-1 is the layer before)"},
    {"groups", OPTION_INT, offsetof(struct route, groups), "1", 1, 65536, NULL, "cuts the channels of each layer into equal parts"},
    {"group_id", OPTION_INT, offsetof(struct route, group_id), "0", 0, 65535, NULL, "the part that is taken, from 0"},
    {"stream", OPTION_IGNORED, 0, "-1", 0, 0, NULL, "a GPU stream"},
    {"wait_stream", OPTION_IGNORED, 0, "-1", 0, 0, NULL, "a GPU stream"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup_inputs(struct layer *l, struct error *err)
{
    const struct route *s = l->state;
    if (s->layers.n == 0) /* an absent key has been told already */
        return config_get(l->section, "layers") ? layer_error(l, "layers", err, "layers= is empty, expected numbers of earlier layers")
                                                : -1;
    for (int i = 0; i < s->layers.n; i++) {
        const int index = s->layers.v[i];
        if (layer_input(l, index < 0 ? l->index + index : index, "layers", err))
            return -1;
    }
    return 0;
}

static int setup(struct layer *l, struct error *err)
{
    const struct route *s = l->state;
    if (s->group_id >= s->groups)
        return layer_error(l, "group_id", err, "group_id=%d with groups=%d, expected 0..%d", s->group_id, s->groups, s->groups - 1);
    l->backward_reads_in = l->backward_reads_out = false;
    l->is_copy = l->n_in == 1 && s->groups == 1;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    const struct route *s = l->state;
    const struct shape first = l->in[0]->shape;
    l->out.shape = first;
    l->out.shape.c = 0;
    for (int i = 0; i < l->n_in; i++) {
        const struct shape in = l->in[i]->shape;
        if (in.w != first.w || in.h != first.h)
            return layer_error(l, "layers", err, "layer %d is %d x %d x %d and layer %d is %d x %d x %d, expected equal width and height",
                               l->in_layer[0], first.w, first.h, first.c, l->in_layer[i], in.w, in.h, in.c);
        if (in.c % s->groups != 0)
            return layer_error(l, "groups", err, "layer %d has %d channels, which groups=%d doesn't divide", l->in_layer[i], in.c,
                               s->groups);
        if (__builtin_add_overflow(l->out.shape.c, in.c / s->groups, &l->out.shape.c))
            return layer_error(l, "layers", err, "the layers have more than %d channels together", INT_MAX);
    }
    return 0;
}

static void part(const struct layer *l, int i, size_t *from, size_t *n)
{
    const struct route *s = l->state;
    *n = shape_each(l->in[i]->shape) / (size_t)s->groups;
    *from = *n * (size_t)s->group_id;
}

/* The part of image b of input i, as an offset into the input, and its size. */
static size_t part_of(const struct layer *l, int i, int b, size_t *n)
{
    size_t from;
    part(l, i, &from, n);
    return (size_t)b * shape_each(l->in[i]->shape) + from;
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    real *to = l->out.x;
    for (int b = 0; b < l->out.shape.n; b++)
        for (int i = 0; i < l->n_in; i++) {
            size_t n;
            const size_t from = part_of(l, i, b, &n);
            if (l->in[i]->x + from != to)
                vector_copy(l->in[i]->x + from, to, n);
            to += n;
        }
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct route *s = l->state;
    for (int i = 0; i < l->n_in; i++)
        if (l->in[i]->dx && l->in_fresh[i] && s->groups > 1)
            vector_fill(l->in[i]->dx, shape_size(l->in[i]->shape), 0);
    const real *dy = l->out.dx;
    for (int b = 0; b < l->out.shape.n; b++)
        for (int i = 0; i < l->n_in; i++) {
            size_t n;
            const size_t to = part_of(l, i, b, &n);
            if (l->in[i]->dx && l->in_fresh[i] && s->groups == 1)
                vector_copy(dy, l->in[i]->dx + to, n);
            else if (l->in[i]->dx)
                vector_add(dy, l->in[i]->dx + to, n);
            dy += n;
        }
}

const struct layer_type layer_route = {
    .name = "route",
    .help = "joins the channels of earlier layers",
    .options = options,
    .state_size = sizeof(struct route),
    .own_inputs = true,
    .setup_inputs = setup_inputs,
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
    .part = part,
};
