#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "draws.h"
#include "nets.h"

void moments_add(struct moments *m, double x)
{
    const double before = x - m->mean;
    m->n++;
    m->mean += before / m->n;
    m->sum2 += before * (x - m->mean);
}

double moments_variance(const struct moments *m)
{
    return m->sum2 / (m->n - 1);
}

void moments_expect(const struct moments *m, double mean, double variance, double fourth, const char *what)
{
    const double mean_error = sqrt(variance / m->n), variance_error = sqrt((fourth - variance * variance) / m->n);
    if (!(fabs(m->mean - mean) <= 3 * mean_error + 1e-6 * fabs(mean)))
        fail_msg("%s: mean %.9g, expected %.9g with a standard error of %.2g", what, m->mean, mean, mean_error);
    if (!(fabs(moments_variance(m) - variance) <= 3 * variance_error + 1e-5 * variance)) /* a fair coin has no error but n / (n - 1) */
        fail_msg("%s: variance %.9g, expected %.9g with a standard error of %.2g", what, moments_variance(m), variance, variance_error);
}

void draws_expect(const char *cfg, double x, double mean, double variance, double fourth)
{
    char text[1024];
    snprintf(text, sizeof text, "%s[cost]\n", cfg);
    struct network *net = nets_build(text, 1);
    struct error err = ERROR_INIT;
    network_want_input_gradient(net);
    assert_int_equal(network_plan(net, 3, 0, 0, true, &err), 0);
    const struct layer *l = &net->layer[0];
    const size_t n = shape_size(net->input.shape);
    struct moments forward = {0}, backward = {0};
    for (uint64_t step = 0; step < 40; step++) {
        const struct run run = {.mode = MODE_TRAIN, .seed = 4, .step = step};
        for (size_t i = 0; i < n; i++)
            net->input.x[i] = (real)x;
        network_forward_layer(net, 0, &run);
        for (size_t i = 0; i < n; i++) {
            moments_add(&forward, (double)l->out.x[i] / x);
            l->out.dx[i] = 2;
        }
        network_backward_layer(net, 0, &run);
        for (size_t i = 0; i < n; i++)
            moments_add(&backward, (double)net->input.dx[i] / 2);
    }
    moments_expect(&forward, mean, variance, fourth, "output");
    moments_expect(&backward, mean, variance, fourth, "gradient");
    network_free(net);
}
