#include "train/average.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/simd.h"
#include "math/vector.h"

bool average_kept(const struct average *a)
{
    return a->value != NULL;
}

int average_init(struct average *a, const struct network *net, struct error *err)
{
    *a = (struct average){.n_params = net->n_params, .value = mem_new((size_t)net->n_params + 1, sizeof *a->value)};
    for (int i = 0; i < a->n_params; i++) {
        const size_t n = shape_size(net->param[i]->shape);
        a->value[i] = mem_try(n, sizeof(real));
        if (!a->value[i]) {
            average_free(a);
            return error_add(err, EXIT_FAIL, "out of memory: the mean of %s needs %zu bytes", net->param[i]->name, n * sizeof(real));
        }
    }
    return 0;
}

void average_free(struct average *a)
{
    for (int i = 0; a->value && i < a->n_params; i++)
        mem_free(a->value[i]);
    free(a->value);
    *a = (struct average){0};
}

SIMD_CLONES static void fold(const real *w, real *v, size_t n, real share)
{
    for (size_t i = 0; i < n; i++)
        v[i] += share * (w[i] - v[i]);
}

SIMD_CLONES static void swap(real *w, real *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const real t = w[i];
        w[i] = v[i];
        v[i] = t;
    }
}

void average_fold(struct average *a, const struct network *net, double share)
{
    const bool first = a->count++ == 0;
    for (int i = 0; i < a->n_params; i++) {
        const size_t n = shape_size(net->param[i]->shape);
        const int tiles = parallel_tiles(n);
        if (memcmp(net->param[i]->value, a->value[i], n * sizeof(real)) == 0)
            continue; /* frozen: its bytes stay, while -0 + share (-0 - -0) is +0 */
        if (first) {
            vector_copy(net->param[i]->value, a->value[i], n);
            continue;
        }
#pragma omp parallel for schedule(static)
        for (int t = 0; t < tiles; t++) {
            size_t begin, end;
            parallel_range(n, t, tiles, &begin, &end);
            fold(net->param[i]->value + begin, a->value[i] + begin, end - begin, (real)share);
        }
    }
}

void average_add(struct average *a, const struct network *net)
{
    average_fold(a, net, 1.0 / (double)(a->count + 1));
}

void average_swap(struct average *a, struct network *net)
{
    for (int i = 0; i < a->n_params; i++)
        swap(net->param[i]->value, a->value[i], shape_size(net->param[i]->shape));
}

int averages_init(struct averages *a, const struct network *net, int64_t total, int64_t epoch, struct error *err)
{
    const struct net_options *o = &net->options;
    const double start = o->swa_start < 1 ? o->swa_start * (double)total : o->swa_start;
    *a = (struct averages){.decay = o->ema > 0 ? o->ema : o->ema_alpha,
                           .swa_start = (int64_t)ceil(start),
                           .swa_every = o->swa_every > 0 ? o->swa_every : epoch};
    int result = 0;
    if (a->decay > 0)
        result = average_init(&a->ema, net, err);
    if (result == 0 && o->swa_start > 0)
        result = average_init(&a->swa, net, err);
    for (int i = 0; i < net->n_params; i++)
        a->bytes += (size_t)(average_kept(&a->ema) + average_kept(&a->swa)) * shape_size(net->param[i]->shape) * sizeof(real);
    if (result != 0)
        averages_free(a);
    return result;
}

void averages_update(struct averages *a, const struct network *net, int64_t iteration)
{
    if (average_kept(&a->ema)) {
        const double early = (1 + (double)iteration) / (10 + (double)iteration);
        average_fold(&a->ema, net, 1 - (early < a->decay ? early : a->decay));
    }
    if (average_kept(&a->swa) && iteration >= a->swa_start && (iteration - a->swa_start) % a->swa_every == 0)
        average_add(&a->swa, net);
}

void averages_free(struct averages *a)
{
    average_free(&a->ema);
    average_free(&a->swa);
}
