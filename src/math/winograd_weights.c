/* Backward weights: dW = Gᵀ [ Σ over tiles (A dY Aᵀ) ⊗ (Bᵀ d B) ] G, a product of matrices over tiles at each point. */
#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"
#include "math/winograd_kernels.h"
#include "math/winograd_plan.h"

/* How the sum over tiles and the (filter, channel) pairs are shared out.
 *
 * Slots: few pairs. The regions of tiles are cut into a fixed number of slots; a thread sums one slot in the transformed domain, all pairs
 * of which stay in its cache, to a gradient of its own. The gradients of the slots are added in order. Else all threads transform a chunk
 * of regions. Points: then each takes points of the transformed domain, so that it reads a part of the tiles only, and once; the sums of
 * all pairs are transformed back at the end. Blocks: more pairs. Each thread takes blocks of them, whose sums stay in its cache. */
enum sharing { BY_SLOT, BY_POINT, BY_BLOCK };

struct plan {
    const struct winograd_kernels *k;
    const struct winograd_tile_kernels *t;
    struct winograd_array x, dy;
    int tile, points;
    struct winograd_cut cut;
    enum sharing sharing;
    int regions;           /* of the cut */
    int slots, chunk;      /* chunk: regions that are transformed together */
    int filters, channels; /* whose sums stand together: of all pairs, or of a block; multiples of lanes */
    /* Numbers of one: */
    size_t v, z, sum, strip, gradient;
};

#define MOST_SLOTS 8
/* Pairs in the transformed domain that stay in a second-level cache beside the tiles. */
#define SLOT_NUMBERS (384 * 1024)
#define SLOT_TILES 64
/* Pairs in the transformed domain that are worth to be written to memory and read again; filters of a task that does a point. */
#define POINT_NUMBERS (4 * 1024 * 1024)
#define POINT_FILTERS 128
/* Numbers that are transformed together: fewer than below, as nothing is done once a chunk but for reading the sums. */
#define POINT_CHUNK_NUMBERS (5 * 1024 * 1024)
/* Filters whose gradients are transformed back together. */
#define FINISH_FILTERS 8
#define BLOCK 64
#define BLOCK_TILES 64
#define CHUNK_NUMBERS (8 * 1024 * 1024)
/* Tiles that one call of the kernel sums: two vectors and one of gradients of each stay in a first-level cache. */
#define SUM_TILES 160

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int padded_to(int n, int unit)
{
    return winograd_ceil_div(n, unit) * unit;
}

static struct plan plan_of(const struct conv_shape *s, struct winograd_method method)
{
    struct plan p = {.k = winograd_kernels_of(method.isa), .tile = method.tile, .points = (method.tile + 2) * (method.tile + 2)};
    p.t = &p.k->tile[p.tile];
    const int lanes = p.k->lanes, down = winograd_ceil_div(s->out_h, p.tile);
    p.x = (struct winograd_array){s->channels, s->height, s->width, s->padding, down, false};
    p.dy = (struct winograd_array){s->filters, s->out_h, s->out_w, 0, down, false};
    const int tile_rows = s->batch * down, across = winograd_ceil_div(s->out_w, p.tile);
    const int filters = padded_to(s->filters, lanes), channels = padded_to(s->channels, lanes);
    const size_t per_tile = (size_t)p.points * (size_t)(filters + channels);
    const size_t pairs = (size_t)p.points * (size_t)filters * (size_t)channels;
    p.sharing = pairs <= SLOT_NUMBERS && tile_rows * across >= 4 * BLOCK_TILES ? BY_SLOT : pairs <= POINT_NUMBERS ? BY_POINT : BY_BLOCK;
    p.cut = p.sharing == BY_SLOT ? winograd_cut_into(tile_rows, across, SLOT_TILES, MOST_SLOTS, false)
                                 : winograd_cut_into(tile_rows, across, BLOCK_TILES, 1, true);
    p.regions = p.cut.bands * p.cut.columns;
    const size_t region = (size_t)winograd_cut_tiles(&p.cut);
    const size_t most = p.sharing == BY_POINT ? POINT_CHUNK_NUMBERS : CHUNK_NUMBERS;
    p.chunk = p.sharing == BY_SLOT ? 1 : larger(1, smaller(p.regions, (int)(most / (per_tile * region))));
    p.filters = filters;
    p.channels = channels;
    if (p.sharing == BY_SLOT) {
        p.slots = smaller(MOST_SLOTS, p.regions);
        p.gradient = p.slots > 1 ? winograd_padded((size_t)s->filters * (size_t)s->channels * 9) : 0;
    } else if (p.sharing == BY_BLOCK) {
        p.filters = smaller(BLOCK, filters);
        p.channels = smaller(BLOCK, channels);
    }
    const size_t held = region * (size_t)p.chunk;
    p.v = winograd_padded((size_t)p.points * winograd_stride((size_t)channels * held));
    p.z = winograd_padded((size_t)p.points * winograd_stride((size_t)filters * held));
    p.sum = winograd_padded((size_t)p.points * winograd_stride((size_t)(p.filters * p.channels)));
    const size_t window = WINOGRAD_STRIP(lanes, p.tile, winograd_cut_cols(&p.cut)), row = WINOGRAD_DWEIGHT_STRIP(lanes, p.channels);
    p.strip = winograd_padded(window > row ? window : row);
    return p;
}

/* From one point's sums to the next one's. */
static size_t sum_stride(const struct plan *p)
{
    return winograd_stride((size_t)(p->filters * p->channels));
}

/* sum[filter][channel] = (or +=) over `tiles` tiles at one point, for the filters from f0 and the channels from c0 on. */
static void correlate_point(const struct plan *p, int f0, int filters, int c0, int channels, const real *v, const real *z,
                            size_t block_stride, int tiles, bool add, real *sum)
{
    const int lanes = p->k->lanes, rows = p->k->gradient_rows, blocks = winograd_ceil_div(channels, lanes);
    const int step = winograd_ceil_div(tiles, winograd_ceil_div(tiles, SUM_TILES));
    for (int t = 0; t < tiles; t += step) {
        const real *vt = v + (size_t)(c0 / lanes) * block_stride + (size_t)(t * lanes), *zt = z + (size_t)(t * lanes);
        for (int block = 0; block < blocks; block += 2)
            for (int f = f0; f < f0 + filters; f += rows)
                p->k->correlate(smaller(2, blocks - block), zt + (size_t)(f / lanes) * block_stride + (size_t)(f % lanes),
                                vt + (size_t)block * block_stride, block_stride, smaller(step, tiles - t), add || t > 0,
                                sum + (size_t)((f - f0) * p->channels + block * lanes), (size_t)p->channels);
    }
}

/* The same at all points: sum[point][filter][channel]. */
static void correlate_points(const struct plan *p, int f0, int filters, int c0, int channels, const real *v, size_t v_points, const real *z,
                             size_t z_points, size_t block_stride, int tiles, bool add, real *sum)
{
    for (int point = 0; point < p->points; point++)
        correlate_point(p, f0, filters, c0, channels, v + (size_t)point * v_points, z + (size_t)point * z_points, block_stride, tiles, add,
                        sum + (size_t)point * sum_stride(p));
}

static void finish_block(const struct plan *p, int f0, int filters, int c0, int channels, const real *sum, real *gradient, real *strip)
{
    const size_t row = 9 * (size_t)p->x.channels;
    p->t->dweight(sum, sum_stride(p), (size_t)p->channels, filters, channels, gradient + (size_t)f0 * row + 9 * (size_t)c0, row, strip);
}

static void transform(const struct plan *p, struct winograd_region r, const real *x, const real *dy, int block, real *v, size_t v_points,
                      real *z, size_t z_points, size_t block_stride, real *strip)
{
    const int inputs = winograd_ceil_div(p->x.channels, p->k->lanes);
    if (block < inputs)
        p->t->input(&p->x, r, block, x, v + (size_t)block * block_stride, v_points, strip);
    else
        p->t->gradient(&p->dy, r, block - inputs, dy, z + (size_t)(block - inputs) * block_stride, z_points, strip);
}

static int blocks_of(const struct plan *p)
{
    return winograd_ceil_div(p->x.channels, p->k->lanes) + winograd_ceil_div(p->dy.channels, p->k->lanes);
}

struct buffers {
    real *v, *z, *sum, *strip, *gradient; /* distances between threads' (gradient: slots') parts: the plan's sizes */
};

SIMD_CLONES static void add(const real *x, real *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void run_slots(const struct plan *p, const real *x, const real *dy, real *dweight, const struct buffers *b, int threads)
{
    const size_t weights = (size_t)p->x.channels * (size_t)p->dy.channels * 9;
    const int lanes = p->k->lanes;
    struct parallel_queue queue;
    parallel_share(&queue, p->slots, threads);
#pragma omp parallel num_threads(threads)
    for (int slot = parallel_next(&queue); slot >= 0; slot = parallel_next(&queue)) {
        const size_t thread = (size_t)omp_get_thread_num();
        real *v = b->v + thread * p->v, *z = b->z + thread * p->z, *sum = b->sum + thread * p->sum, *strip = b->strip + thread * p->strip;
        const int begin = p->regions * slot / p->slots, end = p->regions * (slot + 1) / p->slots;
        for (int number = begin; number < end; number++) {
            const struct winograd_region r = winograd_region_of(&p->cut, number);
            const int tiles = r.rows * r.cols;
            const size_t block_stride = (size_t)(tiles * lanes);
            const size_t v_points = winograd_stride((size_t)(p->channels * tiles)),
                         z_points = winograd_stride((size_t)(p->filters * tiles));
            for (int block = 0; block < blocks_of(p); block++)
                transform(p, r, x, dy, block, v, v_points, z, z_points, block_stride, strip);
            correlate_points(p, 0, p->dy.channels, 0, p->x.channels, v, v_points, z, z_points, block_stride, tiles, number > begin, sum);
        }
        real *gradient = dweight;
        if (p->slots > 1) {
            gradient = b->gradient + (size_t)slot * p->gradient;
            memset(gradient, 0, weights * sizeof(real));
        }
        finish_block(p, 0, p->dy.channels, 0, p->x.channels, sum, gradient, strip);
    }
    if (p->slots == 1)
        return;
    const int pieces = parallel_tiles(weights);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int piece = 0; piece < pieces; piece++) {
        size_t begin, end;
        parallel_range(weights, piece, pieces, &begin, &end);
        for (int slot = 0; slot < p->slots; slot++)
            add(b->gradient + (size_t)slot * p->gradient + begin, dweight + begin, end - begin);
    }
}

/* Regions that are transformed together, and where their tiles stand. */
struct chunk {
    int first, regions, row, tiles;
    size_t block_stride, v_points, z_points;
};

static struct chunk chunk_of(const struct plan *p, int first)
{
    struct chunk c = {.first = first, .regions = smaller(p->chunk, p->regions - first)};
    const struct winograd_region last = winograd_region_of(&p->cut, first + c.regions - 1);
    const int lanes = p->k->lanes;
    c.row = winograd_region_of(&p->cut, first).row;
    c.tiles = (last.row + last.rows - c.row) * p->cut.across;
    c.block_stride = (size_t)(c.tiles * lanes);
    c.v_points = winograd_stride((size_t)winograd_ceil_div(p->x.channels, lanes) * c.block_stride);
    c.z_points = winograd_stride((size_t)winograd_ceil_div(p->dy.channels, lanes) * c.block_stride);
    return c;
}

static void share_transforms(const struct plan *p, const struct chunk *c, const real *x, const real *dy, const struct buffers *b,
                             real *strip)
{
#pragma omp for schedule(dynamic)
    for (int job = 0; job < blocks_of(p) * c->regions; job++) {
        const struct winograd_region r = winograd_region_of(&p->cut, c->first + job % c->regions);
        const size_t at = (size_t)((r.row - c->row) * p->cut.across * p->k->lanes);
        transform(p, r, x, dy, job / c->regions, b->v + at, c->v_points, b->z + at, c->z_points, c->block_stride, strip);
    }
}

static void share_points(const struct plan *p, const struct chunk *c, const struct buffers *b)
{
    const int groups = winograd_ceil_div(p->filters, POINT_FILTERS);
#pragma omp for schedule(dynamic)
    for (int job = 0; job < p->points * groups; job++) {
        const int point = job / groups, f0 = job % groups * POINT_FILTERS;
        correlate_point(p, f0, smaller(POINT_FILTERS, p->filters - f0), 0, p->channels, b->v + (size_t)point * c->v_points,
                        b->z + (size_t)point * c->z_points, c->block_stride, c->tiles, c->first > 0,
                        b->sum + (size_t)point * sum_stride(p) + (size_t)f0 * (size_t)p->channels);
    }
}

static void share_blocks(const struct plan *p, const struct chunk *c, const struct buffers *b, real *dweight, size_t thread)
{
    real *sum = b->sum + thread * p->sum, *strip = b->strip + thread * p->strip;
    const int down = winograd_ceil_div(p->dy.channels, p->filters), across = winograd_ceil_div(p->x.channels, p->channels);
#pragma omp for schedule(dynamic)
    for (int job = 0; job < down * across; job++) {
        const int f0 = job / across * p->filters, filters = smaller(p->filters, p->dy.channels - f0);
        const int c0 = job % across * p->channels, channels = smaller(p->channels, p->x.channels - c0);
        correlate_points(p, f0, filters, c0, channels, b->v, c->v_points, b->z, c->z_points, c->block_stride, c->tiles, false, sum);
        finish_block(p, f0, filters, c0, channels, sum, dweight, strip);
    }
}

static void run_chunks(const struct plan *p, const real *x, const real *dy, real *dweight, const struct buffers *b, int threads)
{
#pragma omp parallel num_threads(threads)
    {
        const size_t thread = (size_t)omp_get_thread_num();
        real *strip = b->strip + thread * p->strip;
        for (int first = 0; first < p->regions; first += p->chunk) {
            const struct chunk c = chunk_of(p, first);
            share_transforms(p, &c, x, dy, b, strip);
            if (p->sharing == BY_POINT)
                share_points(p, &c, b);
            else
                share_blocks(p, &c, b, dweight, thread);
        }
        if (p->sharing == BY_POINT) {
#pragma omp for schedule(static)
            for (int f = 0; f < p->dy.channels; f += FINISH_FILTERS)
                finish_block(p, f, smaller(FINISH_FILTERS, p->dy.channels - f), 0, p->x.channels, b->sum + (size_t)f * (size_t)p->channels,
                             dweight, strip);
        }
    }
}

static size_t lay_out(const struct plan *p, int threads, real *scratch, struct buffers *b)
{
    const size_t t = (size_t)threads, held = p->sharing == BY_SLOT ? t : 1, sums = p->sharing == BY_POINT ? 1 : t;
    const size_t gradient = p->gradient * (size_t)p->slots;
    if (b) {
        b->v = winograd_align(scratch);
        b->z = b->v + p->v * held;
        b->sum = b->z + p->z * held;
        b->strip = b->sum + p->sum * sums;
        b->gradient = b->strip + p->strip * t;
    }
    return (p->v + p->z) * held + p->sum * sums + p->strip * t + gradient + WINOGRAD_ALIGNMENT;
}

size_t winograd_weights_scratch(const struct conv_shape *s, struct winograd_method method, int threads)
{
    const struct plan p = plan_of(s, method);
    return lay_out(&p, threads, NULL, NULL);
}

void winograd_backward_weights(const struct conv_shape *s, struct winograd_method method, const real *x, const real *dy, real *dweight,
                               real *scratch, int threads)
{
    const struct plan p = plan_of(s, method);
    struct buffers b;
    lay_out(&p, threads, scratch, &b);
    if (p.sharing == BY_SLOT)
        run_slots(&p, x, dy, dweight, &b, threads);
    else
        run_chunks(&p, x, dy, dweight, &b, threads);
}
