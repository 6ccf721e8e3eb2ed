#include "net/model.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/f32.h"
#include "net/safetensors.h"

#define SHOWN_MISTAKES 10

struct model_file {
    struct safetensors file;
};

/* Class names as the text of a JSON array. Free with cJSON_free. */
static char *names_text(const struct network *net)
{
    cJSON *list =
        net->names && net->n_classes > 0 ? cJSON_CreateStringArray((const char *const *)net->names, net->n_classes) : cJSON_CreateArray();
    char *text = cJSON_PrintUnformatted(list);
    cJSON_Delete(list);
    return text;
}

static struct safetensors_tensor tensor_of(const char *name, struct shape s, const real *x)
{
    return (struct safetensors_tensor){.name = name, .dim = {s.n, s.c, s.h, s.w}, .n_dims = 4, .x = x};
}

int model_write(const struct network *net, const char *path, const struct model_extra *extra, struct error *err)
{
    assert(!net->folded);
    const struct model_extra none = {0}, *more = extra ? extra : &none;
    struct file_writer w;
    if (file_begin(&w, path, err) != 0)
        return -1;

    char seen[24], *cfg = config_text(&net->config), *names = names_text(net);
    snprintf(seen, sizeof seen, "%" PRIu64, net->seen);
    const struct safetensors_pair own[] = {
        {"format", "dlnet"}, {"cfg", cfg}, {"cfg_folder", net->config.folder}, {"names", names ? names : "[]"}, {"seen", seen},
    };
    const int n_own = (int)(sizeof own / sizeof own[0]);
    struct safetensors_pair *text = mem_new((size_t)(n_own + more->n_texts), sizeof *text);
    memcpy(text, own, sizeof own);
    for (int i = 0; i < more->n_texts; i++)
        text[n_own + i] = (struct safetensors_pair){more->text[i].key, more->text[i].value};

    struct safetensors_tensor *tensor = mem_new((size_t)(net->n_params + more->n_tensors) + 1, sizeof *tensor);
    for (int i = 0; i < net->n_params; i++)
        tensor[i] = tensor_of(net->param[i]->name, net->param[i]->shape, net->param[i]->value);
    for (int i = 0; i < more->n_tensors; i++)
        tensor[net->n_params + i] = tensor_of(more->tensor[i].name, more->tensor[i].shape, more->tensor[i].data);

    int result = safetensors_write(w.stream, text, n_own + more->n_texts, tensor, net->n_params + more->n_tensors, err);
    free(tensor);
    free(text);
    free(cfg);
    cJSON_free(names);
    if (result == 0)
        return file_commit(&w, err);
    file_discard(&w);
    return result;
}

struct model_file *model_open(const char *path, struct error *err)
{
    struct model_file *m = mem_new(1, sizeof *m);
    if (safetensors_open(&m->file, path, err) == 0)
        return m;
    free(m);
    return NULL;
}

void model_close(struct model_file *m)
{
    if (!m)
        return;
    safetensors_close(&m->file);
    free(m);
}

const char *model_text(const struct model_file *m, const char *key)
{
    return safetensors_text(&m->file, key);
}

/* "[2 x 3 x 1 x 1]" */
struct shape_text {
    char text[16 * SAFETENSORS_DIMS];
};
static struct shape_text show_shape(const int *dim, int n)
{
    struct shape_text out = {"["};
    size_t at = 1;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(out.text + at, sizeof out.text - at, "%s%d", i ? " x " : "", dim[i]);
    snprintf(out.text + at, sizeof out.text - at, "]");
    return out;
}

int model_tensor(const struct model_file *m, const char *name, struct shape shape, real *data, struct error *err)
{
    const struct safetensors_entry *e = safetensors_find(&m->file, name);
    if (!e)
        return error_add(err, EXIT_DATA, "%s: no tensor \"%s\", which the network has", m->file.path, name);
    const int wanted[4] = {shape.n, shape.c, shape.h, shape.w};
    if (e->n_dims != 4 || memcmp(e->dim, wanted, sizeof wanted) != 0)
        return error_add(err, EXIT_DATA, "%s: tensor \"%s\" has the shape %s, the network's is %s", m->file.path, name,
                         show_shape(e->dim, e->n_dims).text, show_shape(wanted, 4).text);
    return safetensors_read(&m->file, e, data, err);
}

/* "17.convolutional.weight": the name of a param; a trainer's tensors start with a word. */
static bool is_param_name(const char *name)
{
    const char *p = name;
    while (isdigit((unsigned char)*p))
        p++;
    return p > name && *p == '.';
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Tensors of the file that look like params and that the network doesn't have. */
static int check_left_over(const struct model_file *m, const struct network *net, struct error *err)
{
    const char **known = mem_new((size_t)net->n_params + 1, sizeof *known);
    for (int i = 0; i < net->n_params; i++)
        known[i] = net->param[i]->name;
    qsort(known, (size_t)net->n_params, sizeof *known, by_text);
    int left = 0;
    for (int i = 0; i < m->file.n_entries; i++) {
        const struct safetensors_entry *e = &m->file.entry[i];
        if (!is_param_name(e->name) || bsearch(&e->name, known, (size_t)net->n_params, sizeof *known, by_text))
            continue;
        if (left++ < SHOWN_MISTAKES)
            error_add(err, EXIT_DATA, "%s: tensor \"%.80s\" %s has no place in the network", m->file.path, e->name,
                      show_shape(e->dim, e->n_dims).text);
    }
    free(known);
    if (left > SHOWN_MISTAKES)
        error_add(err, EXIT_DATA, "%s: %d tensors more have no place in the network", m->file.path, left - SHOWN_MISTAKES);
    return left ? -1 : 0;
}

/* keep[i]: the i-th param stays as it is. */
static int load_values(const struct model_file *m, struct network *net, const bool *keep, struct error *err)
{
    int wrong = 0;
    for (int i = 0; i < net->n_params && wrong < SHOWN_MISTAKES; i++) {
        struct param *p = net->param[i];
        if (keep && keep[i])
            continue;
        if (model_tensor(m, p->name, p->shape, p->value, err) != 0) {
            wrong++;
            continue;
        }
        const size_t size = shape_size(p->shape);
        const int64_t bad = f32_first_bad(p->value, size);
        if (bad >= 0) {
            wrong++;
            error_add(err, EXIT_DATA, "%s: tensor \"%s\": number %" PRId64 " of %zu is %s", m->file.path, p->name, bad, size,
                      p->value[bad] != p->value[bad] ? "not a number (NaN)" : "infinite");
        }
    }
    return wrong ? -1 : 0;
}

/* The class names of the file; none when it has none. */
static int load_names(const struct model_file *m, struct network *net, struct error *err)
{
    const char *text = model_text(m, "names");
    if (!text)
        return 0;
    cJSON *list = cJSON_Parse(text);
    int n = cJSON_GetArraySize(list), result = 0;
    bool strings = cJSON_IsArray(list);
    for (const cJSON *v = strings ? list->child : NULL; v; v = v->next)
        strings &= cJSON_IsString(v);
    if (!strings)
        result = error_add(err, EXIT_DATA, "%s: the metadata \"names\" is not a JSON array of strings", m->file.path);
    else if (n > 0 && net->n_classes > 0 && n != net->n_classes)
        result = error_add(err, EXIT_DATA, "%s: %d class names, the network has %d classes", m->file.path, n, net->n_classes);
    else if (n > 0 && net->n_classes > 0) {
        for (int i = 0; net->names && i < n; i++)
            free(net->names[i]);
        free(net->names);
        net->names = mem_new((size_t)n, sizeof *net->names);
        const cJSON *v = list->child;
        for (int i = 0; i < n; i++, v = v->next)
            net->names[i] = mem_string(v->valuestring);
    }
    cJSON_Delete(list);
    return result;
}

static int load_seen(const struct model_file *m, struct network *net, struct error *err)
{
    const char *text = model_text(m, "seen");
    uint64_t seen = 0;
    for (const char *p = text ? text : ""; *p; p++) {
        uint64_t next;
        if (!isdigit((unsigned char)*p) || __builtin_mul_overflow(seen, (uint64_t)10, &next) ||
            __builtin_add_overflow(next, (uint64_t)(*p - '0'), &seen))
            return error_add(err, EXIT_DATA, "%s: the metadata \"seen\" is not a number of images", m->file.path);
    }
    net->seen = seen;
    return 0;
}

int model_load_params(const struct model_file *m, struct network *net, struct error *err)
{
    assert(!net->folded);
    int result = load_values(m, net, NULL, err);
    result |= check_left_over(m, net, err);
    if (result != 0)
        return -1;
    net->drawn = true;
    for (int i = 0; i < net->n_layers; i++)
        net->layer[i].loaded = true;
    return load_names(m, net, err) | load_seen(m, net, err);
}

/* Whether all its params stand in the file with their shapes. */
static bool fits(const struct model_file *m, const struct layer *l)
{
    for (int k = 0; k < l->n_params; k++) {
        const struct shape s = l->param[k]->shape;
        const int wanted[4] = {s.n, s.c, s.h, s.w};
        const struct safetensors_entry *e = safetensors_find(&m->file, l->param[k]->name);
        if (!e || e->n_dims != 4 || memcmp(e->dim, wanted, sizeof wanted) != 0)
            return false;
    }
    return l->n_params > 0;
}

int model_start_from(const struct model_file *m, struct network *net, struct error *err)
{
    assert(!net->folded && net->drawn);
    bool *keep = mem_new((size_t)net->n_params, sizeof *keep);
    int n = 0, loaded = 0;
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        l->loaded = !l->common.dontload && fits(m, l);
        loaded += l->loaded;
        for (int k = 0; k < l->n_params; k++)
            keep[n++] = !l->loaded; /* net->param has this order */
    }
    int result = load_values(m, net, keep, err);
    free(keep);
    if (result == 0 && loaded == 0 && net->n_params > 0)
        result = error_add(err, EXIT_DATA, "%s: no layer of it fits: none has the number, kind and shape of one of %s", m->file.path,
                           net->config.path);
    if (result != 0)
        return -1;
    struct error other_classes = ERROR_INIT;
    load_names(m, net, &other_classes);
    return load_seen(m, net, err);
}

struct network *model_build(const struct model_file *m, const char *path, char *const *sets, int n_sets, struct error *err)
{
    const char *text = model_text(m, "cfg"), *folder = model_text(m, "cfg_folder");
    if (!text) {
        error_add(err, EXIT_DATA, "%s: holds no cfg, so it isn't a whole model of dlnet", path);
        return NULL;
    }
    char *shown = mem_format("%s:cfg", path);
    struct config config;
    int result = config_parse(&config, shown, text, err);
    free(shown);
    if (result != 0)
        return NULL;
    free(config.folder);
    config.folder = mem_string(folder ? folder : ".");
    for (int i = 0; i < n_sets; i++)
        result |= config_set(&config, sets[i], err);
    if (result != 0) {
        config_free(&config);
        return NULL;
    }
    struct network *net = network_build_to_load(&config, 0, err);
    if (net)
        net->seed = (uint64_t)net->options.seed; /* of the built-in pictures; the weights come from the file */
    if (net && model_load_params(m, net, err) == 0)
        return net;
    network_free(net);
    return NULL;
}
