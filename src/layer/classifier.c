#include "layer/classifier.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "layer/types.h"
#include "math/loss.h"

void classifier_setup(const struct layer *l, struct classifier *c)
{
    if (c->label_smooth_eps < 0)
        c->label_smooth_eps = l->net->options.label_smooth_eps;
}

int classifier_check(const struct layer *l, const struct classifier *c, int classes, struct error *err)
{
    if (c->class_weights.n == 0 || c->class_weights.n == classes)
        return 0;
    return layer_error(l, "class_weights", err, "class_weights= has %d numbers, expected one for each of the %d classes",
                       c->class_weights.n, classes);
}

const double *classifier_weights(const struct classifier *c)
{
    return c->class_weights.n > 0 ? c->class_weights.v : NULL;
}

double classifier_smoothing(const struct classifier *c, const struct run *run)
{
    return run->mode == MODE_TRAIN ? c->label_smooth_eps : 0;
}

static bool changes(const struct classifier *c)
{
    return c->class_weights.n > 0 || c->label_smooth_eps > 0;
}

void classifier_buffer(struct layer *l, const struct classifier *c, int slot)
{
    if (changes(c))
        layer_buffer(l, slot, BUFFER_SCRATCH, shape_size(l->in[0]->shape), sizeof(real));
}

const real *classifier_targets(const struct layer *l, const struct classifier *c, const struct run *run, const real *t, size_t outer, int k,
                               size_t step, int slot)
{
    if (!t || !changes(c))
        return t;
    loss_class_targets(t, classifier_smoothing(c, run), classifier_weights(c), l->buffer[slot].p, outer, k, step);
    return l->buffer[slot].p;
}

bool classifier_is_last(const struct layer *l)
{
    const struct config *c = &l->net->config;
    for (const struct config_section *s = l->section + 1; s < c->section + c->n_sections; s++)
        if (strcmp(s->name, "cost") != 0 && !config_is_general(s))
            return false;
    return true;
}

const struct layer *classifier_probabilities(const struct layer *l)
{
    const struct layer *before = l->in_layer[0] >= 0 ? &l->net->layer[l->in_layer[0]] : NULL;
    return before && before->link != LINK_NONE ? before : NULL;
}

void classifier_warn(const struct layer *l)
{
    const struct layer *before = classifier_probabilities(l);
    if (!before)
        return;
    struct config *c = &l->net->config;
    char *note = mem_format("%s:%d: [%s] takes logits, but layer %d [%s] before it gives probabilities: it learns slowly and never becomes "
                            "certain; activation=linear there, or without that layer, is what is meant in most cases",
                            c->path, l->section->line, l->type->name, before->index, before->type->name);
    text_list_add(&c->notes, note);
    free(note);
}

const real *classifier_labels(const struct layer *l, const struct run *run)
{
    if (!run->targets || !run->targets->label)
        return NULL;
    assert((size_t)run->targets->n_labels == shape_each(l->in[0]->shape));
    return run->targets->label;
}
