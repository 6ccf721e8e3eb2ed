#include "net/view.h"

/* Layer i, which nothing but its own output may be made of: it can stand anywhere. */
static bool can_move(struct network *net, int i, const struct view *view)
{
    const struct layer *l = &net->layer[i];
    return view[i].of < 0 && !l->is_copy && l != network_output(net);
}

/* Its inputs go to where layer i would copy them; those that can't are copied. */
static void gather_inputs(struct network *net, int i, struct view *view)
{
    const struct layer *l = &net->layer[i];
    size_t at = 0, from, n;
    for (int k = 0; k < l->n_in; k++, at += n) {
        l->type->part(l, k, &from, &n);
        const int input = l->in_layer[k];
        if (input >= 0 && n == shape_size(l->in[k]->shape) && can_move(net, input, view))
            view[input] = (struct view){i, at};
    }
}

void view_find(struct network *net, struct view *view)
{
    const int n = net->n_layers;
    for (int i = 0; i < n; i++)
        view[i] = (struct view){-1, 0};
    if (net->training || net->input.shape.n != 1)
        return;
    for (int i = 0; i < n; i++) {
        const struct layer *l = &net->layer[i];
        if (!l->type->part || !can_move(net, i, view))
            continue;
        if (l->n_in > 1)
            gather_inputs(net, i, view);
        else if (l->in_layer[0] >= 0) {
            size_t count;
            view[i].of = l->in_layer[0];
            l->type->part(l, 0, &view[i].at, &count);
        }
    }
    /* A part is of an earlier layer, what is joined of a later one that is no part itself: no circle. */
    for (int i = 0; i < n; i++)
        while (view[i].of >= 0 && view[view[i].of].of >= 0) {
            const struct view *next = &view[view[i].of];
            view[i] = (struct view){next->of, view[i].at + next->at};
        }
}
