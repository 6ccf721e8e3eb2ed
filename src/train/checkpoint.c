#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/model.h"

/* Doubles are written as hexadecimal floats: exact, and the same text for the same bits. */
enum { N_TEXTS = 6 };
static const char *const keys[N_TEXTS] = {"train.iteration",      "train.seed",     "train.best",
                                          "train.best_iteration", "train.loss_sum", "train.loss_count"};

static char *slot_name(const struct param *p)
{
    return mem_format("slot.velocity.%s", p->name);
}

int checkpoint_write(const struct trainer *t, const struct progress *p, const char *path, struct error *err)
{
    char value[N_TEXTS][64];
    snprintf(value[0], sizeof value[0], "%" PRId64, t->iteration);
    snprintf(value[1], sizeof value[1], "%" PRIu64, t->seed);
    snprintf(value[2], sizeof value[2], "%a", p->best);
    snprintf(value[3], sizeof value[3], "%" PRId64, p->best_iteration);
    snprintf(value[4], sizeof value[4], "%a", p->loss_sum);
    snprintf(value[5], sizeof value[5], "%" PRId64, p->loss_count);
    struct model_text text[N_TEXTS];
    for (int i = 0; i < N_TEXTS; i++)
        text[i] = (struct model_text){keys[i], value[i]};

    const struct optimizer *o = &t->optimizer;
    struct model_tensor *tensor = mem_new((size_t)o->n_params, sizeof *tensor);
    char **name = mem_new((size_t)o->n_params, sizeof *name);
    int n = 0;
    for (int i = 0; i < o->n_params; i++)
        if (o->velocity[i]) {
            name[n] = slot_name(o->param[i]);
            tensor[n] = (struct model_tensor){.name = name[n], .shape = o->param[i]->shape, .data = o->velocity[i]};
            n++;
        }
    const struct model_extra extra = {.tensor = tensor, .n_tensors = n, .text = text, .n_texts = N_TEXTS};
    const int result = model_write(t->net, path, &extra, err);
    for (int i = 0; i < n; i++)
        free(name[i]);
    free(name);
    free(tensor);
    return result;
}

/* Next line that isn't about the length of the training; cut at its end. NULL: none. */
static char *next_line(char **cursor)
{
    while (*cursor && **cursor) {
        char *line = *cursor, *end = strchr(line, '\n');
        *cursor = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        if (!text_starts(line, "max_batches") && !text_starts(line, "epochs"))
            return line;
    }
    return NULL;
}

/* A resumed run is the same run only with the same cfg. */
static int same_config(const struct network *net, const char *stored, const char *path, struct error *err)
{
    char *mine = config_text(&net->config), *theirs = mem_string(stored), *a = mine, *b = theirs;
    int result = 0;
    for (;;) {
        const char *x = next_line(&a), *y = next_line(&b);
        if (!x && !y)
            break;
        if (!x || !y || strcmp(x, y) != 0) {
            result = error_add(
                err, EXIT_DATA,
                "%s: this run was started with '%s', the cfg now says '%s'; --resume goes on with the same cfg (only max_batches= and "
                "epochs= may change), --init starts anew from the weights",
                path, y ? y : "(nothing)", x ? x : "(nothing)");
            break;
        }
    }
    free(mine);
    free(theirs);
    return result;
}

static int read_texts(struct trainer *t, struct progress *p, const struct model_file *m, const char *path, struct error *err)
{
    const char *s[N_TEXTS];
    for (int i = 0; i < N_TEXTS; i++) {
        s[i] = model_text(m, keys[i]);
        if (!s[i])
            return error_add(err, EXIT_DATA,
                             "%s: has no '%s', expected the last.safetensors of a run; --init starts from a model's weights", path,
                             keys[i]);
    }
    char *end[N_TEXTS];
    t->iteration = strtoll(s[0], &end[0], 10);
    t->seed = strtoull(s[1], &end[1], 10);
    p->best = strtod(s[2], &end[2]);
    p->best_iteration = strtoll(s[3], &end[3], 10);
    p->loss_sum = strtod(s[4], &end[4]);
    p->loss_count = strtoll(s[5], &end[5], 10);
    for (int i = 0; i < N_TEXTS; i++)
        if (*end[i] || end[i] == s[i])
            return error_add(err, EXIT_DATA, "%s: '%s' is '%s', expected a number", path, keys[i], s[i]);
    if (t->iteration < 0)
        return error_add(err, EXIT_DATA, "%s: 'train.iteration' is %" PRId64 ", expected 0 or more", path, t->iteration);
    return 0;
}

int checkpoint_read(struct trainer *t, struct progress *p, const char *path, struct error *err)
{
    struct model_file *m = model_open(path, err);
    if (!m)
        return -1;
    const char *cfg = model_text(m, "cfg");
    int result =
        cfg ? same_config(t->net, cfg, path, err) : error_add(err, EXIT_DATA, "%s: has no cfg, expected a model written by dlnet", path);
    if (result == 0)
        result = model_load_params(m, t->net, err);
    if (result == 0)
        result = read_texts(t, p, m, path, err);
    for (int i = 0; i < t->optimizer.n_params && result == 0; i++)
        if (t->optimizer.velocity[i]) {
            char *name = slot_name(t->optimizer.param[i]);
            result = model_tensor(m, name, t->optimizer.param[i]->shape, t->optimizer.velocity[i], err);
            free(name);
        }
    model_close(m);
    return result;
}
