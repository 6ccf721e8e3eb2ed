/* Order, repeatability and mistakes of the loader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/loader.h"
#include "helpers.h"
#include "support.h"

/* A data set in memory: sample i is an image of one grey level; the samples in `broken` can't be read. */
struct memory {
    int broken[8], n_broken;
    int slow; /* samples whose number is a multiple of this take longer; 0: none */
};

static int memory_image(const struct dataset *d, int i, struct image *out, struct error *err)
{
    const struct memory *m = d->state;
    for (int k = 0; k < m->n_broken; k++)
        if (m->broken[k] == i)
            return error_add(err, EXIT_DATA, "sample %d is broken", i);
    if (m->slow && i % m->slow == 0)
        usleep(2000);
    if (image_new(out, 12 + i % 5, 10, 3, 0, err) != 0)
        return -1;
    for (int k = 0; k < out->w * out->h * 3; k++)
        out->data[k] = (unsigned char)(i * 7 + k);
    return 0;
}

static const struct dataset_format memory_format = {.name = "memory", .image = memory_image};

static struct dataset memory_dataset(struct memory *m, enum task task, int n)
{
    struct dataset d = {.task = task, .format = &memory_format, .state = m, .skip_bad = true, .n_classes = 10};
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%d", i);
        struct sample *s = dataset_add(&d, name);
        s->label = task == TASK_CLASSIFY ? i % 10 : -1;
        for (int k = 0; task == TASK_DETECT && k < i % 3; k++)
            sample_add_box(s, (struct truth_box){{.5f, .4f, .3f + .1f * (float)k, .5f}, i % 10, 0});
    }
    return d;
}

/* Of pictures, for classes and for boxes; made by main. */
static struct recipe_text *everything;

static struct loader_options options(enum task task, bool train, int batch, int threads)
{
    return (struct loader_options){.batch = batch,
                                   .train = train,
                                   .seed = 42,
                                   .threads = threads,
                                   .ahead = 2,
                                   .n_classes = task == TASK_CLASSIFY ? 10 : 0,
                                   .augment = {.task = task,
                                               .w = 16,
                                               .h = 12,
                                               .c = 3,
                                               .flip = 1,
                                               .angle = 3,
                                               .saturation = 1.5,
                                               .exposure = 1.5,
                                               .hue = .1,
                                               .aspect = 1.2,
                                               .jitter = .2,
                                               .resize = 1.2,
                                               .recipe = everything ? &everything->recipe : NULL},
                                   .total = 100};
}

static uint64_t digest_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* All that a batch says, as one number. */
static uint64_t digest(const struct batch *b, const struct loader_options *o)
{
    const size_t n = (size_t)b->n;
    uint64_t h = digest_bytes(0xcbf29ce484222325u, &b->n, sizeof b->n);
    h = digest_bytes(h, b->input, n * 3 * (size_t)b->w * (size_t)b->h * sizeof *b->input);
    h = digest_bytes(h, b->sample, n * sizeof *b->sample);
    h = digest_bytes(h, b->box_start, (n + 1) * sizeof *b->box_start);
    for (int i = 0; i < b->box_start[b->n]; i++) {
        h = digest_bytes(h, &b->box[i].box, sizeof b->box[i].box);
        h = digest_bytes(h, &b->box[i].class_id, sizeof b->box[i].class_id);
    }
    h = digest_bytes(h, b->bad, n * sizeof *b->bad);
    return b->label ? digest_bytes(h, b->label, n * (size_t)o->n_classes * sizeof *b->label) : h;
}

static void run(const struct dataset *d, const struct loader_options *o, int batches, uint64_t *out)
{
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(d, o, &err);
    assert_non_null(l);
    for (int i = 0; i < batches; i++) {
        struct batch *b;
        if (loader_next(l, &b, &err) != 1)
            fail_msg("batch %d: %s", i, err.text);
        out[i] = digest(b, o);
    }
    loader_close(l);
}

static void test_same_bytes_with_any_workers(void **state)
{
    (void)state;
    for (int task = 0; task < 2; task++) {
        struct memory m = {.slow = 7, .broken = {11, 30}, .n_broken = 2};
        struct dataset d = memory_dataset(&m, task, 53);
        enum { BATCHES = 20 };
        uint64_t expected[BATCHES], got[BATCHES];
        struct loader_options o = options(task, true, 9, 1);
        run(&d, &o, BATCHES, expected);
        for (int i = 1; i < BATCHES; i++)
            assert_true(expected[i] != expected[i - 1]);
        for (int threads = 2; threads <= 4; threads += 2) {
            o.threads = threads;
            o.ahead = threads + 1;
            run(&d, &o, BATCHES, got);
            assert_memory_equal(got, expected, sizeof got);
        }
        o.seed = 43;
        run(&d, &o, BATCHES, got);
        assert_true(got[0] != expected[0]);
        dataset_close(&d);
    }
}

/* A sampler that repeats samples: each visit is augmented in its own way, and the sequence may be entered anywhere. */
static void test_repeated_samples(void **state)
{
    (void)state;
    struct memory m = {0};
    struct dataset d = memory_dataset(&m, TASK_CLASSIFY, 12);
    struct loader_options o = options(TASK_CLASSIFY, true, 12, 2);
    o.sampler = (struct sampler){SAMPLER_BALANCED, 24, NULL};
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    assert_non_null(l);
    int repeated = 0;
    for (int epoch = 0; epoch < 10; epoch++) {
        struct batch *b;
        assert_int_equal(loader_next(l, &b, &err), 1);
        const size_t each = 3 * (size_t)b->w * (size_t)b->h;
        for (size_t i = 0; i < 12; i++)
            for (size_t k = 0; k < i; k++)
                if (b->sample[i] == b->sample[k]) {
                    repeated++;
                    assert_memory_not_equal(b->input + i * each, b->input + k * each, each * sizeof *b->input);
                }
    }
    assert_true(repeated > 0);
    loader_close(l);
    uint64_t all[10], rest[4];
    run(&d, &o, 10, all);
    o.first = 6 * 12;
    o.threads = 1;
    run(&d, &o, 4, rest);
    assert_memory_equal(rest, all + 6, sizeof rest);
    dataset_close(&d);
}

static void test_resume(void **state)
{
    (void)state;
    struct memory m = {0};
    struct dataset d = memory_dataset(&m, TASK_DETECT, 31);
    uint64_t all[12], rest[5];
    struct loader_options o = options(TASK_DETECT, true, 8, 2);
    run(&d, &o, 12, all);
    o.first = 7 * 8;
    run(&d, &o, 5, rest);
    assert_memory_equal(rest, all + 7, sizeof rest);
    dataset_close(&d);
}

static void test_epochs_visit_all_once(void **state)
{
    (void)state;
    struct memory m = {0};
    struct dataset d = memory_dataset(&m, TASK_CLASSIFY, 10);
    struct loader_options o = options(TASK_CLASSIFY, true, 4, 2); /* batches span epochs */
    o.augment.recipe = NULL;
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    int order[60], n = 0;
    while (n < 60) {
        struct batch *b;
        assert_int_equal(loader_next(l, &b, &err), 1);
        assert_int_equal(b->n, 4);
        for (int i = 0; i < b->n; i++) {
            for (int k = 0; k < 10; k++)
                assert_true(b->label[i * 10 + k] == (k == d.sample[b->sample[i]].label));
            order[n++] = b->sample[i];
        }
    }
    loader_close(l);
    for (int epoch = 0; epoch < 6; epoch++) {
        int seen[10] = {0}, permutation[10];
        for (int i = 0; i < 10; i++)
            seen[order[10 * epoch + i]]++;
        for (int i = 0; i < 10; i++)
            assert_int_equal(seen[i], 1);
        struct rng r = rng_make(42, RNG_SHUFFLE, (uint64_t)epoch, 0);
        rng_permute(&r, permutation, 10);
        assert_memory_equal(permutation, order + 10 * epoch, sizeof permutation);
    }
    /* A batch larger than the data set. */
    o.batch = 23;
    uint64_t h;
    run(&d, &o, 1, &h);
    dataset_close(&d);
}

/* The images of training are those that augment_sample makes with the generator of (seed, epoch, sample). */
static void test_keys_of_augmentation(void **state)
{
    (void)state;
    struct memory m = {0};
    struct dataset d = memory_dataset(&m, TASK_DETECT, 6);
    struct loader_options o = options(TASK_DETECT, true, 5, 2);
    o.augment.recipe = NULL;
    o.first = 10; /* places 10 and 11 of epoch 1, then epoch 2 */
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    struct batch *b;
    assert_int_equal(loader_next(l, &b, &err), 1);
    float *out = mem_new(3 * 16 * 12, sizeof *out);
    for (int i = 0; i < 5; i++) {
        struct rng rng = rng_make(42, RNG_AUGMENT, i < 2 ? 1 : 2, (uint64_t)b->sample[i]);
        struct image im;
        struct box_list boxes = {0};
        assert_int_equal(dataset_image(&d, b->sample[i], &im, &err), 0);
        augment_sample(&o.augment, 1, &im, &d.sample[b->sample[i]], &rng, out, &boxes);
        assert_memory_equal(out, b->input + i * 3 * 16 * 12, 3 * 16 * 12 * sizeof *out);
        assert_int_equal(boxes.n, b->box_start[i + 1] - b->box_start[i]);
        image_free(&im);
        free(boxes.item);
    }
    free(out);
    loader_close(l);
    dataset_close(&d);
}

static void test_evaluation_pass(void **state)
{
    (void)state;
    struct memory m = {.broken = {9}, .n_broken = 1};
    struct dataset d = memory_dataset(&m, TASK_DETECT, 11);
    for (int threads = 0; threads <= 4; threads++) {
        struct loader_options o = options(TASK_DETECT, false, 4, threads);
        struct error err = ERROR_INIT;
        struct loader *l = loader_open(&d, &o, &err);
        struct batch *b;
        int n = 0, batches = 0;
        while (loader_next(l, &b, &err) == 1) {
            assert_int_equal(b->n, batches++ < 2 ? 4 : 3);
            for (int i = 0; i < b->n; i++, n++) {
                assert_int_equal(b->sample[i], n);
                assert_int_equal(b->bad[i], n == 9);
                const float *input = b->input + i * 3 * 16 * 12;
                if (n == 9) {
                    assert_true(input[0] == .5f && input[3 * 16 * 12 - 1] == .5f);
                    assert_int_equal(b->box_start[i + 1] - b->box_start[i], 0);
                    continue;
                }
                assert_int_equal(b->original_w[i], 12 + n % 5);
                assert_int_equal(b->original_h[i], 10);
                assert_int_equal(b->box_start[i + 1] - b->box_start[i], n % 3);
                assert_true(b->placement[i].scale_x == 16.0 / (12 + n % 5) && b->placement[i].scale_y == 1.2);
                struct image im;
                float expected[3 * 16 * 12];
                assert_int_equal(dataset_image(&d, n, &im, &err), 0);
                image_to_input(&im, expected, 16, 12, 3, 0);
                assert_memory_equal(input, expected, sizeof expected);
                image_free(&im);
            }
        }
        assert_int_equal(n, 11);
        assert_int_equal(loader_next(l, &b, &err), 0); /* and stays at the end */
        const char *message;
        assert_int_equal(loader_bad(l, &message), 1);
        assert_string_equal(message, "sample 9 is broken");
        loader_close(l);
    }
    dataset_close(&d);
}

static void test_bad_image_in_training(void **state)
{
    (void)state;
    struct memory m = {.broken = {3, 8}, .n_broken = 2};
    struct dataset d = memory_dataset(&m, TASK_CLASSIFY, 10);
    struct loader_options o = options(TASK_CLASSIFY, true, 5, 2);
    o.augment.recipe = NULL;
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    struct batch *b;
    int order[20];
    for (int k = 0; k < 4; k++) {
        assert_int_equal(loader_next(l, &b, &err), 1);
        memcpy(order + 5 * k, b->sample, 5 * sizeof *order);
        for (int i = 0; i < 5; i++)
            assert_true(!b->bad[i] && b->label[i * 10 + d.sample[b->sample[i]].label] == 1);
    }
    const char *message;
    assert_int_equal(loader_bad(l, &message), 2); /* two samples, however often they were due */
    assert_non_null(strstr(message, "is broken"));
    loader_close(l);
    for (int epoch = 0; epoch < 2; epoch++) { /* the next of the permutation stands in */
        int permutation[10];
        struct rng r = rng_make(42, RNG_SHUFFLE, (uint64_t)epoch, 0);
        rng_permute(&r, permutation, 10);
        for (int i = 0; i < 10; i++) {
            int k = i;
            while (permutation[k % 10] == 3 || permutation[k % 10] == 8)
                k++;
            assert_int_equal(order[10 * epoch + i], permutation[k % 10]);
        }
    }

    /* on_bad=error: the batches before it are delivered, then the mistake is told, and told again. */
    d.skip_bad = false;
    int permutation[10], due = 0;
    struct rng r = rng_make(42, RNG_SHUFFLE, 0, 0);
    rng_permute(&r, permutation, 10);
    while (permutation[due] != 3 && permutation[due] != 8)
        due++;
    o.batch = 1;
    for (int threads = 0; threads <= 3; threads++) {
        o.threads = threads;
        l = loader_open(&d, &o, &err);
        for (int i = 0; i < due; i++)
            assert_int_equal(loader_next(l, &b, &err), 1);
        for (int again = 0; again < 2; again++) {
            err = ERROR_INIT;
            assert_int_equal(loader_next(l, &b, &err), -1);
            assert_int_equal(err.status, EXIT_DATA);
            char expected[32];
            snprintf(expected, sizeof expected, "sample %d is broken", permutation[due]);
            assert_string_equal(err.text, expected);
        }
        loader_close(l);
    }
    dataset_close(&d);
}

static void test_nothing_readable(void **state)
{
    (void)state;
    struct memory m = {.broken = {0, 1, 2}, .n_broken = 3};
    struct dataset d = memory_dataset(&m, TASK_CLASSIFY, 3);
    struct loader_options o = options(TASK_CLASSIFY, true, 2, 2);
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    struct batch *b;
    assert_int_equal(loader_next(l, &b, &err), -1);
    assert_non_null(strstr(err.text, "none of the 3 images can be read; the first mistake: sample "));
    loader_close(l);
    dataset_close(&d);
}

static void sizes(void *context, int64_t number, int *w, int *h)
{
    (void)context;
    *w = 16 + 8 * (int)(number % 3);
    *h = *w - 4;
}

static void test_sizes_change(void **state)
{
    (void)state;
    struct memory m = {0};
    struct dataset d = memory_dataset(&m, TASK_DETECT, 17);
    struct loader_options o = options(TASK_DETECT, true, 4, 2);
    o.size_of = sizes;
    uint64_t all[9], rest[3];
    run(&d, &o, 9, all);
    o.first = 5 * 4;
    run(&d, &o, 3, rest);
    assert_memory_equal(rest, all + 5, sizeof rest);
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    for (int i = 5; i < 12; i++) {
        struct batch *b;
        assert_int_equal(loader_next(l, &b, &err), 1);
        assert_int_equal(b->w, 16 + 8 * (i % 3));
        assert_int_equal(b->h, 12 + 8 * (i % 3));
    }
    loader_close(l);
    assert_true(loader_bytes(&o) >= (size_t)3 * 4 * 3 * 32 * 28 * sizeof(float));
    dataset_close(&d);
}

static void test_close_early(void **state)
{
    (void)state;
    struct memory m = {.slow = 1};
    struct dataset d = memory_dataset(&m, TASK_DETECT, 20);
    for (int taken = 0; taken < 4; taken++)
        for (int threads = 0; threads <= 4; threads++) {
            struct loader_options o = options(TASK_DETECT, taken % 2 == 0, 6, threads);
            struct error err = ERROR_INIT;
            struct loader *l = loader_open(&d, &o, &err);
            struct batch *b;
            for (int i = 0; i < taken; i++)
                assert_int_equal(loader_next(l, &b, &err), 1);
            loader_close(l);
        }
    loader_close(NULL);
    dataset_close(&d);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct memory m = {0};
    struct dataset d = memory_dataset(&m, TASK_DETECT, 5);
    struct loader_options o = options(TASK_DETECT, true, 4, 1);
    o.augment.w = o.augment.h = 1 << 30;
    struct error err = ERROR_INIT;
    struct loader *l = loader_open(&d, &o, &err);
    struct batch *b;
    assert_int_equal(loader_next(l, &b, &err), -1);
    assert_int_equal(err.status, EXIT_FAIL);
    assert_non_null(strstr(err.text, "no memory for a batch of 4 images of 1073741824 x 1073741824"));
    loader_close(l);
    dataset_close(&d);
}

/* Real files through the whole path, as train does it. */
static void test_real_files(void **state)
{
    (void)state;
    const char *root = support_data("bccd");
    if (!root)
        skip();
    char *keys = mem_format("train=%s", root);
    struct data_options data = options_from(".", keys);
    struct dataset d;
    struct error err = ERROR_INIT;
    assert_int_equal(dataset_open(&d, &data, SPLIT_TRAIN, TASK_DETECT, 3, 64, 64, 3, 1, &err), 0);
    uint64_t expected[3], got[3];
    struct loader_options o = options(TASK_DETECT, true, 4, 1);
    o.augment.w = o.augment.h = 64;
    run(&d, &o, 3, expected);
    o.threads = 3;
    run(&d, &o, 3, got);
    assert_memory_equal(got, expected, sizeof got);
    dataset_close(&d);
    data_options_free(&data);
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_with_any_workers),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_epochs_visit_all_once),
        cmocka_unit_test(test_repeated_samples),
        cmocka_unit_test(test_keys_of_augmentation),
        cmocka_unit_test(test_evaluation_pass),
        cmocka_unit_test(test_bad_image_in_training),
        cmocka_unit_test(test_nothing_readable),
        cmocka_unit_test(test_sizes_change),
        cmocka_unit_test(test_close_early),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_real_files),
    };
    everything =
        recipe_from("mosaic=.5\nvflip=.2\nrotate=20,p=.5\nscale=1.2\ntranslate=.1\nshear=5\ncrop=.9\nresized_crop=.5\npadded_crop=2\n"
                    "brightness=.1\ncontrast=1.2\nnoise=.02\nblur=1\ngrey=.1\nmixup=.4,p=.5\ncutmix=1,p=.5\n"
                    "cutout=.3\ngridmask=.6,rotate=20,ramp=.8",
                    false);
    const int result = cmocka_run_group_tests(tests, NULL, NULL);
    recipe_text_free(everything);
    return result;
}
