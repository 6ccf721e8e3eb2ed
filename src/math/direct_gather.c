#include "math/direct_gather.h"

#include <limits.h>
#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"
#include "math/direct_plan.h"

/* Sums between two visits of the outputs: their inputs, a register tile wide, stay in the first-level cache. */
#define MAX_SUMS 216
#define MAX_STRIDE 4
#define MAX_REACH 64
/* Numbers of a strip: an eighth of a usual second-level cache, or half of it where it must hold all channels. */
#define STRIP_AREA (64 * 1024)
#define WHOLE_STRIP_AREA (128 * 1024)
/* Vectors that small images are put together to. */
#define UNIT_VECTORS 9
/* Filters that make it worth to gather the inputs of a task. */
#define MIN_FILTERS 128
/* Pixels of a band: those that make filling its strip cheap, and the least where there would be few tasks. */
#define BAND 240
#define MIN_BAND 96
#define MAX_TILE (DIRECT_MAX_VECTORS * 16)

/* Taps of a stride's phase are taps[begin .. end): each is a place in the strip and the number of the tap in the weights. */
struct phase {
    int begin, end;
};

struct plan {
    const struct conv_shape *s;
    const struct direct_kernels *k;
    struct conv_shape seen; /* the convolution that all phases are parts of; a phase's outputs are out_h × out_w */
    int channels, filters;  /* that are summed, that come out */
    size_t filter_stride, channel_stride;
    int stride, phases;
    struct phase phase[MAX_STRIDE * MAX_STRIDE];
    int tap[DIRECT_MAX_SIZE * DIRECT_MAX_SIZE], place[DIRECT_MAX_SIZE * DIRECT_MAX_SIZE], taps;
    struct direct_strip strip;
    int strip_channels;
    int images, bands, units;  /* of a task; bands of an image where images is 1; tasks but for the groups */
    int panels, group, groups; /* of `rows` filters */
    size_t image_strip, out_plane;
    size_t packed, input, tile, output; /* numbers of the weights, of a thread's parts of scratch */
};

static int floor_div(int a, int b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static void see_forward(struct plan *p)
{
    const struct conv_shape *s = p->s;
    p->seen = *s;
    p->channels = s->channels;
    p->filters = s->filters;
    p->taps = s->size * s->size;
    p->filter_stride = (size_t)s->channels * (size_t)p->taps;
    p->channel_stride = (size_t)p->taps;
    p->stride = p->phases = 1;
}

/* Row i of phase q is row i·stride + q of dx; through tap k it sees row i + (q + padding − k·dilation)/stride of dy. */
static int reach_of(const struct conv_shape *s, int q, int k)
{
    return (q + s->padding - k * s->dilation) / s->stride_x;
}

static bool reaches(const struct conv_shape *s, int q, int k)
{
    return (q + s->padding - k * s->dilation) % s->stride_x == 0;
}

static void see_backward(struct plan *p)
{
    const struct conv_shape *s = p->s;
    const int stride = s->stride_x, least = floor_div(s->padding - s->dilation * (s->size - 1), stride);
    const int most = floor_div(stride - 1 + s->padding, stride), before = least < 0 ? -least : 0;
    p->channels = s->filters;
    p->filters = s->channels;
    p->taps = s->size * s->size;
    p->filter_stride = (size_t)p->taps;
    p->channel_stride = (size_t)s->channels * (size_t)p->taps;
    p->stride = stride;
    p->phases = stride * stride;
    p->seen = (struct conv_shape){.batch = s->batch,
                                  .channels = s->filters,
                                  .height = s->out_h,
                                  .width = s->out_w,
                                  .filters = s->channels,
                                  .size = before + (most > 0 ? most : 0) + 1,
                                  .stride_x = 1,
                                  .stride_y = 1,
                                  .padding = before,
                                  .dilation = 1,
                                  .groups = 1,
                                  .out_h = direct_ceil_div(s->height, stride),
                                  .out_w = direct_ceil_div(s->width, stride)};
}

/* Where the taps stand in the strip, whose rows have their pitch by now. */
static void place_taps(struct plan *p, enum conv_pass pass)
{
    const struct conv_shape *s = p->s;
    int n = 0;
    for (int q = 0; q < p->phases; q++) {
        p->phase[q].begin = n;
        for (int ky = 0; ky < s->size; ky++)
            for (int kx = 0; kx < s->size; kx++) {
                if (pass == CONV_FORWARD) {
                    const int at = kx * s->dilation;
                    p->place[n] = ky * s->dilation * p->strip.row + at % s->stride_x * p->strip.pitch + at / s->stride_x;
                    p->strip.phase_used[at % s->stride_x] = true;
                } else if (reaches(s, q / p->stride, ky) && reaches(s, q % p->stride, kx)) {
                    p->place[n] = (reach_of(s, q / p->stride, ky) + p->seen.padding) * p->strip.row + reach_of(s, q % p->stride, kx) +
                                  p->seen.padding;
                    p->strip.phase_used[0] = true;
                } else
                    continue;
                p->tap[n++] = ky * s->size + kx;
            }
        p->phase[q].end = n;
    }
}

static int block_of(const struct plan *p, int taps)
{
    return direct_ceil_div(p->channels, direct_ceil_div(p->channels, MAX_SUMS / taps));
}

/* Rows of a strip of one image for `rows` rows of outputs. */
static int strip_rows(const struct plan *p, int rows)
{
    return (rows - 1) * p->seen.stride_y + p->seen.dilation * (p->seen.size - 1) + 1;
}

/* More bands for enough tasks, as long as they have `least` pixels. */
static void cut_bands(struct plan *p, int tasks_besides, int least)
{
    const struct conv_shape *g = &p->seen;
    const int most = direct_ceil_div(g->out_h, direct_ceil_div(least, g->out_w));
    const int wanted = direct_smaller(direct_ceil_div(DIRECT_TASKS, tasks_besides), most);
    if (p->images == 1 && p->bands < wanted)
        p->bands = wanted;
}

static void cut(struct plan *p)
{
    const struct conv_shape *g = &p->seen;
    const int pixels = g->out_h * g->out_w, vectors = direct_ceil_div(pixels, p->k->lanes);
    p->panels = direct_ceil_div(p->filters, p->k->rows);
    p->images = direct_smaller(g->batch, direct_ceil_div(UNIT_VECTORS, vectors));
    p->images = direct_ceil_div(g->batch, direct_ceil_div(g->batch, p->images));
    const int area = p->phases > 1 ? WHOLE_STRIP_AREA : STRIP_AREA;
    const int fitting = (area / (p->strip_channels * p->strip.row) - 1 - g->dilation * (g->size - 1)) / g->stride_y + 1;
    const int rows = fitting < 1 ? 1 : direct_smaller(fitting, g->out_h);
    p->bands = p->images > 1 ? 1 : direct_ceil_div(g->out_h, rows);
    const int images = direct_ceil_div(g->batch, p->images), possible = p->panels * p->k->rows / MIN_FILTERS;
    cut_bands(p, images, BAND);
    p->groups = possible < 1 ? 1 : direct_smaller(possible, direct_ceil_div(DIRECT_TASKS, images * p->bands));
    cut_bands(p, images * p->groups, MIN_BAND);
    p->strip.bands = p->bands;
    p->strip.rows = direct_ceil_div(g->out_h, p->bands);
    p->strip.channel = strip_rows(p, p->strip.rows) * p->strip.row;
    p->units = images * p->bands;
    p->group = direct_ceil_div(p->panels, p->groups);
    p->groups = direct_ceil_div(p->panels, p->group);
}

static struct plan plan_of(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass)
{
    struct plan p = {.s = s, .k = direct_kernels_of(isa)};
    if (pass == CONV_FORWARD)
        see_forward(&p);
    else
        see_backward(&p);
    const struct conv_shape *g = &p.seen;
    p.strip.pitch = g->out_w + direct_ceil_div(g->dilation * (g->size - 1), g->stride_x);
    p.strip.row = p.strip.pitch * g->stride_x;
    p.strip.row_step = p.strip.row * g->stride_y;
    p.strip_channels = p.phases > 1 ? p.channels : block_of(&p, p.taps);
    cut(&p);
    place_taps(&p, pass);
    p.image_strip = (size_t)p.strip.channel * (size_t)p.strip_channels;
    /* The kernel copies whole vectors, which may begin with the last number. */
    p.input = direct_padded(p.image_strip * (size_t)p.images + (size_t)p.k->lanes);
    p.tile = direct_padded((size_t)(MAX_SUMS * p.k->lanes * p.k->vectors + p.k->lanes));
    p.out_plane = (size_t)p.phases * (size_t)p.images * direct_padded((size_t)(p.strip.rows * g->out_w));
    p.output = p.phases > 1 ? p.out_plane * (size_t)(p.group * p.k->rows) : 0;
    p.packed = direct_padded((size_t)p.panels * (size_t)p.k->rows * (size_t)p.channels * (size_t)p.taps);
    return p;
}

bool direct_gather_fits(const struct conv_shape *s, enum conv_pass pass)
{
    if (pass == CONV_FORWARD)
        return true;
    const int least = floor_div(s->padding - s->dilation * (s->size - 1), s->stride_x);
    return pass == CONV_BACKWARD_DATA && s->stride_x == s->stride_y && s->stride_x <= MAX_STRIDE &&
           -least + (s->stride_x - 1 + s->padding) / s->stride_x < MAX_REACH;
}

size_t direct_gather_packed(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass)
{
    return plan_of(s, isa, pass).packed;
}

size_t direct_gather_scratch(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, int threads)
{
    const struct plan p = plan_of(s, isa, pass);
    return (p.input + p.tile + p.output) * (size_t)threads;
}

/* Weights as [phase][block][panel][channel][tap][row]: the order in which a tile reads them. Where those of a block begin. */
static size_t packed_block(const struct plan *p, int q, int c0)
{
    const size_t each = (size_t)p->panels * (size_t)p->k->rows;
    return each * ((size_t)p->phase[q].begin * (size_t)p->channels + (size_t)(p->phase[q].end - p->phase[q].begin) * (size_t)c0);
}

void direct_gather_pack(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, const real *weight, real *packed, int threads)
{
    const struct plan p = plan_of(s, isa, pass);
    const int rows = p.k->rows;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int panel = 0; panel < p.panels; panel++) {
        const int valid = direct_smaller(rows, p.filters - panel * rows);
        const real *from = weight + (size_t)(panel * rows) * p.filter_stride;
        for (int q = 0; q < p.phases; q++) {
            const int begin = p.phase[q].begin, taps = p.phase[q].end - begin, block = taps ? block_of(&p, taps) : p.channels;
            for (int c0 = 0; c0 < p.channels; c0 += block) {
                const int channels = direct_smaller(block, p.channels - c0);
                real *to = packed + packed_block(&p, q, c0) + (size_t)panel * (size_t)(channels * taps * rows);
                for (int c = c0; c < c0 + channels; c++)
                    for (int i = 0; i < taps; i++, to += rows) {
                        const real *w = from + (size_t)c * p.channel_stride + (size_t)p.tap[begin + i];
                        for (int r = 0; r < rows; r++)
                            to[r] = r < valid ? w[(size_t)r * p.filter_stride] : 0;
                    }
            }
        }
    }
}

/* What a task has at hand. */
struct task {
    const struct plan *p;
    const real *from, *packed; /* of the task's first image */
    const struct channel_map *map;
    bool add, lines; /* lines: the kernel can do the map's activation */
    real slope;
    const real *residual; /* as to; NULL: none */
    real *to;             /* the first pixel of the band in the task's first image, filter 0 */
    size_t plane, image;
    int images, first, last, first_panel, last_panel;
    real *strip, *tile, *output;
};

static void fill(const struct task *t, int c0, int channels)
{
    const struct plan *p = t->p;
    const size_t plane = (size_t)p->seen.height * (size_t)p->seen.width;
    for (int i = 0; i < t->images; i++)
        direct_fill(&p->seen, p->k, &p->strip, t->from + ((size_t)i * (size_t)p->channels + (size_t)c0) * plane, channels, t->first,
                    t->last, t->strip + (size_t)i * p->image_strip);
}

/* The runs of neighbouring numbers that vectors first .. last − 1 of the task consist of, and where they go. */
static int runs_of(const struct task *t, int first, int last, struct direct_run *runs, struct direct_vector *at)
{
    const struct plan *p = t->p;
    const int lanes = p->k->lanes, width = p->seen.out_w, pixels = (t->last - t->first) * width;
    const int per_image = direct_ceil_div(pixels, lanes);
    int n = 0;
    for (int v = first; v < last; v++) {
        const int image = v / per_image, begin = v % per_image * lanes, end = direct_smaller(begin + lanes, pixels);
        at[v - first] = (struct direct_vector){(size_t)((v - first) * lanes), (size_t)image * t->image + (size_t)begin, end - begin};
        const int base = image * (int)p->image_strip;
        for (int i = begin; i < end;) {
            const int row = i / width, col = i % width;
            runs[n++] = (struct direct_run){base + row * p->strip.row_step + col, (v - first) * lanes + i - begin};
            i += width - col;
        }
    }
    return n;
}

static void multiply_block(const struct task *t, int q, int c0, int channels, real *to)
{
    const struct plan *p = t->p;
    const int rows = p->k->rows, taps = p->phase[q].end - p->phase[q].begin, wide = p->k->lanes * p->k->vectors;
    const bool last = c0 + channels == p->channels;
    const real *strip = t->strip + (p->phases > 1 ? (size_t)c0 * (size_t)p->strip.channel : 0);
    const real *packed = t->packed + packed_block(p, q, c0);
    int places[MAX_SUMS], in_tile[MAX_SUMS];
    for (int c = 0, i = 0; c < channels; c++)
        for (int tap = 0; tap < taps; tap++, i++) {
            places[i] = c * p->strip.channel + p->place[p->phase[q].begin + tap];
            in_tile[i] = i * wide;
        }
    const int vectors = t->images * direct_ceil_div((t->last - t->first) * p->seen.out_w, p->k->lanes);
    const int tiles = direct_ceil_div(vectors, p->k->vectors);
    for (int tile = 0; tile < tiles; tile++) {
        struct direct_run runs[MAX_TILE];
        struct direct_vector at[DIRECT_MAX_VECTORS];
        const int v0 = (int)((long)vectors * tile / tiles), v1 = (int)((long)vectors * (tile + 1) / tiles);
        const int n = runs_of(t, v0, v1, runs, at);
        p->k->gather(strip, places, channels * taps, runs, n, t->tile, wide);
        for (int panel = t->first_panel; panel < t->last_panel; panel++) {
            const int f = panel * rows;
            const struct direct_output out = {.y = to + (size_t)(p->phases > 1 ? f - t->first_panel * rows : f) * t->plane,
                                              .plane = t->plane,
                                              .rows = direct_smaller(rows, p->filters - f),
                                              .add = (p->phases == 1 && t->add) || c0 > 0,
                                              .map = last && t->map,
                                              .scale = t->map && t->map->scale ? t->map->scale + f : NULL,
                                              .shift = t->map && t->map->shift ? t->map->shift + f : NULL,
                                              .slope = t->slope,
                                              .residual = last && t->residual ? t->residual + (size_t)f * t->plane : NULL,
                                              .residual_slope = t->residual ? t->map->residual_slope : 1};
            p->k->multiply(packed + (size_t)panel * (size_t)(channels * taps * rows), in_tile, channels * taps, t->tile, at, v1 - v0, &out);
        }
    }
}

/* to[i] = (or +=, when add) a[i/2] for even i, b[i/2] for odd i < n. */
SIMD_CLONES static void interleave_pair(const real *restrict a, const real *restrict b, int n, bool add, real *restrict to)
{
    if (add)
        for (int i = 0; i < n / 2; i++) {
            to[2 * i] += a[i];
            to[2 * i + 1] += b[i];
        }
    else
        for (int i = 0; i < n / 2; i++) {
            to[2 * i] = a[i];
            to[2 * i + 1] = b[i];
        }
    if (n % 2)
        to[n - 1] = add ? to[n - 1] + a[n / 2] : a[n / 2];
}

/* Whether any tap reaches the rows of dx that phase q is in. */
static bool row_is_seen(const struct plan *p, int q)
{
    const int first = q / p->stride * p->stride;
    return p->phase[first + p->stride - 1].end > p->phase[first].begin;
}

/* Puts the phases of the task's band together to rows of dx. */
static void merge(const struct task *t, real *dx)
{
    const struct plan *p = t->p;
    const struct conv_shape *s = p->s;
    const int f0 = t->first_panel * p->k->rows, f1 = direct_smaller(p->filters, t->last_panel * p->k->rows), n = p->stride;
    const size_t area = (size_t)s->height * (size_t)s->width, phase = t->image * (size_t)p->images;
    for (int image = 0; image < t->images; image++)
        for (int f = f0; f < f1; f++)
            for (int row = t->first * n; row < t->last * n && row < s->height; row++) {
                real *to = dx + ((size_t)image * (size_t)s->channels + (size_t)f) * area + (size_t)row * (size_t)s->width;
                const real *from = t->output + (size_t)(f - f0) * t->plane + (size_t)image * t->image + (size_t)(row % n * n) * phase +
                                   (size_t)(row / n - t->first) * (size_t)p->seen.out_w;
                if (!row_is_seen(p, row % n * n)) {
                    if (!t->add)
                        memset(to, 0, (size_t)s->width * sizeof(real));
                } else if (n == 2)
                    interleave_pair(from, from + phase, s->width, t->add, to);
                else
                    for (int i = 0; i < s->width; i++)
                        to[i] = (t->add ? to[i] : 0) + from[(size_t)(i % n) * phase + (size_t)(i / n)];
            }
}

static void run_task(const struct task *t)
{
    const struct plan *p = t->p;
    for (int q = 0; q < p->phases; q++) {
        const int taps = p->phase[q].end - p->phase[q].begin;
        real *to = p->phases > 1 ? t->output + (size_t)q * t->image * (size_t)p->images : t->to;
        if (taps == 0 && !row_is_seen(p, q))
            continue;
        if (taps == 0) {
            const size_t n = t->image * (size_t)t->images;
            for (int f = 0; f < (t->last_panel - t->first_panel) * p->k->rows; f++)
                memset(to + (size_t)f * t->plane, 0, n * sizeof(real));
            continue;
        }
        const int block = block_of(p, taps);
        for (int c0 = 0; c0 < p->channels; c0 += block) {
            const int channels = direct_smaller(block, p->channels - c0);
            if (p->phases == 1)
                fill(t, c0, channels);
            multiply_block(t, q, c0, channels, to);
        }
    }
}

/* Σ y and Σ y² of the task's filters. */
static void take_moments(const struct task *t, double *moments)
{
    const struct plan *p = t->p;
    const size_t count = (size_t)(t->last - t->first) * (size_t)p->seen.out_w;
    const int last = direct_smaller(p->filters, t->last_panel * p->k->rows);
    for (int f = t->first_panel * p->k->rows; f < last; f++) {
        double *sum = moments + 2 * (size_t)f;
        sum[0] = sum[1] = 0;
        norm_add_moments(t->to + (size_t)f * t->plane, t->image, t->images, count, sum);
    }
}

int direct_gather_parts(const struct conv_shape *s, enum cpu_isa isa)
{
    return plan_of(s, isa, CONV_FORWARD).units;
}

void direct_gather(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, const real *from, const real *packed,
                   const struct channel_map *map, bool add, real *to, real *scratch, int threads)
{
    const struct plan p = plan_of(s, isa, pass);
    const struct conv_shape *g = &p.seen;
    const size_t area = (size_t)(pass == CONV_FORWARD ? s->out_h : s->height) * (size_t)(pass == CONV_FORWARD ? s->out_w : s->width);
    struct task all = {.p = &p, .packed = packed, .map = map, .add = add, .lines = true, .slope = 1};
    if (map)
        all.lines = activation_two_lines(map->activation, &all.slope);
    struct parallel_queue queue;
    parallel_share(&queue, p.units * p.groups, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        /* A group's weights stay in the cache from one unit to the next. */
        const int unit = job % p.units, group = job / p.units, image = unit / p.bands * p.images;
        struct task t = all;
        t.images = direct_smaller(p.images, s->batch - image);
        t.first = direct_band_row(g, &p.strip, unit % p.bands);
        t.last = direct_band_row(g, &p.strip, unit % p.bands + 1);
        t.first_panel = group * p.group;
        t.last_panel = direct_smaller(p.panels, t.first_panel + p.group);
        t.from = from + (size_t)image * (size_t)p.channels * (size_t)g->height * (size_t)g->width;
        t.strip = scratch + (size_t)omp_get_thread_num() * (p.input + p.tile + p.output);
        t.tile = t.strip + p.input;
        t.output = t.tile + p.tile;
        real *image_to = to + (size_t)image * (size_t)p.filters * area;
        if (p.phases > 1) {
            t.plane = p.out_plane;
            t.image = p.out_plane / (size_t)(p.phases * p.images);
            fill(&t, 0, p.channels);
            run_task(&t);
            merge(&t, image_to);
            continue;
        }
        t.to = image_to + (size_t)t.first * (size_t)g->out_w;
        t.residual = map && map->residual ? map->residual + (t.to - to) : NULL;
        t.plane = area;
        t.image = (size_t)p.filters * area;
        run_task(&t);
        for (int i = 0; i < t.images && !t.lines; i++) {
            const int f0 = t.first_panel * p.k->rows, f1 = direct_smaller(p.filters, t.last_panel * p.k->rows);
            norm_map_rows(&(struct channel_map){.activation = map->activation}, f0, f1 - f0, (size_t)(t.last - t.first) * (size_t)g->out_w,
                          t.to + (size_t)i * t.image + (size_t)f0 * area, area);
        }
        if (map && map->moments)
            take_moments(&t, map->moments + 2 * (size_t)unit * (size_t)p.filters);
    }
}
