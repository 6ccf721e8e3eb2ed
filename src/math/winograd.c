#include "math/winograd.h"

#include <omp.h>
#include <stdint.h>

#include "base/parallel.h"
#include "math/winograd_kernels.h"
#include "math/winograd_plan.h"

const struct winograd_kernels *winograd_kernels_of(enum cpu_isa isa)
{
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
    return isa == CPU_AVX512 ? &winograd_avx512 : isa == CPU_AVX2 ? &winograd_avx2 : &winograd_baseline;
#else
    (void)isa;
    return &winograd_baseline;
#endif
}

bool winograd_fits(const struct conv_shape *s)
{
    return s->size == 3 && s->stride_x == 1 && s->stride_y == 1 && s->dilation == 1 && s->groups == 1;
}

/* Forward and backward data are the same work: outputs from inputs by weights. */
struct work {
    struct winograd_array in, out;
    struct winograd_taps taps;
};

/* How the tiles are shared out.
 *
 * Private: a thread takes a region of tiles through all stages in its own scratch, which stays in its cache; all transformed weights are
 * read for each region, so they must be small. Shared: for a chunk of regions at a time, first all threads transform the inputs, then each
 * takes blocks of outputs, reading its part of the weights once. */
struct plan {
    const struct winograd_kernels *k;
    const struct winograd_tile_kernels *t;
    int tile, points;
    struct winograd_cut cut;
    int in_blocks, panels; /* blocks of `lanes` inputs, panels of 2 · lanes outputs */
    bool shared;
    int group, groups; /* panels that one point's inputs are multiplied with before the next point's; groups of so many */
    int chunk;         /* shared: regions of a chunk; private: 1 */
    /* Numbers of one: */
    size_t packed_group, input, product, strip;
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static struct work work_of(const struct conv_shape *s, struct winograd_method method, enum conv_pass pass, const real *weight)
{
    const size_t kernel = 9, filter = kernel * (size_t)s->channels;
    const bool forward = pass == CONV_FORWARD;
    const struct winograd_array x = {s->channels, s->height, s->width, s->padding, 0, false};
    const struct winograd_array y = {s->filters, s->out_h, s->out_w, 2 - s->padding, 0, forward && s->halve};
    struct work w = {.in = forward ? x : y, .out = forward ? y : x};
    w.in.down = w.out.down = winograd_ceil_div(w.out.height, method.tile);
    w.taps = (struct winograd_taps){weight, forward ? filter : kernel, forward ? kernel : filter, !forward};
    return w;
}

/* Private: tiles of a region. With too few the weights are read too often, with too many the products of a group overflow a second-level
 * cache by more than a little. The number of regions is a multiple. */
#define PRIVATE_TILES 56
#define PRIVATE_MIN_TILES (PRIVATE_TILES / 2)
#define PRIVATE_MULTIPLE 4
/* Weights that a third-level cache holds, so that they may be read for each region; and those that may where there are few regions. */
#define PRIVATE_WEIGHTS (4 * 1024 * 1024)
#define PRIVATE_WEIGHTS_FEW (256 * 1024)
#define FEW_TILES (4 * PRIVATE_TILES)
/* Shared: the products of one region, and the transformed inputs of a chunk, which should stay in a third-level cache. */
#define SHARED_TILES 128
#define CHUNK_NUMBERS (8 * 1024 * 1024)
/* Panels of a group; few of them when threads share groups out. */
#define GROUP 8
#define FUSED_GROUP 2

/* Packed weights are [group][point][panel of the group][k][vector][lane]: in the order in which finish_group reads them. */
static size_t panel_size(const struct plan *p, const struct work *w)
{
    return 2 * (size_t)p->k->lanes * (size_t)w->in.channels;
}

static size_t point_size(const struct plan *p, const struct work *w)
{
    return winograd_stride((size_t)p->group * panel_size(p, w));
}

/* packed: the weights are there. */
static struct plan plan_of(const struct work *w, struct winograd_method method, int batch, bool packed)
{
    struct plan p = {.k = winograd_kernels_of(method.isa), .tile = method.tile, .points = (method.tile + 2) * (method.tile + 2)};
    p.t = &p.k->tile[p.tile];
    const int lanes = p.k->lanes;
    const int tile_rows = batch * w->out.down, across = winograd_ceil_div(w->out.width, p.tile), tiles = tile_rows * across;
    p.in_blocks = winograd_ceil_div(w->in.channels, lanes);
    p.panels = winograd_ceil_div(w->out.channels, 2 * lanes);
    const size_t per_tile = (size_t)p.points * (size_t)(p.in_blocks * lanes);
    const size_t weights = (size_t)p.points * (size_t)w->in.channels * (size_t)w->out.channels;
    p.shared = tiles < PRIVATE_MIN_TILES || weights > (tiles < FEW_TILES ? PRIVATE_WEIGHTS_FEW : PRIVATE_WEIGHTS);
    p.group = smaller(p.panels, p.shared && !packed ? FUSED_GROUP : GROUP);
    p.cut = p.shared ? winograd_cut_into(tile_rows, across, SHARED_TILES, 1, true)
                     : winograd_cut_into(tile_rows, across, PRIVATE_TILES, PRIVATE_MULTIPLE, false);
    const size_t region = (size_t)winograd_cut_tiles(&p.cut);
    p.groups = winograd_ceil_div(p.panels, p.group);
    p.chunk = 1;
    if (p.shared) {
        const size_t products = packed ? (size_t)p.points * (size_t)(2 * lanes * p.panels) : 0;
        p.chunk = larger(1, smaller(p.cut.bands, (int)(CHUNK_NUMBERS / ((per_tile + products) * region))));
    }
    p.packed_group = winograd_padded((size_t)p.points * point_size(&p, w));
    p.input = winograd_padded((size_t)p.points * winograd_stride((size_t)(p.in_blocks * lanes) * region * (size_t)p.chunk));
    const size_t held = p.shared && packed ? (size_t)p.panels * (size_t)p.chunk : (size_t)p.group;
    p.product = winograd_padded((size_t)p.points * winograd_stride(2 * (size_t)lanes * held * region));
    p.strip = winograd_padded(WINOGRAD_STRIP(lanes, p.tile, winograd_cut_cols(&p.cut)));
    return p;
}

/* Which outputs a panel has: 2 vectors, or 1 at the end. */
static int vectors_of(const struct plan *p, const struct work *w, int panel)
{
    return w->out.channels - panel * 2 * p->k->lanes > p->k->lanes ? 2 : 1;
}

/* Transforms sums k0 .. k1 − 1 of the weights of a group. */
static void pack_group(const struct plan *p, const struct work *w, int group, int k0, int k1, real *u)
{
    const int lanes = p->k->lanes;
    for (int i = 0; i < p->group && group * p->group + i < p->panels; i++) {
        const int vectors = vectors_of(p, w, group * p->group + i);
        const size_t k_stride = (size_t)(vectors * lanes);
        for (int j = 0; j < vectors; j++) {
            const int first = ((group * p->group + i) * 2 + j) * lanes;
            struct winograd_taps taps = w->taps;
            taps.w += (size_t)first * taps.lane_stride + (size_t)k0 * taps.sum_stride;
            p->t->weights(&taps, smaller(lanes, w->out.channels - first), k1 - k0,
                          u + (size_t)i * panel_size(p, w) + (size_t)k0 * k_stride + (size_t)(j * lanes), point_size(p, w), k_stride);
        }
    }
}

/* Sums that are transformed together: for backward data, the weights of a group for one sum are the contiguous ones. */
#define PACK_SUMS 32

static void pack_all(const struct plan *p, const struct work *w, real *packed, int threads)
{
    const int pieces = winograd_ceil_div(w->in.channels, PACK_SUMS);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int job = 0; job < p->groups * pieces; job++) {
        const int k0 = job % pieces * PACK_SUMS;
        pack_group(p, w, job / pieces, k0, smaller(k0 + PACK_SUMS, w->in.channels), packed + (size_t)(job / pieces) * p->packed_group);
    }
}

/* Σ y and Σ y² of a region's outputs of one block of channels. */
static void take_moments(const struct plan *p, const struct work *w, struct winograd_region r, int block, const real *y, double *moments)
{
    const struct winograd_array *a = &w->out;
    const int first = block * p->k->lanes, channels = smaller(p->k->lanes, a->channels - first);
    const int left = r.col * p->tile, right = smaller(a->width, (r.col + r.cols) * p->tile);
    const size_t width = (size_t)a->width, plane = (size_t)a->height * width;
    for (int k = 0; k < channels; k++) {
        double sum[2] = {0, 0};
        for (int row = r.row; row < r.row + r.rows; row++) {
            const int top = row % a->down * p->tile, bottom = smaller(a->height, top + p->tile);
            const real *from = y + ((size_t)(row / a->down) * (size_t)a->channels + (size_t)(first + k)) * plane;
            norm_add_moments(from + (size_t)top * width + (size_t)left, width, bottom - top, (size_t)(right - left), sum);
        }
        moments[2 * (size_t)(first + k)] = sum[0];
        moments[2 * (size_t)(first + k) + 1] = sum[1];
    }
}

/* The outputs of one block of channels from their products m; part: the region's number. */
static void write_outputs(const struct plan *p, const struct work *w, struct winograd_region r, int part, int block, const real *m,
                          size_t point_stride, const struct channel_map *map, bool add, real *y, real *strip)
{
    p->t->output(&w->out, r, block, m, point_stride, map, add, y, strip);
    if (map && map->moments)
        take_moments(p, w, r, block, y, map->moments + 2 * (size_t)part * (size_t)w->out.channels);
}

/* From transformed inputs (v: those of the region) to the outputs of a group of panels. */
static void finish_group(const struct plan *p, const struct work *w, int region, int group, const real *v, size_t point_stride,
                         size_t block_stride, const real *u, const struct channel_map *map, bool add, real *y, real *product, real *strip)
{
    const struct winograd_region r = winograd_region_of(&p->cut, region);
    const int lanes = p->k->lanes, tiles = r.rows * r.cols, first = group * p->group, last = smaller(first + p->group, p->panels);
    const size_t vector_stride = (size_t)(tiles * lanes), product_stride = winograd_stride((size_t)(2 * p->group) * vector_stride);
    for (int point = 0; point < p->points; point++)
        for (int i = 0; i < last - first; i++)
            p->k->multiply(vectors_of(p, w, first + i), v + (size_t)point * point_stride, block_stride,
                           u + (size_t)point * point_size(p, w) + (size_t)i * panel_size(p, w), w->in.channels, tiles,
                           product + (size_t)point * product_stride + (size_t)(2 * i) * vector_stride, vector_stride);
    for (int block = 2 * first; block < 2 * last && block * lanes < w->out.channels; block++)
        write_outputs(p, w, r, region, block, product + (size_t)(block - 2 * first) * vector_stride, product_stride, map, add, y, strip);
}

struct buffers {
    real *packed, *input, *product, *strip; /* distances between threads' parts: the plan's sizes */
};

static void run_private(const struct plan *p, const struct work *w, const real *x, const real *packed, const struct channel_map *map,
                        bool add, real *y, const struct buffers *b, int threads)
{
    struct parallel_queue queue;
    parallel_share(&queue, p->cut.bands * p->cut.columns, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const size_t thread = (size_t)omp_get_thread_num();
        real *v = b->input + thread * p->input, *product = b->product + thread * p->product, *strip = b->strip + thread * p->strip;
        const struct winograd_region r = winograd_region_of(&p->cut, job);
        const size_t block_stride = (size_t)(r.rows * r.cols * p->k->lanes);
        const size_t point_stride = winograd_stride((size_t)p->in_blocks * block_stride);
        for (int block = 0; block < p->in_blocks; block++)
            p->t->input(&w->in, r, block, x, v + (size_t)block * block_stride, point_stride, strip);
        for (int group = 0; group < p->groups; group++)
            finish_group(p, w, job, group, v, point_stride, block_stride, packed + (size_t)group * p->packed_group, map, add, y, product,
                         strip);
    }
}

/* Shared: what is transformed at a time. */
struct chunk {
    int first, regions, row, tiles;
    size_t block_stride, point_stride; /* of transformed inputs */
};

static struct chunk chunk_of(const struct plan *p, int first)
{
    struct chunk c = {.first = first, .regions = smaller(p->chunk, p->cut.bands - first)};
    const struct winograd_region last = winograd_region_of(&p->cut, first + c.regions - 1);
    c.row = winograd_region_of(&p->cut, first).row;
    c.tiles = (last.row + last.rows - c.row) * p->cut.across;
    c.block_stride = (size_t)(c.tiles * p->k->lanes);
    c.point_stride = winograd_stride((size_t)p->in_blocks * c.block_stride);
    return c;
}

/* Where region r of the chunk stands in a block. */
static size_t offset_in(const struct plan *p, const struct chunk *c, struct winograd_region r)
{
    return (size_t)((r.row - c->row) * p->cut.across * p->k->lanes);
}

/* The jobs of a chunk's phases. A phase ends with a barrier; then its queue is shared out anew, for the next chunk. */
struct phases {
    struct parallel_queue inputs, groups, points, outputs;
    int threads;
};

static int out_blocks_of(const struct plan *p, const struct work *w)
{
    return winograd_ceil_div(w->out.channels, p->k->lanes);
}

static void share_out(const struct plan *p, const struct work *w, const struct chunk *c, struct phases *q)
{
    parallel_share(&q->inputs, c->regions * p->in_blocks, q->threads);
    parallel_share(&q->groups, p->groups, q->threads);
    parallel_share(&q->points, p->points * p->groups, q->threads);
    parallel_share(&q->outputs, c->regions * out_blocks_of(p, w), q->threads);
}

static void share_inputs(const struct plan *p, const struct work *w, const struct chunk *c, struct parallel_queue *queue, const real *x,
                         real *v, real *strip)
{
    for (int job = parallel_next(queue); job >= 0; job = parallel_next(queue)) {
        const struct winograd_region r = winograd_region_of(&p->cut, c->first + job % c->regions);
        const int block = job / c->regions;
        p->t->input(&w->in, r, block, x, v + (size_t)block * c->block_stride + offset_in(p, c, r), c->point_stride, strip);
    }
}

/* Each thread takes groups: it transforms their weights and uses them at once, before they leave its cache. */
static void share_groups(const struct plan *p, const struct work *w, const struct chunk *c, struct parallel_queue *queue,
                         const struct buffers *b, const struct channel_map *map, bool add, real *y, size_t thread)
{
    real *u = b->packed + thread * p->packed_group, *product = b->product + thread * p->product, *strip = b->strip + thread * p->strip;
    for (int group = parallel_next(queue); group >= 0; group = parallel_next(queue)) {
        for (int k = 0; k < w->in.channels; k += PACK_SUMS)
            pack_group(p, w, group, k, smaller(k + PACK_SUMS, w->in.channels), u);
        for (int region = 0; region < c->regions; region++) {
            const struct winograd_region r = winograd_region_of(&p->cut, c->first + region);
            finish_group(p, w, c->first + region, group, b->input + offset_in(p, c, r), c->point_stride, c->block_stride, u, map, add, y,
                         product, strip);
        }
    }
}

/* Each thread takes points, so that it reads a part of the transformed inputs only. */
static void share_points(const struct plan *p, const struct chunk *c, const struct work *w, struct parallel_queue *queue,
                         const real *packed, const struct buffers *b)
{
    const size_t product_stride = winograd_stride((size_t)(2 * p->panels) * c->block_stride);
    for (int job = parallel_next(queue); job >= 0; job = parallel_next(queue)) {
        const int point = job / p->groups, first = job % p->groups * p->group;
        const real *u = packed + (size_t)(job % p->groups) * p->packed_group + (size_t)point * point_size(p, w);
        for (int i = 0; i < p->group && first + i < p->panels; i++)
            p->k->multiply(vectors_of(p, w, first + i), b->input + (size_t)point * c->point_stride, c->block_stride,
                           u + (size_t)i * panel_size(p, w), w->in.channels, c->tiles,
                           b->product + (size_t)point * product_stride + (size_t)(2 * (first + i)) * c->block_stride, c->block_stride);
    }
}

/* Then blocks of outputs. */
static void share_outputs(const struct plan *p, const struct work *w, const struct chunk *c, struct parallel_queue *queue,
                          const struct buffers *b, const struct channel_map *map, bool add, real *y, size_t thread)
{
    const size_t product_stride = winograd_stride((size_t)(2 * p->panels) * c->block_stride);
    for (int job = parallel_next(queue); job >= 0; job = parallel_next(queue)) {
        const int region = c->first + job % c->regions, block = job / c->regions;
        const struct winograd_region r = winograd_region_of(&p->cut, region);
        write_outputs(p, w, r, region, block, b->product + (size_t)block * c->block_stride + offset_in(p, c, r), product_stride, map, add,
                      y, b->strip + thread * p->strip);
    }
}

static void run_shared(const struct plan *p, const struct work *w, const real *x, const real *packed, const struct channel_map *map,
                       bool add, real *y, const struct buffers *b, int threads)
{
    struct phases q = {.threads = threads};
    const struct chunk begin = chunk_of(p, 0);
    share_out(p, w, &begin, &q);
#pragma omp parallel num_threads(threads)
    for (int first = 0; first < p->cut.bands; first += p->chunk) {
        const size_t thread = (size_t)omp_get_thread_num();
        const struct chunk c = chunk_of(p, first);
        share_inputs(p, w, &c, &q.inputs, x, b->input, b->strip + thread * p->strip);
#pragma omp barrier
        if (packed) {
            share_points(p, &c, w, &q.points, packed, b);
#pragma omp barrier
            share_outputs(p, w, &c, &q.outputs, b, map, add, y, thread);
        } else
            share_groups(p, w, &c, &q.groups, b, map, add, y, thread);
        if (first + p->chunk < p->cut.bands) {
#pragma omp barrier
#pragma omp single
            {
                const struct chunk next = chunk_of(p, first + p->chunk);
                share_out(p, w, &next, &q);
            }
        }
    }
}

/* Lays the buffers out behind one another; returns their numbers. */
static size_t lay_out(const struct plan *p, bool packed, int threads, real *scratch, struct buffers *b)
{
    const size_t t = (size_t)threads;
    const size_t packed_size = packed ? 0 : p->packed_group * (p->shared ? t : (size_t)p->groups);
    const size_t input = p->input * (p->shared ? 1 : t), product = p->product * (p->shared && packed ? 1 : t);
    if (b) {
        b->packed = winograd_align(scratch);
        b->input = b->packed + packed_size;
        b->product = b->input + input;
        b->strip = b->product + product;
    }
    return packed_size + input + product + p->strip * t + WINOGRAD_ALIGNMENT;
}

static void run(const struct work *w, const struct plan *p, const real *x, const real *packed, const struct channel_map *map, bool add,
                real *y, real *scratch, int threads)
{
    struct buffers b;
    lay_out(p, packed, threads, scratch, &b);
    if (p->shared) {
        run_shared(p, w, x, packed, map, add, y, &b, threads);
        return;
    }
    if (!packed)
        pack_all(p, w, b.packed, threads);
    run_private(p, w, x, packed ? packed : b.packed, map, add, y, &b, threads);
}

int winograd_parts(const struct conv_shape *s, struct winograd_method method)
{
    const struct work w = work_of(s, method, CONV_FORWARD, NULL);
    const struct plan p = plan_of(&w, method, s->batch, false);
    return p.cut.bands * p.cut.columns;
}

size_t winograd_scratch(const struct conv_shape *s, struct winograd_method method, enum conv_pass pass, bool packed, int threads)
{
    if (pass == CONV_BACKWARD_WEIGHTS)
        return winograd_weights_scratch(s, method, threads);
    const struct work w = work_of(s, method, pass, NULL);
    const struct plan p = plan_of(&w, method, s->batch, packed);
    return lay_out(&p, packed, threads, NULL, NULL);
}

size_t winograd_packed_size(const struct conv_shape *s, struct winograd_method method)
{
    const struct work w = work_of(s, method, CONV_FORWARD, NULL);
    const struct plan p = plan_of(&w, method, s->batch, true);
    return p.packed_group * (size_t)p.groups;
}

void winograd_pack(const struct conv_shape *s, struct winograd_method method, const real *weight, real *packed, int threads)
{
    const struct work w = work_of(s, method, CONV_FORWARD, weight);
    const struct plan p = plan_of(&w, method, s->batch, true);
    pack_all(&p, &w, packed, threads);
}

void winograd_forward(const struct conv_shape *s, struct winograd_method method, const real *x, const real *weight, const real *packed,
                      const struct channel_map *map, real *y, real *scratch, int threads)
{
    const struct work w = work_of(s, method, CONV_FORWARD, weight);
    const struct plan p = plan_of(&w, method, s->batch, packed);
    run(&w, &p, x, packed, map, false, y, scratch, threads);
}

void winograd_backward_data(const struct conv_shape *s, struct winograd_method method, const real *dy, const real *weight, real *dx,
                            bool overwrite, real *scratch, int threads)
{
    const struct work w = work_of(s, method, CONV_BACKWARD_DATA, weight);
    const struct plan p = plan_of(&w, method, s->batch, false);
    run(&w, &p, dy, NULL, NULL, !overwrite, dx, scratch, threads);
}
