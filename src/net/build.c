/* From sections to the layer array. */
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/freeze.h"
#include "net/init.h"
#include "net/network.h"

const struct config_key layer_common_options[] = {
    {"stopbackward", OPTION_INT, offsetof(struct layer_common, stopbackward), "0", 0, 1e9, NULL,
     "1: neither this layer nor any before it learns"},
    {"dontload", OPTION_FLAG, offsetof(struct layer_common, dontload), "0", 0, 1, NULL,
     "1: keep the initial weights when a weights file is loaded"},
    {"lr_mult", OPTION_FLOAT, offsetof(struct layer_common, lr_mult), "1", 0, 1e6, NULL,
     "factor on the learning rate of this layer's parameters; 0 freezes them"},
    {"decay_mult", OPTION_FLOAT, offsetof(struct layer_common, decay_mult), "1", 0, 1e6, NULL,
     "factor on the decay and l1 of this layer's weights"},
    {"init", OPTION_CHOICE, offsetof(struct layer_common, init), "default", 0, 0, init_names,
     "how the weights begin; default: as init= of [net]"},
    {"init_sigma", OPTION_FLOAT, offsetof(struct layer_common, init_sigma), "-1", -1, INFINITY, NULL,
     "standard deviation of init=normal and init=uniform; below 0: as init_sigma= of [net]"},
    {"prior", OPTION_TEXT, offsetof(struct layer_common, prior), "", 0, 0, NULL,
     "at the end of a network: sets the last bias so that each class begins at this probability: numbers, one for each class (yes/no: or "
     "one "
     "for all; [yolo] and [region]: of objectness), or data: as often as in the training data"},
    {"max_norm", OPTION_FLOAT, offsetof(struct layer_common, max_norm), "-1", -1, INFINITY, NULL,
     "after each update the incoming weights of each neuron of this layer are scaled down to this norm; 0: not; -1: as max_norm= of [net]"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

int layer_error(const struct layer *l, const char *key, struct error *err, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return option_error(&l->net->config, l->section, key, err, "%s", message);
}

bool layer_trains(const struct layer *l)
{
    return l->net->training;
}

bool layer_is_1d(const struct layer *l)
{
    return l->net->input.shape.h == 1 && l->net->input.shape.w > 1;
}

int layer_input(struct layer *l, int index, const char *key, struct error *err)
{
    if (index < 0 || index >= l->index)
        return layer_error(l, key, err, "layer %d takes its input from layer %d, expected an earlier layer: 0..%d", l->index, index,
                           l->index - 1);
    if (l->n_in == (int)(sizeof l->in / sizeof l->in[0]))
        return layer_error(l, key, err, "more than %d inputs", l->n_in);
    l->in_layer[l->n_in] = index;
    l->in[l->n_in++] = &l->net->layer[index].out;
    return 0;
}

struct param *layer_param(struct layer *l, const char *what, enum param_role role, struct shape shape, int fan_in, int fan_out,
                          struct error *err)
{
    assert(l->n_params < (int)(sizeof l->param / sizeof l->param[0]));
    struct param *p = mem_new(1, sizeof *p);
    p->name = mem_format("%d.%s.%s", l->index, l->type->name, what);
    p->role = role;
    p->shape = shape;
    p->fan_in = fan_in;
    p->fan_out = fan_out;
    p->lr_mult = role == PARAM_STATISTIC ? 0 : (float)l->common.lr_mult;
    p->decay_mult = role == PARAM_WEIGHT ? (float)l->common.decay_mult : 0;
    if (role == PARAM_WEIGHT)
        p->max_norm = (float)(l->common.max_norm >= 0 ? l->common.max_norm : l->net->options.max_norm);
    size_t n = (size_t)shape.n, bytes = 0;
    if (mem_mul(n, (size_t)shape.c, &n) && mem_mul(n, (size_t)shape.h, &n) && mem_mul(n, (size_t)shape.w, &n) &&
        mem_mul(n, sizeof(real), &bytes))
        p->value = mem_try(n, sizeof(real));
    if (!p->value) {
        layer_error(l, NULL, err, "no memory for the parameter %s (%d x %d x %d x %d)", p->name, shape.n, shape.c, shape.h, shape.w);
        free(p->name);
        free(p);
        return NULL;
    }
    l->param[l->n_params++] = p;
    l->net->param_bytes += bytes;
    return p;
}

void layer_buffer(struct layer *l, int slot, enum buffer_life life, size_t count, size_t size)
{
    assert(slot >= 0 && slot < LAYER_BUFFERS);
    size_t bytes;
    l->buffer[slot] = (struct buffer){.bytes = mem_mul(count, size, &bytes) ? bytes : SIZE_MAX / 4, .life = life};
}

static bool is_net(const struct config_section *s)
{
    return strcmp(s->name, "net") == 0 || strcmp(s->name, "network") == 0;
}

static const struct layer_type *find_type(const char *name)
{
    for (int i = 0; layer_types[i]; i++)
        if (strcmp(layer_types[i]->name, name) == 0 || (layer_types[i]->alias && strcmp(layer_types[i]->alias, name) == 0))
            return layer_types[i];
    return NULL;
}

static int unknown_section(const struct config *c, const struct config_section *s, struct error *err)
{
    const char *words[256] = {"net", "data", "augment"};
    int n = 3;
    for (int i = 0; layer_types[i] && n < 256; i++)
        words[n++] = layer_types[i]->name;
    const char *near = text_nearest(s->name, words, n);
    if (near)
        return error_at(err, EXIT_DATA, c->path, s->line, "unknown section [%s]; did you mean [%s]?", s->name, near);
    return error_at(err, EXIT_DATA, c->path, s->line, "unknown section [%s]; `dlnet help layers` lists the known ones", s->name);
}

/* Which optimiser it is, in Darknet's words or in ours, and its settings. */
static int check_optimizer(struct net_options *o, const struct config *c, const struct config_section *s, struct error *err)
{
    int bad = 0;
    if (o->adam && o->optimizer != OPTIMIZER_AUTO && o->optimizer != OPTIMIZER_ADAM)
        bad = option_error(c, s, "adam", err, "adam=1 stands beside another optimizer=, expected one of them");
    if (o->optimizer == OPTIMIZER_AUTO)
        o->optimizer = o->adam ? OPTIMIZER_ADAM : o->momentum > 0 ? OPTIMIZER_MOMENTUM : OPTIMIZER_SGD;
    static const char *const names[2][2] = {{"B1", "beta1"}, {"B2", "beta2"}};
    for (int i = 0; i < 2; i++)
        if (config_get(s, names[i][0]) && config_get(s, names[i][1]))
            bad = option_error(c, s, names[i][0], err, "%s= stands beside %s=, its other name; expected one of them", names[i][0],
                               names[i][1]);
    if (config_get(s, "B1"))
        o->beta1 = o->B1;
    if (config_get(s, "B2"))
        o->beta2 = o->B2;
    if (!config_get(s, "eps"))
        o->eps = o->adam ? 1e-6 : o->optimizer == OPTIMIZER_ADAGRAD ? 1e-10 : 1e-8;
    if (o->decay_mode == DECAY_AUTO)
        o->decay_mode = o->optimizer == OPTIMIZER_ADAMW ? DECAY_DECOUPLED : DECAY_L2;
    if (o->decay_mode == DECAY_DECOUPLED && o->optimizer != OPTIMIZER_ADAMW && o->decay > 1)
        bad = option_error(c, s, "decay", err, "decay=%g found, expected at most 1: decoupled decay multiplies weights by 1 - decay",
                           o->decay);
    return bad;
}

/* Keys of [net] that only make sense together. */
static int check_net(struct network *net, const struct config_section *s, struct error *err)
{
    struct net_options *o = &net->options;
    const struct config *c = &net->config;
    int bad = check_optimizer(o, c, s, err);
    if (o->inputs > 0 && (o->width > 0 || o->height > 0))
        bad |= option_error(c, s, "inputs", err, "inputs=%d stands beside width= and height=, expected one of the two forms", o->inputs);
    else if (o->inputs > 0) {
        o->channels = o->inputs;
        o->width = o->height = 1;
    } else if (o->width < 1 || o->height < 1 || o->channels < 1)
        bad |= option_error(c, s, "width", err,
                            "the input is %d x %d x %d (width x height x channels), expected width=, height= and channels= of 1 or more",
                            o->width, o->height, o->channels);
    if (o->batch % o->subdivisions != 0)
        bad |= option_error(c, s, "subdivisions", err, "batch=%d can't be cut into subdivisions=%d equal parts", o->batch, o->subdivisions);
    if (o->policy == POLICY_STEPS && o->steps.n != o->scales.n)
        bad |= option_error(c, s, "scales", err, "steps= has %d numbers and scales= has %d, expected as many", o->steps.n, o->scales.n);
    for (int i = 1; i < o->steps.n; i++)
        if (o->steps.v[i] < o->steps.v[i - 1]) {
            bad |=
                option_error(c, s, "steps", err, "step %d comes after step %d, expected rising numbers", o->steps.v[i], o->steps.v[i - 1]);
            break;
        }
    return bad;
}

/* Finds every layer's type and fills its options; wrong keys of all sections are reported in one run. */
static int fill_layers(struct network *net, struct error *err)
{
    int bad = 0, index = 0;
    for (int i = 0; i < net->config.n_sections; i++) {
        struct config_section *s = &net->config.section[i];
        if (config_is_general(s) && !is_net(s))
            continue;
        if (is_net(s)) {
            if (i > 0 && index > 0)
                bad =
                    error_at(err, EXIT_DATA, net->config.path, s->line, "[%s] stands after layers, expected before them and once", s->name);
            continue;
        }
        struct layer *l = &net->layer[index];
        *l = (struct layer){.net = net, .section = s, .index = index, .backward_reads_in = true, .backward_reads_out = true};
        index++;
        l->type = find_type(s->name);
        if (!l->type) {
            bad = unknown_section(&net->config, s, err);
            continue;
        }
        l->state = mem_new(1, l->type->state_size ? l->type->state_size : 1);
        if (option_fill(&net->config, s, l->type->options, l->state, layer_common_options, &l->common, err) != 0)
            bad = -1;
    }
    return bad;
}

/* Inputs, parameters and shapes of layer l; silent when a layer that it needs has failed already. */
static int setup_layer(struct layer *l, const bool *broken, struct error *err)
{
    struct network *net = l->net;
    if (!l->type)
        return -1;
    if (l->type->own_inputs) {
        if (l->type->setup_inputs(l, err) != 0)
            return -1;
    } else {
        l->n_in = 1;
        l->in_layer[0] = l->index - 1;
        l->in[0] = l->index > 0 ? &net->layer[l->index - 1].out : &net->input;
    }
    for (int k = 0; k < l->n_in; k++) /* who reads a copy reads what it is a copy of */
        while (l->in_layer[k] >= 0 && net->layer[l->in_layer[k]].is_copy && !broken[l->in_layer[k]]) {
            const struct layer *copy = &net->layer[l->in_layer[k]];
            l->in[k] = copy->in[0];
            l->in_layer[k] = copy->in_layer[0];
        }
    for (int k = 0; k < l->n_in; k++)
        if (l->in_layer[k] >= 0 && broken[l->in_layer[k]])
            return -1;
    l->out.name = l->type->name;
    if (l->type->setup && l->type->setup(l, err) != 0)
        return -1;
    return l->type->shape(l, err);
}

static void collect_params(struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        net->n_params += net->layer[i].n_params;
    net->param = mem_new((size_t)net->n_params, sizeof *net->param);
    int n = 0;
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        for (int k = 0; k < l->n_params; k++) {
            struct param *p = l->param[k];
            if (i < net->frozen_up_to)
                p->lr_mult = 0;
            l->trainable |= p->role != PARAM_STATISTIC && p->lr_mult != 0;
            net->param[n++] = p;
        }
    }
}

static bool is_answer(const struct layer *l)
{
    const struct network *net = l->net;
    for (int j = l->index + 1; j < net->n_layers; j++)
        for (int k = 0; k < net->layer[j].n_in; k++)
            if (net->layer[j].in_layer[k] == l->index && (net->layer[j].is_loss || net->layer[j].type->detect))
                return true;
    return l == network_output((struct network *)net);
}

/* All losses of a network compare their input with the same labels, which are as many as the answer has numbers. */
static int check_label_counts(const struct network *net, struct error *err)
{
    int bad = 0;
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->is_loss && !l->type->detect && shape_each(l->in[0]->shape) != (size_t)net->n_classes)
            bad |= layer_error(l, NULL, err, "[%s] compares %zu numbers with the labels, but the network's answer has %d: expected as many",
                               l->type->name, shape_each(l->in[0]->shape), net->n_classes);
    }
    return bad;
}

/* Dropout directly before a loss drops answers: hardly what was meant, but other programs train it. */
static void note_noisy_answers(struct network *net)
{
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        if (!l->noisy || l->noisy_last || !is_answer(l))
            continue;
        char *note = mem_format(
            "%s:%d: [%s] is the last layer before the answer or a loss and drops part of the answers, expected it earlier, or last=1",
            net->config.path, l->section->line, l->type->name);
        text_list_add(&net->config.notes, note);
        free(note);
    }
}

struct network *network_build_to_load(struct config *config, uint64_t seed, struct error *err)
{
    struct network *net = mem_new(1, sizeof *net);
    net->config = *config;
    *config = (struct config){0};
    net->seed = seed;
    net->input.name = "image";
    const struct config *c = &net->config;

    struct config_section *s = NULL;
    for (int i = 0; i < c->n_sections && !s; i++)
        if (is_net(&c->section[i]))
            s = &c->section[i];
    if (!s) {
        error_at(err, EXIT_DATA, c->path, c->n_sections ? c->section[0].line : 0, "no [net] section, expected one before the layers");
        network_free(net);
        return NULL;
    }
    int bad = option_fill(c, s, net_option_table, &net->options, NULL, NULL, err);
    if (!bad)
        bad = check_net(net, s, err);

    for (int i = 0; i < c->n_sections; i++)
        net->n_layers += !config_is_general(&c->section[i]);
    net->layer = mem_new((size_t)net->n_layers, sizeof *net->layer);
    if (fill_layers(net, err) != 0)
        bad = -1;
    if (net->n_layers == 0)
        bad = error_at(err, EXIT_DATA, c->path, s->line, "no layers after [%s]", s->name);

    net->input.shape = (struct shape){1, net->options.channels, net->options.height, net->options.width};
    bool *broken = mem_new((size_t)net->n_layers, sizeof *broken);
    for (int i = 0; i < net->n_layers && net->options.width > 0 && net->options.height > 0 && net->options.channels > 0; i++) {
        struct layer *l = &net->layer[i];
        broken[i] = setup_layer(l, broken, err) != 0;
        if (broken[i])
            bad = -1;
        if (l->common.stopbackward)
            net->frozen_up_to = i + 1;
    }
    free(broken);
    if (!bad)
        bad = init_apply(net, err) | freeze_apply(net, err);
    if (bad) {
        network_free(net);
        return NULL;
    }
    collect_params(net);
    note_noisy_answers(net);
    if (net->n_classes == 0 && !network_is_detector(net)) {
        const struct layer *answer = network_output(net);
        const struct shape o = answer->out.shape;
        if (shape_each(o) > INT_MAX) {
            layer_error(answer, NULL, err, "an answer of %d x %d x %d, expected at most %d numbers", o.w, o.h, o.c, INT_MAX);
            network_free(net);
            return NULL;
        }
        net->n_classes = (int)shape_each(o);
        if (check_label_counts(net, err) != 0) {
            network_free(net);
            return NULL;
        }
    }
    return net;
}

struct network *network_build(struct config *config, uint64_t seed, struct error *err)
{
    struct network *net = network_build_to_load(config, seed, err);
    for (int i = 0; net && i < net->n_params; i++)
        param_draw(net->param[i]);
    if (net)
        net->drawn = true;
    return net;
}

void network_free(struct network *net)
{
    if (!net)
        return;
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        if (!l->type)
            continue;
        if (l->type->release && l->state)
            l->type->release(l);
        if (l->state)
            option_free(l->type->options, l->state);
        option_free(layer_common_options, &l->common);
        free(l->state);
        for (int k = 0; k < l->n_params; k++) {
            mem_free(l->param[k]->value);
            mem_free(l->param[k]->grad);
            free(l->param[k]->name);
            free(l->param[k]);
        }
    }
    for (int i = 0; net->names && i < net->n_classes; i++)
        free(net->names[i]);
    free(net->names);
    free(net->layer);
    free(net->param);
    mem_free(net->arena);
    option_free(net_option_table, &net->options);
    config_free(&net->config);
    free(net);
}
