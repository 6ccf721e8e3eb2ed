#include "net/param.h"

#include <math.h>
#include <stdbool.h>

#include "base/parallel.h"
#include "base/rng.h"
#include "math/orthogonal.h"

void param_init(struct param *p, enum init_kind kind, uint64_t seed, uint64_t number)
{
    p->init = (struct param_init){kind, seed, number, 0};
}

static bool is_normal(enum init_kind kind)
{
    return kind == INIT_NORMAL || kind == INIT_HE_NORMAL || kind == INIT_XAVIER_NORMAL || kind == INIT_ORTHOGONAL;
}

/* Standard deviation of normal numbers (for INIT_ORTHOGONAL before they are made so), half the range of uniform ones. */
static double spread(const struct param *p)
{
    const double in = p->fan_in > 0 ? p->fan_in : 1, out = p->fan_out > 0 ? p->fan_out : 1;
    switch (p->init.kind) {
    case INIT_NORMAL:
        return p->init.sigma;
    case INIT_UNIFORM:
        return p->init.sigma * sqrt(3);
    case INIT_HE:
        return sqrt(6 / in);
    case INIT_HE_NORMAL:
        return sqrt(2 / in);
    case INIT_XAVIER:
        return sqrt(6 / (in + out));
    case INIT_XAVIER_NORMAL:
        return sqrt(2 / (in + out));
    case INIT_LECUN:
        return sqrt(3 / in);
    default:
        return 1;
    }
}

/* The values from begin to end: where their generator stands is known, so that they may be drawn in any order. */
static void draw(struct param *p, size_t begin, size_t end)
{
    const enum init_kind kind = p->init.kind;
    const bool normal = is_normal(kind);
    struct rng r = rng_make(p->init.seed, RNG_INIT, p->init.number, 0);
    r.index = normal ? 2 * begin : begin;
    const double size = spread(p);
    for (size_t i = begin; i < end; i++)
        if (kind == INIT_ONE || kind == INIT_ZERO)
            p->value[i] = kind == INIT_ONE;
        else
            p->value[i] = (real)(normal ? size * rng_normal(&r) : rng_range(&r, -size, size));
}

void param_draw(struct param *p)
{
    if (p->init.kind == INIT_KEPT)
        return;
    const size_t n = shape_size(p->shape);
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        draw(p, begin, end);
    }
    if (p->init.kind == INIT_ORTHOGONAL)
        orthogonal(p->value, p->shape.n, (int)shape_each(p->shape));
}
