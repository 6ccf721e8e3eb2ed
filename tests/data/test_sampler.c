/* Orders of an epoch: how often each sample and class comes, in the epoch and in each batch, counted against the definition. */
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
#include "data/sampler.h"

enum { MOST = 6 };

/* size[k] samples of class k, mixed up. */
static struct dataset data_of(const int *size, int classes)
{
    struct dataset d = {.task = TASK_CLASSIFY, .n_classes = classes};
    int left[MOST], total = 0;
    for (int k = 0; k < classes; k++)
        total += left[k] = size[k];
    for (int i = 0, k = 0; i < total; i++) {
        while (left[k] == 0)
            k = (k + 1) % classes;
        left[k]--;
        dataset_add(&d, "x")->label = k;
        k = (k + 1) % classes;
    }
    return d;
}

/* Visits of each class in order[from .. to). */
static void count(const struct dataset *d, const int *order, int from, int to, int *out)
{
    memset(out, 0, MOST * sizeof *out);
    for (int i = from; i < to; i++) {
        assert_in_range(order[i], 0, d->n_samples - 1);
        out[d->sample[order[i]].label]++;
    }
}

/* Every part of a batch has the class's share of what the epoch visits, rounded up or down; exactly where epochs are whole batches. */
static void expect_even(const struct dataset *d, const int *order, int64_t epoch, int batch)
{
    int all[MOST], part[MOST];
    const int n = d->n_samples;
    count(d, order, 0, n, all);
    const int slack = n % batch != 0;
    for (int from = 0, to; from < n; from = to) {
        to = from + batch - (int)((epoch * n + from) % batch);
        to = to > n ? n : to;
        count(d, order, from, to, part);
        for (int k = 0; k < d->n_classes; k++) {
            const double exact = (double)all[k] * (to - from) / n;
            assert_true(part[k] >= floor(exact + 1e-9) - slack && part[k] <= ceil(exact - 1e-9) + slack);
        }
    }
}

static void expect_permutation(const int *order, int n)
{
    int *seen = mem_new((size_t)n, sizeof *seen);
    for (int i = 0; i < n; i++)
        seen[order[i]]++;
    for (int i = 0; i < n; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

/* No sample of a class comes oftener than another of it by more than one. */
static void expect_fair(const struct dataset *d, const int *order)
{
    int *seen = mem_new((size_t)d->n_samples, sizeof *seen), least[MOST], most[MOST];
    for (int k = 0; k < MOST; k++) {
        least[k] = d->n_samples;
        most[k] = 0;
    }
    for (int i = 0; i < d->n_samples; i++)
        seen[order[i]]++;
    for (int i = 0; i < d->n_samples; i++) {
        const int k = d->sample[i].label;
        least[k] = seen[i] < least[k] ? seen[i] : least[k];
        most[k] = seen[i] > most[k] ? seen[i] : most[k];
    }
    for (int k = 0; k < d->n_classes; k++)
        assert_true(most[k] - least[k] <= 1);
    free(seen);
}

static const struct {
    int size[MOST], classes, batch;
} cases[] = {
    {{12, 12, 12}, 3, 6},      {{30, 10, 4}, 3, 11},       {{7, 0, 50, 3}, 4, 8}, {{40, 40, 1}, 3, 16},
    {{5, 6, 7, 8, 9}, 5, 100}, {{3, 3, 3, 3, 3, 3}, 6, 4}, {{20, 1}, 2, 1},
};
enum { CASES = sizeof cases / sizeof *cases };

static void stratified(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        struct dataset d = data_of(cases[c].size, cases[c].classes);
        int *order = mem_new((size_t)d.n_samples, sizeof *order);
        for (int64_t epoch = 0; epoch < 5; epoch++) {
            sampler_order(&(struct sampler){SAMPLER_STRATIFIED, cases[c].batch, NULL}, &d, 7, epoch, order);
            expect_permutation(order, d.n_samples);
            expect_even(&d, order, epoch, cases[c].batch);
            sampler_order(&(struct sampler){.kind = SAMPLER_SHUFFLE}, &d, 7, epoch, order);
            expect_permutation(order, d.n_samples);
        }
        free(order);
        dataset_close(&d);
    }
}

static void balanced(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        struct dataset d = data_of(cases[c].size, cases[c].classes);
        int *order = mem_new((size_t)d.n_samples, sizeof *order), visits[MOST], classes = 0;
        int *ever = mem_new((size_t)d.n_samples, sizeof *ever);
        for (int k = 0; k < d.n_classes; k++)
            classes += cases[c].size[k] > 0;
        for (int64_t epoch = 0; epoch < 200; epoch++) {
            sampler_order(&(struct sampler){SAMPLER_BALANCED, cases[c].batch, NULL}, &d, 7, epoch, order);
            count(&d, order, 0, d.n_samples, visits);
            for (int k = 0; k < d.n_classes; k++)
                if (cases[c].size[k] > 0)
                    assert_in_range(visits[k], d.n_samples / classes, (d.n_samples + classes - 1) / classes);
            expect_fair(&d, order);
            expect_even(&d, order, epoch, cases[c].batch);
            for (int i = 0; i < d.n_samples; i++)
                ever[order[i]]++;
        }
        for (int i = 0; i < d.n_samples; i++) /* over many epochs the large classes are visited too */
            assert_true(ever[i] > 0);
        free(order);
        free(ever);
        dataset_close(&d);
    }
}

static void weighted(void **state)
{
    (void)state;
    struct dataset d = data_of((int[]){30, 10, 20, 4}, 4); /* 30·1, 10·3, 20·0, 4·1: 30, 30, 0 and 4 of 64 */
    int order[64], visits[MOST];
    for (int64_t epoch = 0; epoch < 5; epoch++) {
        sampler_order(&(struct sampler){SAMPLER_WEIGHTED, 16, (double[]){1, 3, 0, 1}}, &d, 7, epoch, order);
        count(&d, order, 0, 64, visits);
        assert_memory_equal(visits, ((int[]){30, 30, 0, 4}), 4 * sizeof(int));
        expect_even(&d, order, epoch, 16);
        expect_fair(&d, order);
        count(&d, order, 0, 16, visits);
        assert_int_equal(visits[3], 1);
    }
    dataset_close(&d);
}

/* Of (seed, epoch) alone, and another one for each. */
static void keyed(void **state)
{
    (void)state;
    struct dataset d = data_of((int[]){30, 10, 20, 4}, 4);
    for (int kind = SAMPLER_SHUFFLE; kind <= SAMPLER_WEIGHTED; kind++) {
        const struct sampler s = {(enum sampler_kind)kind, 16, (double[]){1, 2, 3, 4}};
        int a[64], b[64];
        sampler_order(&s, &d, 7, 3, a);
        sampler_order(&s, &d, 7, 4, b);
        assert_memory_not_equal(a, b, sizeof a);
        sampler_order(&s, &d, 8, 3, b);
        assert_memory_not_equal(a, b, sizeof a);
        sampler_order(&s, &d, 7, 3, b);
        assert_memory_equal(a, b, sizeof a);
    }
    dataset_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stratified), cmocka_unit_test(balanced), cmocka_unit_test(weighted),
                                       cmocka_unit_test(keyed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
