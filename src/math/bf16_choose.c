#include "math/bf16_plan.h"
#include "math/winograd.h"

/* Fewer filters leave most rows of the tiles empty. */
#define MIN_FILTERS 4
/* Windows of fewer channels are written out for AVX512-BF16, which takes longer than direct.h takes for all. */
#define MIN_CHANNELS 8

bool bf16_choose(const struct conv_shape *s, enum cpu_bf16 isa, enum conv_pass pass)
{
    /* In double, gradient checks want the digits. */
    if (sizeof(real) > sizeof(float) || s->precision != CONV_BF16 || s->filters < MIN_FILTERS || !bf16_fits(s, pass))
        return false;
    /* AVX512-BF16 does twice the products of AVX-512, Winograd in float needs a quarter of them. */
    return isa != CPU_BF16_AVX512 || (winograd_choose(s, pass) == 0 && s->channels >= MIN_CHANNELS);
}
