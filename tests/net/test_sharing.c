/* Whole networks in training: the gradients must not depend on which arrays share memory. Each cfg that comes with the program is planned
 * twice; in one of the two, every array then gets memory of its own, so that nothing is overwritten and nothing has to be made again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/network.h"

#define TOLERANCE 1e-5 /* of the largest gradient of a param: what is made again may be rounded in another order */

static struct network *build(const char *path, int batch, int side)
{
    struct error err = {0};
    struct config c;
    if (config_read(&c, path, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    struct network *net = network_build(&c, 7, &err);
    if (!net || network_plan(net, batch, side, side, true, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    return net;
}

/* Memory that is kept in a list, full of not-a-numbers. */
struct own {
    void *memory[1024];
    int n;
};

static void *own(struct own *o, size_t bytes)
{
    assert_true(o->n < 1024);
    void *p = mem_try(bytes, 1);
    assert_non_null(p);
    memset(p, 0xff, bytes);
    return o->memory[o->n++] = p;
}

static void give_own_memory(struct network *net, struct own *o)
{
    for (int i = 0; i < net->n_layers; i++) {
        struct layer *l = &net->layer[i];
        const size_t bytes = shape_size(l->out.shape) * sizeof(real);
        if (l->out.x)
            l->out.x = own(o, bytes);
        if (l->out.dx)
            l->out.dx = own(o, bytes);
        l->remade = false;
        for (int b = 0; b < LAYER_BUFFERS; b++)
            if (l->buffer[b].bytes)
                l->buffer[b].p = own(o, l->buffer[b].bytes);
    }
}

static void walk(struct network *net, int batch)
{
    struct rng r = rng_make(7, RNG_TEST, 1, 0);
    for (size_t i = 0; i < shape_size(net->input.shape); i++)
        net->input.x[i] = (real)rng_range(&r, 0, 1);
    real *label = mem_new((size_t)(batch * net->n_classes), sizeof *label);
    struct truth_box *box = mem_new((size_t)batch * 2, sizeof *box);
    int *start = mem_new((size_t)batch + 1, sizeof *start);
    for (int i = 0; i < batch; i++) {
        label[i * net->n_classes + i % net->n_classes] = 1;
        for (int k = 0; k < 2; k++)
            box[2 * i + k] = (struct truth_box){.box = {.x = (real)rng_range(&r, .3, .7),
                                                        .y = (real)rng_range(&r, .3, .7),
                                                        .w = (real)rng_range(&r, .1, .4),
                                                        .h = (real)rng_range(&r, .1, .4)},
                                                .class_id = (i + k) % net->n_classes};
        start[i + 1] = 2 * (i + 1);
    }
    const bool detector = network_is_detector(net);
    const struct targets targets = {
        .label = detector ? NULL : label, .n_labels = net->n_classes, .box = detector ? box : NULL, .box_start = detector ? start : NULL};
    const struct run run = {.mode = MODE_TRAIN, .seed = 1, .targets = &targets};
    network_zero_grads(net);
    network_forward(net, &run);
    network_backward(net, &run);
    free(label);
    free(box);
    free(start);
}

static int compare(const char *path, int batch, int side)
{
    struct network *shared = build(path, batch, side), *apart = build(path, batch, side);
    struct own o = {.n = 0};
    int remade = 0;
    for (int i = 0; i < shared->n_layers; i++)
        remade += shared->layer[i].remade;
    give_own_memory(apart, &o);
    walk(shared, batch);
    walk(apart, batch);
    for (int i = 0; i < shared->n_params; i++) {
        const struct param *a = shared->param[i], *b = apart->param[i];
        if (!a->grad)
            continue;
        double largest = 0, worst = 0;
        for (size_t k = 0; k < shape_size(a->shape); k++) {
            largest = fmax(largest, fabs((double)b->grad[k]));
            const double d = fabs((double)a->grad[k] - (double)b->grad[k]);
            worst = d <= worst ? worst : d; /* a NaN is the worst */
        }
        if (!(worst <= TOLERANCE * largest))
            fail_msg("%s, batch %d: %s: the largest difference is %g of %g", path, batch, a->name, worst, largest);
    }
    for (int i = 0; i < o.n; i++)
        mem_free(o.memory[i]);
    network_free(shared);
    network_free(apart);
    return remade;
}

static void every_cfg(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int side; /* 0: as the cfg says */
    } cfgs[] = {{"yolo", 0},  {"bccd", 96},          {"mnist", 0},        {"mnist-mlp-dropout", 0},
                {"cifar", 0}, {"transfer-bccd", 96}, {"yolov3-tiny", 96}, {"yolov4-tiny", 96}};
    int remade = 0;
    for (size_t i = 0; i < sizeof cfgs / sizeof *cfgs; i++) {
        char path[64];
        snprintf(path, sizeof path, "cfg/%s.cfg", cfgs[i].name);
        for (int batch = 2; batch <= 6; batch += 4)
            remade += compare(path, batch, cfgs[i].side);
    }
    assert_true(remade > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_cfg)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
