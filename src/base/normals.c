#include "base/normals.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

/* ln x for normal x > 0: the mantissa m brought into [√½, √2), then 2·artanh((m − 1)/(m + 1)) by its series. */
static inline float log_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int up = (bits & 0x7fffffu) > 0x3504f3u;
    const int exponent = (int)(bits >> 23) - 127 + up;
    bits = (bits & 0x7fffffu) | (up ? 0x3f000000u : 0x3f800000u);
    float m;
    memcpy(&m, &bits, sizeof m);
    const float s = (m - 1) / (m + 1), q = s * s;
    return (float)exponent * 0.69314718f + 2 * s * (1 + q * (1.f / 3 + q * (1.f / 5 + q * (1.f / 7 + q * (1.f / 9)))));
}

/* cos(2πv), v in [0, 1): about the nearest half turn, by the Taylor series of the sine at a quarter. */
static inline float cos_turn(float v)
{
    const float a = fabsf(v - .5f);           /* cos(2πv) = −cos(2πa), a in [0, ½] */
    const float x = 6.28318531f * (a - .25f); /* −cos(2πa) = sin(2π(a − ¼)), x in [−π/2, π/2] */
    const float q = x * x;
    return x * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110)))));
}

SIMD_CLONES static void add_pairs(const uint32_t *bits, float deviation, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float u = ((float)bits[2 * i] + .5f) * 0x1p-32f; /* (0, 1] */
        const float v = (float)(bits[2 * i + 1] >> 8) * 0x1p-24f;
        const float l = -2 * log_of(u);
        out[i] += deviation * sqrtf(l > 0 ? l : 0) * cos_turn(v); /* fmaxf would be called: the loop wouldn't vectorise */
    }
}

void normals_add(struct rng *r, float deviation, float *out, size_t n)
{
    enum { CHUNK = 512 };
    uint32_t bits[2 * CHUNK];
    for (size_t at = 0; at < n; at += CHUNK) {
        const size_t count = n - at < CHUNK ? n - at : CHUNK;
        rng_halves(r->key, 2 * (r->index + at), 2 * count, bits);
        add_pairs(bits, deviation, out + at, count);
    }
    r->index += n;
}
