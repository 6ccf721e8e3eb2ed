#include "math/direct_plan.h"

/* Numbers of a strip: a quarter of a usual second-level cache. */
#define STRIP_AREA (128 * 1024)
#define SHORT_ROW 32

void direct_strip_rows(const struct conv_shape *s, int width, struct direct_strip *strip)
{
    strip->pitch = width + direct_ceil_div(s->dilation * (s->size - 1), s->stride_x);
    strip->row = strip->pitch * s->stride_x;
    strip->row_step = strip->row * s->stride_y;
    for (int ky = 0; ky < s->size; ky++)
        for (int kx = 0; kx < s->size; kx++) {
            const int at = kx * s->dilation;
            strip->taps[ky * s->size + kx] = ky * s->dilation * strip->row + at % s->stride_x * strip->pitch + at / s->stride_x;
            strip->phase_used[at % s->stride_x] = true;
        }
}

struct direct_strip direct_strip_of(const struct conv_shape *s, const struct direct_kernels *k, int channels)
{
    const int reach = s->dilation * (s->size - 1);
    struct direct_strip z = {.across = direct_ceil_div(s->out_w, k->lanes)};
    direct_strip_rows(s, z.across * k->lanes, &z);
    const int fitting = (STRIP_AREA / (channels * z.row) - 1 - reach) / s->stride_y + 1;
    const int most = fitting < 1 ? 1 : direct_smaller(fitting, s->out_h);
    /* Bands lower than the window would copy most rows several times, and some vectors make a tile. */
    const int filling = direct_ceil_div(k->vectors, z.across), least = s->size > filling ? s->size : filling;
    const int wanted = direct_smaller(direct_ceil_div(DIRECT_TASKS, s->batch), direct_ceil_div(s->out_h, least));
    z.bands = direct_ceil_div(s->out_h, most);
    z.bands = z.bands > wanted ? z.bands : wanted;
    z.rows = direct_ceil_div(s->out_h, z.bands);
    z.channel = ((z.rows - 1) * s->stride_y + reach + 1) * z.row;
    return z;
}

void direct_fill(const struct conv_shape *s, const struct direct_kernels *k, const struct direct_strip *strip, const real *planes,
                 int channels, int first, int last, real *to)
{
    const int rows = (last - 1 - first) * s->stride_y + s->dilation * (s->size - 1) + 1, top = first * s->stride_y - s->padding;
    const size_t area = (size_t)s->height * (size_t)s->width;
    for (int phase = 0; phase < s->stride_x; phase++) {
        if (!strip->phase_used[phase])
            continue;
        /* Number i of a row of the phase is column i·stride + phase − padding. */
        const int before = s->padding - phase, behind = s->width + before;
        const int begin = direct_smaller(strip->pitch, before > 0 ? direct_ceil_div(before, s->stride_x) : 0);
        const int end = direct_smaller(strip->pitch, behind > 0 ? direct_ceil_div(behind, s->stride_x) : 0);
        /* Channel by channel for the sake of memory, but for rows so short that calls would be felt. */
        const int together = strip->pitch < SHORT_ROW ? channels : 1;
        for (int c = 0; c < channels; c += together) {
            const real *plane = planes + (size_t)c * area;
            real *row = to + (size_t)c * (size_t)strip->channel + (size_t)phase * (size_t)strip->pitch;
            for (int i = 0; i < rows; i++, row += strip->row) {
                const bool outside = top + i < 0 || top + i >= s->height || end <= begin;
                const real *from = outside ? plane : plane + (size_t)(top + i) * (size_t)s->width;
                k->spread(from - before, area, together, s->stride_x, outside ? 0 : begin, outside ? 0 : end, row, (size_t)strip->channel,
                          strip->pitch);
            }
        }
    }
}
