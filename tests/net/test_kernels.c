/* Whole networks with the kernels that are chosen for speed against the same networks with naive convolutions: each cfg that comes with the
 * program. */
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
#include "reference.h"

#define TOLERANCE 1e-4 /* of the largest output */

static struct network *build(const char *path, const char *winograd)
{
    struct error err = {0};
    struct config c;
    if (config_read(&c, path, &err) != 0 || config_set(&c, winograd, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    struct network *net = network_build(&c, 7, &err);
    if (!net || network_plan(net, 1, 0, 0, false, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    for (int i = 0; i < net->n_params; i++) { /* statistics and biases as of something trained */
        struct param *p = net->param[i];
        struct rng r = rng_make(7, RNG_TEST, (uint64_t)i, 0);
        const bool variance = strstr(p->name, "variance") != NULL;
        for (size_t k = 0; k < shape_size(p->shape) && p->role != PARAM_WEIGHT; k++)
            p->value[k] = (real)(strstr(p->name, "scale") ? rng_range(&r, .7, 1.3)
                                 : variance               ? rng_range(&r, .5, 1.5)
                                                          : rng_range(&r, -.2, .2));
    }
    struct rng r = rng_make(7, RNG_TEST, 1000, 0);
    for (size_t i = 0; i < shape_size(net->input.shape); i++)
        net->input.x[i] = (real)rng_range(&r, 0, 1);
    return net;
}

static const real *param_of(const struct layer *l, const char *what)
{
    for (int i = 0; i < l->n_params; i++)
        if (strcmp(strrchr(l->param[i]->name, '.') + 1, what) == 0)
            return l->param[i]->value;
    return NULL;
}

static int number(const struct layer *l, const char *key, int fallback)
{
    const struct config_entry *e = config_get(l->section, key);
    return e ? atoi(e->value) : fallback;
}

static struct activation activation_in(const struct layer *l)
{
    const struct config_entry *e = config_get(l->section, "activation");
    for (int i = 0; e && activation_names[i]; i++)
        if (strcmp(activation_names[i], e->value) == 0)
            return activation_of(i);
    fail_msg("layer %d has no known activation", l->index);
    return activation_of(ACTIVATION_LINEAR);
}

/* out.x of a [convolutional], by definition. */
static void naive_convolutional(struct layer *l)
{
    const struct shape in = l->in[0]->shape, out = l->out.shape;
    const int size = number(l, "size", 1), groups = number(l, "groups", 1);
    const struct conv_shape s = {.batch = 1,
                                 .channels = in.c,
                                 .height = in.h,
                                 .width = in.w,
                                 .filters = out.c,
                                 .size = size,
                                 .stride_x = number(l, "stride", 1),
                                 .stride_y = number(l, "stride", 1),
                                 .padding = number(l, "pad", 0) ? size / 2 : number(l, "padding", 0),
                                 .dilation = 1,
                                 .groups = groups,
                                 .out_h = out.h,
                                 .out_w = out.w};
    const real *weight = param_of(l, "weight"), *bias = param_of(l, "bias"), *mean = param_of(l, "mean");
    const size_t plane = (size_t)out.h * (size_t)out.w, window = (size_t)(in.c / groups * size * size);
    real *y = l->out.x;
    real *x = mem_try(shape_size(in), sizeof(real)); /* the output may stand where the input did */
    memcpy(x, l->in[0]->x, shape_size(in) * sizeof(real));
    const int pieces = groups == 1 ? out.c : 1; /* of filters, for the cores */
#pragma omp parallel for schedule(dynamic)
    for (int k = 0; k < pieces; k++) {
        struct conv_shape piece = s;
        piece.filters /= pieces;
        reference_conv_forward(&piece, x, weight + (size_t)k * window, y + (size_t)k * plane);
    }
    for (int k = 0; k < out.c; k++) {
        double scale = 1, shift = bias ? (double)bias[k] : 0;
        if (mean) {
            scale = (double)param_of(l, "scale")[k] / sqrt((double)param_of(l, "variance")[k] + 1e-5);
            shift -= (double)mean[k] * scale;
        }
        for (size_t i = 0; i < plane; i++)
            y[(size_t)k * plane + i] = (real)(scale * (double)y[(size_t)k * plane + i] + shift);
    }
    activation_forward(activation_in(l), y, y, shape_size(out));
    mem_free(x);
}

static void compare(const char *path, const char *winograd)
{
    const struct run run = {.mode = MODE_EVAL};
    struct network *fast = build(path, winograd), *naive = build(path, winograd);
    network_fold(fast);
    network_forward(fast, &run);
    for (int i = 0; i < naive->n_layers; i++)
        if (strcmp(naive->layer[i].type->name, "convolutional") == 0)
            naive_convolutional(&naive->layer[i]);
        else if (!naive->layer[i].unread)
            naive->layer[i].type->forward(&naive->layer[i], &run); /* each by itself */
    for (int i = 0; i < naive->n_layers; i++) {
        const struct layer *l = &naive->layer[i];
        if (!l->type->detect && l != network_output(naive))
            continue;
        double largest = 0, worst = 0;
        for (size_t k = 0; k < shape_size(l->out.shape); k++) {
            largest = fmax(largest, fabs((double)l->out.x[k]));
            const double d = fabs((double)l->out.x[k] - (double)fast->layer[i].out.x[k]);
            worst = d <= worst ? worst : d; /* a NaN is the worst */
        }
        print_message("%s, %s: layer %d: largest difference %.1e of %.3g\n", path, winograd, i, worst, largest);
        if (!(worst <= TOLERANCE * largest))
            fail_msg("%s: layer %d: the largest difference is %g, expected at most %g", path, i, worst, TOLERANCE * largest);
    }
    network_free(fast);
    network_free(naive);
}

static void every_cfg(void **state)
{
    (void)state;
    static const char *const cfgs[] = {"yolo", "bccd", "mnist", "cifar", "cifar-residual", "transfer-bccd", "yolov3-tiny", "yolov4-tiny"};
    for (size_t i = 0; i < sizeof cfgs / sizeof *cfgs; i++) {
        char path[64];
        snprintf(path, sizeof path, "cfg/%s.cfg", cfgs[i]);
        compare(path, "net.winograd=1");
    }
    compare("cfg/yolo.cfg", "net.winograd=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_cfg)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
