/* Statistics that layers find on the training data, against direct computations from the data itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "nets.h"
#include "support.h"
#include "train/trainer.h"

enum { ROWS = 45, COLUMNS = 5, CONSTANT = 3 };

#define TABLE "[net]\ninputs=5\nbatch=%d\nmax_batches=4\n[data]\ntrain=%s/table.csv\n%s[connected]\noutput=1\nactivation=linear\n[cost]\n"

/* Numbers of very different size and offset, one of them constant. */
static double cell(int row, int column)
{
    static const double scale[COLUMNS] = {1, 1e-3, 1e4, 0, 30}, offset[COLUMNS] = {0, 1, -5e4, 7.3, 1000};
    struct rng r = rng_make(3, RNG_TEST, (uint64_t)row, (uint64_t)column);
    return (double)(float)(offset[column] + scale[column] * rng_normal(&r));
}

static void write_table(const char *dir)
{
    char text[ROWS * 200], *at = text + sprintf(text, "a,b,c,even,e,y\n");
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < COLUMNS; k++)
            at += sprintf(at, "%.9g,", cell(i, k));
        at += sprintf(at, "%d.5\n", i);
    }
    support_write(support_path(dir, "table.csv"), text);
}

/* Opens it on its [data] and fits its layers; what was told stands in `told` (may be NULL). */
static struct network *fit(const char *cfg, struct trainer *t, char *told, size_t size)
{
    struct error err = ERROR_INIT;
    struct network *net = nets_build(cfg, 1);
    struct data_options data;
    assert_int_equal(data_options_read(&data, &net->config, NULL, &err), 0);
    if (trainer_open(t, net, &data, 2, &err) != 0)
        fail_msg("%s", err.text);
    data_options_free(&data);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (trainer_fit(t, out, &err) != 0)
        fail_msg("%s", err.text);
    fclose(out);
    if (told)
        snprintf(told, size, "%s", text);
    free(text);
    return net;
}

/* All training data, in order, through the network as a user would: the layer's output, n × its size. Owned by the caller. */
static double *outputs(struct trainer *t, const struct layer *l)
{
    struct network *net = t->net;
    struct error err = ERROR_INIT;
    assert_int_equal(network_plan(net, 1, 0, 0, false, &err), 0);
    const size_t in = shape_each(net->input.shape), each = shape_each(l->out.shape);
    double *out = mem_new((size_t)t->data.n_samples * each, sizeof *out);
    float *x = mem_new(in, sizeof *x);
    for (int i = 0; i < t->data.n_samples; i++) {
        struct image im = {0};
        if (dataset_has_values(&t->data)) {
            assert_int_equal(dataset_values(&t->data, i, x, &err), 0);
        } else {
            assert_int_equal(dataset_image(&t->data, i, &im, &err), 0);
            struct box_list boxes = {0};
            const struct loader_options o = trainer_loader_options(t);
            augment_fit(&o.augment, &im, &t->data.sample[i], x, &boxes);
            free(boxes.item);
            image_free(&im);
        }
        for (size_t k = 0; k < in; k++)
            net->input.x[k] = (real)x[k];
        for (int k = 0; k <= l->index; k++)
            network_forward_layer(net, k, &(struct run){.mode = MODE_EVAL});
        for (size_t k = 0; k < each; k++)
            out[(size_t)i * each + k] = (double)l->out.x[k];
    }
    free(x);
    return out;
}

static void close_both(struct trainer *t, struct network *net)
{
    trainer_close(t);
    network_free(net);
}

static void standardised_table(void **state)
{
    (void)state;
    char *dir = support_make_dir(), cfg[600], told[400];
    write_table(dir);
    snprintf(cfg, sizeof cfg, TABLE, 8, dir, "[standardize]\n");
    struct trainer t;
    struct network *net = fit(cfg, &t, told, sizeof told);
    const struct layer *l = &net->layer[0];
    assert_non_null(strstr(told, "layer 0 [standardize]: means and deviations of 5 features over 45 training rows\n"));
    assert_non_null(strstr(told, "column 'even'\n"));

    for (int k = 0; k < COLUMNS; k++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < ROWS; i++)
            mean += cell(i, k) / ROWS;
        for (int i = 0; i < ROWS; i++)
            variance += (cell(i, k) - mean) * (cell(i, k) - mean) / ROWS;
        assert_float_equal(l->param[0]->value[k], mean, 1e-7 * fabs(mean) + 1e-9);
        assert_float_equal(l->param[1]->value[k], k == CONSTANT ? 0 : sqrt(variance), 1e-6 * sqrt(variance) + 1e-30);
    }
    assert_float_equal(l->fitted->value[0], ROWS, 0);

    double *y = outputs(&t, l);
    for (int k = 0; k < COLUMNS; k++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < ROWS; i++)
            mean += y[i * COLUMNS + k] / ROWS;
        for (int i = 0; i < ROWS; i++)
            variance += (y[i * COLUMNS + k] - mean) * (y[i * COLUMNS + k] - mean) / ROWS;
        assert_float_equal(mean, 0, 1e-4); /* the table's own precision: b is 1 ± 1e-3 in 24 bits */
        assert_float_equal(variance, k == CONSTANT ? 0 : 1, 1e-4);
    }
    free(y);
    close_both(&t, net);
    support_remove_dir(dir);
}

/* The same bytes from any cut of the data and any number of threads; a second fit changes nothing. */
static void same_bytes(void **state)
{
    (void)state;
    char *dir = support_make_dir(), cfg[600];
    write_table(dir);
    struct network *net[3];
    for (int i = 0; i < 3; i++) {
        snprintf(cfg, sizeof cfg, TABLE, i == 1 ? 32 : 7, dir, "[standardize]\n");
        struct trainer t;
        parallel_set(i == 2 ? 1 : 2);
        net[i] = fit(cfg, &t, NULL, 0);
        for (int k = 0; k < 3; k++)
            assert_memory_equal(net[i]->layer[0].param[k]->value, net[0]->layer[0].param[k]->value,
                                shape_size(net[0]->layer[0].param[k]->shape) * sizeof(real));
        const real moved = net[i]->layer[0].param[0]->value[4] += i == 2;
        struct error err = ERROR_INIT;
        assert_int_equal(trainer_fit(&t, NULL, &err), 0);
        assert_true(net[i]->layer[0].param[0]->value[4] == moved);
        trainer_close(&t);
    }
    parallel_set(0);
    for (int i = 0; i < 3; i++)
        network_free(net[i]);
    support_remove_dir(dir);
}

#define SHAPES "[net]\nwidth=12\nheight=10\nchannels=3\nbatch=4\nmax_batches=4\n%s[data]\ntrain=shapes\ntrain_count=11\n"
#define END "[connected]\noutput=5\nactivation=linear\n[softmax]\n"

/* per=channel and per=feature of images, behind a layer that moves them; augmentation has no part in it. */
static void standardised_images(void **state)
{
    (void)state;
    for (int per = 0; per < 2; per++) {
        char cfg[600], told[400];
        snprintf(cfg, sizeof cfg, SHAPES "[maxpool]\nsize=2\nstride=2\n[standardize]\nper=%s\n" END, "flip=1\nexposure=2\nangle=20\n",
                 per ? "feature" : "channel");
        struct trainer t;
        struct network *net = fit(cfg, &t, told, sizeof told);
        const struct layer *l = &net->layer[1];
        const int each = 6 * 5 * 3, features = per ? each : 3, planes = each / features;
        assert_int_equal(shape_size(l->param[0]->shape), features);
        double *y = outputs(&t, l);
        for (int f = 0; f < features; f++) {
            double mean = 0, variance = 0;
            const int n = t.data.n_samples * planes;
            for (int i = 0; i < n; i++)
                mean += y[i / planes * each + f * planes + i % planes] / n;
            for (int i = 0; i < n; i++)
                variance += pow(y[i / planes * each + f * planes + i % planes] - mean, 2) / n;
            assert_float_equal(mean, 0, 1e-5);
            assert_float_equal(variance, 1, 1e-5);
        }
        free(y);
        close_both(&t, net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(standardised_table), cmocka_unit_test(same_bytes),
                                       cmocka_unit_test(standardised_images)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
