#include "net/param.h"

#include <math.h>

#include "base/parallel.h"
#include "base/rng.h"

void param_init(struct param *p, enum init_kind kind, uint64_t seed, uint64_t number)
{
    p->init = (struct param_init){kind, seed, number};
}

/* The values from begin to end: where their generator stands is known, so that they may be drawn in any order. */
static void draw(struct param *p, size_t begin, size_t end)
{
    struct rng r = rng_make(p->init.seed, RNG_INIT, p->init.number, 0);
    r.index = p->init.kind == INIT_HE_NORMAL ? 2 * begin : begin;
    const double in = p->fan_in > 0 ? p->fan_in : 1, out = p->fan_out > 0 ? p->fan_out : 1;
    const double sigma = sqrt(2 / in), xavier = sqrt(6 / (in + out)), lecun = sqrt(3 / in);
    for (size_t i = begin; i < end; i++)
        switch (p->init.kind) {
        case INIT_KEPT:
            return;
        case INIT_ONE:
            p->value[i] = 1;
            break;
        case INIT_HE_NORMAL:
            p->value[i] = (real)(sigma * rng_normal(&r));
            break;
        case INIT_XAVIER:
            p->value[i] = (real)rng_range(&r, -xavier, xavier);
            break;
        case INIT_LECUN:
            p->value[i] = (real)rng_range(&r, -lecun, lecun);
            break;
        }
}

void param_draw(struct param *p)
{
    const size_t n = shape_size(p->shape);
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        draw(p, begin, end);
    }
}
