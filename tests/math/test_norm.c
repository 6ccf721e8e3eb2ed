/* Batch norm against its definition in double, and against cases of odd size: one number a channel, one number altogether, constant
 * channels. */
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
#include "base/rng.h"
#include "math/norm.h"
#include "reference.h"

static real *numbers(size_t n, uint64_t stream, double lo, double hi)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(3, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, lo, hi);
    return v;
}

struct moments {
    double mean, variance;
};

/* Two passes over channel k. */
static struct moments moments_of(const real *x, int n, int c, int s, int k)
{
    struct moments m = {0, 0};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < s; j++)
            m.mean += (double)x[(i * c + k) * s + j] / (n * s);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < s; j++)
            m.variance += pow((double)x[(i * c + k) * s + j] - m.mean, 2) / (n * s);
    return m;
}

static const struct activation linear = {ACTIVATION_LINEAR, 0};

static void check_statistics(int n, int c, int s, double offset)
{
    const size_t size = (size_t)n * c * s;
    real *x = numbers(size, 1, offset - 1, offset + 1), *mean = numbers((size_t)c, 2, 0, 1), *variance = numbers((size_t)c, 3, 0, 1);
    void *scratch = mem_try(norm_scratch_bytes(n, c, (size_t)s), 1);
    real *y = mem_try(size, sizeof(real)), *scale = numbers((size_t)c, 4, 1, 1);
    norm_forward(linear, x, n, c, (size_t)s, scale, scale, mean, variance, y, scratch);
    for (int k = 0; k < c; k++) {
        const struct moments m = moments_of(x, n, c, s, k);
        assert_true(fabs((double)mean[k] - m.mean) <= 1e-6 * fmax(1, fabs(m.mean)));
        assert_true(fabs((double)variance[k] - m.variance) <= 1e-5 * m.variance + 1e-9);
    }
    real *mean4 = numbers((size_t)c, 2, 0, 1), *variance4 = numbers((size_t)c, 3, 0, 1);
    parallel_set(4);
    norm_forward(linear, x, n, c, (size_t)s, scale, scale, mean4, variance4, y, scratch);
    parallel_set(0);
    assert_memory_equal(mean, mean4, (size_t)c * sizeof(real));
    assert_memory_equal(variance, variance4, (size_t)c * sizeof(real));
    mem_free(x);
    mem_free(mean);
    mem_free(variance);
    mem_free(mean4);
    mem_free(variance4);
    mem_free(y);
    mem_free(scale);
    mem_free(scratch);
}

static void test_statistics(void **state)
{
    (void)state;
    check_statistics(3, 5, 49, 0);
    check_statistics(1, 3, 169, 0);
    check_statistics(7, 130, 1, 0);
    check_statistics(2, 1, 70000, 0);
    check_statistics(3, 4, 100, 1000); /* a mean far from 0 doesn't eat the variance */
    check_statistics(9, 4, 1, 1000);
}

static void test_running(void **state)
{
    (void)state;
    const real mean[] = {2}, variance[] = {3};
    real running_mean[] = {1}, running_variance[] = {5};
    norm_update_running(mean, variance, 1, 4, 0.1, running_mean, running_variance);
    assert_float_equal(running_mean[0], 0.9 * 1 + 0.1 * 2, 1e-6);
    assert_float_equal(running_variance[0], 0.9 * 5 + 0.1 * 3 * 4 / 3, 1e-6); /* over N - 1 */
    norm_update_running(mean, (const real[]){0}, 1, 1, 0.5, running_mean, running_variance);
    assert_true(isfinite(running_variance[0]));
}

static void test_one_number(void **state)
{
    (void)state;
    real x = (real)1234.567, mean, variance, scale[] = {2}, shift[] = {3}, y, dy = 1, dscale = 0, dshift = 0;
    void *scratch = mem_try(norm_scratch_bytes(1, 1, 1), 1);
    norm_forward(linear, &x, 1, 1, 1, scale, shift, &mean, &variance, &y, scratch);
    assert_true(mean == x && variance == 0);
    assert_float_equal(y, 3, 0.1); /* the root of epsilon makes the factor 632 */
    norm_backward(linear, true, &x, &y, scale, shift, &mean, &variance, 1, 1, 1, &dy, &dscale, &dshift, scratch);
    assert_true(dy == 0 && dscale == 0 && dshift == 1);
    mem_free(scratch);
}

/* Normalises and maps by the definition. */
static void test_forward(void **state)
{
    (void)state;
    static const int sizes[][3] = {{2, 3, 25}, {5, 70, 1}, {1, 2, 3000}, {3, 20, 121}, {6, 70, 4}};
    for (int t = 0; t < 4; t++) {
        const int n = sizes[t][0], c = sizes[t][1], s = sizes[t][2];
        const size_t size = (size_t)n * c * s;
        real *x = numbers(size, 4, -2, 5), *scale = numbers((size_t)c, 5, -2, 2), *shift = numbers((size_t)c, 6, -1, 1);
        real *mean = numbers((size_t)c, 7, 0, 0), *variance = numbers((size_t)c, 7, 0, 0), *a = numbers((size_t)c, 7, 0, 0),
             *b = numbers((size_t)c, 7, 0, 0), *y = numbers(size, 8, 0, 0), *want = numbers(size, 8, 0, 0);
        void *scratch = mem_try(norm_scratch_bytes(n, c, (size_t)s), 1);
        norm_forward(activation_of(ACTIVATION_LEAKY), x, n, c, (size_t)s, scale, shift, mean, variance, y, scratch);
        for (int k = 0; k < c; k++) {
            const struct moments m = moments_of(x, n, c, s, k);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < s; j++) {
                    const int at = (i * c + k) * s + j;
                    const double v = ((double)x[at] - m.mean) / sqrt(m.variance + 1e-5) * (double)scale[k] + (double)shift[k];
                    want[at] = (real)(v > 0 ? v : .1 * v);
                }
        }
        assert_true(reference_error(y, want, size) < 2e-6);
        norm_fold(scale, shift, mean, variance, c, a, b);
        norm_map(&(struct channel_map){.scale = a, .shift = b, .activation = activation_of(ACTIVATION_LEAKY)}, x, n, c, (size_t)s,
                 x); /* in place */
        assert_memory_equal(x, y, size * sizeof(real));
        mem_free(x);
        mem_free(scale);
        mem_free(shift);
        mem_free(mean);
        mem_free(variance);
        mem_free(a);
        mem_free(b);
        mem_free(y);
        mem_free(want);
        mem_free(scratch);
    }
}

/* The gradient by the formula of Ioffe and Szegedy, section 3, in double. */
static void check_backward(int n, int c, int s, bool through)
{
    const size_t size = (size_t)n * c * s, channels = (size_t)c;
    real *x = numbers(size, 4, -2, 5), *scale = numbers(channels, 5, -2, 2), *shift = numbers(channels, 6, -1, 1);
    real *mean = numbers(channels, 7, -1, 1), *variance = numbers(channels, 7, 1, 2), *dy = numbers(size, 9, -1, 1),
         *out = numbers(size, 10, 0, 1);
    real *dscale = numbers(channels, 11, -1, 1), *dshift = numbers(channels, 12, -1, 1);
    real *dx = numbers(size, 0, 0, 0), *want_scale = numbers(channels, 11, -1, 1), *want_shift = numbers(channels, 12, -1, 1);
    void *scratch = mem_try(norm_scratch_bytes(n, c, (size_t)s), 1);
    if (through)
        norm_forward(linear, x, n, c, (size_t)s, scale, shift, mean, variance, out, scratch);
    for (int k = 0; k < c; k++) {
        const double r = 1 / sqrt((double)variance[k] + 1e-5), N = n * s;
        double sum = 0, along = 0;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < s; j++) {
                const int at = (i * c + k) * s + j;
                sum += (double)dy[at];
                along += (double)dy[at] * ((double)x[at] - (double)mean[k]) * r;
            }
        for (int i = 0; i < n; i++)
            for (int j = 0; j < s; j++) {
                const int at = (i * c + k) * s + j;
                const double hat = ((double)x[at] - (double)mean[k]) * r;
                dx[at] = (real)((double)scale[k] * r * ((double)dy[at] - (through ? (sum + hat * along) / N : 0)));
            }
        want_scale[k] += (real)along;
        want_shift[k] += (real)sum;
    }
    norm_backward(linear, through, x, out, scale, shift, mean, variance, n, c, (size_t)s, dy, dscale, dshift, scratch);
    assert_true(reference_error(dy, dx, size) < 2e-6);
    assert_true(reference_error(dscale, want_scale, channels) < 2e-6);
    assert_true(reference_error(dshift, want_shift, channels) < 2e-6);
    mem_free(x);
    mem_free(scale);
    mem_free(shift);
    mem_free(mean);
    mem_free(variance);
    mem_free(dy);
    mem_free(out);
    mem_free(dscale);
    mem_free(dshift);
    mem_free(dx);
    mem_free(want_scale);
    mem_free(want_shift);
    mem_free(scratch);
}

static void test_backward(void **state)
{
    (void)state;
    for (int through = 0; through <= 1; through++) {
        check_backward(3, 5, 49, through);
        check_backward(6, 70, 1, through);
        check_backward(1, 2, 2500, through);
        check_backward(2, 33, 64, through);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics), cmocka_unit_test(test_running),  cmocka_unit_test(test_one_number),
        cmocka_unit_test(test_forward),    cmocka_unit_test(test_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
