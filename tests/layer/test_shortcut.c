#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "walk.h"

#define NET "[net]\nwidth=4\nheight=2\nchannels=2\n[upsample]\nstride=1\n"

/* Input 0 .. 15: channel 0 has rows 0..3 and 4..7, channel 1 rows 8..11 and 12..15. */
static void expect(const char *layers, const double *want, size_t n, double tolerance)
{
    char *text = mem_format(NET "%s", layers);
    struct network *net = walk_open(text, 1, false);
    for (int i = 0; i < 16; i++)
        net->input.x[i] = (real)i;
    const real *y = walk_forward(net, MODE_EVAL, 0);
    assert_int_equal(shape_size(network_output(net)->out.shape), n);
    walk_expect(y, want, n, tolerance);
    network_free(net);
    free(text);
}

static void equal_shapes(void **state)
{
    (void)state;
    double want[16];
    for (int i = 0; i < 16; i++)
        want[i] = i + 3 * i;
    expect("[upsample]\nstride=1\nscale=3\n[shortcut]\nfrom=-2\n", want, 16, 0);
    for (int i = 0; i < 16; i++)
        want[i] = tanh(.5 * 3 * i - 2 * i);
    expect("[upsample]\nstride=1\nscale=3\n[shortcut]\nfrom=0\nactivation=tanh\nalpha=.5\nbeta=-2\n", want, 16, 1e-6);
    for (int i = 0; i < 16; i++)
        want[i] = i + 3 * i + 9 * i;
    expect("[upsample]\nstride=1\nscale=3\n[upsample]\nstride=1\nscale=3\n[shortcut]\nfrom=-2,0\n", want, 16, 0);
}

/* Twice as large is added to half as large: every second pixel; and the reverse: onto every second pixel. */
static void unlike_shapes(void **state)
{
    (void)state;
    /* [maxpool] halves to {5, 7} and {13, 15}; from the large one come pixels 0, 2 and 8, 10 */
    expect("[maxpool]\nsize=2\nstride=2\n[shortcut]\nfrom=0\n", (double[]){5 + 0, 7 + 2, 13 + 8, 15 + 10}, 4, 0);
    /* one channel of the input, twice as large: the small one is added at even rows and columns */
    double want[32];
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 8; c++)
            want[r * 8 + c] = r / 2 * 4 + c / 2 + (r % 2 == 0 && c % 2 == 0 ? r / 2 * 4 + c / 2 : 0);
    expect("[route]\nlayers=0\ngroups=2\n[upsample]\n[shortcut]\nfrom=0\n", want, 32, 0);
    /* more channels below than above, and the reverse */
    expect("[route]\nlayers=0\ngroups=2\ngroup_id=1\n[shortcut]\nfrom=0\n", (double[]){8, 10, 12, 14, 16, 18, 20, 22}, 8, 0);
    for (int i = 0; i < 16; i++)
        want[i] = i + (i < 8 ? i + 8 : 0);
    expect("[route]\nlayers=0\ngroups=2\ngroup_id=1\n[upsample]\nstride=1\n[route]\nlayers=0\n[shortcut]\nfrom=-2\n", want, 16, 0);
}

/* AlexeyAB's formula: relu(w_i) / (0.0001 + Σ relu(w)), with weights that begin at 1; softmax likewise. */
static void weighted(void **state)
{
    (void)state;
    double want[16];
    static const char *const kinds[] = {"none", "relu", "softmax"};
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 16; i++)
            want[i] = (3 * i + i) * (k == 0 ? 1 : 1 / 2.0001);
        char *text = mem_format("[upsample]\nstride=1\nscale=3\n[shortcut]\nfrom=-2\nweights_type=per_channel\nweights_normalization=%s\n",
                                kinds[k]);
        expect(text, want, 16, 1e-4 * (k > 0) * .1);
        free(text);
    }
    char *text =
        mem_format(NET "[upsample]\nstride=1\nscale=3\n[shortcut]\nfrom=-2\nweights_type=per_channel\nweights_normalization=relu\n");
    struct network *net = walk_open(text, 1, false);
    assert_int_equal(net->n_params, 1);
    assert_int_equal(shape_size(net->param[0]->shape), 4);                 /* (1 + 1) layers × 2 channels, the layer before first */
    memcpy(net->param[0]->value, (real[]){1, -5, 3, 2}, 4 * sizeof(real)); /* channel 0: 1 and 3; channel 1: −5 and 2 */
    for (int i = 0; i < 16; i++) {
        net->input.x[i] = (real)i;
        want[i] = i < 8 ? (1 * 3 * i + 3 * i) / 4.0001 : 2 * i / 2.0001;
    }
    walk_expect(walk_forward(net, MODE_EVAL, 0), want, 16, 1e-5);
    network_free(net);
    free(text);
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse("[net]\nwidth=4\nheight=2\nchannels=2\n[shortcut]\nfrom=-1\n", "test.cfg:6:|layer -1");
    walk_refuse(NET "[shortcut]\nfrom=5\n", "test.cfg:8:|layer 5");
    walk_refuse(NET "[shortcut]\nactivation=linear\n", "test.cfg:7:|from=");
    walk_refuse(NET "[maxpool]\nsize=1\nstride_x=2\n[shortcut]\nfrom=0\n", "test.cfg:11:|layer 0 is 4 x 2 x 2|2 x 2 x 2|ratio");
    walk_refuse(NET "[upsample]\n[shortcut]\nfrom=0,0\n", "test.cfg:9:|layer 0 is 4 x 2 x 2|8 x 4 x 2|equal");
    walk_refuse(NET "[shortcut]\nfrom=0,0\nalpha=2\n", "test.cfg:9:|alpha=2");
    walk_refuse(NET "[shortcut]\nfrom=0\nweights_type=per_layr\n", "test.cfg:9:|per_layr|per_layer");
}

/* A convolution that adds the [shortcut] behind it itself, where it is planned for inference, against each layer by itself, as when it is
 * planned for training. */
static void joined(void **state)
{
    (void)state;
    static const struct {
        const char *layers;
        bool joins;
    } cases[] = {
        {"[conv]\nfilters=16\nsize=3\npad=1\nactivation=linear\n[shortcut]\nfrom=0\nactivation=relu\n", true},
        {"[conv]\nfilters=16\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky\n[shortcut]\nfrom=-2\nactivation=leaky\n", true},
        {"[conv]\nfilters=16\nsize=3\npad=1\nactivation=mish\n[shortcut]\nfrom=-2\n", true},
        {"[conv]\nfilters=16\nsize=1\nactivation=relu\n[shortcut]\nfrom=-2\n", true},
        {"[conv]\nfilters=16\nsize=5\npad=1\nactivation=relu\n[shortcut]\nfrom=-2\n[conv]\nfilters=16\nsize=3\npad=1\n", true},
        {"[conv]\nfilters=16\nsize=3\npad=1\nactivation=relu\n[shortcut]\nfrom=-2\n[route]\nlayers=-2\n[shortcut]\nfrom=-2\n", false},
        {"[conv]\nfilters=16\nsize=3\npad=1\nactivation=relu\n[shortcut]\nfrom=-2\nalpha=.5\n", false},
        {"[conv]\nfilters=16\nsize=3\npad=1\nactivation=relu\n[shortcut]\nfrom=-2\nactivation=tanh\n", false},
        {"[conv]\nfilters=17\nsize=3\npad=1\nactivation=relu\n[shortcut]\nfrom=-2\n", false},
        {"[conv]\nfilters=16\nsize=3\npad=1\nactivation=softmax\n[shortcut]\nfrom=-2\n", false},
    };
    int n_joined = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text =
            mem_format("[net]\nwidth=19\nheight=13\nchannels=3\n[conv]\nfilters=16\nsize=1\nactivation=linear\n%s", cases[i].layers);
        struct network *fast = walk_open(text, 2, false), *plain = walk_open(text, 2, true);
        const size_t n = shape_size(network_output(fast)->out.shape);
        double *want = mem_new(n, sizeof *want);
        const real *y = walk_forward(plain, MODE_EVAL, 0);
        for (size_t k = 0; k < n; k++)
            want[k] = (double)y[k];
        assert_false(plain->layer[2].is_absorbed);
        const char *algorithm[3];
        fast->layer[1].type->algorithms(&fast->layer[1], algorithm);
        assert_int_equal(fast->layer[2].is_absorbed, cases[i].joins && !strstr(algorithm[0], "GEMM"));
        n_joined += fast->layer[2].is_absorbed;
        walk_expect(walk_forward(fast, MODE_EVAL, 0), want, n, 1e-5);
        free(want);
        network_free(fast);
        network_free(plain);
        free(text);
    }
    assert_true(n_joined >= 3 || cpu_best() < CPU_AVX2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_shapes), cmocka_unit_test(unlike_shapes), cmocka_unit_test(weighted),
                                       cmocka_unit_test(mistakes), cmocka_unit_test(joined)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
