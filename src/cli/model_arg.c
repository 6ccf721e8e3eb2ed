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
    if (bad_data == 0)
        return net;
    network_free(net);
    return NULL;
}

struct network *cli_build(const char *cfg, const struct cli_common *common, struct error *err)
{
    return build(cfg, true, common, err);
}

int cli_start_from(struct network *net, const char *path, int layers, struct error *err)
{
    if (!text_ends(path, ".safetensors"))
        return weights_read(net, path, layers, err);
    struct model_file *m = model_open(path, err);
    if (!m)
        return -1;
    const int result = model_start_from(m, net, err);
    net->seen = 0;
    model_close(m);
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

/* Takes the model's operands out of argv. */
static int take_operands(int *argc, char **argv, const char **cfg, const char **weights, struct error *err)
{
    int kept = optind;
    int result = 0;
    for (int i = optind; i < *argc; i++) {
        const char **to = text_ends(argv[i], ".cfg") ? cfg : is_weights(argv[i]) ? weights : NULL;
        if (!to)
            argv[kept++] = argv[i];
        else if (*to)
            result = error_add(err, EXIT_USAGE, "found %s and %s, expected one model", *to, argv[i]);
        else
            *to = argv[i];
    }
    *argc = kept;
    return result;
}

struct network *cli_model_unfolded(const struct cli_common *common, int *argc, char **argv, char **path, struct error *err)
{
    const char *cfg = NULL, *weights = NULL;
    if (common->model)
        *(text_ends(common->model, ".cfg") ? &cfg : &weights) = common->model;
    if (take_operands(argc, argv, &cfg, &weights, err) != 0)
        return NULL;
    char *found = weights ? mem_string(weights) : newest_run(cfg, err);
    if (!found)
        return NULL;
    if (!weights && !common->quiet)
        fprintf(stderr, "dlnet: using %s\n", found);
    struct network *net = load(cfg, found, common, err);
    if (net && find_names(net, common, err) != 0) {
        network_free(net);
        net = NULL;
    }
    if (net && path)
        *path = found;
    else
        free(found);
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
    if (!common->model && *argc == optind + 1 && !is_weights(argv[optind]))
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
