#include "math/bf16_plan.h"

/* Windows of fewer channels are written out. */
#define MIN_CHANNELS 8

struct bf16_view bf16_view_forward(const struct conv_shape *s)
{
    const int taps = s->size * s->size;
    struct bf16_view v = {.batch = s->batch,
                          .channels = s->channels,
                          .source_channels = s->channels,
                          .height = s->height,
                          .width = s->width,
                          .filters = s->filters,
                          .rows = s->out_h,
                          .cols = s->out_w,
                          .stride_y = s->stride_y,
                          .stride_x = s->stride_x,
                          .taps = taps,
                          .filter_stride = (size_t)s->channels * (size_t)taps,
                          .channel_stride = (size_t)taps,
                          .plane = (size_t)s->out_h * (size_t)s->out_w,
                          .row_step = (size_t)s->out_w,
                          .step = 1,
                          .unfolded = taps > 1 && s->channels < MIN_CHANNELS};
    for (int tap = 0; tap < taps; tap++) {
        v.tap[tap] = tap;
        v.tap_y[tap] = tap / s->size * s->dilation - s->padding;
        v.tap_x[tap] = tap % s->size * s->dilation - s->padding;
    }
    if (v.unfolded) {
        v.channels *= taps;
        v.channel_stride = 1;
    }
    return v;
}

struct bf16_view bf16_view_backward(const struct conv_shape *s, int part)
{
    const int taps = s->size * s->size, first_y = part / s->stride_x, first_x = part % s->stride_x;
    struct bf16_view v = {.batch = s->batch,
                          .channels = s->filters,
                          .source_channels = s->filters,
                          .height = s->out_h,
                          .width = s->out_w,
                          .filters = s->channels,
                          .rows = first_y < s->height ? bf16_ceil_div(s->height - first_y, s->stride_y) : 0,
                          .cols = first_x < s->width ? bf16_ceil_div(s->width - first_x, s->stride_x) : 0,
                          .stride_y = 1,
                          .stride_x = 1,
                          .filter_stride = (size_t)taps,
                          .channel_stride = (size_t)s->channels * (size_t)taps,
                          .plane = (size_t)s->height * (size_t)s->width,
                          .first = (size_t)first_y * (size_t)s->width + (size_t)first_x,
                          .row_step = (size_t)s->stride_y * (size_t)s->width,
                          .step = (size_t)s->stride_x};
    for (int tap = 0; tap < taps; tap++) {
        const int y = first_y + s->padding - tap / s->size * s->dilation, x = first_x + s->padding - tap % s->size * s->dilation;
        if (y % s->stride_y != 0 || x % s->stride_x != 0)
            continue;
        v.tap[v.taps] = tap;
        v.tap_y[v.taps] = y / s->stride_y;
        v.tap_x[v.taps++] = x / s->stride_x;
    }
    return v;
}

/* Which numbers of a row exist: those whose column first + i·stride is one of `width`; at most n. */
static void valid(int first, int stride, int width, int n, int *begin, int *end)
{
    const int b = first < 0 ? bf16_ceil_div(-first, stride) : 0, e = width > first ? bf16_ceil_div(width - first, stride) : 0;
    *end = bf16_smaller(e, n);
    *begin = bf16_smaller(b, *end);
}

/* Fills in phases and returns which one it is. */
static int phase_of(struct bf16_strip *z, int y, int x)
{
    int i = 0;
    while (i < z->phases && (z->phase_y[i] != y || z->phase_x[i] != x))
        i++;
    if (i == z->phases) {
        z->phase_y[i] = y;
        z->phase_x[i] = x;
        z->phases++;
    }
    return i;
}

struct bf16_strip bf16_strip_of(const struct bf16_view *v, size_t number_bytes, size_t limit, int units)
{
    struct bf16_strip z = {.pitch = v->cols, .phases = v->unfolded ? 1 : 0};
    int phase[BF16_MAX_TAPS] = {0}, reach_x = 0;
    if (!v->unfolded) {
        z.top = v->tap_y[0];
        z.left = v->tap_x[0];
        for (int t = 0; t < v->taps; t++) {
            z.top = bf16_smaller(z.top, v->tap_y[t]);
            z.left = bf16_smaller(z.left, v->tap_x[t]);
        }
        for (int t = 0; t < v->taps; t++) {
            const int y = v->tap_y[t] - z.top, x = v->tap_x[t] - z.left;
            phase[t] = phase_of(&z, y % v->stride_y, x % v->stride_x);
            z.reach_y = y / v->stride_y > z.reach_y ? y / v->stride_y : z.reach_y;
            reach_x = x / v->stride_x > reach_x ? x / v->stride_x : reach_x;
        }
        const int wanted = v->cols + reach_x;
        for (int i = 0; i < z.phases; i++) {
            int begin, end;
            valid(z.left + z.phase_x[i], v->stride_x, v->width, wanted, &begin, &end);
            if (begin == end)
                begin = wanted;
            z.pitch = end > z.pitch ? end : z.pitch;
            z.pitch = wanted - begin > z.pitch ? wanted - begin : z.pitch;
        }
    }
    const size_t row = number_bytes * (size_t)z.pitch * (size_t)z.phases;
    const long fitting = (long)(limit / row) - z.reach_y, most = fitting < 1 ? 1 : fitting < v->rows ? fitting : v->rows;
    /* Bands lower than the window would copy most rows several times. */
    const int least = z.reach_y + 1 > 4 ? z.reach_y + 1 : 4;
    const int wanted = bf16_smaller(bf16_ceil_div(units, v->batch), bf16_ceil_div(v->rows, least));
    z.bands = bf16_ceil_div(v->rows, (int)most);
    z.bands = z.bands > wanted ? z.bands : wanted;
    z.rows = bf16_ceil_div(v->rows, z.bands);
    z.plane = (z.rows + z.reach_y) * z.pitch;
    for (int t = 0; t < v->taps; t++) {
        const int y = v->tap_y[t] - z.top, x = v->tap_x[t] - z.left;
        z.at[t] = v->unfolded ? 0 : phase[t] * z.plane + y / v->stride_y * z.pitch + x / v->stride_x;
    }
    /* Tiles reach beyond the last output by up to 31 numbers, taps by reach_x. */
    z.length = (bf16_ceil_div(z.phases * z.plane + reach_x + BF16_DEPTH, BF16_DEPTH) | 1) * BF16_DEPTH;
    return z;
}

/* What the rows of phase p of a channel's strip are copied from. They are inputs first_in + i·stride_y, of which i in [*begin, *end) exist;
 * from is where i = 0 would be. */
static struct bf16_source source_of(const struct bf16_view *v, const struct bf16_strip *z, const real *image, int channel, int first,
                                    int rows, int p, int *begin, int *end)
{
    const int taps = v->unfolded ? v->taps : 1;
    const int y = v->unfolded ? v->tap_y[channel % taps] : z->top + z->phase_y[p];
    const int x = v->unfolded ? v->tap_x[channel % taps] : z->left + z->phase_x[p];
    const int in = first * v->stride_y + y;
    struct bf16_source s = {image + (ptrdiff_t)(channel / taps * (ptrdiff_t)v->height + in) * v->width + x, 0, 0};
    valid(in, v->stride_y, v->height, rows, begin, end);
    valid(x, v->stride_x, v->width, z->pitch, &s.begin, &s.end);
    return s;
}

/* One phase of one channel, or of a pair of them. */
static void fill_phase(const struct bf16_view *v, const struct bf16_kernels *k, const struct bf16_strip *z, const real *image, int channel,
                       int first, int rows, int p, bool pairs, bf16 *to)
{
    struct bf16_source s[2] = {{0}};
    int begin[2] = {0}, end[2] = {0};
    const int sources = pairs && channel + 1 < v->channels ? 2 : 1;
    for (int i = 0; i < sources; i++)
        s[i] = source_of(v, z, image, channel + i, first, rows, p, &begin[i], &end[i]);
    if (sources == 1)
        s[1] = (struct bf16_source){s[0].from, 0, 0};
    const size_t row = (size_t)z->pitch * (pairs ? 2 : 1), step = (size_t)v->stride_y * (size_t)v->width;
    /* From one row where a source begins or ends to the next: in between, the same ones exist. */
    for (int i = 0, next; i < rows; i = next) {
        struct bf16_source there[2];
        next = rows;
        for (int j = 0; j < 2; j++) {
            there[j] = s[j];
            there[j].from += (ptrdiff_t)i * (ptrdiff_t)step;
            if (i < begin[j])
                next = bf16_smaller(next, begin[j]);
            else if (i < end[j])
                next = bf16_smaller(next, end[j]);
            if (j < sources && (i < begin[j] || i >= end[j]))
                there[j].begin = there[j].end = 0;
        }
        const struct bf16_rows which = {v->stride_x, z->pitch, next - i, step, (size_t)z->pitch};
        if (there[0].end == 0 && there[1].end == 0)
            memset(to + (size_t)i * row, 0, (size_t)(next - i) * row * sizeof *to);
        else if (pairs)
            k->pairs(there, &which, to + (size_t)i * row);
        else
            k->plain(there, &which, to + (size_t)i * row);
    }
}

void bf16_fill(const struct bf16_view *v, const struct bf16_kernels *k, const struct bf16_strip *z, const real *image, int first, int last,
               bool pairs, bf16 *to)
{
    const int rows = last - first + z->reach_y, each = pairs ? 2 : 1;
    const int channels = bf16_round_up(v->channels, pairs ? BF16_DEPTH : BF16_SIDE);
    const size_t width = (size_t)each, strip = width * (size_t)z->length;
    for (int c = 0; c < channels; c += each, to += strip) {
        if (c >= v->channels) {
            memset(to, 0, strip * sizeof *to);
            continue;
        }
        bf16 *end = to;
        for (int p = 0; p < z->phases; p++) {
            /* Nothing stands behind a phase of which this band has fewer rows than others. */
            bf16 *begin = to + width * (size_t)(p * z->plane);
            memset(end, 0, (size_t)(begin - end) * sizeof *to);
            fill_phase(v, k, z, image, c, first, rows, p, pairs, begin);
            end = begin + width * (size_t)(rows * z->pitch);
        }
        memset(end, 0, (size_t)(to + strip - end) * sizeof *to);
    }
}
