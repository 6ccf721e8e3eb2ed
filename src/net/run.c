/* The two walks over the layer array. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "net/network.h"

void network_set_input(struct network *net, const float *x)
{
    const size_t n = shape_size(net->input.shape);
    const int tiles = parallel_tiles(n);
    real *to = net->input.x;
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        for (size_t i = begin; i < end; i++)
            to[i] = (real)x[i];
    }
}

/* Layers that never learn and pass no gradient run as in evaluation, so that their statistics stay as they are. */
static struct run run_of(const struct layer *l, const struct run *run)
{
    struct run r = *run;
    if (l->index < l->net->frozen_up_to)
        r.mode = MODE_EVAL;
    return r;
}

/* Whether layers do the work of those that they have absorbed. */
static bool absorbs(const struct network *net, const struct run *r)
{
    return !net->training || r->mode == MODE_TRAIN;
}

double network_forward_layer(struct network *net, int i, const struct run *run)
{
    struct layer *l = &net->layer[i];
    const struct run r = run_of(l, run);
    l->loss = 0;
    if (l->remade)
        l->out.x = l->out_forward;
    if (!l->unread && (!l->is_absorbed || !absorbs(net, &r)))
        l->type->forward(l, &r);
    return l->loss;
}

double network_forward(struct network *net, const struct run *run)
{
    assert(net->arena && (run->mode == MODE_EVAL || net->training));
    double loss = 0;
    for (int i = 0; i < net->n_layers; i++)
        loss += network_forward_layer(net, i, run);
    return loss;
}

void network_backward_layer(struct network *net, int i, const struct run *run)
{
    struct layer *l = &net->layer[i];
    if (!l->runs_backward || l->is_absorbed)
        return;
    net->grads_are_zero = false;
    for (int k = 0; k < l->n_in; k++) {
        struct layer *from = l->in_layer[k] < 0 ? NULL : &net->layer[l->in_layer[k]];
        if (from && from->remade && from->remade_for == i) { /* though the two may be one place: other values stood there meanwhile */
            from->out.x = from->out_again;
            from->type->remake(from);
        }
    }
    for (int k = 0; k < l->n_in && !l->type->backward_overwrites; k++)
        if (l->in[k]->dx && l->in_fresh[k])
            memset(l->in[k]->dx, 0, shape_size(l->in[k]->shape) * sizeof(real));
    l->type->backward(l, run);
}

void network_backward(struct network *net, const struct run *run)
{
    assert(net->training && run->mode == MODE_TRAIN);
    for (int i = net->n_layers - 1; i >= 0; i--)
        network_backward_layer(net, i, run);
}

void network_zero_grads(struct network *net)
{
    if (net->grads_are_zero)
        return;
    net->grads_are_zero = true;
    for (int i = 0; i < net->n_params; i++)
        if (net->param[i]->grad)
            memset(net->param[i]->grad, 0, shape_size(net->param[i]->shape) * sizeof(real));
}

int network_find_nonfinite(struct network *net, const struct run *run)
{
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        const struct run r = run_of(l, run);
        network_forward_layer(net, i, run);
        bool good = isfinite(l->loss);
        const size_t n = l->absorbed && absorbs(net, &r) ? 0 : shape_size(l->out.shape); /* then it isn't written */
        for (size_t k = 0; k < n && good && l->out.x; k++)
            good = isfinite(l->out.x[k]);
        if (!good)
            return i;
    }
    return -1;
}

struct layer *network_unfitted(const struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].fitted && !(net->layer[i].fitted->value[0] > 0))
            return &net->layer[i];
    return NULL;
}

bool network_has_batch_statistics(const struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        for (int k = 0; k < net->layer[i].n_params; k++)
            if (net->layer[i].param[k]->role == PARAM_STATISTIC && !net->layer[i].fitted && net->layer[i].trainable)
                return true;
    return false;
}

struct layer *network_output(struct network *net)
{
    int i = net->n_layers - 1;
    while (i > 0 && strcmp(net->layer[i].type->name, "cost") == 0 && net->layer[i].link == LINK_NONE)
        i--;
    return &net->layer[i];
}

bool network_is_detector(const struct network *net)
{
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].type->detect)
            return true;
    return false;
}

void network_detect(const struct network *net, int image, double threshold, struct detections *out)
{
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].type->detect)
            net->layer[i].type->detect(&net->layer[i], image, threshold, out);
}

void network_fold(struct network *net)
{
    if (net->folded)
        return;
    assert(!net->training);
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].type->fold)
            net->layer[i].type->fold(&net->layer[i]);
    net->folded = true;
}

void network_pack(struct network *net, bool last)
{
    assert(net->folded && net->arena && !net->packed);
    for (int i = 0; i < net->n_layers; i++)
        if (net->layer[i].type->pack)
            net->layer[i].type->pack(&net->layer[i], last);
    net->packed = last;
}
