#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/simd.h"

int optimizer_init(struct optimizer *o, struct network *net, struct error *err)
{
    *o = (struct optimizer){.n_params = net->n_params, .param = net->param};
    o->velocity = mem_new((size_t)net->n_params, sizeof *o->velocity);
    for (int i = 0; i < o->n_params; i++) {
        const struct param *p = o->param[i];
        if (p->role == PARAM_STATISTIC || p->lr_mult == 0)
            continue;
        o->velocity[i] = mem_try(shape_size(p->shape), sizeof(real));
        if (!o->velocity[i]) {
            optimizer_free(o);
            return error_add(err, EXIT_FAIL, "out of memory: the momentum of %s needs %zu bytes", p->name,
                             shape_size(p->shape) * sizeof(real));
        }
    }
    return 0;
}

/* The update of one tile: PyTorch's SGD order (decay into the gradient, then momentum, then the step). */
SIMD_CLONES static void update(real *w, const real *g, real *v, size_t n, real rate, real momentum, real decay, real scale)
{
    for (size_t i = 0; i < n; i++) {
        const real d = g[i] * scale + decay * w[i];
        v[i] = momentum * v[i] + d;
        w[i] -= rate * v[i];
    }
}

/* Not 0 when a number is infinite or not a number: x − x is 0 for all others. */
SIMD_CLONES static int nonfinite(const real *g, size_t n)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= !(g[i] - g[i] == 0);
    return bad;
}

const struct param *optimizer_nonfinite(const struct optimizer *o)
{
    for (int i = 0; i < o->n_params; i++) {
        const struct param *p = o->param[i];
        if (!o->velocity[i] || !p->grad)
            continue;
        const size_t n = shape_size(p->shape);
        const int tiles = parallel_tiles(n);
        int bad = 0;
#pragma omp parallel for schedule(static) reduction(| : bad)
        for (int t = 0; t < tiles; t++) {
            size_t begin, end;
            parallel_range(n, t, tiles, &begin, &end);
            bad |= nonfinite(p->grad + begin, end - begin);
        }
        if (bad)
            return p;
    }
    return NULL;
}

void optimizer_step(struct optimizer *o, double rate, double momentum, double decay, int images)
{
    const real scale = (real)(1.0 / images);
    for (int i = 0; i < o->n_params; i++) {
        struct param *p = o->param[i];
        if (!o->velocity[i] || !p->grad)
            continue;
        const size_t n = shape_size(p->shape);
        const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static)
        for (int t = 0; t < tiles; t++) {
            size_t begin, end;
            parallel_range(n, t, tiles, &begin, &end);
            update(p->value + begin, p->grad + begin, o->velocity[i] + begin, end - begin, (real)(rate * p->lr_mult), (real)momentum,
                   (real)(decay * p->decay_mult), scale);
        }
    }
}

void optimizer_free(struct optimizer *o)
{
    for (int i = 0; o->velocity && i < o->n_params; i++)
        mem_free(o->velocity[i]);
    free(o->velocity);
    *o = (struct optimizer){0};
}
