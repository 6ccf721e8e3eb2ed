/* A plane is laid out once so that every tap of the kernel becomes one long contiguous run:
 * it gets its padding, and is split into stride_y × stride_x phases (phase (a, b) holds the pixels whose row is a and whose column is b
 * modulo the strides). Row oy, column ox of the output then reads, for tap t, number oy·row + ox + offset[t] of phase[t], `row` being the
 * width of a phase. The output is computed with that same row width; the columns beyond out_w are dropped. Planes are small enough to stay
 * in cache. */
#include "math/depthwise.h"

#include <omp.h>
#include <string.h>

#include "base/simd.h"

#define TAPS_MAX 225
#define LANES 16
/* Numbers that a kernel may touch beyond the end of a run. */
#define SLACK 64

typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

struct plan {
    int phase_h, row; /* rows and columns of a phase */
    size_t phase;     /* numbers from one phase to the next */
    int phases, taps;
    int run;     /* numbers of the output in phase layout */
    size_t flat; /* numbers of an output plane in phase layout, with room before (margin) and after */
    int margin;  /* a multiple of LANES ≥ the largest offset */
    int tap_phase[TAPS_MAX], offset[TAPS_MAX];
};

bool depthwise_fits(const struct conv_shape *s)
{
    return s->groups == s->channels && s->filters == s->channels && s->size > 1 && s->size * s->size <= TAPS_MAX;
}

static int round_up(int value, int multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static struct plan plan_of(const struct conv_shape *s)
{
    struct plan p = {.taps = s->size * s->size, .phases = s->stride_x * s->stride_y};
    const int span = (s->size - 1) * s->dilation;
    /* Rows and columns that are read; what the strides leave over at the far edge is not laid out. */
    const int h = (s->out_h - 1) * s->stride_y + span + 1, w = (s->out_w - 1) * s->stride_x + span + 1;
    p.phase_h = (h + s->stride_y - 1) / s->stride_y;
    p.row = (w + s->stride_x - 1) / s->stride_x;
    p.run = (s->out_h - 1) * p.row + s->out_w;
    int largest = 0;
    for (int t = 0; t < p.taps; t++) {
        const int dy = t / s->size * s->dilation, dx = t % s->size * s->dilation;
        p.tap_phase[t] = dy % s->stride_y * s->stride_x + dx % s->stride_x;
        p.offset[t] = dy / s->stride_y * p.row + dx / s->stride_x;
        largest = p.offset[t] > largest ? p.offset[t] : largest;
    }
    p.phase = (size_t)round_up(p.phase_h * p.row + SLACK, LANES);
    p.margin = round_up(largest, LANES);
    p.flat = (size_t)(p.margin + round_up(p.phase_h * p.row + SLACK, LANES));
    return p;
}

size_t depthwise_scratch(const struct conv_shape *s, enum conv_pass pass, int threads)
{
    (void)pass;
    const struct plan p = plan_of(s);
    return (p.phase * (size_t)p.phases + p.flat) * (size_t)threads;
}

/* The plane into its phases; all else is 0. */
SIMD_CLONES static void lay_out(const struct conv_shape *s, const struct plan *p, const real *plane, real *phases)
{
    memset(phases, 0, p->phase * (size_t)p->phases * sizeof(real));
    for (int iy = 0; iy < s->height; iy++) {
        const int y = iy + s->padding, a = y % s->stride_y, row = y / s->stride_y;
        if (row >= p->phase_h)
            break;
        for (int b = 0; b < s->stride_x; b++) {
            /* Phase column j is plane column j·stride_x + b − padding. */
            const int first = s->padding > b ? (s->padding - b + s->stride_x - 1) / s->stride_x : 0;
            const int beyond = (s->width + s->padding - b + s->stride_x - 1) / s->stride_x;
            const int last = beyond < p->row ? beyond : p->row;
            real *restrict to = phases + (size_t)(a * s->stride_x + b) * p->phase + (size_t)row * (size_t)p->row;
            const real *restrict from = plane + (ptrdiff_t)iy * s->width + b - s->padding;
            if (s->stride_x == 1)
                for (int j = first; j < last; j++)
                    to[j] = from[j];
            else if (s->stride_x == 2)
                for (int j = first; j < last; j++)
                    to[j] = from[2 * j];
            else
                for (int j = first; j < last; j++)
                    to[j] = from[j * s->stride_x];
        }
    }
}

/* The transpose: phases back to the plane, added or written. Pixels that no window reads get 0. */
SIMD_CLONES static void take_back(const struct conv_shape *s, const struct plan *p, const real *phases, bool overwrite, real *plane)
{
    for (int iy = 0; iy < s->height; iy++) {
        const int y = iy + s->padding, a = y % s->stride_y, row = y / s->stride_y;
        real *to = plane + (size_t)iy * (size_t)s->width;
        if (overwrite)
            memset(to, 0, (size_t)s->width * sizeof(real));
        if (row >= p->phase_h)
            continue;
        for (int b = 0; b < s->stride_x; b++) {
            const int first = s->padding > b ? (s->padding - b + s->stride_x - 1) / s->stride_x : 0;
            const int beyond = (s->width + s->padding - b + s->stride_x - 1) / s->stride_x;
            const int last = beyond < p->row ? beyond : p->row;
            const real *restrict from = phases + (size_t)(a * s->stride_x + b) * p->phase + (size_t)row * (size_t)p->row;
            real *restrict pixel = to + b - s->padding;
            if (s->stride_x == 1)
                for (int j = first; j < last; j++)
                    pixel[j] += from[j];
            else
                for (int j = first; j < last; j++)
                    pixel[j * s->stride_x] += from[j];
        }
    }
}

/* dy into phase layout: zeros in the margin, in the dropped columns and beyond. */
static void lay_out_output(const struct conv_shape *s, const struct plan *p, const real *dy, real *flat)
{
    memset(flat, 0, p->flat * sizeof(real));
    for (int y = 0; y < s->out_h; y++)
        memcpy(flat + p->margin + (size_t)y * (size_t)p->row, dy + (size_t)y * (size_t)s->out_w, (size_t)s->out_w * sizeof(real));
}

/* out[i] = Σ over t of weight[t]·run[t][i]; up to 2·LANES − 1 numbers beyond n are written as well. */
SIMD_CLONES static void weighted_sum(const real *const *run, const real *weight, int taps, int n, real *out)
{
    for (int i = 0; i < n; i += 2 * LANES) {
        lanes a = {0}, b = {0};
        for (int t = 0; t < taps; t++) {
            a += weight[t] * *(const lanes *)(run[t] + i);
            b += weight[t] * *(const lanes *)(run[t] + i + LANES);
        }
        *(lanes *)(out + i) = a;
        *(lanes *)(out + i + LANES) = b;
    }
}

/* dweight[t] += Σ over i < n of run[t][i]·dy[i]; dy is 0 beyond n. Five taps at a time share what is read of dy. */
SIMD_CLONES static void dot_products(const real *const *run, const real *dy, int taps, int n, real *dweight)
{
    for (int t = 0; t < taps; t += 5) {
        const real *r[5];
        for (int k = 0; k < 5; k++)
            r[k] = run[t + k < taps ? t + k : taps - 1];
        lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0};
        for (int i = 0; i < n; i += LANES) {
            const lanes d = *(const lanes *)(dy + i);
            s0 += d * *(const lanes *)(r[0] + i);
            s1 += d * *(const lanes *)(r[1] + i);
            s2 += d * *(const lanes *)(r[2] + i);
            s3 += d * *(const lanes *)(r[3] + i);
            s4 += d * *(const lanes *)(r[4] + i);
        }
        const lanes sum[5] = {s0, s1, s2, s3, s4};
        for (int k = 0; k < 5 && t + k < taps; k++) {
            double total = 0;
            for (int lane = 0; lane < LANES; lane++)
                total += (double)sum[k][lane];
            dweight[t + k] += (real)total;
        }
    }
}

void depthwise_forward(const struct conv_shape *s, const real *x, const real *weight, const struct channel_map *map, real *y, real *scratch,
                       int threads)
{
    const struct plan p = plan_of(s);
    const size_t plane = (size_t)s->height * (size_t)s->width, out_plane = (size_t)s->out_h * (size_t)s->out_w;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int job = 0; job < s->batch * s->channels; job++) {
        const int c = job % s->channels;
        real *phases = scratch + (p.phase * (size_t)p.phases + p.flat) * (size_t)omp_get_thread_num(),
             *flat = phases + p.phase * (size_t)p.phases;
        const real *run[TAPS_MAX];
        for (int t = 0; t < p.taps; t++)
            run[t] = phases + (size_t)p.tap_phase[t] * p.phase + p.offset[t];
        lay_out(s, &p, x + (size_t)job * plane, phases);
        weighted_sum(run, weight + (size_t)c * (size_t)p.taps, p.taps, p.run, flat);
        norm_map_rows(map, c, 1, (size_t)p.run, flat, 0);
        for (int oy = 0; oy < s->out_h; oy++)
            memcpy(y + (size_t)job * out_plane + (size_t)oy * (size_t)s->out_w, flat + (size_t)oy * (size_t)p.row,
                   (size_t)s->out_w * sizeof(real));
    }
}

void depthwise_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                             int threads)
{
    const struct plan p = plan_of(s);
    const size_t plane = (size_t)s->height * (size_t)s->width, out_plane = (size_t)s->out_h * (size_t)s->out_w;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int job = 0; job < s->batch * s->channels; job++) {
        const real *kernel = weight + (size_t)(job % s->channels) * (size_t)p.taps;
        real *phases = scratch + (p.phase * (size_t)p.phases + p.flat) * (size_t)omp_get_thread_num(),
             *flat = phases + p.phase * (size_t)p.phases;
        lay_out_output(s, &p, dy + (size_t)job * out_plane, flat);
        /* A phase gathers from dy what the taps that read it have used: number i of dy went to i + offset. */
        for (int phase = 0; phase < p.phases; phase++) {
            const real *run[TAPS_MAX];
            real w[TAPS_MAX];
            int taps = 0;
            for (int t = 0; t < p.taps; t++) {
                if (p.tap_phase[t] != phase)
                    continue;
                run[taps] = flat + p.margin - p.offset[t];
                w[taps++] = kernel[t];
            }
            weighted_sum(run, w, taps, p.phase_h * p.row, phases + (size_t)phase * p.phase);
        }
        take_back(s, &p, phases, overwrite, dx + (size_t)job * plane);
    }
}

void depthwise_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads)
{
    const struct plan p = plan_of(s);
    const size_t plane = (size_t)s->height * (size_t)s->width, out_plane = (size_t)s->out_h * (size_t)s->out_w;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int c = 0; c < s->channels; c++) {
        real *phases = scratch + (p.phase * (size_t)p.phases + p.flat) * (size_t)omp_get_thread_num(),
             *flat = phases + p.phase * (size_t)p.phases;
        const real *run[TAPS_MAX];
        for (int t = 0; t < p.taps; t++)
            run[t] = phases + (size_t)p.tap_phase[t] * p.phase + p.offset[t];
        for (int image = 0; image < s->batch; image++) {
            const size_t at = (size_t)image * (size_t)s->channels + (size_t)c;
            lay_out(s, &p, x + at * plane, phases);
            lay_out_output(s, &p, dy + at * out_plane, flat);
            dot_products(run, flat + p.margin, p.taps, p.run, dweight + (size_t)c * (size_t)p.taps);
        }
    }
}
