#include "train/trainer.h"

static int pass(struct trainer *t, struct loader *loader, struct error *err)
{
    struct network *net = t->net;
    int64_t done = 0;
    while (done < t->data.n_samples) {
        struct batch *b;
        if (loader_next(loader, &b, err) != 1)
            return -1;
        const int64_t left = t->data.n_samples - done;
        const int images = left < b->n ? (int)left : b->n; /* the sequence is endless: the last batch ends with the epoch */
        const struct shape now = net->input.shape;
        if ((now.n != images || now.w != b->w || now.h != b->h) && network_plan(net, images, b->w, b->h, true, err) != 0)
            return -1;
        network_set_input(net, b->input);
        done += images;
        const struct run run = {.mode = MODE_CALIBRATE, .seed = t->seed, .share = (double)images / (double)done};
        network_forward(net, &run);
    }
    return network_plan(net, t->part, net->input.shape.w, net->input.shape.h, true, err);
}

int trainer_calibrate(struct trainer *t, struct error *err)
{
    if (!network_has_batch_statistics(t->net))
        return 0;
    struct loader_options l = trainer_loader_options(t);
    l.first = 0;
    l.size_of = NULL; /* multi-scale: at the size of [net], as in use */
    struct loader *loader = loader_open(&t->data, &l, err);
    if (!loader)
        return -1;
    const int result = pass(t, loader, err);
    loader_close(loader);
    return result;
}
