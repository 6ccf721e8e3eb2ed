#include "math/direct_plan.h"

/* Numbers of a strip: a quarter of a usual second-level cache. */
#define STRIP_AREA (128 * 1024)

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

/* The number of 0, step, 2·step, … that are < n. */
static int steps(int n, int step)
{
    return n > 0 ? direct_ceil_div(n, step) : 0;
}

void direct_fill(const struct conv_shape *s, const struct direct_kernels *k, const struct direct_strip *strip, const real *planes,
                 int channels, int first, int last, real *to)
{
    const int rows = (last - 1 - first) * s->stride_y + s->dilation * (s->size - 1) + 1, top = first * s->stride_y - s->padding;
    const int step = s->size == 1 ? s->stride_y : 1; /* a single tap passes over rows */
    const int above = steps(direct_smaller(rows, -top), step), inside = steps(direct_smaller(rows, s->height - top), step) - above;
    const int below = steps(rows, step) - above - inside;
    const size_t area = (size_t)s->height * (size_t)s->width, from_step = (size_t)s->width * (size_t)step;
    const size_t to_step = (size_t)strip->row * (size_t)step;
    const size_t seen = inside > 0 ? (size_t)((inside - 1) * step + 1) * (size_t)s->width : 0;
    const real *begin_seen = planes + (inside > 0 ? (size_t)(top + above * step) * (size_t)s->width : 0);
    for (int c = 0; c < channels; c++) {
        /* Memory doesn't foresee the next plane. */
        for (size_t i = 0; i < seen && c + 1 < channels; i += 64 / sizeof(real))
            __builtin_prefetch(begin_seen + (size_t)(c + 1) * area + i);
        for (int phase = 0; phase < s->stride_x; phase++) {
            if (!strip->phase_used[phase])
                continue;
            /* Number i of a row of the phase is column i·stride + phase − padding. */
            const int before = s->padding - phase, behind = s->width + before;
            const int begin = direct_smaller(strip->pitch, before > 0 ? direct_ceil_div(before, s->stride_x) : 0);
            const int end = direct_smaller(strip->pitch, behind > 0 ? direct_ceil_div(behind, s->stride_x) : 0);
            real *row = to + (size_t)c * (size_t)strip->channel + (size_t)phase * (size_t)strip->pitch;
            k->spread(planes, 0, above, s->stride_x, 0, 0, row, to_step, strip->pitch);
            row += (size_t)above * to_step;
            if (inside > 0)
                k->spread(begin_seen + (size_t)c * area - before, from_step, inside, s->stride_x, begin, end > begin ? end : begin, row,
                          to_step, strip->pitch);
            row += (size_t)inside * to_step;
            k->spread(planes, 0, below, s->stride_x, 0, 0, row, to_step, strip->pitch);
        }
    }
}
