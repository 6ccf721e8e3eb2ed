#include "math/loss.h"

#include <math.h>

#include "base/parallel.h"

/* One element's loss and derivative. */
static double value_of(enum loss_kind kind, double p, double t)
{
    const double d = p - t;
    switch (kind) {
    case LOSS_SQUARED:
        return d * d / 2;
    case LOSS_MASKED:
        return t == LOSS_MASK ? 0 : d * d / 2;
    case LOSS_SMOOTH:
        return fabs(d) < 1 ? d * d / 2 : fabs(d) - .5;
    case LOSS_L1:
        return fabs(d);
    }
    return 0;
}

static real derivative_of(enum loss_kind kind, real p, real t)
{
    const real d = p - t, sign = (real)((d > 0) - (d < 0));
    switch (kind) {
    case LOSS_SQUARED:
        return d;
    case LOSS_MASKED:
        return t == LOSS_MASK ? 0 : d;
    case LOSS_SMOOTH:
        return d < -1 || d > 1 ? sign : d;
    case LOSS_L1:
        return sign;
    }
    return 0;
}

double loss_sum(enum loss_kind kind, const real *p, const real *t, size_t n)
{
    double partial[256];
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        partial[tile] = 0;
        for (size_t i = begin; i < end; i++)
            partial[tile] += value_of(kind, (double)p[i], (double)t[i]);
    }
    double sum = 0;
    for (int i = 0; i < tiles; i++)
        sum += partial[i];
    return sum;
}

void loss_backward(enum loss_kind kind, const real *p, const real *t, real scale, real *dp, size_t n, bool overwrite)
{
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        for (size_t i = begin; i < end; i++) {
            const real g = scale * derivative_of(kind, p[i], t[i]);
            dp[i] = overwrite ? g : dp[i] + g;
        }
    }
}
