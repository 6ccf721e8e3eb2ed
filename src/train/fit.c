/* Statistics of the training set that layers keep: standardisation, principal components. */
#include <string.h>

#include "train/trainer.h"

/* The readable images of a batch as the network's input; their number. */
static int take(struct network *net, const struct batch *b, struct error *err)
{
    int n = 0;
    for (int i = 0; i < b->n; i++)
        n += !b->bad[i];
    if (n == 0 || (n != net->input.shape.n && network_plan(net, n, b->w, b->h, false, err) != 0))
        return n == 0 ? 0 : -1;
    const size_t each = shape_each(net->input.shape);
    real *x = net->input.x;
    for (int i = 0; i < b->n; i++)
        for (size_t k = 0; k < each && !b->bad[i]; k++)
            *x++ = (real)b->input[(size_t)i * each + k];
    return n;
}

/* -1: the data failed; else the number of images. */
static int64_t show(struct trainer *t, struct layer *l, void *sums, struct error *err)
{
    struct network *net = t->net;
    struct loader_options o = trainer_loader_options(t);
    o.train = false;
    o.first = 0;
    o.size_of = NULL; /* multi-scale: at the size of [net], as in use */
    struct loader *loader = loader_open(&t->data, &o, err);
    if (!loader)
        return -1;
    const struct run run = {.mode = MODE_EVAL, .seed = t->seed};
    int64_t images = 0;
    struct batch *b;
    int got, n = 0;
    while ((got = loader_next(loader, &b, err)) == 1 && (n = take(net, b, err)) >= 0) {
        if (n == 0)
            continue;
        for (int i = 0; i < l->index; i++)
            network_forward_layer(net, i, &run);
        l->type->fit->add(l, sums);
        images += n;
    }
    loader_close(loader);
    return got < 0 || n < 0 ? -1 : images;
}

/* Whether something between the network's input and that layer learns. */
static bool learns_before(const struct layer *l)
{
    for (int k = 0; k < l->n_in; k++)
        if (l->in_layer[k] >= 0 && (l->net->layer[l->in_layer[k]].trainable || learns_before(&l->net->layer[l->in_layer[k]])))
            return true;
    return false;
}

static void tell(const struct trainer *t, const struct layer *l, const struct fit_report *r, int64_t images, FILE *out)
{
    const bool table = dataset_has_values(&t->data);
    fprintf(out, "layer %d [%s]: %s over %lld training %s\n", l->index, l->type->name, r->text, (long long)images,
            table ? "rows" : "images");
    if (learns_before(l))
        fprintf(out, "dlnet: warning: %s:%d: layers before [%s] learn, its statistics will stay those of their initial weights\n",
                t->net->config.path, l->section->line, l->type->name);
    if (r->constants == 0)
        return;
    fprintf(out, "dlnet: warning: layer %d [%s]: without variance in the training data, so that nothing can be learnt from it: ", l->index,
            l->type->name);
    const bool named = l->in_layer[0] < 0 && t->data.columns.n == r->features;
    for (int i = 0; i < r->constants && i < FIT_CONSTANTS; i++)
        if (named)
            fprintf(out, "%scolumn '%s'", i ? ", " : "", t->data.columns.item[r->first[i]]);
        else
            fprintf(out, "%sfeature %d", i ? ", " : "", r->first[i]);
    if (r->constants > FIT_CONSTANTS)
        fprintf(out, " and %d more", r->constants - FIT_CONSTANTS);
    fputc('\n', out);
}

static int fit_layer(struct trainer *t, struct layer *l, FILE *out, struct error *err)
{
    struct fit_report report = {0};
    void *sums = l->type->fit->begin(l, err);
    if (!sums)
        return -1;
    const int64_t images = show(t, l, sums, err);
    int result = images < 0 ? -1 : images == 0 ? layer_error(l, NULL, err, "no training image can be read to find its statistics on") : 0;
    if (result == 0)
        result = l->type->fit->finish(l, sums, &report, err);
    l->type->fit->drop(sums);
    if (result == 0)
        l->fitted->value[0] = (real)images;
    if (result == 0 && out)
        tell(t, l, &report, images, out);
    return result;
}

int trainer_fit(struct trainer *t, FILE *out, struct error *err)
{
    struct network *net = t->net;
    if (!network_unfitted(net))
        return 0;
    const struct shape before = net->input.shape;
    if (network_plan(net, t->part, 0, 0, false, err) != 0)
        return -1;
    for (struct layer *l; (l = network_unfitted(net));)
        if (fit_layer(t, l, out, err) != 0)
            return -1;
    return network_plan(net, t->part, before.w, before.h, true, err);
}
