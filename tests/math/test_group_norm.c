/* Group and layer normalisation against PyTorch's; group_norm.txt is made by scripts/reference/group_norm.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "math/group_norm.h"

#define FIGURES "tests/math/group_norm.txt"

static real *numbers(FILE *f, size_t n)
{
    real *x = mem_new(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        double v;
        assert_int_equal(fscanf(f, "%lf", &v), 1);
        x[i] = (real)v;
    }
    return x;
}

static void expect(const struct group_shape *g, const real *got, real *want, size_t n, const char *what)
{
    /* A group of one number is all ε: root is 316, and the rounding errors are as large. */
    const double tolerance = (size_t)(g->c / g->groups) * g->s == 1 ? 2e-4 : 1e-5;
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * fmax(1, fabs((double)want[i]))))
            fail_msg("%s[%zu]: %.9g, expected %.9g", what, i, (double)got[i], (double)want[i]);
    free(want);
}

static void check(FILE *f, const struct group_shape *g)
{
    const size_t c = (size_t)g->c, n = (size_t)g->n * c * g->s;
    real *x = numbers(f, n), *scale = numbers(f, c), *shift = numbers(f, c), *dy = numbers(f, n);
    real *y = mem_new(n, sizeof *y), *dx = mem_new(n, sizeof *dx);
    real *dscale = mem_new(c, sizeof *dscale), *dshift = mem_new(c, sizeof *dshift);
    double *statistics = mem_new(2 * (size_t)g->n * (size_t)g->groups, sizeof *statistics);
    double *scratch = mem_new(group_norm_scratch(g), sizeof *scratch);
    group_norm_forward(g, x, scale, shift, y, statistics);
    expect(g, y, numbers(f, n), n, "y");
    for (size_t i = 0; i < n; i++)
        dx[i] = (real)NAN; /* overwritten */
    group_norm_backward(g, x, dy, scale, statistics, dx, true, dscale, dshift, scratch);
    expect(g, dx, numbers(f, n), n, "dx");
    expect(g, dscale, numbers(f, c), c, "dscale");
    expect(g, dshift, numbers(f, c), c, "dshift");
    real *const all[] = {x, scale, shift, dy, y, dx, dscale, dshift};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(statistics);
    free(scratch);
}

static void pytorch(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        FILE *f = fopen(FIGURES, "r");
        if (!f)
            fail_msg("%s: cannot be read", FIGURES);
        assert_int_equal(fscanf(f, "#%*[^\n]"), 0);
        parallel_set(threads);
        struct group_shape g;
        int h, w, cases = 0;
        while (fscanf(f, "%d %d %d %d %d", &g.n, &g.c, &h, &w, &g.groups) == 5) {
            g.s = (size_t)h * (size_t)w;
            check(f, &g);
            cases++;
        }
        assert_int_equal(cases, 8);
        fclose(f);
    }
    parallel_set(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
