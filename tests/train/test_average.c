/* Means of the weights against a direct computation from the weights after each update; batch-norm statistics against the whole data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/loader.h"
#include "net/model.h"
#include "nets.h"
#include "support.h"
#include "train/average.h"
#include "train/train.h"

enum { UPDATES = 12, IMAGES = 8 };

#define DATA "[data]\ntrain=shapes\ntrain_count=8\n"
#define LAYERS                                                                                                                             \
    "[convolutional]\nfilters=4\nsize=3\npad=1\nbatch_normalize=%d\nactivation=%s\n"                                                       \
    "[connected]\noutput=5\nactivation=linear\n[softmax]\n"
#define NET "[net]\nwidth=8\nheight=8\nchannels=3\nlearning_rate=.05\nflip=0\n"

/* A run in dir/name with these lines of [net]; returns the network with the weights of `file` in that folder. */
static struct network *train(const char *dir, const char *name, const char *keys, bool resume, const char *file)
{
    struct error err = ERROR_INIT;
    char cfg[1024], out[512];
    snprintf(cfg, sizeof cfg, NET "%s" DATA LAYERS, keys, 1, "leaky");
    snprintf(out, sizeof out, "%s/%s", dir, name);
    assert_int_equal(file_make_dirs(out, &err), 0);
    struct network *net = nets_build(cfg, 1);
    struct data_options data;
    assert_int_equal(data_options_read(&data, &net->config, NULL, &err), 0);
    const struct train_options o = {.out = out, .resume = resume, .threads = 1, .quiet = true};
    if (train_run(net, &data, &o, &err) != 0)
        fail_msg("%s", err.text);
    data_options_free(&data);
    struct model_file *m = model_open(support_path(out, file), &err);
    assert_non_null(m);
    assert_int_equal(model_load_params(m, net, &err), 0);
    model_close(m);
    return net;
}

/* A frozen param has its bytes in every mean, those of a negative zero too. */
static void test_equal_bytes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char cfg[1024];
    snprintf(cfg, sizeof cfg, NET "max_batches=1\n" LAYERS, 0, "leaky");
    struct network *net = nets_build(cfg, 1);
    net->param[0]->value[0] = -0.0F;
    net->param[0]->value[1] = 1e-40F;
    struct average a;
    assert_int_equal(average_init(&a, net, &err), 0);
    for (int i = 0; i < 3; i++)
        average_fold(&a, net, .3);
    average_add(&a, net);
    for (int i = 0; i < net->n_params; i++)
        assert_memory_equal(a.value[i], net->param[i]->value, shape_size(net->param[i]->shape) * sizeof(real));
    average_free(&a);
    network_free(net);
}

static bool is_statistic(const struct param *p)
{
    return p->role == PARAM_STATISTIC;
}

static void test_ema_and_swa(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *plain = "batch=4\nsubdivisions=2\n";
    char keys[256];

    /* w[t]: the weights after update t, from runs that are stopped and resumed; nothing is averaged there */
    struct network *w[UPDATES + 1] = {0};
    for (int t = 1; t <= UPDATES; t++) {
        snprintf(keys, sizeof keys, "%smax_batches=%d\n", plain, t);
        w[t] = train(dir, "steps", keys, true, "last.safetensors");
    }
    snprintf(keys, sizeof keys, "%smax_batches=%d\nema=.4\nswa_start=.3\nswa_every=3\n", plain, UPDATES);
    struct network *ema = train(dir, "means", keys, false, "ema.safetensors");
    struct network *swa = train(dir, "again", keys, false, "swa.safetensors");

    for (int i = 0; i < ema->n_params; i++)
        for (size_t k = 0; k < shape_size(ema->param[i]->shape); k++) {
            double mean = (double)w[1]->param[i]->value[k];
            for (int t = 2; t <= UPDATES; t++) {
                const double decay = fmin(.4, (1.0 + t) / (10.0 + t)); /* the second up to t = 5 */
                mean = decay * mean + (1 - decay) * (double)w[t]->param[i]->value[k];
            }
            assert_float_equal(ema->param[i]->value[k], mean, 2e-6 * (1 + fabs(mean)));
            if (is_statistic(swa->param[i]))
                continue;
            /* from update ceil(.3 · 12) = 4, every 3 */
            const double equal =
                ((double)w[4]->param[i]->value[k] + (double)w[7]->param[i]->value[k] + (double)w[10]->param[i]->value[k]) / 3;
            assert_float_equal(swa->param[i]->value[k], equal, 2e-6 * (1 + fabs(equal)));
        }
    for (int t = 1; t <= UPDATES; t++)
        network_free(w[t]);
    network_free(ema);
    network_free(swa);
    support_remove_dir(dir);
}

/* Mean and unbiased variance of each channel of the convolution, over all images, in double. */
static void whole_data(const struct network *trained, double *mean, double *variance)
{
    struct error err = ERROR_INIT;
    char cfg[1024];
    snprintf(cfg, sizeof cfg, NET DATA LAYERS, 0, "linear");
    struct network *net = nets_build(cfg, 1);
    assert_int_equal(net->layer[0].n_params, 2); /* bias, which is zero, and weight */
    struct param *weight = net->layer[0].param[1];
    for (int i = 0; i < trained->layer[0].n_params; i++)
        if (trained->layer[0].param[i]->role == PARAM_WEIGHT)
            memcpy(weight->value, trained->layer[0].param[i]->value, shape_size(weight->shape) * sizeof(real));
    assert_int_equal(network_plan(net, IMAGES, 0, 0, false, &err), 0);

    struct data_options data;
    assert_int_equal(data_options_read(&data, &net->config, NULL, &err), 0);
    struct dataset d;
    assert_int_equal(dataset_open(&d, &data, SPLIT_TRAIN, TASK_CLASSIFY, 5, 8, 8, 3, 1, &err), 0);
    for (int i = 0; i < IMAGES; i++) {
        struct image image;
        assert_int_equal(dataset_image(&d, i, &image, &err), 0);
        image_to_input(&image, net->input.x + (size_t)i * 3 * 64, 8, 8, 3, 0);
        image_free(&image);
    }
    dataset_close(&d);
    data_options_free(&data);
    const struct run run = {.mode = MODE_EVAL};
    network_forward_layer(net, 0, &run);
    const real *y = net->layer[0].out.x;
    for (int c = 0; c < 4; c++) {
        double sum = 0, squares = 0;
        const int n = IMAGES * 64;
        for (int i = 0; i < n; i++)
            sum += (double)y[(i / 64) * 4 * 64 + c * 64 + i % 64];
        mean[c] = sum / n;
        for (int i = 0; i < n; i++)
            squares += pow((double)y[(i / 64) * 4 * 64 + c * 64 + i % 64] - mean[c], 2);
        variance[c] = squares / (n - 1);
    }
    network_free(net);
}

static const struct param *param_of(const struct network *net, const char *name)
{
    for (int i = 0; i < net->n_params; i++)
        if (strcmp(net->param[i]->name, name) == 0)
            return net->param[i];
    fail_msg("no %s", name);
    return NULL;
}

static void check_statistics(const char *keys, bool one_batch)
{
    char *dir = support_make_dir();
    struct network *net = train(dir, "run", keys, false, "swa.safetensors");
    double mean[4], variance[4];
    whole_data(net, mean, variance);
    for (int c = 0; c < 4; c++) {
        assert_float_equal(param_of(net, "0.convolutional.mean")->value[c], mean[c], 1e-5);
        if (one_batch)
            assert_float_equal(param_of(net, "0.convolutional.variance")->value[c], variance[c], 1e-5 * variance[c]);
        else /* of the batches: without what their means differ by */
            assert_true((double)param_of(net, "0.convolutional.variance")->value[c] < variance[c] * (1 + 1. / 64));
    }
    network_free(net);
    support_remove_dir(dir);
}

static void test_statistics(void **state)
{
    (void)state;
    check_statistics("batch=8\nmax_batches=6\nswa_start=2\nswa_every=2\n", true);
    /* parts of 3, 3 and the 2 that are left: the mean over images is the same */
    check_statistics("batch=6\nsubdivisions=2\nmax_batches=6\nswa_start=2\nswa_every=2\n", false);
}

/* What is the same everywhere keeps its bytes, and twice swapped is as before. */
static void test_equal_values(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char cfg[1024];
    snprintf(cfg, sizeof cfg, NET LAYERS, 1, "leaky");
    struct network *net = nets_build(cfg, 1), *same = nets_build(cfg, 1);
    struct average a;
    assert_int_equal(average_init(&a, net, &err), 0);
    for (int i = 0; i < 7; i++)
        average_add(&a, net);
    average_fold(&a, net, .1);
    average_swap(&a, net);
    nets_same(net, same);
    average_free(&a);
    mem_fail_next(2);
    assert_int_equal(average_init(&a, net, &err), -1);
    nets_expect(&err, EXIT_FAIL, "out of memory");
    network_free(net);
    network_free(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal_bytes), cmocka_unit_test(test_ema_and_swa),
                                       cmocka_unit_test(test_statistics), cmocka_unit_test(test_equal_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
