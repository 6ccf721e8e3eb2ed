#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/direct.h"
#include "reference.h"

#define TOLERANCE 1e-5

static real *numbers(size_t n, uint64_t stream)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(1, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, -1, 1);
    return v;
}

/* Numbers full of NaN, because contents of scratch and of outputs are undefined at entry, and a mark behind them that must survive. */
static real *poisoned(size_t n)
{
    real *v = mem_try(n + 16, sizeof(real));
    for (size_t i = 0; i < n + 16; i++)
        v[i] = i < n ? (real)NAN : 7;
    return v;
}

static void drop_poisoned(real *v, size_t n)
{
    for (size_t i = n; i < n + 16; i++)
        assert_true(v[i] == 7);
    mem_free(v);
}

/* `front` numbers of NaN, then a copy of n numbers, then NaN again: what reads outside the array gives NaN. */
struct fenced {
    real *memory, *v;
};

static struct fenced fence(const real *v, size_t n)
{
    struct fenced f = {poisoned(n + 64), NULL};
    f.v = f.memory + 32;
    memcpy(f.v, v, n * sizeof(real));
    return f;
}

struct data {
    size_t x, y, weights;
    struct fenced image, dy;
    real *weight, *dx, *dweight; /* dx, dweight: what is there before */
    real *scale, *shift;
    real *wanted_y, *wanted_dx, *wanted_dweight;
};

static struct data make(const struct conv_shape *s)
{
    struct data d = {.x = (size_t)s->batch * (size_t)s->channels * (size_t)s->height * (size_t)s->width,
                     .y = (size_t)s->batch * (size_t)s->filters * (size_t)s->out_h * (size_t)s->out_w,
                     .weights = (size_t)s->filters * (size_t)s->channels * (size_t)(s->size * s->size)};
    real *x = numbers(d.x, 1), *dy = numbers(d.y, 3);
    d.image = fence(x, d.x);
    d.dy = fence(dy, d.y);
    d.weight = numbers(d.weights, 2);
    d.dx = numbers(d.x, 4);
    d.dweight = numbers(d.weights, 5);
    d.scale = numbers((size_t)s->filters, 6);
    d.shift = numbers((size_t)s->filters, 7);
    d.wanted_y = mem_try(d.y, sizeof(real));
    d.wanted_dx = numbers(d.x, 4);
    d.wanted_dweight = numbers(d.weights, 5);
    reference_conv_forward(s, x, d.weight, d.wanted_y);
    reference_conv_backward_data(s, dy, d.weight, d.wanted_dx);
    reference_conv_backward_weights(s, x, dy, d.wanted_dweight);
    mem_free(x);
    mem_free(dy);
    return d;
}

static void drop(struct data *d)
{
    real *const all[] = {d->image.memory, d->dy.memory, d->weight,   d->dx,        d->dweight,
                         d->scale,        d->shift,     d->wanted_y, d->wanted_dx, d->wanted_dweight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
}

struct result {
    real *y, *dx, *dweight;
};

static struct result run(const struct conv_shape *s, enum cpu_isa isa, const struct data *d, const struct channel_map *map, bool packed,
                         bool overwrite, int threads)
{
    struct result r = {poisoned(d->y), poisoned(d->x), poisoned(d->weights)};
    real *ready = NULL;
    const size_t n_packed = direct_packed_size(s, isa);
    if (packed) {
        ready = poisoned(n_packed);
        direct_pack(s, isa, d->weight, ready, threads);
    }
    size_t n = direct_scratch(s, isa, CONV_FORWARD, threads);
    real *scratch = poisoned(n);
    direct_forward(s, isa, d->image.v, d->weight, ready, map, r.y, scratch, threads);
    drop_poisoned(scratch, n);
    if (packed)
        drop_poisoned(ready, n_packed);
    if (direct_fits(s, CONV_BACKWARD_DATA)) {
        if (!overwrite)
            memcpy(r.dx, d->dx, d->x * sizeof(real));
        n = direct_scratch(s, isa, CONV_BACKWARD_DATA, threads);
        scratch = poisoned(n);
        direct_backward_data(s, isa, d->dy.v, d->weight, r.dx, overwrite, scratch, threads);
        drop_poisoned(scratch, n);
    }
    if (direct_fits(s, CONV_BACKWARD_WEIGHTS)) {
        memcpy(r.dweight, d->dweight, d->weights * sizeof(real));
        n = direct_scratch(s, isa, CONV_BACKWARD_WEIGHTS, threads);
        scratch = poisoned(n);
        direct_backward_weights(s, isa, d->image.v, d->dy.v, r.dweight, scratch, threads);
        drop_poisoned(scratch, n);
    }
    return r;
}

static void drop_result(struct result *r, const struct data *d)
{
    drop_poisoned(r->y, d->y);
    drop_poisoned(r->dx, d->x);
    drop_poisoned(r->dweight, d->weights);
}

static real mapped(const struct channel_map *map, int filter, real v)
{
    v = (map->scale ? map->scale[filter] : 1) * v + (map->shift ? map->shift[filter] : 0);
    activation_forward_serial(map->activation, &v, &v, 1);
    return v;
}

static bool check(struct conv_shape s)
{
    s.out_h = conv_output(s.height, s.size, s.stride_y, s.padding, s.dilation);
    s.out_w = conv_output(s.width, s.size, s.stride_x, s.padding, s.dilation);
    s.groups = 1;
    if (s.out_h < 1 || s.out_w < 1)
        return false;
    assert_true(direct_fits(&s, CONV_FORWARD));
    static int turn;
    turn++;
    struct data d = make(&s);
    const bool has_dx = direct_fits(&s, CONV_BACKWARD_DATA), has_dweight = direct_fits(&s, CONV_BACKWARD_WEIGHTS);
    assert_true(has_dx || has_dweight);
    for (enum cpu_isa isa = CPU_BASELINE; isa <= CPU_AVX512; isa++) {
        if (!cpu_supports(isa))
            continue;
        struct result one = run(&s, isa, &d, NULL, false, false, 1);
        const double y = reference_error(one.y, d.wanted_y, d.y), dx = has_dx ? reference_error(one.dx, d.wanted_dx, d.x) : 0;
        const double dweight = has_dweight ? reference_error(one.dweight, d.wanted_dweight, d.weights) : 0;
        if (!(y < TOLERANCE && dx < TOLERANCE && dweight < TOLERANCE))
            fail_msg("%s, batch %d, %d x %d x %d -> %d, size %d, stride %d %d, pad %d, dilation %d: errors %g %g %g", cpu_isa_name(isa),
                     s.batch, s.channels, s.height, s.width, s.filters, s.size, s.stride_x, s.stride_y, s.padding, s.dilation, y, dx,
                     dweight);
        /* Shapes take turns at threads and maps: their sum covers all. */
        const int threads = turn % 2 ? 2 : 4;
        struct result more = run(&s, isa, &d, NULL, true, false, threads);
        assert_memory_equal(one.y, more.y, d.y * sizeof(real));
        if (has_dweight)
            assert_memory_equal(one.dweight, more.dweight, d.weights * sizeof(real));
        if (has_dx)
            assert_memory_equal(one.dx, more.dx, d.x * sizeof(real));
        static const enum activation_kind activations[] = {ACTIVATION_LINEAR, ACTIVATION_LEAKY, ACTIVATION_RELU, ACTIVATION_MISH,
                                                           ACTIVATION_LOGISTIC};
        const struct channel_map map = {
            .scale = turn % 3 ? d.scale : NULL, .shift = turn % 4 ? d.shift : NULL, .activation = activation_of(activations[turn % 5])};
        struct result with_map = run(&s, isa, &d, &map, turn % 2, true, 1);
        const size_t plane = (size_t)s.out_h * (size_t)s.out_w;
        for (size_t i = 0; i < d.y; i++)
            assert_true(fabs((double)mapped(&map, (int)(i / plane % (size_t)s.filters), d.wanted_y[i]) - (double)with_map.y[i]) <
                        TOLERANCE * s.channels * s.size * s.size);
        for (size_t i = 0; has_dx && i < d.x; i++)
            assert_true(fabs((double)with_map.dx[i] + (double)d.dx[i] - (double)d.wanted_dx[i]) < TOLERANCE * s.filters);
        drop_result(&one, &d);
        drop_result(&more, &d);
        drop_result(&with_map, &d);
    }
    drop(&d);
    return true;
}

/* Odd and even sides, every number of channels that leaves a lane or a row of the register tile empty. */
static void test_small_shapes(void **state)
{
    (void)state;
    static const int sides[] = {1, 5, 7, 13, 27}, channels[] = {1, 2, 3, 4, 5, 17}, filters[] = {1, 3, 8, 9, 16, 40};
    int checked = 0;
    for (int h = 0; h < 5; h++)
        for (int size = 1; size <= 7; size += 2)
            for (int stride = 1; stride <= 3; stride++)
                for (int pad = 0; pad <= size / 2 + 1; pad += size / 2 + 1)
                    for (int i = 0; i < 3; i++, checked++)
                        check((struct conv_shape){.batch = i % 2 ? 3 : 1,
                                                  .channels = channels[(checked + i) % 6],
                                                  .height = sides[h],
                                                  .width = sides[(h + i + stride) % 5],
                                                  .filters = filters[(checked / 6 + i) % 6],
                                                  .size = size,
                                                  .stride_x = stride,
                                                  .stride_y = stride,
                                                  .padding = pad == 0 ? 0
                                                             : i == 0 ? pad
                                                                      : size / 2,
                                                  .dilation = 1});
    assert_true(checked > 300 / 2);
}

static void test_uneven_windows(void **state)
{
    (void)state;
    check((struct conv_shape){.batch = 2,
                              .channels = 3,
                              .height = 9,
                              .width = 14,
                              .filters = 10,
                              .size = 3,
                              .stride_x = 1,
                              .stride_y = 2,
                              .padding = 1,
                              .dilation = 1});
    check((struct conv_shape){.batch = 2,
                              .channels = 3,
                              .height = 9,
                              .width = 34,
                              .filters = 10,
                              .size = 3,
                              .stride_x = 2,
                              .stride_y = 1,
                              .padding = 1,
                              .dilation = 2});
    check((struct conv_shape){.batch = 1,
                              .channels = 2,
                              .height = 17,
                              .width = 12,
                              .filters = 4,
                              .size = 3,
                              .stride_x = 2,
                              .stride_y = 2,
                              .padding = 4,
                              .dilation = 4});
    check((struct conv_shape){.batch = 1,
                              .channels = 3,
                              .height = 3,
                              .width = 3,
                              .filters = 4,
                              .size = 7,
                              .stride_x = 1,
                              .stride_y = 1,
                              .padding = 3,
                              .dilation = 1});
    check((struct conv_shape){.batch = 1,
                              .channels = 2,
                              .height = 4,
                              .width = 4,
                              .filters = 4,
                              .size = 2,
                              .stride_x = 1,
                              .stride_y = 1,
                              .padding = 1,
                              .dilation = 1});
    check((struct conv_shape){.batch = 2,
                              .channels = 2,
                              .height = 1,
                              .width = 4,
                              .filters = 2,
                              .size = 5,
                              .stride_x = 1,
                              .stride_y = 1,
                              .padding = 2,
                              .dilation = 3});
    check((struct conv_shape){.batch = 2,
                              .channels = 2,
                              .height = 2,
                              .width = 3,
                              .filters = 2,
                              .size = 2,
                              .stride_x = 3,
                              .stride_y = 3,
                              .padding = 5,
                              .dilation = 1});
    check((struct conv_shape){.batch = 1,
                              .channels = 1,
                              .height = 30,
                              .width = 31,
                              .filters = 5,
                              .size = 11,
                              .stride_x = 4,
                              .stride_y = 4,
                              .padding = 2,
                              .dilation = 1});
}

/* Windows that stay inside wide images, whose gradient is scattered: rows of several vectors, strips that end within a row, several blocks
 * of channels, and taps that stand apart. */
static void test_inner_windows(void **state)
{
    (void)state;
    for (int dilation = 1; dilation <= 2; dilation++) {
        const struct conv_shape s = {.batch = 2,
                                     .channels = 11,
                                     .height = 5 + 4 * dilation,
                                     .width = 41,
                                     .filters = 9,
                                     .size = 5,
                                     .stride_x = 1,
                                     .stride_y = 1,
                                     .dilation = dilation};
        const int out_h = conv_output(s.height, 5, 1, 0, dilation), out_w = conv_output(s.width, 5, 1, 0, dilation);
        assert_true(10 * out_h * out_w < 6 * s.height * s.width); /* what direct_scatter takes */
        assert_true(check(s));
    }
}

/* Large enough for several bands, blocks of channels, groups of panels and partial sums. */
static void test_cut_shapes(void **state)
{
    (void)state;
    static const struct {
        int batch, channels, height, width, filters, size, stride;
    } shapes[] = {
        {1, 3, 61, 67, 16, 3, 1},    {2, 3, 61, 130, 16, 3, 2},   {1, 3, 60, 61, 33, 7, 2},   {2, 80, 13, 13, 136, 3, 2},
        {1, 300, 9, 9, 24, 3, 2},    {1, 500, 13, 13, 255, 1, 1}, {2, 24, 49, 50, 8, 1, 1},   {3, 130, 32, 32, 70, 1, 1},
        {20, 9, 13, 13, 65, 1, 1},   {1, 70, 12, 13, 20, 5, 1},   {1, 600, 26, 26, 20, 1, 2}, {1, 64, 1, 1, 80, 1, 1},
        {21, 40, 8, 8, 130, 3, 2},   {3, 70, 30, 31, 270, 3, 2},  {50, 20, 12, 12, 50, 5, 1}, {2, 90, 61, 20, 72, 3, 4},
        {9, 40, 7, 7, 80, 1, 2},     {2, 33, 40, 41, 50, 3, 3},   {300, 5, 2, 2, 20, 3, 2},   {32, 128, 12, 12, 64, 1, 1},
        {32, 128, 12, 12, 30, 1, 1}, {32, 16, 24, 24, 32, 3, 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        assert_true(check((struct conv_shape){.batch = shapes[i].batch,
                                              .channels = shapes[i].channels,
                                              .height = shapes[i].height,
                                              .width = shapes[i].width,
                                              .filters = shapes[i].filters,
                                              .size = shapes[i].size,
                                              .stride_x = shapes[i].stride,
                                              .stride_y = shapes[i].stride,
                                              .padding = shapes[i].size / 2,
                                              .dilation = 1}));
}

static void test_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    struct conv_shape s = {.batch = 1,
                           .channels = 4,
                           .height = 8,
                           .width = 8,
                           .filters = 4,
                           .size = 3,
                           .stride_x = 2,
                           .stride_y = 2,
                           .padding = 1,
                           .dilation = 1,
                           .groups = 1,
                           .out_h = 4,
                           .out_w = 4};
    assert_true(direct_fits(&s, CONV_FORWARD));
    assert_true(direct_fits(&s, CONV_BACKWARD_DATA));
    assert_true(direct_fits(&s, CONV_BACKWARD_WEIGHTS));
    s.stride_x = 1;
    assert_false(direct_fits(&s, CONV_BACKWARD_DATA));
    s.stride_x = 2;
    s.groups = 2;
    assert_false(direct_fits(&s, CONV_FORWARD));
    s.groups = 1;
    s.size = 13;
    assert_false(direct_fits(&s, CONV_BACKWARD_WEIGHTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_shapes),
        cmocka_unit_test(test_uneven_windows),
        cmocka_unit_test(test_inner_windows),
        cmocka_unit_test(test_cut_shapes),
        cmocka_unit_test(test_refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
