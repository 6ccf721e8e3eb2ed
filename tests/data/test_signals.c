/* WAV files are made here byte by byte, by the published layout; the real ones are the spoken digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "data/signal_file.h"
#include "helpers.h"
#include "support.h"

static void put(FILE *f, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(v >> 8 * i & 255), f);
}

struct form {
    int code, channels, rate, bits;
    bool extensible, extra_chunk, streamed;
};

/* A file with these samples, given as the bits of each. */
static void write_wav(const char *path, struct form form, const uint64_t *sample, int n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    const int bytes = form.bits / 8, data = n * bytes;
    fputs("RIFF", f);
    put(f, form.streamed ? UINT32_MAX : (uint64_t)data + 36, 4);
    fputs("WAVE", f);
    if (form.extra_chunk) {
        fputs("LIST", f);
        put(f, 5, 4);
        fputs("abcde", f);
        fputc(0, f); /* chunks begin at even places */
    }
    fputs("fmt ", f);
    put(f, form.extensible ? 40 : 16, 4);
    put(f, form.extensible ? 0xFFFE : (uint64_t)form.code, 2);
    put(f, (uint64_t)form.channels, 2);
    put(f, (uint64_t)form.rate, 4);
    put(f, (uint64_t)(form.rate * form.channels * bytes), 4);
    put(f, (uint64_t)(form.channels * bytes), 2);
    put(f, (uint64_t)form.bits, 2);
    if (form.extensible) {
        put(f, 22, 2);
        put(f, (uint64_t)form.bits, 2);
        put(f, 0, 4);
        put(f, (uint64_t)form.code, 2);
        for (int i = 0; i < 14; i++)
            fputc(0, f);
    }
    fputs("data", f);
    put(f, form.streamed ? UINT32_MAX : (uint64_t)data, 4);
    for (int i = 0; i < n; i++)
        put(f, sample[i], bytes);
    assert_int_equal(fclose(f), 0);
}

static void test_sample_forms(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "a.wav");
    static const struct {
        struct form form;
        uint64_t sample[4];
        float value[4];
    } cases[] = {
        {{1, 1, 8000, 8, .extra_chunk = true}, {0, 128, 192, 255}, {-1, 0, .5f, 127 / 128.f}},
        {{1, 1, 8000, 16, .extensible = false}, {0x8000, 0, 0x4000, 0xFFFF}, {-1, 0, .5f, -1 / 32768.f}},
        {{1, 1, 8000, 24, .extensible = true}, {0x800000, 0, 0x400000, 0xFFFFFF}, {-1, 0, .5f, -1 / 8388608.f}},
        {{1, 1, 8000, 32, .streamed = true}, {0x80000000, 0, 0x40000000, 0xFFFFFFFF}, {-1, 0, .5f, -1 / 2147483648.f}},
        {{3, 1, 8000, 32, .extensible = false}, {0xBF800000, 0, 0x3F000000, 0x40400000}, {-1, 0, .5f, 3}},
        {{3, 1, 8000, 64, .extensible = true}, {0xBFF0000000000000, 0, 0x3FE0000000000000, 0x4008000000000000}, {-1, 0, .5f, 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = ERROR_INIT;
        float out[6];
        int rate;
        write_wav(path, cases[i].form, cases[i].sample, 4);
        assert_int_equal(signal_check(path, 1, &rate, &err), 0);
        assert_int_equal(rate, 8000);
        if (signal_read(path, SIGNAL_MEAN, 1, 6, out, &err) != 0)
            fail_msg("case %zu: %s", i, err.text);
        for (int k = 0; k < 6; k++)
            assert_true(out[k] == (k < 4 ? cases[i].value[k] : 0));
        assert_int_equal(signal_read(path, SIGNAL_MEAN, 1, 2, out, &err), 0);
        assert_true(out[1] == cases[i].value[1]);
    }
    support_remove_dir(dir);
}

static void test_channels(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    const char *path = support_path(dir, "a.wav");
    struct error err = ERROR_INIT;
    float out[6];
    write_wav(path, (struct form){1, 2, 8000, 16, .extensible = false}, (const uint64_t[]){0x4000, 0x2000, 0xC000, 0}, 4);
    assert_int_equal(signal_read(path, SIGNAL_MEAN, 1, 3, out, &err), 0);
    assert_true(out[0] == .375f && out[1] == -.25f && out[2] == 0);
    assert_int_equal(signal_read(path, SIGNAL_FIRST, 1, 3, out, &err), 0);
    assert_true(out[0] == .5f && out[1] == -.5f && out[2] == 0);
    assert_int_equal(signal_read(path, SIGNAL_MEAN, 2, 3, out, &err), 0);
    assert_true(out[0] == .5f && out[1] == -.5f && out[2] == 0 && out[3] == .25f && out[4] == 0);
    assert_int_equal(signal_read(path, SIGNAL_MEAN, 3, 2, out, &err), -1);
    assert_non_null(strstr(err.text, "a.wav: found 2 channels, the network takes 3"));
    const char *table = support_path(dir, "a.csv");
    support_write(table, "x,y\n1,2\n3,4\n");
    assert_int_equal(signal_read(table, SIGNAL_MEAN, 2, 3, out, &err), 0);
    assert_true(out[0] == 1 && out[1] == 3 && out[2] == 0 && out[3] == 2 && out[4] == 4 && out[5] == 0);
    support_write(table, "5;6;7;8\n");
    assert_int_equal(signal_read(table, SIGNAL_MEAN, 1, 3, out, &err), 0);
    assert_true(out[0] == 5 && out[1] == 6 && out[2] == 7);
    support_remove_dir(dir);
}

static int open_split(struct dataset *d, const char *dir, const char *keys, enum split split, int width, struct error *err)
{
    struct data_options o = options_from(dir, keys);
    *err = ERROR_INIT;
    const int result = dataset_open(d, &o, split, TASK_CLASSIFY, 10, width, 1, 1, 1, err);
    data_options_free(&o);
    return result;
}

static void test_spoken_digits(void **state)
{
    (void)state;
    const char *root = support_data("fsdd/recordings");
    if (!root)
        skip();
    struct error err;
    struct dataset d;
    char *keys = mem_format("train=%s\nvalid_fraction=.2", root);
    int n = 0;
    for (int split = 0; split < 2; split++) {
        if (open_split(&d, ".", keys, split, 4000, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(d.n_samples, split == 0 ? 800 : 200);
        assert_int_equal(d.names.n, 10);
        n += d.n_samples;
        int of_class[10] = {0};
        for (int i = 0; i < d.n_samples; i++) {
            assert_int_equal(d.sample[i].label, text_basename(d.sample[i].name)[0] - '0');
            of_class[d.sample[i].label]++;
        }
        for (int k = 0; k < 10; k++)
            assert_int_equal(of_class[k], split == 0 ? 80 : 20);
        float out[4000];
        double energy = 0;
        assert_int_equal(dataset_values(&d, 5, out, &err), 0);
        for (int k = 0; k < 4000; k++)
            energy += (double)out[k] * (double)out[k];
        assert_true(energy > .01 && energy < 4000);
        dataset_close(&d);
    }
    assert_int_equal(n, 1000);
    free(keys);
}

static void test_forms_of_sets(void **state)
{
    (void)state;
    static const uint64_t sample[] = {1, 2, 3};
    char *dir = support_make_dir();
    const struct form form = {1, 1, 8000, 16, .extensible = false};
    mkdir(support_path(dir, "train"), 0777);
    mkdir(support_path(dir, "train/no"), 0777);
    mkdir(support_path(dir, "train/yes"), 0777);
    mkdir(support_path(dir, "val"), 0777);
    mkdir(support_path(dir, "val/yes"), 0777);
    write_wav(support_path(dir, "train/no/a_1.wav"), form, sample, 3);
    write_wav(support_path(dir, "train/yes/b_1.wav"), form, sample, 3);
    write_wav(support_path(dir, "val/yes/c_1.wav"), form, sample, 3);
    struct error err;
    struct dataset d;
    assert_int_equal(open_split(&d, dir, "train=.\nvalid=.", SPLIT_VALID, 8, &err), 0);
    assert_int_equal(d.n_samples, 1);
    assert_int_equal(d.sample[0].label, 1); /* classes are those of the training data */
    dataset_close(&d);
    support_write(support_path(dir, "all.txt"), "train/no/a_1.wav\n\nval/yes/c_1.wav\nmissing.wav\n");
    support_write(support_path(dir, "x.names"), "yes\nno\n");
    assert_int_equal(open_split(&d, dir, "train=all.txt\nnames=x.names", SPLIT_TRAIN, 8, &err), 0);
    assert_int_equal(d.n_samples, 2);
    assert_int_equal(d.sample[0].label, 1);
    assert_int_equal(d.sample[1].label, 0);
    assert_int_equal(d.bad, 1);
    assert_non_null(strstr(d.first_bad.text, "all.txt:4: found 'missing.wav', but there is no such file"));
    dataset_close(&d);
    /* without names, the file's own decides */
    assert_int_equal(open_split(&d, dir, "train=all.txt", SPLIT_TRAIN, 8, &err), 0);
    assert_string_equal(d.names.item[d.sample[1].label], "c");
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_patterns(void **state)
{
    (void)state;
    static const uint64_t sample[] = {1, 2, 3};
    char *dir = support_make_dir();
    mkdir(support_path(dir, "in"), 0777);
    for (int k = 0; k < 2; k++)
        for (int take = 0; take < 12; take++) {
            char name[32];
            snprintf(name, sizeof name, "in/%d_x_%d.wav", k, take);
            write_wav(support_path(dir, name), (struct form){1, 1, 8000, 16, .extensible = false}, sample, 3);
        }
    static const char keys[] = "train=in/*_{[2-9],1[01]}.wav\nvalid=in/*_1.*\ntest=in/*_[01].wav";
    static const int n[] = {20, 2, 4};
    struct error err;
    struct dataset d;
    support_write(support_path(dir, "in/1_x_1.txt"), "no signal");
    for (int split = 0; split < 3; split++) {
        if (open_split(&d, dir, keys, split, 8, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(d.n_samples, n[split]);
        for (int i = 0; i < d.n_samples; i++)
            assert_int_equal(d.sample[i].label, text_basename(d.sample[i].name)[0] - '0');
        dataset_close(&d);
    }
    assert_int_equal(open_split(&d, dir, "train=in/{1,1}_x_[0-1].wav", SPLIT_TRAIN, 8, &err), 0); /* each file once */
    assert_int_equal(d.n_samples, 2);
    dataset_close(&d);
    assert_int_equal(open_split(&d, dir, "train=in/*_30.wav", SPLIT_TRAIN, 8, &err), -1);
    assert_non_null(strstr(err.text, "train=in/*_30.wav: no file matches (looked for "));
    /* a name with such characters is a name */
    support_write(support_path(dir, "[ab].txt"), "in/0_x_0.wav\nin/1_x_0.wav\n");
    assert_int_equal(open_split(&d, dir, "train=[ab].txt", SPLIT_TRAIN, 8, &err), 0);
    assert_int_equal(d.n_samples, 2);
    dataset_close(&d);
    support_remove_dir(dir);
}

static void test_rates(void **state)
{
    (void)state;
    static const uint64_t sample[] = {1, 2, 3};
    char *dir = support_make_dir();
    write_wav(support_path(dir, "a_1.wav"), (struct form){1, 1, 8000, 16, .extensible = false}, sample, 3);
    write_wav(support_path(dir, "b_1.wav"), (struct form){1, 1, 16000, 16, .extensible = false}, sample, 3);
    struct error err;
    struct dataset d;
    assert_int_equal(open_split(&d, dir, "train=.\non_bad=error", SPLIT_TRAIN, 8, &err), -1);
    assert_non_null(strstr(err.text, "b_1.wav: found 16000 samples a second, expected 8000 (as "));
    assert_int_equal(open_split(&d, dir, "train=.\nrate=16000", SPLIT_TRAIN, 8, &err), 0);
    assert_int_equal(d.n_samples, 1);
    assert_non_null(strstr(d.first_bad.text, "a_1.wav: found 8000 samples a second, expected 16000 (as rate= says)"));
    dataset_close(&d);
    support_remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sample_forms),  cmocka_unit_test(test_channels),
                                       cmocka_unit_test(test_spoken_digits), cmocka_unit_test(test_forms_of_sets),
                                       cmocka_unit_test(test_patterns),      cmocka_unit_test(test_rates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
