/* dlnet average: one model from several of the same cfg. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/text.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "net/model.h"
#include "train/average.h"
#include "train/trainer.h"

const char cmd_average_usage[] =
    "Usage: dlnet average MODEL MODEL … --out FILE [options]\n"
    "\n"
    "Writes the equal mean of the weights of models of the same cfg (a weight average by hand, Izmailov 2018). The\n"
    "cfg and the class names are those of the first; keys of [net] and [data] may differ.\n"
    "\n"
    "  -o, --out FILE  the .safetensors file to write; it is replaced only when all went well\n"
    "  --statistics    recomputes the statistics of batch normalisation by one pass over the training data of the\n"
    "                  first model's [data] (or --data); without it they are averaged as the weights are\n"
    "\n"
    "  dlnet average runs/mnist/best.safetensors runs/mnist-2/best.safetensors --out mean.safetensors --statistics\n";

static const struct config_section *layer_section(const struct config *c, int *i)
{
    while (*i < c->n_sections && config_is_general(&c->section[*i]))
        ++*i;
    return *i < c->n_sections ? &c->section[(*i)++] : NULL;
}

/* An entry of a that b says otherwise or not at all; NULL: none. */
static const struct config_entry *difference(const struct config_section *a, const struct config_section *b)
{
    for (int i = 0; i < a->n_entries; i++) {
        const struct config_entry *other = config_get(b, a->entry[i].key);
        if (!other || strcmp(a->entry[i].value, other->value) != 0)
            return &a->entry[i];
    }
    return NULL;
}

/* Weights of networks that differ have no mean: the layers' sections must be the same. */
static int check_same(const struct network *a, const struct network *b, const char *a_path, const char *b_path, struct error *err)
{
    int i = 0, k = 0;
    for (int layer = 0;; layer++) {
        const struct config_section *x = layer_section(&a->config, &i), *y = layer_section(&b->config, &k);
        if (!x && !y)
            return 0;
        if (!x || !y || strcmp(x->name, y->name) != 0)
            return error_add(err, EXIT_DATA, "layer %d is %s%s%s in %s, but %s%s%s in %s; expected models of the same cfg", layer,
                             y ? "[" : "", y ? y->name : "not there", y ? "]" : "", b_path, x ? "[" : "", x ? x->name : "not there",
                             x ? "]" : "", a_path);
        const struct config_entry *in_a = difference(x, y), *in_b = in_a ? config_get(y, in_a->key) : difference(y, x);
        if (in_a || in_b)
            return error_add(err, EXIT_DATA, "layer %d [%s] has %s%s%s in %s, but %s%s%s in %s; expected models of the same cfg", layer,
                             x->name, in_b ? in_b->key : "no ", in_b ? "=" : in_a->key, in_b ? in_b->value : "", b_path,
                             in_a ? in_a->key : "no ", in_a ? "=" : in_b->key, in_a ? in_a->value : "", a_path);
    }
}

/* The cfgs may agree where weights that grew with the data do not. */
static int check_shapes(const struct network *a, const struct network *b, const char *a_path, const char *b_path, struct error *err)
{
    for (int i = 0; i < a->n_params && i < b->n_params; i++) {
        const struct shape x = a->param[i]->shape, y = b->param[i]->shape;
        if (memcmp(&x, &y, sizeof x) != 0)
            return error_add(err, EXIT_DATA, "%s has %d x %d x %d x %d numbers in %s, but %d x %d x %d x %d in %s", a->param[i]->name, y.n,
                             y.c, y.h, y.w, b_path, x.n, x.c, x.h, x.w, a_path);
    }
    return 0;
}

/* Weights behind statistics of different data don't mean the same. */
static int check_fits(const struct network *a, const struct network *b, const char *a_path, const char *b_path, struct error *err)
{
    for (int i = 0; i < a->n_layers; i++)
        for (int k = 0; a->layer[i].fitted && k < a->layer[i].n_params; k++) {
            const struct param *x = a->layer[i].param[k], *y = b->layer[i].param[k];
            if (memcmp(x->value, y->value, shape_size(x->shape) * sizeof(real)) != 0)
                return error_add(err, EXIT_DATA,
                                 "layer %d [%s] holds other statistics of the training data in %s than in %s; expected models of the same "
                                 "data",
                                 i, a->layer[i].type->name, b_path, a_path);
        }
    return 0;
}

static int recompute(struct network *net, const struct cli_common *common, struct error *err)
{
    struct data_options data;
    if (data_options_read(&data, &net->config, common->data_file, err) != 0)
        return -1;
    struct trainer trainer;
    int result = trainer_open(&trainer, net, &data, parallel_threads(), err);
    if (result == 0) {
        result = trainer_calibrate(&trainer, err);
        trainer_close(&trainer);
    }
    data_options_free(&data);
    return result;
}

/* Leaves the mean in the first network. */
static int mean(const struct cli_models *m, struct error *err)
{
    for (int i = 1; i < m->n; i++)
        if (check_same(m->net[0], m->net[i], m->path[0], m->path[i], err) != 0 ||
            check_shapes(m->net[0], m->net[i], m->path[0], m->path[i], err) != 0 ||
            check_fits(m->net[0], m->net[i], m->path[0], m->path[i], err) != 0)
            return -1;
    struct average a;
    if (average_init(&a, m->net[0], err) != 0)
        return -1;
    for (int i = 0; i < m->n; i++) {
        average_add(&a, m->net[i]);
        if (m->net[i]->seen > m->net[0]->seen)
            m->net[0]->seen = m->net[i]->seen;
    }
    average_swap(&a, m->net[0]);
    average_free(&a);
    return 0;
}

static int average(const struct cli_models *m, const struct cli_common *common, const char *out, bool statistics)
{
    struct error err = ERROR_INIT;
    if (m->n < 2)
        return cli_usage_error("average", "found one model, expected several to average");
    if (mean(m, &err) != 0)
        return cli_fail(&err);
    if (statistics && recompute(m->net[0], common, &err) != 0)
        return cli_fail(&err);
    if (!statistics && network_has_batch_statistics(m->net[0]) && !common->quiet)
        cli_warn("the statistics of batch normalisation are averaged too; --statistics recomputes them on the training data");
    return model_write(m->net[0], out, NULL, &err) == 0 ? EXIT_OK : cli_fail(&err);
}

int cmd_average(int argc, char **argv)
{
    enum { STATISTICS = 1000 };
    static const struct cli_option options[] = {{"out", 'o', true}, {"statistics", STATISTICS, false}, {NULL, 0, false}};
    struct cli_common common = CLI_COMMON_INIT;
    const char *out = NULL;
    bool statistics = false, bad = false;
    for (int o; !bad && (o = cli_next_option(argc, argv, options, &common)) != -1;) {
        if (o == 'o')
            out = optarg;
        statistics |= o == STATISTICS;
        bad = o == '?';
    }
    struct cli_models models = {0};
    struct error err = ERROR_INIT;
    int status;
    if (bad)
        status = EXIT_USAGE;
    else if (!out || !text_ends(out, ".safetensors"))
        status = cli_usage_error("average", "%s: expected --out FILE.safetensors", out ? out : "no --out");
    else if (optind >= argc && common.n_models == 0)
        status = cli_usage_error("average", "no models given");
    else if (cli_models_unfolded(&common, &argc, argv, &models, &err) != 0)
        status = cli_fail(&err);
    else if (optind < argc)
        status = cli_usage_error("average", "%s: expected models (.safetensors, or CFG WEIGHTS) and nothing else", argv[optind]);
    else
        status = average(&models, &common, out, statistics);
    cli_models_free(&models);
    cli_common_free(&common);
    return status;
}
