#include "net/init.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

const char *const init_names[] = {"default", "zero",    "normal",    "uniform", "xavier",     "xavier_normal",
                                  "he",      "kaiming", "he_normal", "lecun",   "orthogonal", NULL};
static const enum init_kind kinds[] = {INIT_KEPT, INIT_ZERO, INIT_NORMAL,    INIT_UNIFORM, INIT_XAVIER,    INIT_XAVIER_NORMAL,
                                       INIT_HE,   INIT_HE,   INIT_HE_NORMAL, INIT_LECUN,   INIT_ORTHOGONAL};

static int init_layer(struct layer *l, struct error *err)
{
    const struct net_options *o = &l->net->options;
    const int choice = l->common.init ? l->common.init : o->init;
    const bool spread = kinds[choice] == INIT_NORMAL || kinds[choice] == INIT_UNIFORM;
    int weights = 0;
    for (int i = 0; i < l->n_params; i++) {
        struct param *p = l->param[i];
        if (p->role != PARAM_WEIGHT || p->init.kind == INIT_KEPT)
            continue;
        weights++;
        if (choice != 0)
            p->init.kind = kinds[choice];
        p->init.sigma = l->common.init_sigma >= 0 ? l->common.init_sigma : o->init_sigma;
    }
    if (l->common.init && weights == 0)
        return layer_error(l, "init", err, "init=%s, but [%s] has no weights that are drawn", init_names[l->common.init], l->type->name);
    if (config_get(l->section, "init_sigma") && (!spread || weights == 0))
        return layer_error(l, "init_sigma", err, "init_sigma= has no effect with init=%s, expected init=normal or init=uniform",
                           init_names[choice]);
    return 0;
}

/* ---- prior ---- */

static struct param *bias_of(const struct layer *l)
{
    for (int i = 0; i < l->n_params; i++)
        if (l->param[i]->role == PARAM_BIAS && text_ends(l->param[i]->name, ".bias"))
            return l->param[i];
    return NULL;
}

static bool makes_probabilities(const struct layer *l)
{
    return l->link != LINK_NONE || l->prior_step > 0;
}

/* Passes a constant on as it is: pooling, dropout and the like. */
static bool is_neutral(const struct layer *l)
{
    static const char *const names[] = {"avgpool", "maxpool", "dropout", "gaussian_dropout", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(l->type->name, names[i]) == 0)
            return true;
    return false;
}

/* From the layer with the key down to the one that makes probabilities, and up to the one with the bias. NULL: none. */
static struct layer *find_head(struct layer *l)
{
    struct network *net = l->net;
    if (makes_probabilities(l))
        return l;
    int at = l->index;
    for (int i = at + 1; i < net->n_layers; i++) {
        if (net->layer[i].n_in < 1 || net->layer[i].in_layer[0] != at)
            continue;
        if (makes_probabilities(&net->layer[i]))
            return &net->layer[i];
        if (!is_neutral(&net->layer[i]))
            return NULL;
        at = i;
    }
    return NULL;
}

static struct layer *find_owner(struct layer *head)
{
    struct layer *l = head;
    while (!bias_of(l)) {
        if ((l != head && !is_neutral(l)) || l->in_layer[0] < 0)
            return NULL;
        l = &l->net->layer[l->in_layer[0]];
    }
    const struct config_entry *e = config_get(l->section, "activation");
    const bool linear = e && strcmp(e->value, "linear") == 0;
    const bool fits = l == head || linear || (head->prior_step > 0 && l->link == LINK_LOGISTIC);
    return fits ? l : NULL;
}

static int set_bias(struct layer *l, const double *p, int n, struct error *err)
{
    const struct layer *head = find_head(l);
    struct layer *owner = head ? find_owner(&l->net->layer[head->index]) : NULL;
    if (!owner)
        return layer_error(
            l, "prior", err,
            "prior= has no bias to set, expected a layer with a bias and activation=linear, and [softmax], [logistic], [cost] "
            "of a classifier, [yolo] or [region] after it (or activation=softmax or logistic)");
    struct param *bias = bias_of(owner);
    const int first = head->prior_step > 0 ? head->prior_first : 0, step = head->prior_step > 0 ? head->prior_step : 1;
    const int count = (int)shape_size(bias->shape) / step;
    const bool softmax = head->prior_step == 0 && head->link == LINK_SOFTMAX;
    if (n != count && (softmax || n != 1))
        return layer_error(l, "prior", err, "prior= has %d probabilities, expected %s%d%s", n, softmax ? "" : "1 or ", count,
                           head->prior_step > 0 ? ", one for each anchor's objectness" : ", one for each class");
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!(p[i] > 0) || !(p[i] < 1 || softmax))
            return layer_error(l, "prior", err, "prior= has the probability %g, expected more than 0 and less than 1", p[i]);
        sum += p[i];
    }
    if (softmax && fabs(sum - 1) > .01)
        return layer_error(l, "prior", err, "the probabilities of prior= add up to %g, expected 1", sum);
    for (int i = 0; i < count; i++) {
        const double v = p[n == 1 ? 0 : i];
        bias->value[first + i * step] = (real)(softmax ? log(v) : log(v / (1 - v)));
    }
    return 0;
}

static bool from_data(const struct layer *l)
{
    return l->common.prior && strcmp(l->common.prior, "data") == 0;
}

static int prior_layer(struct layer *l, struct error *err)
{
    if (!l->common.prior || !*l->common.prior)
        return 0;
    if (from_data(l)) {
        const struct layer *head = find_head(l);
        if (head && head->prior_step == 0 && find_owner(&l->net->layer[head->index]))
            return 0;
        return layer_error(l, "prior", err, "prior=data, expected it before the loss of a classifier; elsewhere a number");
    }
    char *text = mem_string(l->common.prior), *rest = NULL;
    double *p = mem_new(strlen(text) + 1, sizeof *p);
    int n = 0, result = 0;
    for (char *word = strtok_r(text, ", \t", &rest); word && result == 0; word = strtok_r(NULL, ", \t", &rest))
        if (!text_to_double(word, &p[n++]))
            result = layer_error(l, "prior", err, "prior=%s, expected `data` or probabilities, separated by commas", l->common.prior);
    if (result == 0)
        result = set_bias(l, p, n, err);
    free(text);
    free(p);
    return result;
}

int init_apply(struct network *net, struct error *err)
{
    int bad = 0;
    for (int i = 0; i < net->n_layers; i++)
        bad |= init_layer(&net->layer[i], err) | prior_layer(&net->layer[i], err);
    return bad;
}

/* A file's bias stays. */
static bool wants(struct layer *l)
{
    if (!from_data(l))
        return false;
    const struct layer *head = find_head(l), *owner = head ? find_owner(&l->net->layer[head->index]) : NULL;
    return owner && !owner->loaded;
}

bool init_wants_frequencies(const struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        if (wants(&net->layer[i]))
            return true;
    return false;
}

int init_set_frequencies(struct network *net, const double *p, int n, double count, struct error *err)
{
    double *kept = mem_new((size_t)n, sizeof *kept), sum = 0;
    const double least = .5 / (count > 1 ? count : 1);
    for (int i = 0; i < n; i++) {
        kept[i] = fmin(fmax(p[i], least), 1 - least);
        sum += kept[i];
    }
    int result = 0;
    for (int i = 0; i < net->n_layers && result == 0; i++) {
        struct layer *l = &net->layer[i];
        if (!wants(l))
            continue;
        const struct layer *head = find_head(l);
        assert(head);
        for (int k = 0; k < n && head->link == LINK_SOFTMAX; k++)
            kept[k] /= sum;
        sum = head->link == LINK_SOFTMAX ? 1 : sum;
        result = set_bias(l, kept, n, err);
    }
    free(kept);
    return result;
}
