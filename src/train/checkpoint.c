#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/model.h"

/* Doubles are written as hexadecimal floats: exact, and the same text for the same bits. */
enum { N_TEXTS = 9 };
static const char *const keys[N_TEXTS] = {"train.iteration",  "train.seed",  "train.best",      "train.best_iteration", "train.loss_sum",
                                          "train.loss_count", "train.stale", "train.ema_count", "train.swa_count"};

/* What is kept for each param: NULL, or an array with NULL where that param has none. Names are those in the file. */
enum { N_SLOTS = 3 };
struct slots {
    const char *name[N_SLOTS];
    real **value[N_SLOTS];
};

static struct slots slots_of(const struct trainer *t, const struct averages *a)
{
    return (struct slots){{"velocity", "ema", "swa"}, {t->optimizer.velocity, a->ema.value, a->swa.value}};
}

static char *slot_name(const char *slot, const struct param *p)
{
    return mem_format("slot.%s.%s", slot, p->name);
}

int checkpoint_write(const struct trainer *t, const struct averages *a, const struct progress *p, const char *path, struct error *err)
{
    char value[N_TEXTS][64];
    snprintf(value[0], sizeof value[0], "%" PRId64, t->iteration);
    snprintf(value[1], sizeof value[1], "%" PRIu64, t->seed);
    snprintf(value[2], sizeof value[2], "%a", p->best);
    snprintf(value[3], sizeof value[3], "%" PRId64, p->best_iteration);
    snprintf(value[4], sizeof value[4], "%a", p->loss_sum);
    snprintf(value[5], sizeof value[5], "%" PRId64, p->loss_count);
    snprintf(value[6], sizeof value[6], "%" PRId64, p->stale);
    snprintf(value[7], sizeof value[7], "%" PRId64, a->ema.count);
    snprintf(value[8], sizeof value[8], "%" PRId64, a->swa.count);
    struct model_text text[N_TEXTS];
    for (int i = 0; i < N_TEXTS; i++)
        text[i] = (struct model_text){keys[i], value[i]};

    const struct optimizer *o = &t->optimizer;
    const struct slots slots = slots_of(t, a);
    struct model_tensor *tensor = mem_new(N_SLOTS * (size_t)o->n_params, sizeof *tensor);
    char **name = mem_new(N_SLOTS * (size_t)o->n_params, sizeof *name);
    int n = 0;
    for (int k = 0; k < N_SLOTS; k++)
        for (int i = 0; i < o->n_params && slots.value[k]; i++)
            if (slots.value[k][i]) {
                name[n] = slot_name(slots.name[k], o->param[i]);
                tensor[n] = (struct model_tensor){.name = name[n], .shape = o->param[i]->shape, .data = slots.value[k][i]};
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
        if (!text_starts(line, "max_batches") && !text_starts(line, "epochs") && !text_starts(line, "patience"))
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
                "%s: this run was started with '%s', the cfg now says '%s'; --resume goes on with the same cfg (only max_batches=, "
                "epochs= and patience= may change), --init starts anew from the weights",
                path, y ? y : "(nothing)", x ? x : "(nothing)");
            break;
        }
    }
    free(mine);
    free(theirs);
    return result;
}

static int read_texts(struct trainer *t, struct averages *a, struct progress *p, const struct model_file *m, const char *path,
                      struct error *err)
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
    p->stale = strtoll(s[6], &end[6], 10);
    a->ema.count = strtoll(s[7], &end[7], 10);
    a->swa.count = strtoll(s[8], &end[8], 10);
    for (int i = 0; i < N_TEXTS; i++)
        if (*end[i] || end[i] == s[i])
            return error_add(err, EXIT_DATA, "%s: '%s' is '%s', expected a number", path, keys[i], s[i]);
    if (t->iteration < 0)
        return error_add(err, EXIT_DATA, "%s: 'train.iteration' is %" PRId64 ", expected 0 or more", path, t->iteration);
    return 0;
}

int checkpoint_read(struct trainer *t, struct averages *a, struct progress *p, const char *path, struct error *err)
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
        result = read_texts(t, a, p, m, path, err);
    const struct slots slots = slots_of(t, a);
    for (int k = 0; k < N_SLOTS; k++)
        for (int i = 0; i < t->optimizer.n_params && slots.value[k] && result == 0; i++)
            if (slots.value[k][i]) {
                char *name = slot_name(slots.name[k], t->optimizer.param[i]);
                result = model_tensor(m, name, t->optimizer.param[i]->shape, slots.value[k][i], err);
                free(name);
            }
    model_close(m);
    return result;
}
