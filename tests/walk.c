#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "nets.h"
#include "walk.h"

struct network *walk_open(const char *cfg_text, int batch, bool training)
{
    struct network *net = nets_build(cfg_text, 1);
    struct error err = ERROR_INIT;
    if (network_plan(net, batch, 0, 0, training, &err)) {
        fail_msg("%s", err.text);
    }
    const int n = (int)shape_size(net->input.shape);
    int *order = mem_new((size_t)n, sizeof *order);
    struct rng rng = rng_make(5, RNG_TEST, 0, 0);
    rng_permute(&rng, order, n);
    for (int i = 0; i < n; i++) {
        net->input.x[i] = (real)(2 * (order[i] + .5) / n - 1);
    }
    free(order);
    return net;
}

const real *walk_forward(struct network *net, enum mode mode, uint64_t step)
{
    network_forward(net, &(struct run){.mode = mode, .seed = 9, .step = step});
    return network_output(net)->out.x;
}

void walk_refuse(const char *cfg_text, const char *parts)
{
    struct error err = ERROR_INIT;
    struct config config = {0};
    if (config_parse(&config, "test.cfg", cfg_text, &err)) {
        fail_msg("%s", err.text);
    }
    struct network *net = network_build(&config, 0, &err);
    if (net) {
        fail_msg("accepted: %s", cfg_text);
    }
    nets_expect(&err, EXIT_DATA, parts);
}

void walk_expect(const real *got, const double *want, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - want[i]) <= tolerance)) {
            fail_msg("[%zu]: %.9g, expected %.9g", i, (double)got[i], want[i]);
        }
    }
}
