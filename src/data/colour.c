#include "data/colour.h"

#include <math.h>

#include "base/simd.h"

/* With V = max, D = max − min = V·S and H in sixths of the circle, HSV's channels are V − D·k_n(H), where k_n(H) = clamp(min(a, 4 − a), 0,
 * 1), a = (n + H) mod 6, n = 5, 3, 1 for R, G, B. The changed ones are therefore exposure·(V − saturation·D·k_n(H + shift)), and without a
 * shift exposure·(V − saturation·(V − channel)): the only division is the one for H. */

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

/* k_n of a sum n + H in [0, 18). */
static inline float wedge(float a)
{
    a = a >= 12 ? a - 12 : a;
    a = a >= 6 ? a - 6 : a;
    const float b = 4 - a;
    return clamp01(a < b ? a : b);
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
    for (size_t i = 0; i < n; i++) {
        const float x = r[i], y = g[i], z = b[i];
        const float v = max3(x, y, z), d = v - min3(x, y, z);
        const float scale = 1 / (d > 0 ? d : 1); /* grey has no hue: any does */
        const float from_r = (y - z) * scale, from_g = 2 + (z - x) * scale, from_b = 4 + (x - y) * scale;
        const float hue = (v == x ? from_r : v == y ? from_g : from_b) + sixths; /* −1 .. 11 */
        const float strength = saturation * d;
        r[i] = clamp01(exposure * (v - strength * wedge(5 + hue)));
        g[i] = clamp01(exposure * (v - strength * wedge(3 + hue)));
        b[i] = clamp01(exposure * (v - strength * wedge(1 + hue)));
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
