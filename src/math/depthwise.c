/* A band of a plane is laid out so that every tap of the kernel becomes one long contiguous run:
 * it gets its padding, and is split into stride_y × stride_x phases (phase (a, b) holds the pixels whose row is a and whose column is b
 * modulo the strides). Row o, column x of the output then reads, for tap t, number o·row + x + offset[t] of phase[t], `row` being the width
 * of a phase. The output is computed with that same row width; the columns beyond out_w are dropped. A band is a few rows, so that all of
 * this stays in the first-level cache. */
#include "math/depthwise.h"

#include <omp.h>
#include <string.h>

#include "base/simd.h"

#define TAPS_MAX 225
#define LANES 16
/* Numbers that a kernel may touch beyond the end of a run; a multiple of LANES. */
#define SLACK 64
/* Numbers of the phases of a band, about. */
#define BAND 3072

typedef real lanes __attribute__((vector_size(LANES * sizeof(real)), aligned(sizeof(real)), may_alias));

struct plan {
    int row, rows;        /* columns of a phase; rows of a phase that a band of output covers */
    int reach_y, reach_x; /* rows and columns of a phase that a window reaches beyond its first */
    int band;             /* rows of the output that are worked on together */
    size_t phase;         /* numbers from one phase to the next */
    int phases, taps;
    size_t flat; /* numbers of a band of the output in phase layout, with a margin before and SLACK after */
    int margin;
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

static int least(int a, int b)
{
    return a < b ? a : b;
}

static struct plan plan_of(const struct conv_shape *s)
{
    struct plan p = {.taps = s->size * s->size, .phases = s->stride_x * s->stride_y};
    const int span = (s->size - 1) * s->dilation;
    p.reach_y = span / s->stride_y;
    p.reach_x = span / s->stride_x;
    p.row = s->out_w + p.reach_x;
    const int fitting = BAND / (p.row * p.phases) - p.reach_y;
    p.band = least(fitting < 4 ? 4 : fitting, s->out_h + p.reach_y);
    p.rows = p.band + p.reach_y;
    for (int t = 0; t < p.taps; t++) {
        const int dy = t / s->size * s->dilation, dx = t % s->size * s->dilation;
        p.tap_phase[t] = dy % s->stride_y * s->stride_x + dx % s->stride_x;
        p.offset[t] = dy / s->stride_y * p.row + dx / s->stride_x;
    }
    p.phase = (size_t)round_up(p.rows * p.row + SLACK, LANES);
    p.margin = round_up(p.reach_x, LANES);
    p.flat = (size_t)(p.margin + round_up(p.rows * p.row + SLACK, LANES));
    return p;
}

static size_t scratch_each(const struct plan *p)
{
    return p->phase * (size_t)p->phases + p->flat;
}

size_t depthwise_scratch(const struct conv_shape *s, enum conv_pass pass, int threads)
{
    (void)pass;
    const struct plan p = plan_of(s);
    return scratch_each(&p) * (size_t)threads;
}

/* Columns [*first, *last) of phase b that stand inside the plane: column j is plane column j·stride_x + b − padding. */
static inline void inside(const struct conv_shape *s, const struct plan *p, int b, int *first, int *last)
{
    const int beyond = s->width + s->padding - b;
    *last = beyond > 0 ? least((beyond + s->stride_x - 1) / s->stride_x, p->row) : 0;
    *first = least(s->padding > b ? (s->padding - b + s->stride_x - 1) / s->stride_x : 0, *last);
}

/* Rows first_row .. first_row + rows − 1 of every phase, zeros where there is no plane, and behind each phase. */
SIMD_CLONES static void lay_out(const struct conv_shape *s, const struct plan *p, const real *plane, int first_row, int rows, real *phases)
{
    for (int a = 0; a < s->stride_y; a++)
        for (int b = 0; b < s->stride_x; b++) {
            real *restrict to = phases + (size_t)(a * s->stride_x + b) * p->phase;
            int first, last;
            inside(s, p, b, &first, &last);
            for (int r = 0; r < rows; r++, to += p->row) {
                const int y = (first_row + r) * s->stride_y + a - s->padding;
                const bool there = y >= 0 && y < s->height;
                const int from_column = there ? first : p->row, to_column = there ? last : p->row;
                const real *restrict from = plane + (ptrdiff_t)y * s->width + b - s->padding;
                for (int j = 0; j < from_column; j++)
                    to[j] = 0;
                if (s->stride_x == 1)
                    for (int j = from_column; j < to_column; j++)
                        to[j] = from[j];
                else if (s->stride_x == 2)
                    for (int j = from_column; j < to_column; j++)
                        to[j] = from[2 * j];
                else
                    for (int j = from_column; j < to_column; j++)
                        to[j] = from[j * s->stride_x];
                for (int j = to_column; j < p->row; j++)
                    to[j] = 0;
            }
            memset(to, 0, SLACK * sizeof(real));
        }
}

/* One row of the plane from the phases of its row. add: 0 overwrites. */
static inline void take_back_row(const struct conv_shape *s, const struct plan *p, const real *phases, bool overwrite, real *to)
{
    if (overwrite)
        memset(to, 0, (size_t)s->width * sizeof(real));
    int j0 = 0, j1 = 0;
    if (s->stride_x == 2) { /* both phases at once, where both are there: then what is written is contiguous */
        int first, last, first1, last1;
        inside(s, p, 0, &first, &last);
        inside(s, p, 1, &first1, &last1);
        j0 = first > first1 ? first : first1;
        j1 = last < last1 ? last : last1;
        const real *restrict even = phases, *restrict odd = phases + p->phase;
        real *restrict pixel = to - s->padding;
        for (int j = j0; j < j1; j++) {
            pixel[2 * j] += even[j];
            pixel[2 * j + 1] += odd[j];
        }
    }
    for (int b = 0; b < s->stride_x; b++) {
        int first, last;
        inside(s, p, b, &first, &last);
        const real *restrict from = phases + (size_t)b * p->phase;
        real *restrict pixel = to + b - s->padding;
        if (s->stride_x == 1)
            for (int j = first; j < last; j++)
                pixel[j] += from[j];
        else
            for (int j = first; j < last; j++) {
                if (j == j0 && j1 > j0)
                    j = j1;
                if (j < last)
                    pixel[j * s->stride_x] += from[j];
            }
    }
}

/* The transpose of lay_out for rows first_row .. first_row + rows − 1: added to the plane, or written. */
SIMD_CLONES static void take_back(const struct conv_shape *s, const struct plan *p, const real *phases, int first_row, int rows,
                                  bool overwrite, real *plane)
{
    for (int r = 0; r < rows; r++)
        for (int a = 0; a < s->stride_y; a++) {
            const int y = (first_row + r) * s->stride_y + a - s->padding;
            if (y < 0 || y >= s->height)
                continue;
            take_back_row(s, p, phases + (size_t)(a * s->stride_x) * p->phase + (size_t)r * (size_t)p->row, overwrite,
                          plane + (size_t)y * (size_t)s->width);
        }
}

/* Rows first .. first + rows − 1 of an output plane in phase layout, zeros between the rows, where there is none, before and behind. */
SIMD_CLONES static void lay_out_output(const struct conv_shape *s, const struct plan *p, const real *dy, int first, int rows, real *flat)
{
    memset(flat, 0, (size_t)p->margin * sizeof(real));
    real *restrict to = flat + p->margin;
    for (int r = 0; r < rows; r++, to += p->row) {
        const bool there = first + r >= 0 && first + r < s->out_h;
        const real *restrict from = dy + (ptrdiff_t)(first + r) * s->out_w;
        const int columns = there ? s->out_w : 0;
        for (int j = 0; j < columns; j++)
            to[j] = from[j];
        for (int j = columns; j < p->row; j++)
            to[j] = 0;
    }
    memset(to, 0, SLACK * sizeof(real));
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

/* sum[t] += Σ over i < n of run[t][i]·dy[i]; dy is 0 beyond n. Five taps at a time share what is read of dy. */
SIMD_CLONES static void dot_products(const real *const *run, const real *dy, int taps, int n, double *sum)
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
        const lanes all[5] = {s0, s1, s2, s3, s4};
        for (int k = 0; k < 5 && t + k < taps; k++) {
            lanes v = all[k];
            real total = 0;
            for (int lane = 0; lane < LANES; lane++)
                total += v[lane];
            sum[t + k] += (double)total;
        }
    }
}

SIMD_CLONES static void copy_rows(const real *flat, int row, int rows, int columns, real *y)
{
    for (int r = 0; r < rows; r++) {
        const real *restrict from = flat + (size_t)r * (size_t)row;
        real *restrict to = y + (size_t)r * (size_t)columns;
        for (int j = 0; j < columns; j++)
            to[j] = from[j];
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
        real *phases = scratch + scratch_each(&p) * (size_t)omp_get_thread_num(), *flat = phases + p.phase * (size_t)p.phases;
        const real *run[TAPS_MAX];
        for (int t = 0; t < p.taps; t++)
            run[t] = phases + (size_t)p.tap_phase[t] * p.phase + p.offset[t];
        for (int first = 0; first < s->out_h; first += p.band) {
            const int rows = least(p.band, s->out_h - first), n = (rows - 1) * p.row + s->out_w;
            lay_out(s, &p, x + (size_t)job * plane, first, rows + p.reach_y, phases);
            weighted_sum(run, weight + (size_t)c * (size_t)p.taps, p.taps, n, flat);
            norm_map_rows(map, c, 1, (size_t)n, flat, 0);
            copy_rows(flat, p.row, rows, s->out_w, y + (size_t)job * out_plane + (size_t)first * (size_t)s->out_w);
        }
    }
}

void depthwise_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                             int threads)
{
    const struct plan p = plan_of(s);
    const size_t plane = (size_t)s->height * (size_t)s->width, out_plane = (size_t)s->out_h * (size_t)s->out_w;
    const int phase_rows = s->out_h + p.reach_y,
              read = phase_rows * s->stride_y - s->padding; /* rows of the plane from `read` on are in no window */
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int job = 0; job < s->batch * s->channels; job++) {
        const real *kernel = weight + (size_t)(job % s->channels) * (size_t)p.taps;
        real *phases = scratch + scratch_each(&p) * (size_t)omp_get_thread_num(), *flat = phases + p.phase * (size_t)p.phases;
        real *to = dx + (size_t)job * plane;
        for (int first = 0; first < phase_rows; first += p.band) {
            const int rows = least(p.band, phase_rows - first);
            lay_out_output(s, &p, dy + (size_t)job * out_plane, first - p.reach_y, rows + p.reach_y, flat);
            /* A phase gathers from dy what the taps that read it have used: number i of dy went to i + offset. */
            for (int phase = 0; phase < p.phases; phase++) {
                const real *run[TAPS_MAX];
                real w[TAPS_MAX];
                int taps = 0;
                for (int t = 0; t < p.taps; t++) {
                    if (p.tap_phase[t] != phase)
                        continue;
                    run[taps] = flat + p.margin + p.reach_y * p.row - p.offset[t];
                    w[taps++] = kernel[t];
                }
                weighted_sum(run, w, taps, rows * p.row, phases + (size_t)phase * p.phase);
            }
            take_back(s, &p, phases, first, rows, overwrite, to);
        }
        if (overwrite && read < s->height)
            memset(to + (size_t)read * (size_t)s->width, 0, (size_t)(s->height - read) * (size_t)s->width * sizeof(real));
    }
}

void depthwise_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads)
{
    const struct plan p = plan_of(s);
    const size_t plane = (size_t)s->height * (size_t)s->width, out_plane = (size_t)s->out_h * (size_t)s->out_w;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int c = 0; c < s->channels; c++) {
        real *phases = scratch + scratch_each(&p) * (size_t)omp_get_thread_num(), *flat = phases + p.phase * (size_t)p.phases;
        const real *run[TAPS_MAX];
        double sum[TAPS_MAX] = {0};
        for (int t = 0; t < p.taps; t++)
            run[t] = phases + (size_t)p.tap_phase[t] * p.phase + p.offset[t];
        for (int image = 0; image < s->batch; image++) {
            const size_t at = (size_t)image * (size_t)s->channels + (size_t)c;
            for (int first = 0; first < s->out_h; first += p.band) {
                const int rows = least(p.band, s->out_h - first);
                lay_out(s, &p, x + at * plane, first, rows + p.reach_y, phases);
                lay_out_output(s, &p, dy + at * out_plane, first, rows, flat);
                dot_products(run, flat + p.margin, p.taps, (rows - 1) * p.row + s->out_w, sum);
            }
        }
        for (int t = 0; t < p.taps; t++)
            dweight[(size_t)c * (size_t)p.taps + (size_t)t] += (real)sum[t];
    }
}
