/* dlnet info: the layer table of a network, and what it costs. */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "train/optimizer.h"

const char cmd_info_usage[] = "Usage: dlnet info CFG [WEIGHTS]\n"
                              "       dlnet info -m MODEL\n"
                              "\n"
                              "Prints a line for each layer: its number, type, filters, size/stride or the layers it takes its input\n"
                              "from, input and output (width x height x channels), parameters and BFLOPs (10^9 multiplications and\n"
                              "additions for one image, counted as Darknet does); then the totals and the memory for inference and\n"
                              "training. With weights, also checks that they fit.\n"
                              "\n"
                              "Examples:\n"
                              "  dlnet info cfg/yolo.cfg\n"
                              "  dlnet info cfg/yolo.cfg --set net.width=608 --set net.height=608\n"
                              "  dlnet info -m runs/yolo/best.safetensors --json\n";

struct totals {
    size_t parameters, statistics;          /* numbers */
    size_t weight_bytes;                    /* parameters and statistics */
    size_t inference_bytes, training_bytes; /* all memory of the network */
    int inference_batch, training_batch;    /* images a forward pass */
    double flops;
};

/* Numbers in the parameters of a layer, without running statistics. */
static size_t count(const struct layer *l, bool statistics)
{
    size_t n = 0;
    for (int i = 0; i < l->n_params; i++)
        if ((l->param[i]->role == PARAM_STATISTIC) == statistics)
            n += shape_size(l->param[i]->shape);
    return n;
}

/* Leaves the shapes of the network at batch 1. */
static int sum_up(struct network *net, struct totals *t, struct error *err)
{
    *t = (struct totals){.inference_batch = 1, .training_batch = net->options.batch / net->options.subdivisions};
    size_t learnt = 0, activations;
    for (int i = 0; i < net->n_params; i++) {
        const struct param *p = net->param[i];
        if (p->role != PARAM_STATISTIC && p->lr_mult != 0)
            learnt += shape_size(p->shape);
    }
    for (int i = 0; i < net->n_layers; i++) {
        t->parameters += count(&net->layer[i], false);
        t->statistics += count(&net->layer[i], true);
    }
    t->weight_bytes = (t->parameters + t->statistics) * sizeof(real);
    if (network_plan_bytes(net, t->training_batch, 0, 0, true, &activations, err) != 0)
        return -1;
    const size_t each = 1 + (size_t)optimizer_slots(&net->options); /* a gradient, and what the optimiser keeps */
    t->training_bytes = t->weight_bytes + each * learnt * sizeof(real) + activations;
    if (network_plan_bytes(net, 1, 0, 0, false, &activations, err) != 0)
        return -1;
    t->inference_bytes = t->weight_bytes + activations;
    for (int i = 0; i < net->n_layers; i++)
        t->flops += net->layer[i].flops;
    return 0;
}

/* A key of the layer as a positive number; 0: it has no such key. */
static int key_number(const struct layer *l, const char *key)
{
    const struct config_key *row = option_find(l->type->options, key);
    const struct config_entry *e = row ? config_get(l->section, key) : NULL;
    const char *text = e ? e->value : row ? row->fallback : NULL;
    double v;
    return text && text_to_double(text, &v) && v > 0 && v < 1e9 ? (int)v : 0;
}

/* "3/2", "3/1 g32", or "from 12, 8". */
static void describe(const struct layer *l, char *text, size_t size)
{
    text[0] = 0;
    int n = 0;
    if (l->type->own_inputs) {
        for (int i = 0; i < l->n_in && (size_t)n < size; i++)
            n += snprintf(text + n, size - (size_t)n, "%s%d", i ? ", " : "from ", l->in_layer[i]);
        return;
    }
    const int kernel = key_number(l, "size"), stride = key_number(l, "stride"), groups = key_number(l, "groups"),
              dilation = key_number(l, "dilation");
    if (kernel)
        n += snprintf(text, size, "%d", kernel);
    if (stride)
        n += snprintf(text + n, size - (size_t)n, "/%d", stride);
    if (groups > 1)
        n += snprintf(text + n, size - (size_t)n, " g%d", groups);
    if (dilation > 1)
        snprintf(text + n, size - (size_t)n, " d%d", dilation);
}

static void print_shape(struct shape s)
{
    printf("%4d x %4d x %4d", s.w, s.h, s.c);
}

static void print_table(const struct network *net, const struct totals *t)
{
    printf("layer  type             filters  size/stride           input                 output      parameters   BFLOPs\n");
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        char detail[64], filters[16] = "";
        describe(l, detail, sizeof detail);
        const int n = key_number(l, "filters") ? key_number(l, "filters") : key_number(l, "output");
        if (n)
            snprintf(filters, sizeof filters, "%d", n);
        printf("%5d  %-16s %7s  %-13s ", i, l->type->name, filters, detail);
        print_shape(l->in[0]->shape);
        printf("  -> ");
        print_shape(l->out.shape);
        printf("  %10zu %8.3f\n", count(l, false), l->flops / 1e9);
    }
    printf("\n");
    printf("parameters:  %zu%s", t->parameters, t->statistics ? "" : "\n");
    if (t->statistics)
        printf(" and %zu running statistics\n", t->statistics);
    printf("operations:  %.3f BFLOPs an image\n", t->flops / 1e9);
    if (net->n_classes > 0)
        printf("classes:     %d\n", net->n_classes);
    if (net->seen > 0)
        printf("trained on:  %" PRIu64 " images\n", net->seen);
    printf("weights:     %.1f MB\n", (double)t->weight_bytes / 1e6);
    printf("inference:   %.1f MB of memory for 1 image at a time\n", (double)t->inference_bytes / 1e6);
    printf("training:    %.1f MB of memory for %d image%s at a time (batch=%d, subdivisions=%d)\n", (double)t->training_bytes / 1e6,
           t->training_batch, t->training_batch == 1 ? "" : "s", net->options.batch, net->options.subdivisions);
}

static cJSON *shape_json(struct shape s)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "width", s.w);
    cJSON_AddNumberToObject(o, "height", s.h);
    cJSON_AddNumberToObject(o, "channels", s.c);
    return o;
}

static int print_json(const struct network *net, const struct totals *t)
{
    cJSON *o = cJSON_CreateObject(), *layers = cJSON_CreateArray();
    cli_json_text(o, "cfg", net->config.path);
    cJSON_AddItemToObject(o, "input", shape_json(net->input.shape));
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "layer", i);
        cJSON_AddStringToObject(item, "type", l->type->name);
        cJSON_AddItemToObject(item, "from", cJSON_CreateIntArray(l->in_layer, l->n_in));
        cJSON_AddItemToObject(item, "input", shape_json(l->in[0]->shape));
        cJSON_AddItemToObject(item, "output", shape_json(l->out.shape));
        cJSON_AddNumberToObject(item, "parameters", (double)count(l, false));
        cJSON_AddNumberToObject(item, "bflops", l->flops / 1e9);
        cJSON_AddItemToArray(layers, item);
    }
    cJSON_AddItemToObject(o, "layers", layers);
    cJSON_AddNumberToObject(o, "parameters", (double)t->parameters);
    cJSON_AddNumberToObject(o, "statistics", (double)t->statistics);
    cJSON_AddNumberToObject(o, "bflops", t->flops / 1e9);
    cJSON_AddNumberToObject(o, "classes", net->n_classes);
    cJSON *names = net->names ? cJSON_AddArrayToObject(o, "names") : NULL;
    for (int i = 0; names && i < net->n_classes; i++) {
        char *clean = utf8_clean(net->names[i]);
        cJSON_AddItemToArray(names, cJSON_CreateString(clean));
        free(clean);
    }
    cJSON_AddNumberToObject(o, "seen", (double)net->seen);
    cJSON_AddNumberToObject(o, "weight_bytes", (double)t->weight_bytes);
    cJSON_AddNumberToObject(o, "inference_bytes", (double)t->inference_bytes);
    cJSON_AddNumberToObject(o, "training_bytes", (double)t->training_bytes);
    cJSON_AddNumberToObject(o, "training_batch", t->training_batch);
    struct error err = ERROR_INIT;
    return cli_json_line(o, &err) == 0 ? EXIT_OK : cli_fail(&err);
}

int cmd_info(int argc, char **argv)
{
    struct cli_common common = CLI_COMMON_INIT;
    int option;
    while ((option = cli_next_option(argc, argv, NULL, &common)) != -1)
        if (option == '?')
            return EXIT_USAGE;
    if (optind >= argc && common.n_models == 0)
        return cli_usage_error("info", "expected a CFG or -m MODEL");

    struct error err = ERROR_INIT;
    struct totals totals;
    int status;
    struct network *net = cli_cfg_or_model(&common, &argc, argv, &err);
    if (optind < argc) { /* what is no model stays */
        status = cli_usage_error("info", "found '%s', expected a CFG, or CFG WEIGHTS, or -m MODEL", argv[optind]);
    } else if (!net || sum_up(net, &totals, &err) != 0) {
        status = cli_fail(&err);
    } else {
        if (!common.quiet)
            cli_warn_config(net);
        status = EXIT_OK;
        if (common.json)
            status = print_json(net, &totals);
        else
            print_table(net, &totals);
    }
    network_free(net);
    cli_common_free(&common);
    return status;
}
