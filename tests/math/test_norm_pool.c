/* The joined passes against norm.h followed by pool.h, which have tests of their own. */
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
#include "math/norm_pool.h"
#include "math/pool.h"

static real *numbers(size_t n, uint64_t stream, double lo, double hi)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(5, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, lo, hi);
    return v;
}

static void near(const real *got, const real *want, size_t n, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * largest))
            fail_msg("number %zu of %zu is %g, expected %g (largest %g)", i, n, (double)got[i], (double)want[i], largest);
}

static void check(struct activation a, int n, int c, int h, int w, bool known)
{
    const size_t s = (size_t)h * (size_t)w, size = (size_t)n * (size_t)c * s, pooled = size / 4;
    const struct pool_window window = {2, 2, 2, 2, 0, 0};
    real *x = numbers(size, 1, -3, 2), *scale = numbers((size_t)c, 2, -1, 1), *shift = numbers((size_t)c, 3, -1, 1);
    real *mean = numbers((size_t)c, 4, -1, 1), *variance = numbers((size_t)c, 5, 1, 2), *dy = numbers(pooled, 6, -1, 1);
    void *scratch = mem_try(norm_scratch_bytes(n, c, s), 1);
    int32_t *index = mem_try(pooled, sizeof *index);

    /* One after the other. */
    real *between = mem_try(size, sizeof(real)), *want_y = mem_try(pooled, sizeof(real)), *want_dx = mem_try(size, sizeof(real));
    real *want_dscale = mem_new((size_t)c, sizeof(real)), *want_dshift = mem_new((size_t)c, sizeof(real));
    real *m = numbers((size_t)c, 4, -1, 1), *v = numbers((size_t)c, 5, 1, 2);
    if (known) {
        real *f = mem_try((size_t)c, sizeof(real)), *b = mem_try((size_t)c, sizeof(real));
        norm_fold(scale, shift, m, v, c, f, b);
        norm_map(&(struct channel_map){.scale = f, .shift = b, .activation = a}, x, n, c, s, between);
        mem_free(f);
        mem_free(b);
    } else
        norm_forward(a, x, n, c, s, scale, shift, m, v, between, scratch);
    const size_t planes = (size_t)n * (size_t)c;
    pool_max_forward(between, want_y, index, planes, h, w, h / 2, w / 2, window, NULL, NULL);
    pool_max_backward(dy, index, want_dx, planes, s, s / 4, true, true);
    norm_backward(a, !known, x, between, scale, shift, m, v, n, c, s, want_dx, want_dscale, want_dshift, scratch);

    /* Joined; with 1 and 3 threads, which must give the same bits. */
    real *first = NULL;
    for (int threads = 1; threads <= 3; threads += 2) {
        parallel_set(threads);
        real *y = mem_try(pooled, sizeof(real)), *x_max = mem_try(pooled, sizeof(real)), *g = mem_try(pooled, sizeof(real));
        real *dx = mem_try(size, sizeof(real)), *dscale = mem_new((size_t)c, sizeof(real)), *dshift = mem_new((size_t)c, sizeof(real));
        uint8_t *place = mem_try(pooled, 1);
        memcpy(g, dy, pooled * sizeof(real));
        norm_pool_forward(a, x, n, c, h, w, scale, shift, known, mean, variance, y, x_max, place, scratch);
        near(mean, m, (size_t)c, 0);
        near(variance, v, (size_t)c, 0);
        near(y, want_y, pooled, 1e-6);
        norm_pool_backward(a, !known, x, x_max, place, y, scale, shift, mean, variance, n, c, h, w, g, dx, dscale, dshift, scratch);
        near(dx, want_dx, size, 3e-6);
        near(dscale, want_dscale, (size_t)c, 1e-5);
        near(dshift, want_dshift, (size_t)c, 1e-5);
        if (first)
            assert_memory_equal(first, dx, size * sizeof(real));
        else
            first = numbers(size, 7, 0, 1);
        memcpy(first, dx, size * sizeof(real));
        void *const own[] = {y, x_max, g, dx, place};
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            mem_free(own[i]);
        free(dscale);
        free(dshift);
    }
    parallel_set(0);
    void *const all[] = {x, scale, shift, mean, variance, dy, scratch, index, between, want_y, want_dx, m, v, first};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
    free(want_dscale);
    free(want_dshift);
}

static void same_as_apart(void **state)
{
    (void)state;
    static const enum activation_kind activations[] = {ACTIVATION_LINEAR, ACTIVATION_LEAKY, ACTIVATION_LOGISTIC, ACTIVATION_MISH};
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        for (int known = 0; known < 2; known++) {
            check(activation_of(activations[i]), 2, 3, 6, 4, known);
            check(activation_of(activations[i]), 1, 1, 2, 2, known);
            check(activation_of(activations[i]), 3, 17, 14, 26, known); /* a channel at a time */
            check(activation_of(activations[i]), 1, 2, 4, 2200, known); /* rows in pieces */
            check(activation_of(activations[i]), 2, 2, 300, 300, known);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
