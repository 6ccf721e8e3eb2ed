#include "data/colour.h"

#include <math.h>

#include "base/simd.h"

/* With V = max, D = max − min = V·S and H in sixths of the circle, HSV's channels are V − D + D·k(H) with k = clamp(|H − 3| − 1, 0, 1) for
 * R, clamp(2 − |H − 2|, 0, 1) for G and clamp(2 − |H − 4|, 0, 1) for B. The changed ones are therefore exposure·(V − saturation·(D − D·k)),
 * and without a shift of H exposure·(V − saturation·(V − channel)). D·k needs D·H only, which is found without a division. */

static inline float clamp01(float v)
{
    v = v > 0 ? v : 0; /* so written, one instruction each */
    return v < 1 ? v : 1;
}

static inline float max3(float a, float b, float c)
{
    const float m = a > b ? a : b;
    return m > c ? m : c;
}

static inline float min3(float a, float b, float c)
{
    const float m = a < b ? a : b;
    return m < c ? m : c;
}

/* D − D·k, where x = D·(|H − 3| − 1) or alike. */
static inline float missing(float x, float d)
{
    x = x > 0 ? x : 0;
    return d - (x < d ? x : d);
}

SIMD_CLONES
static void scale_plane(float *x, size_t n, float exposure)
{
    for (size_t i = 0; i < n; i++)
        x[i] = clamp01(x[i] * exposure);
}

SIMD_CLONES
static void saturate(float *restrict r, float *restrict g, float *restrict b, size_t n, float saturation, float exposure)
{
    for (size_t i = 0; i < n; i++) {
        const float v = max3(r[i], g[i], b[i]);
        r[i] = clamp01(exposure * (v - saturation * (v - r[i])));
        g[i] = clamp01(exposure * (v - saturation * (v - g[i])));
        b[i] = clamp01(exposure * (v - saturation * (v - b[i])));
    }
}

SIMD_CLONES
static void turn_hue(float *restrict r, float *restrict g, float *restrict b, size_t n, float sixths, float saturation, float exposure)
{
    const float strength = saturation * exposure;
    for (size_t i = 0; i < n; i++) {
        const float x = r[i], y = g[i], z = b[i];
        const float v = max3(x, y, z), d = v - min3(x, y, z);
        float h = (v == x ? y - z : v == y ? 2 * d + (z - x) : 4 * d + (x - y)) + sixths * d; /* D·H, −D .. 11·D */
        h = h < 0 ? h + 6 * d : h;
        h = h >= 6 * d ? h - 6 * d : h;
        const float value = exposure * v;
        r[i] = clamp01(value - strength * missing(fabsf(h - 3 * d) - d, d));
        g[i] = clamp01(value - strength * missing(2 * d - fabsf(h - 2 * d), d));
        b[i] = clamp01(value - strength * missing(2 * d - fabsf(h - 4 * d), d));
    }
}

void colour_change(float *x, int c, size_t n, size_t plane, struct colour_shift shift)
{
    const float saturation = (float)shift.saturation, exposure = (float)shift.exposure;
    const float sixths = (float)(6 * (shift.hue - floor(shift.hue)));
    if (c != 3) {
        for (int k = 0; k < c && exposure != 1; k++)
            scale_plane(x + (size_t)k * plane, n, exposure);
    } else if (sixths != 0) {
        turn_hue(x, x + plane, x + 2 * plane, n, sixths, saturation, exposure);
    } else if (saturation != 1 || exposure != 1) {
        saturate(x, x + plane, x + 2 * plane, n, saturation, exposure);
    }
}
