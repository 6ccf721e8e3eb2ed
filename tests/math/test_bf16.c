#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/bf16.h"
#include "math/bf16_kernels.h"
#include "reference.h"

/* Of sums in float, relative to the largest of them. */
#define TOLERANCE 1e-5

static real *numbers(size_t n, uint64_t stream)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(1, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, -1, 1);
    return v;
}

/* Numbers full of NaN, because contents of scratch and of outputs are undefined at entry, and a mark around them that must survive. */
#define FENCE 32
struct fenced {
    real *memory, *v;
    size_t n;
};

static struct fenced fence(size_t n)
{
    struct fenced f = {mem_try(n + 2 * FENCE, sizeof(real)), NULL, n};
    f.v = f.memory + FENCE;
    for (size_t i = 0; i < n + 2 * FENCE; i++)
        f.memory[i] = i < FENCE || i >= n + FENCE ? 7 : (real)NAN;
    return f;
}

static struct fenced fenced_copy(const real *v, size_t n)
{
    struct fenced f = fence(n);
    memcpy(f.v, v, n * sizeof(real));
    return f;
}

static void drop_fence(struct fenced *f)
{
    for (size_t i = 0; i < FENCE; i++)
        assert_true(f->memory[i] == 7 && f->v[f->n + i] == 7);
    mem_free(f->memory);
}

/* What is to be found, from factors rounded to bfloat16 (sums in double), from the factors as they are, and from their sizes. */
struct wanted {
    real *rounded, *exact, *sizes;
};

enum { X, WEIGHT, DY, ARRAYS };

struct data {
    size_t n[ARRAYS];
    real *factor[ARRAYS];
    real *before[ARRAYS]; /* what results are added to: of dx (X) and dweight (WEIGHT) */
    struct wanted wanted[ARRAYS];
    real *scale, *shift;
};

static real *changed(const real *from, size_t n, bool round)
{
    real *to = mem_try(n, sizeof(real));
    for (size_t i = 0; i < n; i++)
        to[i] = round ? bf16_value(bf16_round(from[i])) : (real)fabs((double)from[i]);
    return to;
}

static void find(const struct conv_shape *s, real *const factor[ARRAYS], const size_t n[ARRAYS], real *to[ARRAYS])
{
    for (int i = 0; i < ARRAYS; i++) {
        to[i] = mem_try(n[i], sizeof(real));
        memset(to[i], 0, n[i] * sizeof(real));
    }
    reference_conv_forward(s, factor[X], factor[WEIGHT], to[DY]);
    reference_conv_backward_data(s, factor[DY], factor[WEIGHT], to[X]);
    reference_conv_backward_weights(s, factor[X], factor[DY], to[WEIGHT]);
}

static struct data make(const struct conv_shape *s)
{
    struct data d = {.n = {(size_t)s->batch * (size_t)s->channels * (size_t)s->height * (size_t)s->width,
                           (size_t)s->filters * (size_t)s->channels * (size_t)(s->size * s->size),
                           (size_t)s->batch * (size_t)s->filters * (size_t)s->out_h * (size_t)s->out_w},
                     .scale = numbers((size_t)s->filters, 11),
                     .shift = numbers((size_t)s->filters, 12)};
    real *rounded[ARRAYS], *sizes[ARRAYS], *found[3][ARRAYS];
    for (int i = 0; i < ARRAYS; i++) {
        d.factor[i] = numbers(d.n[i], (uint64_t)i);
        d.before[i] = numbers(d.n[i], (uint64_t)(ARRAYS + i));
        rounded[i] = changed(d.factor[i], d.n[i], true);
        sizes[i] = changed(d.factor[i], d.n[i], false);
    }
    find(s, rounded, d.n, found[0]);
    find(s, d.factor, d.n, found[1]);
    find(s, sizes, d.n, found[2]);
    for (int i = 0; i < ARRAYS; i++) {
        d.wanted[i] = (struct wanted){found[0][i], found[1][i], found[2][i]};
        mem_free(rounded[i]);
        mem_free(sizes[i]);
    }
    return d;
}

static void drop(struct data *d)
{
    for (int i = 0; i < ARRAYS; i++) {
        mem_free(d->factor[i]);
        mem_free(d->before[i]);
        mem_free(d->wanted[i].rounded);
        mem_free(d->wanted[i].exact);
        mem_free(d->wanted[i].sizes);
    }
    mem_free(d->scale);
    mem_free(d->shift);
}

struct how {
    enum cpu_bf16 isa;
    const struct channel_map *map;
    bool packed, overwrite;
    int threads;
};

/* Results stand in the array that they have the shape of. */
static void run(const struct conv_shape *s, const struct data *d, struct how how, struct fenced result[ARRAYS])
{
    struct fenced in[ARRAYS], ready = {0};
    for (int i = 0; i < ARRAYS; i++) {
        in[i] = fenced_copy(d->factor[i], d->n[i]);
        result[i] = i == DY || (i == X && how.overwrite) ? fence(d->n[i]) : fenced_copy(d->before[i], d->n[i]);
    }
    if (how.packed) {
        ready = fence(bf16_packed_size(s, how.isa));
        bf16_pack(s, how.isa, d->factor[WEIGHT], ready.v, how.threads);
    }
    for (int pass = CONV_FORWARD; pass <= CONV_BACKWARD_WEIGHTS; pass++) {
        struct fenced scratch = fence(bf16_scratch(s, how.isa, (enum conv_pass)pass, how.threads));
        if (pass == CONV_FORWARD)
            bf16_forward(s, how.isa, in[X].v, in[WEIGHT].v, ready.v, how.map, result[DY].v, scratch.v, how.threads);
        else if (pass == CONV_BACKWARD_DATA)
            bf16_backward_data(s, how.isa, in[DY].v, in[WEIGHT].v, result[X].v, how.overwrite, scratch.v, how.threads);
        else
            bf16_backward_weights(s, how.isa, in[X].v, in[DY].v, result[WEIGHT].v, scratch.v, how.threads);
        drop_fence(&scratch);
    }
    for (int i = 0; i < ARRAYS; i++)
        drop_fence(&in[i]);
    if (how.packed)
        drop_fence(&ready);
}

static void drop_results(struct fenced result[ARRAYS])
{
    for (int i = 0; i < ARRAYS; i++)
        drop_fence(&result[i]);
}

static real mapped(const struct channel_map *map, int filter, real v)
{
    if (!map)
        return v;
    v = (map->scale ? map->scale[filter] : 1) * v + (map->shift ? map->shift[filter] : 0);
    activation_forward_serial(map->activation, &v, &v, 1);
    return v;
}

static void compare(const struct conv_shape *s, const struct data *d, struct how how, struct fenced result[ARRAYS])
{
    const size_t plane = (size_t)s->out_h * (size_t)s->out_w;
    for (int i = 0; i < ARRAYS; i++) {
        double largest = 1;
        for (size_t k = 0; k < d->n[i]; k++)
            largest = fmax(largest, fabs((double)d->wanted[i].rounded[k]));
        const bool added = i == WEIGHT || (i == X && !how.overwrite);
        for (size_t k = 0; k < d->n[i]; k++) {
            double want = (double)d->wanted[i].rounded[k];
            if (i == DY)
                want = (double)mapped(how.map, (int)(k / plane % (size_t)s->filters), (real)want);
            if (added)
                want += (double)d->before[i][k];
            const double found = (double)result[i].v[k];
            if (!(fabs(found - want) <= TOLERANCE * largest))
                fail_msg("%s, batch %d, %d x %d x %d -> %d, size %d, stride %d %d, pad %d, dilation %d, array %d: %g at %zu, expected %g",
                         cpu_bf16_name(how.isa), s->batch, s->channels, s->height, s->width, s->filters, s->size, s->stride_x, s->stride_y,
                         s->padding, s->dilation, i, found, k, want);
            /* The bound of bf16.h. */
            if (i == DY && how.map)
                continue;
            const double exact = (double)d->wanted[i].exact[k] + (added ? (double)d->before[i][k] : 0);
            assert_true(fabs(found - exact) <= (0x1p-7 + 0x1p-16) * (double)d->wanted[i].sizes[k] + TOLERANCE * largest);
        }
    }
}

static bool check(struct conv_shape s)
{
    s.out_h = conv_output(s.height, s.size, s.stride_y, s.padding, s.dilation);
    s.out_w = conv_output(s.width, s.size, s.stride_x, s.padding, s.dilation);
    s.groups = 1;
    s.precision = CONV_BF16;
    if (s.out_h < 1 || s.out_w < 1)
        return false;
    static int turn;
    turn++;
    struct data d = make(&s);
    for (enum cpu_bf16 isa = CPU_BF16_PORTABLE; isa <= CPU_BF16_AMX; isa++) {
        if (!cpu_bf16_supports(isa))
            continue;
        struct fenced one[ARRAYS], more[ARRAYS], with_map[ARRAYS];
        const struct how plain = {.isa = isa, .threads = 1};
        run(&s, &d, plain, one);
        compare(&s, &d, plain, one);
        /* Shapes take turns at threads and maps: their sum covers all. */
        run(&s, &d, (struct how){.isa = isa, .packed = true, .threads = turn % 2 ? 2 : 3}, more);
        for (int i = 0; i < ARRAYS; i++)
            assert_memory_equal(one[i].v, more[i].v, d.n[i] * sizeof(real));
        static const enum activation_kind activations[] = {ACTIVATION_LINEAR, ACTIVATION_LEAKY, ACTIVATION_RELU, ACTIVATION_MISH,
                                                           ACTIVATION_LOGISTIC};
        const struct channel_map map = {
            .scale = turn % 3 ? d.scale : NULL, .shift = turn % 4 ? d.shift : NULL, .activation = activation_of(activations[turn % 5])};
        const struct how other = {.isa = isa, .map = &map, .overwrite = true, .threads = 1};
        run(&s, &d, other, with_map);
        compare(&s, &d, other, with_map);
        drop_results(one);
        drop_results(more);
        drop_results(with_map);
    }
    drop(&d);
    return true;
}

/* Odd and even sides, every number of channels and filters that leaves a tile or a panel partly empty. */
static void test_small_shapes(void **state)
{
    (void)state;
    static const int sides[] = {1, 5, 7, 13, 18}, channels[] = {1, 3, 8, 16, 17, 33}, filters[] = {1, 3, 8, 16, 17, 33};
    int checked = 0;
    for (int h = 0; h < 5; h++)
        for (int size = 1; size <= 7; size += 2)
            for (int stride = 1; stride <= 3; stride++)
                for (int pad = 0; pad <= size / 2 + 1; pad += size / 2 + 1) {
                    checked += check((struct conv_shape){.batch = h % 2 ? 3 : 1,
                                                         .channels = channels[(h + size + stride + pad) % 6],
                                                         .height = sides[h],
                                                         .width = sides[(h + size + stride) % 5],
                                                         .filters = filters[(h + 2 * stride + pad) % 6],
                                                         .size = size,
                                                         .stride_x = stride,
                                                         .stride_y = stride,
                                                         .padding = pad == 0      ? 0
                                                                    : stride == 1 ? size / 2
                                                                                  : pad,
                                                         .dilation = 1});
                }
    assert_true(checked > 60);
}

/* Several bands, blocks of channels, panels and slots; the sums shared and private. */
static void test_large_shapes(void **state)
{
    (void)state;
    const struct conv_shape base = {.batch = 1, .size = 3, .stride_x = 1, .stride_y = 1, .padding = 1, .dilation = 1};
    static const int shapes[][6] = {/* batch, channels, filters, height, width, size */
                                    {1, 3, 16, 70, 75, 3},  {3, 16, 32, 27, 31, 3}, {3, 70, 100, 7, 9, 3}, {3, 130, 130, 4, 5, 3},
                                    {3, 130, 257, 4, 5, 1}, {1, 20, 24, 30, 33, 5}, {9, 65, 140, 4, 3, 3}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct conv_shape s = base;
        s.batch = shapes[i][0];
        s.channels = shapes[i][1];
        s.filters = shapes[i][2];
        s.height = shapes[i][3];
        s.width = shapes[i][4];
        s.size = shapes[i][5];
        s.padding = s.size / 2;
        assert_true(check(s));
    }
}

static void test_uneven_windows(void **state)
{
    (void)state;
    const struct conv_shape base = {.batch = 2,
                                    .channels = 9,
                                    .height = 9,
                                    .width = 14,
                                    .filters = 10,
                                    .size = 3,
                                    .stride_x = 1,
                                    .stride_y = 1,
                                    .padding = 1,
                                    .dilation = 1};
    static const int windows[][5] = {/* size, stride_x, stride_y, padding, dilation */
                                     {3, 1, 2, 1, 1}, {3, 2, 1, 1, 2}, {3, 2, 2, 4, 4}, {7, 1, 1, 3, 1}, {2, 1, 1, 1, 1},
                                     {2, 3, 3, 5, 1}, {5, 1, 1, 2, 3}, {1, 2, 2, 0, 1}, {2, 3, 4, 0, 1}, {3, 3, 2, 0, 2}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        for (int channels = 3; channels <= 9; channels += 6) {
            struct conv_shape s = base;
            s.channels = channels;
            s.size = windows[i][0];
            s.stride_x = windows[i][1];
            s.stride_y = windows[i][2];
            s.padding = windows[i][3];
            s.dilation = windows[i][4];
            assert_true(check(s));
        }
}

/* To nearest, ties to even; what isn't finite stays so. */
static void test_rounding(void **state)
{
    (void)state;
    assert_true(bf16_round(1) == 0x3f80);
    assert_true(bf16_round(1 + 0x1p-8F) == 0x3f80 && bf16_round(1 + 3 * 0x1p-8F) == 0x3f82);
    assert_true(bf16_round(1 + 0x1.02p-8F) == 0x3f81 && bf16_round(-1 - 0x1.02p-8F) == 0xbf81);
    assert_true(bf16_round(INFINITY) == 0x7f80 && bf16_round(-INFINITY) == 0xff80 && bf16_round(0x1.ffp127F) == 0x7f80);
    assert_true(isnan(bf16_value(bf16_round(NAN))));
    assert_true(bf16_round(0x1p-130F) == 0 && bf16_round(-0.F) == 0x8000);
}

static void test_choice(void **state)
{
    (void)state;
    struct conv_shape s = {.batch = 1,
                           .channels = 16,
                           .filters = 32,
                           .height = 8,
                           .width = 8,
                           .out_h = 8,
                           .out_w = 8,
                           .size = 3,
                           .stride_x = 1,
                           .stride_y = 1,
                           .padding = 1,
                           .dilation = 1,
                           .groups = 1};
    for (enum cpu_bf16 isa = 0; isa < CPU_BF16_ISAS; isa++)
        assert_false(bf16_choose(&s, isa, CONV_FORWARD));
    s.precision = CONV_BF16;
    for (enum cpu_bf16 isa = 0; isa < CPU_BF16_ISAS; isa++)
        assert_true(bf16_choose(&s, isa, CONV_FORWARD));
    assert_non_null(strstr(conv_algorithm(&s, CONV_FORWARD), cpu_bf16_name(cpu_bf16_best())));
    s.winograd = true; /* faster in float than AVX512-BF16's products */
    assert_true(bf16_choose(&s, CPU_BF16_AMX, CONV_FORWARD));
    assert_false(bf16_choose(&s, CPU_BF16_AVX512, CONV_FORWARD));
    s.stride_x = s.stride_y = 2;
    assert_true(bf16_choose(&s, CPU_BF16_AVX512, CONV_FORWARD));
    s.channels = 3;
    assert_true(bf16_choose(&s, CPU_BF16_AMX, CONV_FORWARD));
    assert_false(bf16_choose(&s, CPU_BF16_AVX512, CONV_FORWARD));
    s.channels = 16;
    s.groups = 16;
    assert_false(bf16_choose(&s, CPU_BF16_AMX, CONV_FORWARD));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),       cmocka_unit_test(test_small_shapes), cmocka_unit_test(test_large_shapes),
        cmocka_unit_test(test_uneven_windows), cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
