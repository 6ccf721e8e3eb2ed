#include "math/direct.h"

#include <limits.h>
#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "math/direct_gather.h"
#include "math/direct_plan.h"
#include "math/pool.h"

/* Channels times taps that are summed before the sums go to memory: their inputs, three vectors each, stay in the first-level cache. */
#define MAX_SUMS 192
/* Filters that make it worth to gather what a tile sees, and sums over which a strip leaves the caches. */
#define MIN_GATHER_FILTERS 64
#define MAX_STRIP_FAN 1600
/* Panels that make it worth to prepare the inputs of a task: a tile, a strip. */
#define MIN_PANELS 8
#define MIN_STRIP_PANELS 16
/* Packed weights that stay in a second-level cache beside the inputs of a task, so that all of them may be used for each unit. */
#define KEPT_WEIGHTS (128 * 1024)
/* Numbers of an image beyond which it isn't in a second-level cache. */
#define FAR (128 * 1024)
/* Products of a task below which starting it would be felt. */
#define TASK_WORK (1 << 18)

const struct direct_kernels *direct_kernels_of(enum cpu_isa isa)
{
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
    return isa == CPU_AVX512 ? &direct_avx512 : isa == CPU_AVX2 ? &direct_avx2 : &direct_baseline;
#else
    (void)isa;
    return &direct_baseline;
#endif
}

bool direct_fits(const struct conv_shape *s, enum conv_pass pass)
{
    if (s->groups != 1 || s->size > DIRECT_MAX_SIZE || s->stride_x > DIRECT_MAX_SIZE ||
        (pass == CONV_BACKWARD_DATA && !direct_pointwise(s) && !direct_gather_fits(s, pass)))
        return false;
    /* One row of outputs must be within the range of the taps' offsets. */
    const double row = (double)s->stride_x * (s->out_w + 64 + (double)s->dilation * s->size);
    const int channels = s->channels > s->filters ? s->channels : s->filters;
    return row * (s->stride_y + s->dilation * (double)s->size) * (channels + 1) < INT_MAX / 2 &&
           (double)s->padding + (double)s->width < INT_MAX / 2 &&
           (double)s->batch * s->out_h * s->out_w < INT_MAX / 2; /* tasks are counted in int */
}

/* A product: sums over `channels` of the inputs for each of `filters`. */
struct work {
    const struct conv_shape *s;
    const struct direct_kernels *k;
    int channels, filters, taps;
    size_t filter_stride, channel_stride; /* of the weights; taps are neighbours */
    bool pointwise;
    struct direct_strip strip;
    int panels, groups, group; /* of `rows` filters; shared among tasks in groups */
    bool by_units;             /* a thread takes all groups of a unit, whose inputs it then reads alone; else all units of a group */
    int block;                 /* channels summed at a time */
    int offsets[MAX_SUMS];     /* where a block's taps stand in the inputs, channel by channel */
    int vectors, units;        /* pointwise: vectors and tasks of an image; else tasks are bands */
    bool halve;                /* two rows of outputs at a time become one in memory; bands are even */
    size_t packed, input;      /* numbers of packed weights, of a thread's inputs */
    size_t pair;               /* of those two rows of a group's filters */
};

static void even_bands(const struct conv_shape *s, struct direct_strip *strip)
{
    strip->bands = direct_smaller(strip->bands, s->out_h / 2);
    strip->rows = 2 * direct_ceil_div(s->out_h / 2, strip->bands);
    strip->channel = ((strip->rows - 1) * s->stride_y + s->dilation * (s->size - 1) + 1) * strip->row;
}

static struct work work_of(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass)
{
    const size_t fan = (size_t)s->channels * (size_t)(s->size * s->size);
    struct work w = {.s = s, .k = direct_kernels_of(isa), .taps = s->size * s->size, .pointwise = direct_pointwise(s)};
    w.channels = pass == CONV_FORWARD ? s->channels : s->filters;
    w.filters = pass == CONV_FORWARD ? s->filters : s->channels;
    w.filter_stride = pass == CONV_FORWARD ? fan : 1;
    w.channel_stride = pass == CONV_FORWARD ? (size_t)w.taps : fan;
    w.panels = direct_ceil_div(w.filters, w.k->rows);
    const int most = MAX_SUMS / w.taps;
    w.block = direct_ceil_div(w.channels, direct_ceil_div(w.channels, most));
    w.packed = direct_padded((size_t)w.panels * (size_t)w.k->rows * (size_t)w.channels * (size_t)w.taps);
    if (w.pointwise) {
        w.vectors = direct_ceil_div(s->out_h * s->out_w, w.k->lanes);
        const double tile = (double)w.k->lanes * w.k->vectors * w.channels * w.filters;
        const int tiles = direct_ceil_div(w.vectors, w.k->vectors), per_task = tile < TASK_WORK ? (int)(TASK_WORK / tile) : 1;
        w.units = direct_ceil_div(tiles, per_task);
        w.input = (size_t)w.block * (size_t)(w.k->lanes * w.k->vectors);
    } else {
        w.strip = direct_strip_of(s, w.k, w.channels);
        w.halve = pass == CONV_FORWARD && s->halve;
        if (w.halve)
            even_bands(s, &w.strip);
        w.units = w.strip.bands;
        w.input = direct_padded((size_t)w.strip.channel * (size_t)w.channels);
    }
    for (int c = 0, i = 0; c < w.block; c++)
        for (int tap = 0; tap < w.taps; tap++, i++)
            w.offsets[i] = w.pointwise ? c * w.k->lanes * w.k->vectors : c * w.strip.channel + w.strip.taps[tap];
    const int wanted = direct_ceil_div(DIRECT_TASKS, s->batch * w.units),
              possible = w.panels / (w.pointwise ? MIN_PANELS : MIN_STRIP_PANELS);
    w.groups = possible < 1 ? 1 : direct_smaller(wanted, possible);
    w.group = direct_ceil_div(w.panels, w.groups);
    w.groups = direct_ceil_div(w.panels, w.group);
    w.by_units = w.packed <= KEPT_WEIGHTS;
    w.pair = w.halve ? direct_padded(2 * (size_t)(w.group * w.k->rows) * (size_t)s->out_w) : 0;
    return w;
}

/* Weights as [block][panel][channel][tap][row]: the order in which a tile reads them. */
static void pack(const struct work *w, const real *weight, real *packed, int threads)
{
    const int rows = w->k->rows;
#pragma omp parallel for schedule(static) num_threads(threads) if (w->packed > TASK_WORK / 8)
    for (int panel = 0; panel < w->panels; panel++) {
        const int valid = direct_smaller(rows, w->filters - panel * rows);
        const real *from = weight + (size_t)(panel * rows) * w->filter_stride;
        for (int c0 = 0; c0 < w->channels; c0 += w->block) {
            const int channels = direct_smaller(w->block, w->channels - c0);
            real *to = packed + (size_t)w->taps * (size_t)rows * ((size_t)c0 * (size_t)w->panels + (size_t)panel * (size_t)channels);
            for (int c = c0; c < c0 + channels; c++)
                for (int i = 0; i < w->taps; i++, to += rows)
                    for (int r = 0; r < rows; r++)
                        to[r] = r < valid ? from[(size_t)r * w->filter_stride + (size_t)c * w->channel_stride + (size_t)i] : 0;
        }
    }
}

/* What a task has at hand. */
struct task {
    const struct work *w;
    const real *packed;
    const struct channel_map *map;
    bool add, lines; /* lines: the kernel can do the map's activation */
    real slope;
    int first_panel, last_panel;
    const real *residual; /* of the image; NULL: none */
    real *y;              /* of the image, or two rows of it where they are halved */
    int y_filter;         /* that stands first at y */
    size_t plane;         /* from one to the next */
    const real *next;     /* pixels of `next_channels` planes of the image that will be read next; NULL: those are in a cache */
    int next_channels;
};

/* The part of what is read next that falls to one panel: the planes are too many for the processor to see the pattern by itself. */
static void prefetch_next(const struct task *t, int panel)
{
    const int panels = t->last_panel - t->first_panel, i = panel - t->first_panel;
    const size_t pixels = (size_t)t->w->s->out_h * (size_t)t->w->s->out_w, wide = (size_t)(t->w->k->lanes * t->w->k->vectors);
    const int last = (int)((long)t->next_channels * (i + 1) / panels);
    for (int c = (int)((long)t->next_channels * i / panels); c < last; c++)
        for (size_t k = 0; k < wide; k += DIRECT_ALIGNMENT)
            __builtin_prefetch(t->next + (size_t)c * pixels + k);
}

/* The panels of a task over a block of channels for one tile of places. */
static void multiply_panels(const struct task *t, int c0, const real *x, const struct direct_vector *at, int vectors)
{
    const struct work *w = t->w;
    const int rows = w->k->rows;
    const int channels = direct_smaller(w->block, w->channels - c0);
    const bool last = c0 + channels == w->channels;
    const real *packed = t->packed + (size_t)w->taps * (size_t)rows * ((size_t)c0 * (size_t)w->panels);
    for (int panel = t->first_panel; panel < t->last_panel; panel++) {
        const int f = panel * rows;
        if (t->next)
            prefetch_next(t, panel);
        const struct direct_output out = {.y = t->y + (size_t)(f - t->y_filter) * t->plane,
                                          .plane = t->plane,
                                          .rows = direct_smaller(rows, w->filters - f),
                                          .add = t->add || c0 > 0,
                                          .map = last && t->map,
                                          .scale = t->map && t->map->scale ? t->map->scale + f : NULL,
                                          .shift = t->map && t->map->shift ? t->map->shift + f : NULL,
                                          .slope = t->slope,
                                          .residual = last && t->residual ? t->residual + (size_t)f * t->plane : NULL,
                                          .residual_slope = t->residual ? t->map->residual_slope : 1};
        w->k->multiply(packed + (size_t)panel * (size_t)(channels * w->taps * rows), w->offsets, channels * w->taps, x, at, vectors, &out);
    }
}

/* Tiles of places are as even as can be: a narrow one has too few sums for the processor's pipelines. */
static int tile_begin(int vectors, int tiles, int tile)
{
    return (int)((long)vectors * tile / tiles);
}

/* The maps that the kernel can't do. */
static void map_rows(const struct task *t, size_t begin, size_t n)
{
    const int rows = t->w->k->rows, f0 = t->first_panel * rows, f1 = direct_smaller(t->w->filters, t->last_panel * rows);
    if (!t->lines)
        norm_map_rows(&(struct channel_map){.activation = t->map->activation}, f0, f1 - f0, n,
                      t->y + (size_t)(f0 - t->y_filter) * t->plane + begin, t->plane);
}

/* The inputs of a tile's places are copied together: the planes of an image are often a power of 2 apart, which a cache doesn't like. */
static void run_pointwise(const struct task *t, const real *image, int first, int last, real *input)
{
    const struct work *w = t->w;
    const int lanes = w->k->lanes, pixels = w->s->out_h * w->s->out_w;
    const int tiles = direct_ceil_div(last - first, w->k->vectors);
    const bool far = (double)w->channels * pixels > FAR;
    struct task here = *t;
    for (int tile = 0; tile < tiles; tile++) {
        const int v0 = first + tile_begin(last - first, tiles, tile), v1 = first + tile_begin(last - first, tiles, tile + 1);
        const int begin = v0 * lanes, valid = direct_smaller(v1 * lanes, pixels) - begin;
        struct direct_vector at[DIRECT_MAX_VECTORS];
        for (int v = v0; v < v1; v++)
            at[v - v0] = (struct direct_vector){(size_t)((v - v0) * lanes), (size_t)(v * lanes), direct_smaller(lanes, pixels - v * lanes)};
        for (int c0 = 0; c0 < w->channels; c0 += w->block) {
            w->k->copy(image + (size_t)c0 * (size_t)pixels + (size_t)begin, (size_t)pixels, direct_smaller(w->block, w->channels - c0),
                       v1 - v0, valid, input, lanes * w->k->vectors);
            const int next = c0 + w->block < w->channels ? c0 + w->block : 0;
            here.next = image + (size_t)next * (size_t)pixels + (size_t)(next ? begin : v1 * lanes);
            here.next_channels = direct_smaller(w->block, w->channels - next);
            if (!far || (!next && tile == tiles - 1))
                here.next = NULL;
            multiply_panels(&here, c0, input, at, v1 - v0);
        }
    }
    const size_t begin = (size_t)(first * lanes);
    map_rows(t, begin, (size_t)direct_smaller(last * lanes, pixels) - begin);
}

/* Rows row .. end − 1 of the outputs, from the strip of a band that begins with row `first`; they begin at t->y where they are halved. */
static void multiply_rows(const struct task *t, int first, int row, int end, const real *input)
{
    const struct work *w = t->w;
    const int before = (row - first) * w->strip.across, vectors = (end - row) * w->strip.across;
    const int tiles = direct_ceil_div(vectors, w->k->vectors);
    const size_t skipped = w->halve ? (size_t)row * (size_t)w->s->out_w : 0;
    for (int tile = 0; tile < tiles; tile++) {
        const int v0 = tile_begin(vectors, tiles, tile), v1 = tile_begin(vectors, tiles, tile + 1);
        struct direct_vector at[DIRECT_MAX_VECTORS];
        for (int v = v0; v < v1; v++) {
            at[v - v0] = direct_strip_vector(w->s, &w->strip, w->k->lanes, first, before + v);
            at[v - v0].y -= skipped;
        }
        for (int c0 = 0; c0 < w->channels; c0 += w->block)
            multiply_panels(t, c0, input + (size_t)c0 * (size_t)w->strip.channel, at, v1 - v0);
    }
    map_rows(t, w->halve ? 0 : (size_t)row * (size_t)w->s->out_w, (size_t)(end - row) * (size_t)w->s->out_w);
}

/* pair: of scratch, where rows are halved. */
static void run_band(const struct task *t, const real *image, int first, int last, real *input, real *pair)
{
    const struct work *w = t->w;
    direct_fill(w->s, w->k, &w->strip, image, w->channels, first, last, input);
    if (!w->halve) {
        multiply_rows(t, first, first, last, input);
        return;
    }
    struct task two = *t;
    const size_t width = (size_t)w->s->out_w, half = width / 2 * (size_t)(w->s->out_h / 2);
    two.y = pair;
    two.plane = 2 * width;
    two.y_filter = t->first_panel * w->k->rows;
    for (int row = first; row < last; row += 2) {
        multiply_rows(&two, first, row, row + 2, input);
        for (int f = two.y_filter; f < direct_smaller(w->filters, t->last_panel * w->k->rows); f++) {
            const real *upper = pair + (size_t)(f - two.y_filter) * two.plane;
            pool_halve_rows(upper, upper + width, w->s->out_w / 2, t->y + (size_t)f * half + (size_t)(row / 2) * (width / 2));
        }
    }
}

/* Of `count` outputs of each of the task's filters. */
static void take_moments(const struct task *t, size_t begin, size_t count, double *moments)
{
    const int rows = t->w->k->rows, last = direct_smaller(t->w->filters, t->last_panel * rows);
    for (int f = t->first_panel * rows; f < last; f++) {
        double *sum = moments + 2 * (size_t)f;
        sum[0] = sum[1] = 0;
        norm_add_moments(t->y + (size_t)f * t->plane + begin, count, 1, count, sum);
    }
}

static void run(const struct work *w, const real *x, const real *packed, const struct channel_map *map, bool add, real *y, real *scratch,
                int threads)
{
    const struct conv_shape *s = w->s;
    const size_t pixels = (size_t)s->out_h * (size_t)s->out_w;
    const size_t image_size = (size_t)w->channels * (w->pointwise ? pixels : (size_t)s->height * (size_t)s->width);
    struct task all = {.w = w, .packed = packed, .map = map, .add = add, .lines = true, .slope = 1};
    if (map)
        all.lines = activation_two_lines(map->activation, &all.slope);
    const int tiles = s->batch * w->units;
    struct parallel_queue queue;
    parallel_share(&queue, tiles * w->groups, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int tile = w->by_units ? job / w->groups : job % tiles, group = w->by_units ? job % w->groups : job / tiles;
        const int image = tile / w->units, unit = tile % w->units;
        const int step = w->halve ? 2 : 1, whole = (w->pointwise ? w->vectors : s->out_h) / step;
        const int first = tile_begin(whole, w->units, unit) * step, last = tile_begin(whole, w->units, unit + 1) * step;
        real *input = scratch + (size_t)omp_get_thread_num() * (w->input + w->pair);
        struct task t = all;
        t.plane = pixels;
        t.y = y + (size_t)image * (size_t)w->filters * (w->halve ? pixels / 4 : pixels);
        t.residual = map && map->residual ? map->residual + (t.y - y) : NULL;
        t.first_panel = group * w->group;
        t.last_panel = direct_smaller(w->panels, t.first_panel + w->group);
        if (w->pointwise)
            run_pointwise(&t, x + (size_t)image * image_size, first, last, input);
        else
            run_band(&t, x + (size_t)image * image_size, first, last, input, input + w->input);
        if (map && map->moments) {
            const size_t each = (size_t)(w->pointwise ? w->k->lanes : s->out_w), begin = (size_t)first * each;
            const size_t end = (size_t)last * each < pixels ? (size_t)last * each : pixels;
            take_moments(&t, begin, end - begin, map->moments + 2 * (size_t)tile * (size_t)w->filters);
        }
    }
}

/* Where a strip of the image would be read with many empty lanes, or leave the caches. */
static bool gathers(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass)
{
    if (direct_pointwise(s))
        return false;
    const int lanes = direct_kernels_of(isa)->lanes;
    return pass == CONV_BACKWARD_DATA || s->filters >= MIN_GATHER_FILTERS || s->channels * s->size * s->size > MAX_STRIP_FAN ||
           4 * s->out_w < 3 * lanes * direct_ceil_div(s->out_w, lanes);
}

bool direct_halves(const struct conv_shape *s, enum cpu_isa isa)
{
    return !direct_pointwise(s) && !gathers(s, isa, CONV_FORWARD) && s->out_h % 2 == 0 && s->out_w % 2 == 0;
}

int direct_parts(const struct conv_shape *s, enum cpu_isa isa)
{
    return gathers(s, isa, CONV_FORWARD) ? direct_gather_parts(s, isa) : s->batch * work_of(s, isa, CONV_FORWARD).units;
}

size_t direct_scratch(const struct conv_shape *s, enum cpu_isa isa, enum conv_pass pass, int threads)
{
    if (pass == CONV_BACKWARD_WEIGHTS)
        return direct_weights_scratch(s, isa, threads);
    if (pass == CONV_BACKWARD_DATA && direct_scatters(s))
        return direct_scatter_scratch(s, isa, threads);
    if (gathers(s, isa, pass))
        return direct_gather_packed(s, isa, pass) + direct_gather_scratch(s, isa, pass, threads) + DIRECT_ALIGNMENT;
    const struct work w = work_of(s, isa, pass);
    return w.packed + (w.input + w.pair) * (size_t)threads + DIRECT_ALIGNMENT;
}

size_t direct_packed_size(const struct conv_shape *s, enum cpu_isa isa)
{
    return gathers(s, isa, CONV_FORWARD) ? direct_gather_packed(s, isa, CONV_FORWARD) : work_of(s, isa, CONV_FORWARD).packed;
}

void direct_pack(const struct conv_shape *s, enum cpu_isa isa, const real *weight, real *packed, int threads)
{
    if (gathers(s, isa, CONV_FORWARD)) {
        direct_gather_pack(s, isa, CONV_FORWARD, weight, packed, threads);
        return;
    }
    const struct work w = work_of(s, isa, CONV_FORWARD);
    pack(&w, weight, packed, threads);
}

void direct_forward(const struct conv_shape *s, enum cpu_isa isa, const real *x, const real *weight, const real *packed,
                    const struct channel_map *map, real *y, real *scratch, int threads)
{
    real *own = direct_align(scratch);
    if (gathers(s, isa, CONV_FORWARD)) {
        const size_t n = direct_gather_packed(s, isa, CONV_FORWARD);
        if (!packed)
            direct_gather_pack(s, isa, CONV_FORWARD, weight, own, threads);
        direct_gather(s, isa, CONV_FORWARD, x, packed ? packed : own, map, false, y, own + n, threads);
        return;
    }
    const struct work w = work_of(s, isa, CONV_FORWARD);
    if (!packed)
        pack(&w, weight, own, threads);
    run(&w, x, packed ? packed : own, map, false, y, own + w.packed, threads);
}

void direct_backward_data(const struct conv_shape *s, enum cpu_isa isa, const real *dy, const real *weight, real *dx, bool overwrite,
                          real *scratch, int threads)
{
    if (direct_scatters(s)) {
        direct_scatter(s, isa, dy, weight, dx, overwrite, scratch, threads);
        return;
    }
    real *own = direct_align(scratch);
    if (gathers(s, isa, CONV_BACKWARD_DATA)) {
        const size_t n = direct_gather_packed(s, isa, CONV_BACKWARD_DATA);
        direct_gather_pack(s, isa, CONV_BACKWARD_DATA, weight, own, threads);
        direct_gather(s, isa, CONV_BACKWARD_DATA, dy, own, NULL, !overwrite, dx, own + n, threads);
        return;
    }
    const struct work w = work_of(s, isa, CONV_BACKWARD_DATA);
    pack(&w, weight, own, threads);
    run(&w, dy, own, NULL, !overwrite, dx, own + w.packed, threads);
}
