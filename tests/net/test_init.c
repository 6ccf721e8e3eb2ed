/* init= and prior=: moments of 1e5 draws within 3 standard errors, ranges, right angles; where the answers begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "net/init.h"
#include "walk.h"

enum { IN = 400, OUT = 250, DRAWS = IN * OUT };

static struct network *open(const char *net_keys, const char *keys)
{
    char *text = mem_format("[net]\nwidth=1\nheight=1\nchannels=%d\n%s[connected]\noutput=%d\n%s", IN, net_keys, OUT, keys);
    struct network *net = walk_open(text, 1, false);
    free(text);
    return net;
}

static const struct param *weight(const struct network *net, int layer)
{
    for (int i = 0; i < net->layer[layer].n_params; i++)
        if (net->layer[layer].param[i]->role == PARAM_WEIGHT)
            return net->layer[layer].param[i];
    return NULL;
}

enum shape_of { NORMAL, UNIFORM };

/* Mean 0, deviation sigma, fourth moment and range of the distribution. */
static void expect(const char *net_keys, const char *keys, enum shape_of shape, double sigma)
{
    struct network *net = open(net_keys, keys);
    const real *w = weight(net, 0)->value;
    double sum = 0, square = 0, fourth = 0, largest = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double z = (double)w[i] / sigma;
        sum += z;
        square += z * z;
        fourth += z * z * z * z;
        largest = fmax(largest, fabs(z));
    }
    /* Moments of z: the variance of z² is E z⁴ − 1, that of z⁴ is E z⁸ − (E z⁴)². */
    const double m4 = shape == NORMAL ? 3 : 9.0 / 5, m8 = shape == NORMAL ? 105 : 9, n = DRAWS;
    const bool good = fabs(sum / n) < 3 / sqrt(n) && fabs(square / n - 1) < 3 * sqrt((m4 - 1) / n) &&
                      fabs(fourth / n - m4) < 3 * sqrt((m8 - m4 * m4) / n);
    if (!good)
        fail_msg("%s%s: mean %g, variance %g, fourth moment %g of %g", net_keys, keys, sum / n, square / n, fourth / n, m4);
    if (shape == UNIFORM)
        assert_true(largest <= sqrt(3) * (1 + 1e-6) && largest > sqrt(3) * (1 - 1e-3));
    else
        assert_true(largest > 3.5 && largest < 6.5);
    const struct param *bias = net->layer[0].param[0];
    for (size_t i = 0; i < shape_size(bias->shape); i++)
        assert_true(bias->value[i] == 0);
    network_free(net);
}

static void draws(void **state)
{
    (void)state;
    const double he = sqrt(2.0 / IN), xavier = sqrt(2.0 / (IN + OUT)), lecun = sqrt(1.0 / IN);
    expect("", "init=normal\n", NORMAL, .01);
    expect("init_sigma=.3\n", "init=normal\n", NORMAL, .3);
    expect("init=normal\ninit_sigma=.3\n", "init_sigma=2\n", NORMAL, 2);
    expect("init=uniform\ninit_sigma=.3\n", "", UNIFORM, .3);
    expect("", "init=xavier\nactivation=relu\n", UNIFORM, xavier);
    expect("", "init=xavier_normal\n", NORMAL, xavier);
    expect("", "init=he\n", UNIFORM, he);
    expect("", "init=kaiming\n", UNIFORM, he);
    expect("init=lecun\n", "init=he_normal\n", NORMAL, he);
    expect("init=lecun\n", "", UNIFORM, lecun);
}

static void defaults(void **state)
{
    (void)state;
    static const char *const relus[] = {"relu", "leaky", "elu", "swish", "mish", "gelu", "relu6", "linear"};
    for (size_t i = 0; i < sizeof relus / sizeof *relus; i++) {
        char *key = mem_format("activation=%s\n", relus[i]);
        expect("", key, NORMAL, sqrt(2.0 / IN));
        free(key);
    }
    expect("", "activation=tanh\n", UNIFORM, sqrt(2.0 / (IN + OUT)));
    expect("", "activation=logistic\n", UNIFORM, sqrt(2.0 / (IN + OUT)));
    expect("", "activation=selu\n", UNIFORM, sqrt(1.0 / IN));
}

static void zero(void **state)
{
    (void)state;
    struct network *net = open("", "init=zero\n");
    for (int i = 0; i < DRAWS; i++)
        assert_true(weight(net, 0)->value[i] == 0);
    network_free(net);
}

/* w·wᵀ = I, or wᵀ·w = I where there are more rows. */
static void expect_orthogonal(const struct param *p)
{
    const int rows = p->shape.n, cols = (int)shape_each(p->shape), n = rows <= cols ? rows : cols, m = rows <= cols ? cols : rows;
    for (int a = 0; a < n; a++)
        for (int b = 0; b <= a; b++) {
            double sum = 0;
            for (int i = 0; i < m; i++) {
                const size_t x = rows <= cols ? (size_t)a * (size_t)cols + (size_t)i : (size_t)i * (size_t)cols + (size_t)a;
                const size_t y = rows <= cols ? (size_t)b * (size_t)cols + (size_t)i : (size_t)i * (size_t)cols + (size_t)b;
                sum += (double)p->value[x] * (double)p->value[y];
            }
            if (!(fabs(sum - (a == b)) < 1e-6))
                fail_msg("%s: vectors %d and %d have the product %g", p->name, a, b, sum);
        }
}

static void orthogonals(void **state)
{
    (void)state;
    static const char text[] = "[net]\nwidth=4\nheight=4\nchannels=3\ninit=orthogonal\n[convolutional]\nfilters=40\nsize=3\npad=1\n"
                               "[convolutional]\nfilters=7\nsize=3\n[connected]\noutput=28\n[connected]\noutput=5\n[connected]\noutput=1\n";
    struct network *net = walk_open(text, 1, false);
    for (int i = 0; i < 5; i++)
        expect_orthogonal(weight(net, i));
    parallel_set(4);
    struct network *same = walk_open(text, 1, false);
    parallel_set(0);
    for (int i = 0; i < 5; i++)
        assert_memory_equal(weight(net, i)->value, weight(same, i)->value, shape_size(weight(net, i)->shape) * sizeof(real));
    /* Uniform among orthogonal matrices: numbers have the mean 0 and the variance 1 / cols. */
    double sum = 0;
    const struct param *p = weight(net, 2);
    const size_t n = shape_size(p->shape);
    for (size_t i = 0; i < n; i++)
        sum += (double)p->value[i];
    assert_true(fabs(sum / (double)n) < 3 / sqrt((double)n * 28));
    network_free(same);
    network_free(net);
}

/* With weights of 0 the answer is the prior. */
static void expect_prior(const char *text, const double *p, int n)
{
    struct network *net = walk_open(text, 1, false);
    walk_expect(walk_forward(net, MODE_EVAL, 0), p, (size_t)n, 1e-6);
    network_free(net);
}

#define NET "[net]\nwidth=2\nheight=2\nchannels=3\ninit=zero\n"

static void priors(void **state)
{
    (void)state;
    static const double three[] = {.7, .2, .1}, same[] = {.01, .01, .01}, one[] = {.3};
    expect_prior(NET "[connected]\noutput=3\nactivation=linear\nprior=.7,.2,.1\n[softmax]\n", three, 3);
    expect_prior(NET "[connected]\noutput=3\nactivation=linear\n[softmax]\nprior=.7,.2,.1\n", three, 3);
    expect_prior(NET "[connected]\noutput=3\nactivation=softmax\nprior=.7 .2 .1\n[cost]\n", three, 3);
    expect_prior(NET "[convolutional]\nfilters=3\nactivation=linear\n[avgpool]\n[softmax]\nprior=.7,.2,.1\n[cost]\n", three, 3);
    expect_prior(NET "[convolutional]\nfilters=3\nactivation=linear\nprior=.7,.2,.1\n[avgpool]\n[dropout]\n[cost]\ntype=cross_entropy\n",
                 three, 3);
    expect_prior(NET "[connected]\noutput=3\nactivation=linear\n[logistic]\nprior=.01\n", same, 3);
    expect_prior(NET "[connected]\noutput=3\nactivation=linear\n[cost]\ntype=focal\nprior=.01\n", same, 3);
    expect_prior(NET "[connected]\noutput=3\nactivation=linear\nprior=.7,.2,.1\n[cost]\ntype=bce\n", three, 3);
    expect_prior(NET "[connected]\noutput=1\nactivation=logistic\nprior=.3\n[cost]\n", one, 1);

    struct network *net = walk_open(NET "[convolutional]\nfilters=14\nactivation=linear\n[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\n"
                                        "prior=.01\n",
                                    1, false);
    const real *bias = net->layer[0].param[0]->value;
    for (int i = 0; i < 14; i++)
        assert_true(fabs((double)bias[i] - (i % 7 == 4 ? log(.01 / .99) : 0)) < 1e-6);
    network_free(net);
}

static void frequencies(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct network *net = walk_open(NET "[connected]\noutput=3\nactivation=linear\nprior=data\n[softmax]\n", 1, false);
    assert_true(init_wants_frequencies(net));
    assert_int_equal(init_set_frequencies(net, (const double[]){.75, .25, 0}, 3, 1000, &err), 0); /* one never comes: half an object */
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){.75 / 1.0005, .25 / 1.0005, .0005 / 1.0005}, 3, 1e-6);
    net->layer[0].loaded = true;
    assert_false(init_wants_frequencies(net));
    network_free(net);
    net = walk_open(NET "[connected]\noutput=3\nactivation=linear\n[logistic]\n", 1, false);
    assert_false(init_wants_frequencies(net));
    network_free(net);
}

#define FIVE NET "[connected]\noutput=5\nactivation=linear\n"

static void mistakes(void **state)
{
    (void)state;
    walk_refuse(NET "[maxpool]\ninit=he\n", "test.cfg:7:|init=he|[maxpool] has no weights");
    walk_refuse(NET "[connected]\ninit=glorot\n", "test.cfg:7:|init=glorot|xavier");
    walk_refuse(NET "[connected]\ninit=he\ninit_sigma=2\n", "test.cfg:8:|init_sigma=|init=normal");
    walk_refuse(FIVE "prior=.1,.2\n[softmax]\n", "test.cfg:9:|2 probabilities|5");
    walk_refuse(FIVE "prior=.1,.2\n[logistic]\n", "test.cfg:9:|2 probabilities|1 or 5");
    walk_refuse(FIVE "[softmax]\nprior=.2,.2,.2,.2,.3\n", "test.cfg:10:|add up to 1.1");
    walk_refuse(FIVE "[logistic]\nprior=1\n", "test.cfg:10:|probability 1|less than 1");
    walk_refuse(FIVE "[logistic]\nprior=half\n", "test.cfg:10:|prior=half|data");
    walk_refuse(FIVE "bias=0\n[logistic]\nprior=.5\n", "test.cfg:11:|no bias");
    walk_refuse(FIVE "[cost]\nprior=.5\n", "test.cfg:10:|no bias");
    walk_refuse(NET "[connected]\noutput=5\nactivation=relu\nprior=.5\n[logistic]\n", "test.cfg:9:|activation=linear");
    walk_refuse(NET "[convolutional]\nfilters=14\nactivation=linear\n[yolo]\nclasses=2\nnum=2\nanchors=1,1,2,2\nprior=data\n",
                "test.cfg:13:|prior=data|a number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws),  cmocka_unit_test(defaults),    cmocka_unit_test(zero),     cmocka_unit_test(orthogonals),
        cmocka_unit_test(priors), cmocka_unit_test(frequencies), cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
