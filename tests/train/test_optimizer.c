/* Update rules and regularisers: a hundred steps of each against PyTorch's (optimizers.txt, made by scripts/reference/optimizers.py),
 * noise, penalty, the refusal of what isn't finite, and the same bits with any number of threads. */
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
#include "train/optimizer.h"
#include "train/regularise.h"

#define FIGURES "tests/train/optimizers.txt"
enum { OBJECTS = 4, INPUTS = 8, NEURONS = 5, WEIGHTS = NEURONS * INPUTS, NUMBERS = WEIGHTS + NEURONS };

/* One connected layer of the given keys, planned for training. Free with network_free. */
static struct network *build(int inputs, int neurons, const char *net_keys, const char *layer_keys)
{
    struct error err = ERROR_INIT;
    char *text = mem_format("[net]\ninputs=%d\nbatch=%d\n%s\n[connected]\noutput=%d\nactivation=tanh\n%s\n[softmax]\n", inputs, OBJECTS,
                            net_keys, neurons, layer_keys);
    struct network *net = nets_build(text, 1);
    free(text);
    if (network_plan(net, OBJECTS, 0, 0, true, &err) != 0)
        fail_msg("%s", err.text);
    return net;
}

static struct param *param(const struct network *net, enum param_role role)
{
    for (int i = 0; i < net->n_params; i++)
        if (net->param[i]->role == role)
            return net->param[i];
    fail();
    return NULL;
}

struct problem {
    double w[WEIGHTS], b[NEURONS], x[OBJECTS * INPUTS], y[OBJECTS * NEURONS];
};

static void numbers(FILE *f, const char *word, double *v, int n)
{
    char found[16];
    assert_int_equal(fscanf(f, "%15s", found), 1);
    assert_string_equal(found, word);
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &v[i]), 1);
}

static FILE *open_figures(struct problem *p)
{
    FILE *f = fopen(FIGURES, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "#%*[^\n]"), 0);
    numbers(f, "start", p->w, WEIGHTS);
    numbers(f, "start", p->b, NEURONS);
    numbers(f, "start", p->x, OBJECTS * INPUTS);
    numbers(f, "start", p->y, OBJECTS * NEURONS);
    return f;
}

/* Gradients of ½Σ(tanh(Wx + b) − y)², summed over the objects, in double. */
static void gradients(const struct problem *p, struct param *w, struct param *b)
{
    for (int k = 0; k < OBJECTS; k++)
        for (int j = 0; j < NEURONS; j++) {
            double z = (double)b->value[j];
            for (int i = 0; i < INPUTS; i++)
                z += (double)w->value[j * INPUTS + i] * p->x[k * INPUTS + i];
            const double t = tanh(z), d = (t - p->y[k * NEURONS + j]) * (1 - t * t);
            b->grad[j] += (real)d;
            for (int i = 0; i < INPUTS; i++)
                w->grad[j * INPUTS + i] += (real)(d * p->x[k * INPUTS + i]);
        }
}

static void start(const struct problem *p, struct param *w, struct param *b)
{
    for (int i = 0; i < WEIGHTS; i++)
        w->value[i] = (real)p->w[i];
    for (int i = 0; i < NEURONS; i++)
        b->value[i] = (real)p->b[i];
}

static void compare(const char *name, int step, const struct param *w, const struct param *b, const double *expected)
{
    double largest = 0;
    for (int i = 0; i < NUMBERS; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (int i = 0; i < NUMBERS; i++) {
        const double got = (double)(i < WEIGHTS ? w->value[i] : b->value[i - WEIGHTS]);
        if (!(fabs(got - expected[i]) <= 1e-5 * largest))
            fail_msg("%s: number %d after step %d is %.9g, PyTorch's is %.9g", name, i, step, got, expected[i]);
    }
}

/* Keys stand in one line, as "a=1 b=2 | c=3"; those after the bar are the layer's. */
static struct network *build_case(const char *line)
{
    char *net_keys = mem_string(line), *bar = strchr(net_keys, '|');
    const char *layer_keys = "";
    if (bar) {
        *bar = 0;
        layer_keys = bar + 1;
    }
    for (char *c = net_keys; c < net_keys + strlen(line); c++)
        if (*c == ' ')
            *c = '\n';
    struct network *net = build(INPUTS, NEURONS, net_keys, layer_keys);
    free(net_keys);
    return net;
}

static void test_against_pytorch(void **state)
{
    (void)state;
    struct problem p;
    FILE *f = open_figures(&p);
    char line[256];
    int cases = 0;
    while (fscanf(f, " case %255[^\n]", line) == 1) {
        struct error err = ERROR_INIT;
        struct network *net = build_case(line);
        struct param *w = param(net, PARAM_WEIGHT), *b = param(net, PARAM_BIAS);
        start(&p, w, b);
        struct optimizer o;
        assert_int_equal(optimizer_init(&o, net, &err), 0);
        for (int step = 1; step <= 100; step++) {
            gradients(&p, w, b);
            assert_null(optimizer_step(&o, net, net->options.learning_rate, OBJECTS, step - 1));
            if (step == 1 || step == 10 || step == 100) {
                double expected[NUMBERS];
                numbers(f, "at", expected, NUMBERS);
                compare(line, step, w, b, expected);
            }
        }
        optimizer_free(&o);
        network_free(net);
        cases++;
    }
    assert_true(feof(f));
    fclose(f);
    assert_int_equal(cases, 20);
}

/* A network with more numbers than a tile, its params and gradients filled. */
static struct network *large(const char *keys, struct optimizer *o)
{
    struct error err = ERROR_INIT;
    struct network *net = build(300, 100, keys, "");
    assert_int_equal(optimizer_init(o, net, &err), 0);
    struct param *w = param(net, PARAM_WEIGHT);
    struct rng r = rng_make(1, RNG_TEST, 0, 0);
    for (size_t i = 0; i < shape_size(w->shape); i++)
        w->grad[i] = (real)rng_normal(&r);
    return net;
}

static void test_threads(void **state)
{
    (void)state;
    static const char keys[] = "optimizer=adam\nclip_norm=.5\nnoise=.01\nmax_norm=1\nl1=.1";
    struct optimizer o, p;
    parallel_set(1);
    struct network *a = large(keys, &o);
    assert_null(optimizer_step(&o, a, .1, OBJECTS, 3));
    const double penalty = regularise_penalty(&a->options, a->param, a->n_params);
    for (int threads = 2; threads <= 4; threads++) {
        parallel_set(threads);
        struct network *b = large(keys, &p);
        assert_null(optimizer_step(&p, b, .1, OBJECTS, 3));
        nets_same(a, b);
        assert_true(penalty == regularise_penalty(&b->options, b->param, b->n_params));
        for (int i = 0; i < o.n_params; i++)
            for (int k = 0; k < optimizer_slots(o.options); k++)
                assert_memory_equal(o.slot[i][k], p.slot[i][k], shape_size(o.param[i]->shape) * sizeof(real));
        optimizer_free(&p);
        network_free(b);
    }
    parallel_set(0);
    optimizer_free(&o);
    network_free(a);
}

static void test_not_finite(void **state)
{
    (void)state;
    static const real bad[] = {(real)NAN, (real)INFINITY, -(real)INFINITY};
    for (int i = 0; i < 3; i++) {
        struct optimizer o, q;
        struct network *net = large("", &o), *other = large("", &q);
        struct param *w = param(net, PARAM_WEIGHT);
        w->grad[29999] = bad[i];
        assert_ptr_equal(optimizer_step(&o, net, .1, OBJECTS, 0), w);
        nets_same(net, other); /* nothing has moved */
        optimizer_free(&o);
        optimizer_free(&q);
        network_free(net);
        network_free(other);
    }
}

static void test_gradients_are_zero_after_a_step(void **state)
{
    (void)state;
    struct optimizer o;
    struct network *net = large("", &o);
    const struct param *w = param(net, PARAM_WEIGHT);
    assert_null(optimizer_step(&o, net, .1, OBJECTS, 0));
    for (size_t i = 0; i < shape_size(w->shape); i++)
        assert_true(w->grad[i] == 0);
    assert_true(net->grads_are_zero);
    optimizer_free(&o);
    network_free(net);
}

static void test_frozen_layers_keep_their_bytes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    static const char cfg[] = "[net]\ninputs=8\nbatch=4\nmax_norm=.01\nl1=.1\nnoise=1\n"
                              "[connected]\noutput=6\nactivation=relu\nlr_mult=0\n[connected]\noutput=5\nactivation=linear\n[softmax]\n";
    struct network *net = nets_build(cfg, 1), *other = nets_build(cfg, 1);
    assert_int_equal(network_plan(net, OBJECTS, 0, 0, true, &err), 0);
    struct optimizer o;
    assert_int_equal(optimizer_init(&o, net, &err), 0);
    assert_null(optimizer_step(&o, net, .1, OBJECTS, 0));
    for (int k = 0; k < 2; k++) {
        const struct param *a = net->layer[0].param[k], *b = other->layer[0].param[k];
        assert_memory_equal(a->value, b->value, shape_size(a->shape) * sizeof(real));
    }
    assert_memory_not_equal(net->layer[1].param[1]->value, other->layer[1].param[1]->value, sizeof(real));
    optimizer_free(&o);
    network_free(net);
    network_free(other);
}

/* With a gradient of zero, rate −1 and no decay, sgd adds the noise itself to the weights. */
static void noise_of(const char *keys, int64_t iteration, double *mean, double *variance, real *first)
{
    struct optimizer o;
    struct network *net = large(keys, &o);
    struct param *w = param(net, PARAM_WEIGHT);
    const size_t n = shape_size(w->shape);
    memset(w->grad, 0, n * sizeof(real));
    memset(w->value, 0, n * sizeof(real));
    assert_null(optimizer_step(&o, net, -1, OBJECTS, iteration));
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)w->value[i];
        squares += (double)w->value[i] * (double)w->value[i];
    }
    *mean = sum / (double)n;
    *variance = squares / (double)n;
    *first = w->value[0];
    optimizer_free(&o);
    network_free(net);
}

static void test_noise(void **state)
{
    (void)state;
    double mean, variance;
    real first, again, later;
    /* 30,000 numbers: the mean's deviation is .0029, the variance's .0041 */
    noise_of("optimizer=sgd\ndecay=0\nnoise=.25", 0, &mean, &variance, &first);
    assert_true(fabs(mean) < .012);
    assert_true(fabs(variance - .25) < .01);
    noise_of("optimizer=sgd\ndecay=0\nnoise=.25", 0, &mean, &variance, &again);
    assert_true(first == again);
    noise_of("optimizer=sgd\ndecay=0\nnoise=.25", 1, &mean, &variance, &later);
    assert_true(first != later);
    /* the annealed variance: .25/(1 + t)^.55 */
    noise_of("optimizer=sgd\ndecay=0\nnoise=.25\nnoise_gamma=.55", 99, &mean, &variance, &first);
    assert_true(fabs(variance / (.25 / pow(100, .55)) - 1) < .04);
}

static void test_penalty(void **state)
{
    (void)state;
    static const struct {
        const char *net_keys, *layer_keys;
        double expected; /* of W = ±.5, 40 numbers: Σw² = 10, Σ|w| = 20; b counts nothing */
    } cases[] = {{"decay=.1", "", .5},
                 {"decay=0\nl1=.1", "", 2},
                 {"decay=.1\nl1=.1", "decay_mult=.5", 1.25},
                 {"decay=.1\ndecay_mode=decoupled", "", 0},
                 {"decay=.1\noptimizer=adamw", "", 0},
                 {"decay=.1\noptimizer=adamw\ndecay_mode=l2", "", .5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network *net = build(INPUTS, NEURONS, cases[i].net_keys, cases[i].layer_keys);
        struct param *w = param(net, PARAM_WEIGHT), *b = param(net, PARAM_BIAS);
        for (int k = 0; k < WEIGHTS; k++)
            w->value[k] = (real)(k % 2 ? .5 : -.5);
        for (int k = 0; k < NEURONS; k++)
            b->value[k] = 3;
        assert_float_equal(regularise_penalty(&net->options, net->param, net->n_params), cases[i].expected, 1e-9);
        assert_int_equal(regularise_has_penalty(&net->options), cases[i].expected > 0);
        network_free(net);
    }
}

static void refused(const char *keys, const char *parts)
{
    struct error err = ERROR_INIT;
    struct config c;
    char *text = mem_format("[net]\ninputs=8\n%s\n[connected]\noutput=2\n[softmax]\n", keys);
    assert_int_equal(config_parse(&c, "a.cfg", text, &err), 0);
    assert_null(network_build(&c, 1, &err));
    nets_expect(&err, EXIT_DATA, parts);
    free(text);
}

static void test_mistakes(void **state)
{
    (void)state;
    refused("optimizer=adan", "a.cfg:3: optimizer=adan|adam");
    refused("optimizer=sgd\nadam=1", "a.cfg:4: adam=1");
    refused("beta1=.9\nB1=.9", "a.cfg:4: B1=|beta1=");
    refused("decay_mode=decoupled\ndecay=2", "a.cfg:4: decay=2|at most 1");
    refused("beta2=1", "a.cfg:3: beta2=1");
}

static void test_names_of_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *expected;
    } cases[] = {{"", "momentum, momentum 0.9, decay 0.0001"},
                 {"momentum=0", "sgd, decay 0.0001"},
                 {"adam=1", "adam, beta1 0.9, beta2 0.999, eps 1e-06, decay 0.0001"},
                 {"optimizer=adamw\nclip_norm=1", "adamw, beta1 0.9, beta2 0.999, eps 1e-08, decoupled decay 0.0001, clip_norm 1"},
                 {"optimizer=adagrad\ndecay=0", "adagrad, eps 1e-10"},
                 {"optimizer=rmsprop\neps=.1\ndecay=0", "rmsprop, rho 0.99, eps 0.1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network *net = build(INPUTS, NEURONS, cases[i].keys, "");
        char text[400];
        optimizer_describe(&net->options, text, sizeof text);
        assert_string_equal(text, cases[i].expected);
        network_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pytorch),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_gradients_are_zero_after_a_step),
        cmocka_unit_test(test_frozen_layers_keep_their_bytes),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_penalty),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_names_of_the_default),
    };
    return cmocka_run_group_tests_name("train/optimizer", tests, NULL, NULL);
}
