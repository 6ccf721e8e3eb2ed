/* The network that a command works on: -m, operands, or the newest run. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli_model.h"
#include "data/dataset.h"
#include "data/names.h"
#include "data/recipe.h"
#include "net/ensemble.h"
#include "net/heads.h"
#include "net/model.h"
#include "net/weights.h"

#define RUNS "runs"

static bool is_darknet(const char *path)
{
    return text_ends(path, ".weights") || text_ends(path, ".backup");
}

static bool is_weights(const char *path)
{
    return is_darknet(path) || text_ends(path, ".safetensors");
}

/* seed= of [net], before the network exists; mistakes are found later. */
static uint64_t seed_of(const struct config *c)
{
    const struct config_section *s = config_find(c, "net");
    if (!s)
        return 0;
    struct net_options o = {0};
    option_fill(c, s, net_option_table, &o, NULL, NULL, NULL);
    const uint64_t seed = (uint64_t)o.seed;
    option_free(net_option_table, &o);
    return seed;
}

/* draw: its weights begin at random; else a model file is loaded next. */
static struct network *build(const char *cfg, bool draw, const struct cli_common *common, struct error *err)
{
    struct config config;
    if (config_read(&config, cfg, err) != 0)
        return NULL;
    int result = 0;
    for (int i = 0; i < common->n_sets; i++)
        result |= config_set(&config, common->sets[i], err);
    if (result != 0) {
        config_free(&config);
        return NULL;
    }
    if (common->classes > 0 && heads_set_classes(&config, common->classes, err) != 0)
        return NULL;
    if (common->seed >= 0) { /* part of the cfg from here on, so that a checkpoint and effective.cfg tell it */
        char *set = mem_format("%s.seed=%lld", config_find(&config, "net") ? "net" : "network", (long long)common->seed);
        const int bad = config_set(&config, set, err);
        free(set);
        if (bad) {
            config_free(&config);
            return NULL;
        }
    }
    struct data_options data; /* mistakes of [data] are told together with the others, also to who needs no data */
    const int bad_data = data_options_read(&data, &config, NULL, err);
    data_options_free(&data);
    struct network *net = (draw ? network_build : network_build_to_load)(&config, seed_of(&config), err);
    struct recipe recipe; /* so are those of [augment] */
    const int bad_recipe = net ? recipe_read(&recipe, &net->config, &net->options, network_is_detector(net), err) : 0;
    if (net && bad_recipe == 0)
        recipe_free(&recipe);
    if (bad_data == 0 && bad_recipe == 0)
        return net;
    network_free(net);
    return NULL;
}

struct network *cli_build(const char *cfg, const struct cli_common *common, struct error *err)
{
    return build(cfg, true, common, err);
}

/* "110 [convolutional], 128 [convolutional]": the layers with parameters of which none comes from a file, up to three. */
static void name_new_layers(const struct network *net, int n, char *text, size_t size)
{
    size_t at = 0;
    int named = 0;
    text[0] = 0;
    for (int i = 0; i < net->n_layers && named < 3; i++) {
        const struct layer *l = &net->layer[i];
        if (l->n_params > 0 && !l->loaded)
            at += (size_t)snprintf(text + at, size - at, "%s%d [%s]", named++ ? ", " : "", i, l->type->name);
    }
    if (n > named)
        snprintf(text + at, size - at, " and %d more", n - named);
}

static void tell_start(const struct network *net, const char *path)
{
    int all = 0, loaded = 0;
    for (int i = 0; i < net->n_layers; i++) {
        all += net->layer[i].n_params > 0;
        loaded += net->layer[i].n_params > 0 && net->layer[i].loaded;
    }
    char anew[256];
    name_new_layers(net, all - loaded, anew, sizeof anew);
    if (loaded == all)
        fprintf(stderr, "dlnet: starting from %s: all %d layers with parameters\n", path, all);
    else
        fprintf(stderr, "dlnet: starting from %s: %d of %d layers with parameters; anew: %s\n", path, loaded, all, anew);
}

int cli_start_from(struct network *net, const char *path, int layers, bool quiet, struct error *err)
{
    int result;
    if (text_ends(path, ".safetensors")) {
        struct model_file *m = model_open(path, err);
        if (!m)
            return -1;
        result = model_start_from(m, net, err);
        net->seen = 0;
        model_close(m);
    } else {
        result = weights_start_from(net, path, layers, err);
    }
    if (result == 0 && !quiet)
        tell_start(net, path);
    return result;
}

/* best.safetensors of the newest run, of a cfg (runs/STEM, runs/STEM-2, …) or of any (cfg NULL). Owned by the caller; NULL: none, told. */
static char *newest_run(const char *cfg, struct error *err)
{
    struct text_list names = {0};
    char *stem = cfg ? mem_string(text_basename(cfg)) : NULL;
    if (stem && text_ends(stem, ".cfg"))
        stem[strlen(stem) - 4] = 0;
    if (file_is_dir(RUNS))
        file_list_dir(RUNS, &names, NULL);
    char *best = NULL;
    struct timespec when = {0};
    for (int i = 0; i < names.n; i++) {
        const char *rest = names.item[i] + (stem ? strlen(stem) : 0);
        long number;
        if (stem && (!text_starts(names.item[i], stem) || (*rest && (*rest != '-' || !text_to_long(rest + 1, &number)))))
            continue;
        char *path = mem_format(RUNS "/%s/best.safetensors", names.item[i]);
        struct stat st;
        if (stat(path, &st) == 0 &&
            (!best || st.st_mtim.tv_sec > when.tv_sec || (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec > when.tv_nsec))) {
            free(best);
            best = path;
            when = st.st_mtim;
        } else {
            free(path);
        }
    }
    text_list_free(&names);
    if (!best && stem)
        error_add(err, EXIT_NO_INPUT,
                  "%s: no weights given, and no run of it under " RUNS "/ has a best.safetensors; expected CFG WEIGHTS or -m MODEL", cfg);
    else if (!best)
        error_add(err, EXIT_NO_INPUT,
                  "no model given, and no run under " RUNS "/ has a best.safetensors; expected -m MODEL or CFG WEIGHTS");
    free(stem);
    return best;
}

/* Takes a file of class names over; another count than the network's is a mistake. */
static int set_names(struct network *net, const char *path, struct error *err)
{
    struct text_list list = {0};
    if (names_read(path, &list, err) != 0) {
        text_list_free(&list);
        return -1;
    }
    int result = 0;
    if (list.n != net->n_classes) {
        result = error_at(err, EXIT_DATA, path, 0, "%d class names, the network has %d classes", list.n, net->n_classes);
    } else {
        for (int i = 0; net->names && i < net->n_classes; i++)
            free(net->names[i]);
        free(net->names);
        net->names = mem_new((size_t)list.n, sizeof *net->names);
        for (int i = 0; i < list.n; i++)
            net->names[i] = mem_string(list.item[i]);
    }
    text_list_free(&list);
    return result;
}

static int find_names(struct network *net, const struct cli_common *common, struct error *err)
{
    if (net->n_classes == 0)
        return 0;
    if (common->names_file)
        return set_names(net, common->names_file, err);
    if (net->names)
        return 0;
    struct data_options data;
    int result = data_options_read(&data, &net->config, common->data_file, err);
    if (result == 0 && data.names && *data.names) {
        /* Boxes can be found without names, so a file that isn't on this machine is no reason to stop. */
        if (file_exists(data.names))
            result = set_names(net, data.names, err);
        else
            cli_warn("%s: no such file, classes are told by their numbers", data.names);
    }
    data_options_free(&data);
    return result;
}

static struct network *load(const char *cfg, const char *weights, const struct cli_common *common, struct error *err)
{
    if (!cfg && is_darknet(weights)) {
        error_add(err, EXIT_USAGE, "%s: Darknet weights don't hold their network, expected CFG WEIGHTS", weights);
        return NULL;
    }
    if (is_darknet(weights)) {
        struct network *net = build(cfg, false, common, err);
        if (net && weights_read(net, weights, 0, err) == 0)
            return net;
        network_free(net);
        return NULL;
    }
    struct model_file *file = model_open(weights, err);
    if (!file)
        return NULL;
    struct network *net = NULL;
    if (!cfg) {
        net = model_build(file, weights, common->sets, common->n_sets, err);
        if (net && common->seed >= 0)
            net->seed = (uint64_t)common->seed;
    } else {
        net = build(cfg, false, common, err);
        if (net && model_load_params(file, net, err) != 0) {
            network_free(net);
            net = NULL;
        }
    }
    model_close(file);
    return net;
}

/* A model as the command line tells it: weights alone (cfg NULL), a pair, or a cfg alone (weights NULL). */
struct told {
    const char *cfg, *weights;
};

/* The models of -m and of the operands that end as cfgs and weights do, which are taken out of argv. One cfg and one weights file are a
 * pair in any order; among more files a cfg goes with the weights that follow it. Owned by the caller. */
static struct told *take_models(const struct cli_common *common, int *argc, char **argv, int *n, struct error *err)
{
    const char **file = mem_new((size_t)(common->n_models + *argc), sizeof *file);
    int n_files = 0, n_cfgs = 0, kept = optind;
    for (int i = 0; i < common->n_models; i++)
        file[n_files++] = common->models[i];
    for (int i = optind; i < *argc; i++)
        if (text_ends(argv[i], ".cfg") || is_weights(argv[i]))
            file[n_files++] = argv[i];
        else
            argv[kept++] = argv[i];
    *argc = kept;
    for (int i = 0; i < n_files; i++)
        n_cfgs += text_ends(file[i], ".cfg");

    struct told *told = mem_new((size_t)n_files + 1, sizeof *told);
    if (n_files - n_cfgs == 1 && n_cfgs == 1 && text_ends(file[1], ".cfg")) {
        const char *first = file[0];
        file[0] = file[1];
        file[1] = first;
    }
    *n = 0;
    for (int i = 0; i < n_files; i++) {
        const bool cfg = text_ends(file[i], ".cfg");
        if (cfg && n_files > 1 && (i + 1 == n_files || text_ends(file[i + 1], ".cfg"))) {
            error_add(err, EXIT_USAGE, "no weights after %s among several files, expected CFG WEIGHTS for each model", file[i]);
            free(told);
            told = NULL;
            break;
        }
        told[*n].cfg = cfg ? file[i] : NULL;
        told[(*n)++].weights = !cfg ? file[i] : n_files > 1 ? file[++i] : NULL;
    }
    free(file);
    return told;
}

static struct network *load_told(const struct cli_common *common, struct told t, char **path, struct error *err)
{
    *path = t.weights ? mem_string(t.weights) : newest_run(t.cfg, err);
    if (!*path)
        return NULL;
    if (!t.weights && !common->quiet)
        fprintf(stderr, "dlnet: using %s\n", *path);
    struct network *net = load(t.cfg, *path, common, err);
    if (net && find_names(net, common, err) == 0)
        return net;
    network_free(net);
    return NULL;
}

int cli_models_unfolded(const struct cli_common *common, int *argc, char **argv, struct cli_models *out, struct error *err)
{
    *out = (struct cli_models){0};
    int n;
    struct told *told = take_models(common, argc, argv, &n, err);
    if (!told)
        return -1;
    out->n = n > 0 ? n : 1; /* none told: the newest run */
    out->net = mem_new((size_t)out->n, sizeof(struct network *));
    out->path = mem_new((size_t)out->n, sizeof(char *));
    int result = 0;
    for (int i = 0; i < out->n && result == 0; i++) {
        out->net[i] = load_told(common, told[i], &out->path[i], err);
        result = out->net[i] ? 0 : -1;
    }
    free(told);
    if (result != 0)
        cli_models_free(out);
    return result;
}

void cli_models_free(struct cli_models *m)
{
    for (int i = 0; i < m->n; i++) {
        network_free(m->net[i]);
        free(m->path[i]);
    }
    free(m->net);
    free(m->path);
    *m = (struct cli_models){0};
}

int cli_models(const struct cli_common *common, int *argc, char **argv, struct cli_models *out, struct error *err)
{
    if (cli_models_unfolded(common, argc, argv, out, err) != 0)
        return -1;
    int result = ensemble_check(out->net, out->path, out->n, err);
    for (int i = 0; i < out->n && result == 0; i++)
        result = cli_check_answer(out->net[i], err);
    if (result != 0)
        cli_models_free(out);
    for (int i = 0; i < out->n; i++)
        network_fold(out->net[i]);
    return result;
}

struct network *cli_model_unfolded(const struct cli_common *common, int *argc, char **argv, char **path, struct error *err)
{
    struct cli_models m;
    if (cli_models_unfolded(common, argc, argv, &m, err) != 0)
        return NULL;
    struct network *net = m.net[0];
    if (m.n > 1) {
        error_add(err, EXIT_USAGE, "found %s and %s, expected one model", m.path[0], m.path[1]);
        net = NULL;
    } else {
        m.net[0] = NULL;
        if (path) {
            *path = m.path[0];
            m.path[0] = NULL;
        }
    }
    cli_models_free(&m);
    return net;
}

struct network *cli_model(const struct cli_common *common, int *argc, char **argv, char **path, struct error *err)
{
    struct network *net = cli_model_unfolded(common, argc, argv, path, err);
    if (net && cli_check_answer(net, err) != 0) {
        network_free(net);
        return NULL;
    }
    if (net)
        network_fold(net);
    return net;
}

struct network *cli_cfg_or_model(const struct cli_common *common, int *argc, char **argv, struct error *err)
{
    if (common->n_models == 0 && *argc == optind + 1 && !is_weights(argv[optind]))
        return cli_build(argv[(*argc)-- - 1], common, err);
    return cli_model_unfolded(common, argc, argv, NULL, err);
}

const char *cli_class_name(const struct network *net, int class_id, char buffer[16])
{
    if (net->names && class_id >= 0 && class_id < net->n_classes)
        return net->names[class_id];
    snprintf(buffer, 16, "%d", class_id);
    return buffer;
}
