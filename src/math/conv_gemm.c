#include "math/conv_gemm.h"

#include <omp.h>
#include <string.h>

#include "base/parallel.h"
#include "math/gemm.h"
#include "math/im2col.h"
#include "math/vector.h"

/* Numbers of a strip: half of a usual second-level cache, the other half is for BLAS. */
#define STRIP_AREA (192 * 1024)
/* A strip narrower than this makes BLAS spend its time on packing the weights. */
#define STRIP_MIN 192
#define STRIP_MAX 1024
/* Rows of a block of channels in the backward passes. */
#define BLOCK_ROWS 576
#define BLOCK_ROWS_MIN 72
/* Tasks from which on any usual number of threads is kept busy. */
#define TASKS 16

struct sizes {
    int channels, filters;  /* of a group */
    int taps, rows, pixels; /* rows: channels·taps */
    bool pointwise;         /* the image is its own im2col matrix */
    size_t image, output;   /* of a group of channels in x and y */
};

bool conv_gemm_is_pointwise(const struct conv_shape *s)
{
    return s->size == 1 && s->stride_x == 1 && s->stride_y == 1 && s->padding == 0 && conv_is_square(s);
}

static struct sizes sizes_of(const struct conv_shape *s)
{
    struct sizes z = {.channels = s->channels / s->groups, .filters = s->filters / s->groups, .taps = conv_rows(s) * s->size};
    z.rows = z.channels * z.taps;
    z.pixels = s->out_h * s->out_w;
    z.pointwise = conv_gemm_is_pointwise(s);
    z.image = (size_t)z.channels * (size_t)s->height * (size_t)s->width;
    z.output = (size_t)z.filters * (size_t)z.pixels;
    return z;
}

static struct window window_of(const struct conv_shape *s)
{
    return (struct window){.height = s->height,
                           .width = s->width,
                           .size_x = s->size,
                           .size_y = conv_rows(s),
                           .stride_x = s->stride_x,
                           .stride_y = s->stride_y,
                           .padding_x = s->padding,
                           .padding_y = conv_padding_y(s),
                           .dilation = s->dilation,
                           .out_h = s->out_h,
                           .out_w = s->out_w};
}

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int clamp(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Strips of equal width, a multiple of 16 numbers. */
struct strips {
    int width, count;
};

static struct strips strips_of(int pixels, int rows)
{
    const int width = clamp(STRIP_AREA / rows, STRIP_MIN, STRIP_MAX), count = ceil_div(pixels, width);
    const int even = ceil_div(ceil_div(pixels, count), 16) * 16;
    return (struct strips){even < pixels ? even : pixels, ceil_div(pixels, even)};
}

/* Blocks of channels whose im2col rows are worked on together. */
struct blocks {
    int channels, count;
};

static struct blocks blocks_of(const struct sizes *z, int tasks_besides)
{
    int count = clamp(ceil_div(z->rows, BLOCK_ROWS), 1, z->channels);
    const int most = clamp(z->rows / BLOCK_ROWS_MIN, 1, z->channels);
    while (count * tasks_besides < TASKS && count < most)
        count = smaller(2 * count, most);
    const int channels = ceil_div(z->channels, count);
    return (struct blocks){channels, ceil_div(z->channels, channels)};
}

/* Few strips are not shared out well among threads: then one image's whole matrix is built and multiplied by all threads together. */
static bool whole_images(const struct conv_shape *s, const struct sizes *z)
{
    const int tasks = s->batch * s->groups * strips_of(z->pixels, z->rows).count;
    return tasks < 32 && tasks % 8 != 0;
}

/* How the sum over images and strips is cut for the weights: `slots` partial sums of the gradient, each over a range of `units` strips. */
struct reduction {
    struct blocks blocks;
    struct strips strips;
    int units, slots;
};

static struct reduction reduction_of(const struct conv_shape *s, const struct sizes *z)
{
    struct reduction r = {.blocks = blocks_of(z, s->groups)};
    r.strips = strips_of(z->pixels, r.blocks.channels * z->taps);
    r.units = s->batch * r.strips.count;
    r.slots = clamp(ceil_div(TASKS, r.blocks.count * s->groups), 1, r.units);
    return r;
}

size_t conv_gemm_scratch(const struct conv_shape *s, enum conv_pass pass, int threads)
{
    const struct sizes z = sizes_of(s);
    if (pass == CONV_FORWARD) {
        if (z.pointwise)
            return 0;
        if (whole_images(s, &z))
            return (size_t)z.rows * (size_t)z.pixels;
        return (size_t)z.rows * (size_t)strips_of(z.pixels, z.rows).width * (size_t)threads;
    }
    if (pass == CONV_BACKWARD_DATA) {
        if (z.pointwise)
            return 0;
        const int rows = blocks_of(&z, s->batch * s->groups).channels * z.taps;
        return (size_t)rows * (size_t)strips_of(z.pixels, rows).width * (size_t)threads;
    }
    const struct reduction r = reduction_of(s, &z);
    const size_t partial = r.slots > 1 ? (size_t)r.slots * (size_t)s->filters * (size_t)z.rows : 0;
    return partial + (z.pointwise ? 0 : (size_t)(r.blocks.channels * z.taps) * (size_t)r.strips.width * (size_t)threads);
}

/* C[rows × cols tile] of the group's output, and the map while it is in cache. */
static void multiply_tile(const struct sizes *z, const real *weight, const real *col, int ld, int f0, int filters, int p0, int cols,
                          const struct channel_map *map, int first_filter, real *y)
{
    real *tile = y + (size_t)f0 * (size_t)z->pixels + p0;
    gemm_serial(0, 0, filters, cols, z->rows, 1, weight + (size_t)f0 * (size_t)z->rows, z->rows, col, ld, 0, tile, z->pixels);
    norm_map_rows(map, first_filter + f0, filters, (size_t)cols, tile, (size_t)z->pixels);
}

static void forward_whole(const struct conv_shape *s, const struct sizes *z, const real *x, const real *weight,
                          const struct channel_map *map, real *y, real *col, int threads)
{
    const struct window w = window_of(s);
    const struct gemm_grid g = gemm_tiles(z->filters, z->pixels, z->rows, TASKS);
    const size_t area = (size_t)s->height * (size_t)s->width;
    for (int job = 0; job < s->batch * s->groups; job++) {
        const int group = job % s->groups;
        const real *image = x + (size_t)job * z->image, *kernels = weight + (size_t)group * (size_t)z->filters * (size_t)z->rows;
        real *out = y + (size_t)job * z->output;
#pragma omp parallel num_threads(threads)
        {
#pragma omp for schedule(static)
            for (int c = 0; c < z->channels; c++)
                im2col_strip(&w, image + (size_t)c * area, 1, 0, z->pixels, col + (size_t)c * (size_t)z->taps * (size_t)z->pixels,
                             z->pixels);
#pragma omp for schedule(dynamic)
            for (int tile = 0; tile < g.down * g.across; tile++) {
                const int f0 = tile / g.across * g.rows, p0 = tile % g.across * g.cols;
                multiply_tile(z, kernels, col + p0, z->pixels, f0, smaller(g.rows, z->filters - f0), p0, smaller(g.cols, z->pixels - p0),
                              map, group * z->filters, out);
            }
        }
    }
}

static void forward_pointwise(const struct conv_shape *s, const struct sizes *z, const real *x, const real *weight,
                              const struct channel_map *map, real *y, int threads)
{
    const int images = s->batch * s->groups;
    const struct gemm_grid g = gemm_tiles(z->filters, z->pixels, z->rows, ceil_div(TASKS, images));
    const int tiles = g.down * g.across;
    struct parallel_queue queue;
    parallel_share(&queue, images * tiles, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int image = job / tiles, group = image % s->groups, tile = job % tiles;
        const int f0 = tile / g.across * g.rows, p0 = tile % g.across * g.cols;
        multiply_tile(z, weight + (size_t)group * (size_t)z->filters * (size_t)z->rows, x + (size_t)image * z->image + p0, z->pixels, f0,
                      smaller(g.rows, z->filters - f0), p0, smaller(g.cols, z->pixels - p0), map, group * z->filters,
                      y + (size_t)image * z->output);
    }
}

void conv_gemm_forward(const struct conv_shape *s, const real *x, const real *weight, const struct channel_map *map, real *y, real *scratch,
                       int threads)
{
    const struct sizes z = sizes_of(s);
    if (z.pointwise) {
        forward_pointwise(s, &z, x, weight, map, y, threads);
        return;
    }
    if (whole_images(s, &z)) {
        forward_whole(s, &z, x, weight, map, y, scratch, threads);
        return;
    }
    const struct window w = window_of(s);
    const struct strips strips = strips_of(z.pixels, z.rows);
    struct parallel_queue queue;
    parallel_share(&queue, s->batch * s->groups * strips.count, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int image = job / strips.count, group = image % s->groups;
        const int begin = job % strips.count * strips.width, end = smaller(begin + strips.width, z.pixels);
        real *col = scratch + (size_t)omp_get_thread_num() * (size_t)z.rows * (size_t)strips.width;
        im2col_strip(&w, x + (size_t)image * z.image, z.channels, begin, end, col, strips.width);
        multiply_tile(&z, weight + (size_t)group * (size_t)z.filters * (size_t)z.rows, col, strips.width, 0, z.filters, begin, end - begin,
                      map, group * z.filters, y + (size_t)image * z.output);
    }
}

static void backward_data_pointwise(const struct conv_shape *s, const struct sizes *z, const real *dy, const real *weight, real *dx,
                                    bool overwrite, int threads)
{
    const int images = s->batch * s->groups;
    const struct gemm_grid g = gemm_tiles(z->rows, z->pixels, z->filters, ceil_div(TASKS, images));
    const int tiles = g.down * g.across;
    struct parallel_queue queue;
    parallel_share(&queue, images * tiles, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int image = job / tiles, group = image % s->groups, tile = job % tiles;
        const int c0 = tile / g.across * g.rows, p0 = tile % g.across * g.cols;
        gemm_serial(1, 0, smaller(g.rows, z->rows - c0), smaller(g.cols, z->pixels - p0), z->filters, 1,
                    weight + (size_t)group * (size_t)z->filters * (size_t)z->rows + c0, z->rows, dy + (size_t)image * z->output + p0,
                    z->pixels, overwrite ? 0 : 1, dx + (size_t)image * z->image + (size_t)c0 * (size_t)z->pixels + p0, z->pixels);
    }
}

void conv_gemm_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx, bool overwrite, real *scratch,
                             int threads)
{
    const struct sizes z = sizes_of(s);
    if (z.pointwise) {
        backward_data_pointwise(s, &z, dy, weight, dx, overwrite, threads);
        return;
    }
    const struct window w = window_of(s);
    const struct blocks blocks = blocks_of(&z, s->batch * s->groups);
    const struct strips strips = strips_of(z.pixels, blocks.channels * z.taps);
    const size_t area = (size_t)s->height * (size_t)s->width;
    /* A task owns its planes of dx, so that no pixel is written by two threads although the windows of its strips overlap. */
    struct parallel_queue queue;
    parallel_share(&queue, s->batch * s->groups * blocks.count, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int image = job / blocks.count, group = image % s->groups, c0 = job % blocks.count * blocks.channels;
        const int channels = smaller(blocks.channels, z.channels - c0), rows = channels * z.taps;
        real *col = scratch + (size_t)omp_get_thread_num() * (size_t)(blocks.channels * z.taps) * (size_t)strips.width;
        real *planes = dx + (size_t)image * z.image + (size_t)c0 * area;
        if (overwrite)
            memset(planes, 0, (size_t)channels * area * sizeof(real));
        for (int begin = 0; begin < z.pixels; begin += strips.width) {
            const int end = smaller(begin + strips.width, z.pixels);
            gemm_serial(1, 0, rows, end - begin, z.filters, 1, weight + (size_t)group * (size_t)z.filters * (size_t)z.rows + c0 * z.taps,
                        z.rows, dy + (size_t)image * z.output + begin, z.pixels, 0, col, strips.width);
            im2col_add_back(&w, col, channels, begin, end, strips.width, planes);
        }
    }
}

void conv_gemm_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight, real *scratch, int threads)
{
    const struct sizes z = sizes_of(s);
    const struct window w = window_of(s);
    const struct reduction r = reduction_of(s, &z);
    const size_t area = (size_t)s->height * (size_t)s->width, weights = (size_t)s->filters * (size_t)z.rows;
    const size_t strip_area = (size_t)(r.blocks.channels * z.taps) * (size_t)r.strips.width;
    real *partial = scratch + (z.pointwise ? 0 : strip_area * (size_t)threads);
    /* A task owns a block of the columns of dweight in one slot; it goes through the slot's images and strips in order. */
    struct parallel_queue queue;
    parallel_share(&queue, r.slots * s->groups * r.blocks.count, threads);
#pragma omp parallel num_threads(threads)
    for (int job = parallel_next(&queue); job >= 0; job = parallel_next(&queue)) {
        const int slot = job / (s->groups * r.blocks.count), group = job / r.blocks.count % s->groups;
        const int c0 = job % r.blocks.count * r.blocks.channels, channels = smaller(r.blocks.channels, z.channels - c0);
        real *to =
            (r.slots > 1 ? partial + (size_t)slot * weights : dweight) + (size_t)group * (size_t)z.filters * (size_t)z.rows + c0 * z.taps;
        const int first = (int)((long)r.units * slot / r.slots), last = (int)((long)r.units * (slot + 1) / r.slots);
        for (int unit = first; unit < last; unit++) {
            const size_t image = (size_t)(unit / r.strips.count) * (size_t)s->groups + (size_t)group;
            const int begin = unit % r.strips.count * r.strips.width, end = smaller(begin + r.strips.width, z.pixels);
            const real *planes = x + image * z.image + (size_t)c0 * area, *col = planes + begin;
            int ld = z.pixels;
            if (!z.pointwise) {
                real *strip = scratch + (size_t)omp_get_thread_num() * strip_area;
                im2col_strip(&w, planes, channels, begin, end, strip, r.strips.width);
                col = strip;
                ld = r.strips.width;
            }
            gemm_serial(0, 1, z.filters, channels * z.taps, end - begin, 1, dy + image * z.output + begin, z.pixels, col, ld,
                        unit == first && r.slots > 1 ? 0 : 1, to, z.rows);
        }
    }
    if (r.slots > 1)
        vector_add_parts(partial, r.slots, weights, dweight, weights);
}
