/* The activations against their formulas in libm's double precision; slopes against differences of those; nothing overflows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "math/activation.h"

#define LAMBDA 1.0507009873554805
#define ALPHA 1.6732632423543772

/* p: the parameter. */
static double definition(struct activation a, double x)
{
    const double p = (double)a.parameter;
    switch (a.kind) {
    case ACTIVATION_LINEAR:
        return x;
    case ACTIVATION_LOGISTIC:
        return 1 / (1 + exp(-x));
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_RELU:
        return fmax(x, 0);
    case ACTIVATION_LEAKY:
        return x > 0 ? x : p * x;
    case ACTIVATION_SWISH:
        return x / (1 + exp(-p * x));
    case ACTIVATION_MISH:
        return x * tanh(log1p(exp(x)));
    case ACTIVATION_ELU:
        return x > 0 ? x : p * expm1(x);
    case ACTIVATION_SELU:
        return LAMBDA * (x > 0 ? x : ALPHA * expm1(x));
    case ACTIVATION_RELU6:
        return fmin(fmax(x, 0), 6);
    case ACTIVATION_THRESHOLD:
        return x > p;
    case ACTIVATION_GELU: /* (1 + tanh u)/2 = 1/(1 + e^-2u) */
        return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + .044715 * x * x * x)));
    case ACTIVATION_HARD_MISH:
        return x > 0 ? x : x > -2 ? x * x / 2 + x : 0;
    case ACTIVATION_HARDTAN:
        return fmin(fmax(x, -1), 1);
    case ACTIVATION_LHTAN:
        return x < 0 ? .001 * x : x > 1 ? 1 + .001 * (x - 1) : x;
    case ACTIVATION_LOGGY:
        return 2 / (1 + exp(-x)) - 1;
    case ACTIVATION_RELIE:
        return x > 0 ? x : .01 * x;
    case ACTIVATION_RAMP:
        return .1 * x + (x > 0) * x;
    case ACTIVATION_PLSE:
        return x < -4 ? .01 * (x + 4) : x > 4 ? 1 + .01 * (x - 4) : .125 * x + .5;
    case ACTIVATION_STAIR:
        return fmod(floor(x), 2) == 0 ? floor(x / 2) : x - floor(x) + floor(x / 2);
    default:
        return NAN;
    }
}

/* All functions of one number with their usual parameters, then some with others; kind ACTIVATION_KINDS at the end. */
static const struct activation *cases(void)
{
    static const struct activation others[] = {{ACTIVATION_LEAKY, (real).01}, {ACTIVATION_LEAKY, 0},       {ACTIVATION_LEAKY, 1.5},
                                               {ACTIVATION_ELU, (real).5},    {ACTIVATION_ELU, 2},         {ACTIVATION_SWISH, (real)1.702},
                                               {ACTIVATION_SWISH, (real).25}, {ACTIVATION_THRESHOLD, 2.5}, {ACTIVATION_THRESHOLD, -1},
                                               {ACTIVATION_KINDS, 0}};
    static struct activation all[ACTIVATION_KINDS + sizeof others / sizeof *others];
    int n = 0;
    for (int i = 0; i < ACTIVATION_KINDS && !activation_of_channels(activation_of(i)); i++)
        all[n++] = activation_of(i);
    memcpy(all + n, others, sizeof others);
    return all;
}

/* Derivative of the definition, found by a difference in long steps of extended order. */
static double slope(struct activation a, double x)
{
    const double h = 1e-3;
    return (8 * (definition(a, x + h) - definition(a, x - h)) - (definition(a, x + 2 * h) - definition(a, x - 2 * h))) / (12 * h);
}

static float value(struct activation a, float x)
{
    real in = x, out = 99;
    activation_forward_serial(a, &in, &out, 1);
    return out;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"linear", "logistic", "tanh",    "relu",      "leaky", "swish",   "mish",  "elu",      "selu",
                                        "relu6",  "stair",    "hardtan", "hard_mish", "gelu",  "softmax", "lhtan", "norm_chan"};
    static const enum activation_kind kinds[] = {
        ACTIVATION_LINEAR,    ACTIVATION_LOGISTIC, ACTIVATION_TANH,    ACTIVATION_RELU,  ACTIVATION_LEAKY,    ACTIVATION_SWISH,
        ACTIVATION_MISH,      ACTIVATION_ELU,      ACTIVATION_SELU,    ACTIVATION_RELU6, ACTIVATION_STAIR,    ACTIVATION_HARDTAN,
        ACTIVATION_HARD_MISH, ACTIVATION_GELU,     ACTIVATION_SOFTMAX, ACTIVATION_LHTAN, ACTIVATION_NORM_CHAN};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(activation_names[kinds[i]], names[i]);
    int n = 0;
    while (activation_names[n])
        n++;
    assert_int_equal(n, ACTIVATION_KINDS + 4);
    static const char *const aliases[][2] = {{"revleaky", "leaky"},
                                             {"normalize_channels", "norm_chan"},
                                             {"normalize_channels_softmax", "norm_chan_softmax"},
                                             {"normalize_channels_softmax_maxval", "norm_chan_softmax_maxval"}};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(activation_names[ACTIVATION_KINDS + i], aliases[i][0]);
        assert_string_equal(activation_names[activation_of(ACTIVATION_KINDS + i).kind], aliases[i][1]);
    }
}

/* Vector code and the rest of a loop must agree, so all numbers go through in one call. */
static void test_values(void **state)
{
    (void)state;
    enum { N = 400013 };
    real *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    for (int i = 0; i < N; i++)
        x[i] = (real)(-40 + 80.0 * i / (N - 1));
    for (int i = 0; i < 40; i++)
        x[i * 1000] = (real)ldexp(i % 2 ? 1 : -1, -i); /* near 0 relative precision counts */
    for (const struct activation *a = cases(); a->kind != ACTIVATION_KINDS; a++) {
        activation_forward(*a, x, y, N);
        double worst = 0;
        for (int i = 0; i < N; i++) {
            const double want = definition(*a, x[i]);
            /* swish and gelu: their exponent, rounded, moves the result by as much */
            const double exponent = a->kind == ACTIVATION_SWISH  ? fmax(1, fabs((double)(a->parameter * x[i])) * (a->parameter != 1))
                                    : a->kind == ACTIVATION_GELU ? fmax(1, 1.6 * fabs((double)(x[i] * (1 + x[i] * x[i] * (real).045))))
                                                                 : 1;
            /* what cancels is as exact as its terms; gelu's tail ends where floats do */
            const double least = a->kind == ACTIVATION_PLSE || a->kind == ACTIVATION_HARD_MISH || a->kind == ACTIVATION_STAIR ? .5
                                 : a->kind == ACTIVATION_GELU                                                                 ? 1e-25
                                                                                                                              : 0;
            const double terms = fmax(fabs(want), least);
            const double ulp = fmax(terms, FLT_MIN) * FLT_EPSILON * exponent;
            worst = fmax(worst, fabs((double)y[i] - want) / ulp);
        }
        if (!(worst < 4))
            fail_msg("%s: %g ulp", activation_names[a->kind], worst);
    }
    free(x);
    free(y);
}

static void test_known_values(void **state)
{
    (void)state;
    assert_float_equal(value(activation_of(ACTIVATION_LOGISTIC), 0), 0.5, 0);
    assert_float_equal(value(activation_of(ACTIVATION_MISH), 1), 0.865098388, 1e-6); /* Misra 2019: x·tanh(softplus(x)) */
    assert_float_equal(value(activation_of(ACTIVATION_SWISH), 1), 0.731058579, 1e-6);
    assert_float_equal(value(activation_of(ACTIVATION_SELU), -1), -1.111330738, 1e-6);
    assert_float_equal(value(activation_of(ACTIVATION_ELU), -1), -0.632120559, 1e-6);
    assert_float_equal(value(activation_of(ACTIVATION_RELU6), 7), 6, 0);
    assert_float_equal(value(activation_of(ACTIVATION_LEAKY), -2), -0.2, 1e-7);
}

static void test_extremes(void **state)
{
    (void)state;
    static const float at[] = {-1e4f, -1e30f, -200, -104, -89, -88, -87, 0, -0.0f, 87, 88, 89, 104, 200, 1e4f, 1e30f};
    for (const struct activation *a = cases(); a->kind != ACTIVATION_KINDS; a++)
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            const float y = value(*a, at[i]), want = (float)definition(*a, at[i]);
            assert_true(isfinite(y));
            assert_true(fabsf(y - want) <= 1e-6f * fmaxf(1, fabsf(want)));
            real in = at[i], out = y, dy = 1, dx = 99;
            activation_backward(*a, &in, &out, &dy, &dx, 1);
            assert_true(isfinite(dx));
        }
}

static void test_slopes(void **state)
{
    (void)state;
    enum { N = 4001 };
    static real x[N], y[N], dy[N], dx[N];
    for (const struct activation *a = cases(); a->kind != ACTIVATION_KINDS; a++) {
        const bool from_output = activation_from_output(*a);
        for (int i = 0; i < N; i++) {
            x[i] = (real)(-20.005 + 0.01 * i); /* kinks stand between these */
            dy[i] = (real)(1 + i % 3);
        }
        activation_forward(*a, x, y, N);
        activation_backward(*a, from_output ? NULL : x, from_output ? y : NULL, dy, dx, N);
        for (int i = 0; i < N; i++) {
            const double want = slope(*a, x[i]) * (double)dy[i];
            if (!(fabs((double)dx[i] - want) < 2e-6))
                fail_msg("%s: slope at %g is %g, expected %g", activation_names[a->kind], (double)x[i], (double)dx[i], want);
        }
        /* in place, and with any number of threads */
        memcpy(y, dy, sizeof dy);
        static real out[N];
        activation_forward(*a, x, out, N);
        parallel_set(4);
        activation_backward(*a, x, out, dy, dy, N);
        parallel_set(0);
        assert_memory_equal(dy, dx, sizeof dx);
        activation_forward(*a, x, x, N);
        assert_memory_equal(x, out, sizeof out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_values), cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_extremes), cmocka_unit_test(test_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
