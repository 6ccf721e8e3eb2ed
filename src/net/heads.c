#include "net/heads.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static struct param *weight_of(const struct layer *l)
{
    for (int i = 0; i < l->n_params; i++)
        if (l->param[i]->role == PARAM_WEIGHT)
            return l->param[i];
    return NULL;
}

static bool is_head(const struct layer *l)
{
    return l->is_loss || l->type->detect;
}

/* From a head up to its source; NULL: something else comes first. */
static const struct layer *source_of(const struct layer *l)
{
    while (!weight_of(l)) {
        if (l->n_in != 1 || l->in_layer[0] < 0 || l->in[0]->shape.c != l->out.shape.c)
            return NULL;
        l = &l->net->layer[l->in_layer[0]];
    }
    return l;
}

/* A head that has this source, or NULL. */
static const struct layer *head_of(const struct layer *source)
{
    struct network *net = source->net;
    bool any = false;
    for (int i = net->n_layers - 1; i >= source->index; i--) {
        const struct layer *l = &net->layer[i];
        any |= is_head(l);
        if (is_head(l) && source_of(l) == source)
            return l;
    }
    const struct layer *answer = network_output(net);
    return !any && source_of(answer) == source ? answer : NULL;
}

bool heads_is_source(const struct layer *l)
{
    return weight_of(l) && head_of(l);
}

int heads_filters(const struct layer *source, int classes)
{
    const struct layer *head = head_of(source);
    const int filters = weight_of(source)->shape.n;
    if (head && head->prior_step > 0) /* an entry of a detection head: box, objectness, classes */
        return filters / head->prior_step * (head->prior_step - source->net->n_classes + classes);
    return head && filters == source->net->n_classes ? classes : 0;
}

static void put(struct layer *l, const char *key, int value)
{
    char *text = mem_format("%d", value);
    config_put(l->section, key, text, "--classes");
    free(text);
}

static int set_classes(struct network *net, int classes, struct error *err)
{
    int changed = 0, bad = 0;
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        if (l->prior_step > 0) {
            const struct layer *source = source_of(l);
            if (!source)
                bad = layer_error(l, NULL, err, "no layer with filters= stands directly before this head: set classes= by hand");
            put(l, "classes", classes);
        }
        const int filters = heads_is_source(l) ? heads_filters(l, classes) : 0;
        const char *key = option_find(l->type->options, "filters") ? "filters" : "output";
        if (filters == 0 || !option_find(l->type->options, key))
            continue;
        put(l, key, filters);
        changed++;
    }
    if (changed == 0 && !bad)
        bad = error_at(err, EXIT_DATA, net->config.path, 0, "--classes %d: found no head, nor a last layer with one output for each class",
                       classes);
    return bad;
}

int heads_set_classes(struct config *config, int classes, struct error *err)
{
    const int notes = config->notes.n;
    struct network *net = network_build_to_load(config, 0, err);
    if (!net)
        return -1;
    const int result = set_classes(net, classes, err);
    *config = net->config;
    net->config = (struct config){0};
    network_free(net);
    while (config->notes.n > notes) /* who builds it again finds them again */
        free(config->notes.item[--config->notes.n]);
    if (result != 0)
        config_free(config);
    return result;
}
