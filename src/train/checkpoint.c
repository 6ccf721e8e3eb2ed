#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/model.h"

/* Doubles are written as hexadecimal floats: exact, and the same text for the same bits. */
enum { N_TEXTS = 9, N_ALL = N_TEXTS + 1 };
static const char *const keys[N_TEXTS] = {"train.iteration",  "train.seed",  "train.best",      "train.best_iteration", "train.loss_sum",
                                          "train.loss_count", "train.stale", "train.ema_count", "train.swa_count"};
static const char plateau_key[] = "train.plateau"; /* best, bad, reductions */

static char *slot_name(const char *slot, const struct param *p)
{
    return mem_format("slot.%s.%s", slot, p->name);
}

/* The arrays of a checkpoint besides the weights, one after the other: number 0, 1, … until false. The name is the caller's. */
static bool slot_at(const struct trainer *t, const struct averages *a, int number, struct model_tensor *out)
{
    const struct optimizer *o = &t->optimizer;
    const struct network *net = t->net;
    const int slots = optimizer_slots(o->options), learnt = slots * o->n_params;
    if (number < learnt) {
        const int i = number / slots, k = number % slots;
        *out = (struct model_tensor){slot_name(optimizer_slot_name(o, k), o->param[i]), o->param[i]->shape, o->slot[i][k]};
        return true;
    }
    const struct average *const kept[2] = {&a->ema, &a->swa};
    static const char *const names[2] = {"ema", "swa"};
    number -= learnt;
    for (int k = 0; k < 2; k++) {
        if (!average_kept(kept[k]))
            continue;
        if (number < net->n_params) {
            *out = (struct model_tensor){slot_name(names[k], net->param[number]), net->param[number]->shape, kept[k]->value[number]};
            return true;
        }
        number -= net->n_params;
    }
    return false;
}

int checkpoint_write(const struct trainer *t, const struct averages *a, const struct progress *p, const char *path, struct error *err)
{
    char value[N_ALL][64];
    snprintf(value[0], sizeof value[0], "%" PRId64, t->iteration);
    snprintf(value[1], sizeof value[1], "%" PRIu64, t->seed);
    snprintf(value[2], sizeof value[2], "%a", p->best);
    snprintf(value[3], sizeof value[3], "%" PRId64, p->best_iteration);
    snprintf(value[4], sizeof value[4], "%a", p->loss_sum);
    snprintf(value[5], sizeof value[5], "%" PRId64, p->loss_count);
    snprintf(value[6], sizeof value[6], "%" PRId64, p->stale);
    snprintf(value[7], sizeof value[7], "%" PRId64, a->ema.count);
    snprintf(value[8], sizeof value[8], "%" PRId64, a->swa.count);
    snprintf(value[N_TEXTS], sizeof value[N_TEXTS], "%a %d %d", p->plateau.best, p->plateau.bad, p->plateau.reductions);
    struct model_text text[N_ALL] = {[N_TEXTS] = {plateau_key, value[N_TEXTS]}};
    for (int i = 0; i < N_TEXTS; i++)
        text[i] = (struct model_text){keys[i], value[i]};

    const int most = OPTIMIZER_SLOTS * t->optimizer.n_params + 2 * t->net->n_params;
    struct model_tensor *tensor = mem_new((size_t)most + 1, sizeof *tensor);
    int n = 0;
    while (slot_at(t, a, n, &tensor[n]))
        n++;
    const struct model_extra extra = {
        .tensor = tensor, .n_tensors = n, .text = text, .n_texts = t->net->options.policy == POLICY_PLATEAU ? N_ALL : N_TEXTS};
    const int result = model_write(t->net, path, &extra, err);
    for (int i = 0; i < n; i++)
        free((char *)tensor[i].name);
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
    if (t->net->options.policy == POLICY_PLATEAU) {
        const char *text = model_text(m, plateau_key);
        struct plateau *q = &p->plateau;
        int length = -1;
        if (!text || sscanf(text, "%la %d %d%n", &q->best, &q->bad, &q->reductions, &length) != 3 || text[length])
            return error_add(err, EXIT_DATA, "%s: '%s' is '%s', expected three numbers", path, plateau_key, text ? text : "missing");
    }
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
    struct model_tensor slot;
    for (int i = 0; result == 0 && slot_at(t, a, i, &slot); i++) {
        result = model_tensor(m, slot.name, slot.shape, slot.data, err);
        free((char *)slot.name);
    }
    model_close(m);
    return result;
}
