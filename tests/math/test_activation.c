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

static double definition(enum activation a, double x)
{
    switch (a) {
    case ACTIVATION_LINEAR:
        return x;
    case ACTIVATION_LOGISTIC:
        return 1 / (1 + exp(-x));
    case ACTIVATION_TANH:
        return tanh(x);
    case ACTIVATION_RELU:
        return fmax(x, 0);
    case ACTIVATION_LEAKY:
        return x > 0 ? x : .1 * x;
    case ACTIVATION_SWISH:
        return x / (1 + exp(-x));
    case ACTIVATION_MISH:
        return x * tanh(log1p(exp(x)));
    case ACTIVATION_ELU:
        return x > 0 ? x : expm1(x);
    case ACTIVATION_SELU:
        return LAMBDA * (x > 0 ? x : ALPHA * expm1(x));
    case ACTIVATION_RELU6:
        return fmin(fmax(x, 0), 6);
    }
    return NAN;
}

/* Derivative of the definition, found by a difference in long steps of extended order. */
static double slope(enum activation a, double x)
{
    const double h = 1e-3;
    return (8 * (definition(a, x + h) - definition(a, x - h)) - (definition(a, x + 2 * h) - definition(a, x - 2 * h))) / (12 * h);
}

static float value(enum activation a, float x)
{
    real in = x, out = 99;
    activation_forward_serial(a, &in, &out, 1);
    return out;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"linear", "logistic", "tanh", "relu", "leaky", "swish", "mish", "elu", "selu", "relu6"};
    for (int a = 0; a < 10; a++)
        assert_string_equal(activation_names[a], names[a]);
    assert_null(activation_names[10]);
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
    for (int a = 0; activation_names[a]; a++) {
        activation_forward((enum activation)a, x, y, N);
        double worst = 0;
        for (int i = 0; i < N; i++) {
            const double want = definition((enum activation)a, x[i]);
            const double ulp = fmax(fabs(want), FLT_MIN) * FLT_EPSILON;
            worst = fmax(worst, fabs((double)y[i] - want) / ulp);
        }
        if (!(worst < 4))
            fail_msg("%s: %g ulp", activation_names[a], worst);
    }
    free(x);
    free(y);
}

static void test_known_values(void **state)
{
    (void)state;
    assert_float_equal(value(ACTIVATION_LOGISTIC, 0), 0.5, 0);
    assert_float_equal(value(ACTIVATION_MISH, 1), 0.865098388, 1e-6); /* Misra 2019: x·tanh(softplus(x)) */
    assert_float_equal(value(ACTIVATION_SWISH, 1), 0.731058579, 1e-6);
    assert_float_equal(value(ACTIVATION_SELU, -1), -1.111330738, 1e-6);
    assert_float_equal(value(ACTIVATION_ELU, -1), -0.632120559, 1e-6);
    assert_float_equal(value(ACTIVATION_RELU6, 7), 6, 0);
    assert_float_equal(value(ACTIVATION_LEAKY, -2), -0.2, 1e-7);
}

static void test_extremes(void **state)
{
    (void)state;
    static const float at[] = {-1e4f, -1e30f, -200, -104, -89, -88, -87, 0, -0.0f, 87, 88, 89, 104, 200, 1e4f, 1e30f};
    for (int a = 0; activation_names[a]; a++)
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            const float y = value((enum activation)a, at[i]), want = (float)definition((enum activation)a, at[i]);
            assert_true(isfinite(y));
            assert_true(fabsf(y - want) <= 1e-6f * fmaxf(1, fabsf(want)));
            real in = at[i], out = y, dy = 1, dx = 99;
            activation_backward((enum activation)a, &in, &out, &dy, &dx, 1);
            assert_true(isfinite(dx));
        }
}

static void test_slopes(void **state)
{
    (void)state;
    enum { N = 4001 };
    static real x[N], y[N], dy[N], dx[N];
    for (int a = 0; activation_names[a]; a++) {
        const bool from_output = activation_from_output((enum activation)a);
        for (int i = 0; i < N; i++) {
            x[i] = (real)(-20.005 + 0.01 * i); /* kinks stand between these */
            dy[i] = (real)(1 + i % 3);
        }
        activation_forward((enum activation)a, x, y, N);
        activation_backward((enum activation)a, from_output ? NULL : x, from_output ? y : NULL, dy, dx, N);
        for (int i = 0; i < N; i++) {
            const double want = slope((enum activation)a, x[i]) * (double)dy[i];
            if (!(fabs((double)dx[i] - want) < 2e-6))
                fail_msg("%s: slope at %g is %g, expected %g", activation_names[a], (double)x[i], (double)dx[i], want);
        }
        /* in place, and with any number of threads */
        memcpy(y, dy, sizeof dy);
        static real out[N];
        activation_forward((enum activation)a, x, out, N);
        parallel_set(4);
        activation_backward((enum activation)a, x, out, dy, dy, N);
        parallel_set(0);
        assert_memory_equal(dy, dx, sizeof dx);
        activation_forward((enum activation)a, x, x, N);
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
