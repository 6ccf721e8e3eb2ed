#include "math/bf16_plan.h"

/* Fewer filters leave most rows of the tiles empty. */
#define MIN_FILTERS 4

bool bf16_choose(const struct conv_shape *s, enum conv_pass pass)
{
    /* In double, gradient checks want the digits. */
    return sizeof(real) == sizeof(float) && s->precision == CONV_BF16 && s->filters >= MIN_FILTERS && bf16_fits(s, pass);
}
