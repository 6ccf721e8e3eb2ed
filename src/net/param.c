#include "net/param.h"

#include <math.h>

#include "base/rng.h"

void param_init(struct param *p, enum init_kind kind, uint64_t seed, uint64_t number)
{
    const size_t n = shape_size(p->shape);
    struct rng r = rng_make(seed, RNG_INIT, number, 0);
    const double in = p->fan_in > 0 ? p->fan_in : 1, out = p->fan_out > 0 ? p->fan_out : 1;
    const double sigma = sqrt(2 / in), xavier = sqrt(6 / (in + out)), lecun = sqrt(3 / in);
    for (size_t i = 0; i < n; i++)
        switch (kind) {
        case INIT_ZERO:
            p->value[i] = 0;
            break;
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
