#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/winograd.h"
#include "reference.h"

static real *numbers(size_t n, uint64_t stream)
{
    real *v = mem_try(n, sizeof(real));
    struct rng r = rng_make(1, RNG_TEST, stream, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (real)rng_range(&r, -1, 1);
    return v;
}

static real *copy(const real *v, size_t n)
{
    real *to = mem_try(n, sizeof(real));
    memcpy(to, v, n * sizeof(real));
    return to;
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

/* Error relative to the largest number, and the root of the mean square relative to that of the numbers. */
struct errors {
    double largest, rms;
};

static struct errors errors_of(const real *got, const real *wanted, size_t n)
{
    double worst = 0, size = 0, squares = 0, sizes = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)wanted[i];
        if (!(fabs(d) <= worst))
            worst = fabs(d);
        size = fmax(size, fabs((double)wanted[i]));
        squares += d * d;
        sizes += (double)wanted[i] * (double)wanted[i];
    }
    return (struct errors){size > 0 ? worst / size : worst, sizes > 0 ? sqrt(squares / sizes) : 0};
}

/* Everything that one shape's passes read and what they should give. */
struct data {
    size_t x, y, weights;
    real *image, *weight, *dy, *dx, *dweight;    /* dx, dweight: what is there before */
    real *wanted_y, *wanted_dx, *wanted_dweight; /* added to what was there */
};

static struct data make(const struct conv_shape *s)
{
    struct data d = {.x = (size_t)s->batch * (size_t)s->channels * (size_t)s->height * (size_t)s->width,
                     .y = (size_t)s->batch * (size_t)s->filters * (size_t)s->out_h * (size_t)s->out_w,
                     .weights = (size_t)s->filters * (size_t)s->channels * 9};
    d.image = numbers(d.x, 1);
    d.weight = numbers(d.weights, 2);
    d.dy = numbers(d.y, 3);
    d.dx = numbers(d.x, 4);
    d.dweight = numbers(d.weights, 5);
    d.wanted_y = mem_try(d.y, sizeof(real));
    d.wanted_dx = copy(d.dx, d.x);
    d.wanted_dweight = copy(d.dweight, d.weights);
    reference_conv_forward(s, d.image, d.weight, d.wanted_y);
    reference_conv_backward_data(s, d.dy, d.weight, d.wanted_dx);
    reference_conv_backward_weights(s, d.image, d.dy, d.wanted_dweight);
    return d;
}

static void drop(struct data *d)
{
    real *all[] = {d->image, d->weight, d->dy, d->dx, d->dweight, d->wanted_y, d->wanted_dx, d->wanted_dweight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
}

struct results {
    real *y, *dx, *dweight;
};

static struct results run(const struct conv_shape *s, const struct data *d, struct winograd_method method, const struct channel_map *map,
                          int threads)
{
    struct results r = {poisoned(d->y), poisoned(d->x), poisoned(d->weights)};
    memcpy(r.dx, d->dx, d->x * sizeof(real));
    memcpy(r.dweight, d->dweight, d->weights * sizeof(real));
    size_t n = winograd_scratch(s, method, CONV_FORWARD, false, threads);
    real *scratch = poisoned(n);
    winograd_forward(s, method, d->image, d->weight, NULL, map, r.y, scratch, threads);
    drop_poisoned(scratch, n);
    n = winograd_scratch(s, method, CONV_BACKWARD_DATA, false, threads);
    scratch = poisoned(n);
    winograd_backward_data(s, method, d->dy, d->weight, r.dx, false, scratch, threads);
    drop_poisoned(scratch, n);
    n = winograd_scratch(s, method, CONV_BACKWARD_WEIGHTS, false, threads);
    scratch = poisoned(n);
    winograd_backward_weights(s, method, d->image, d->dy, r.dweight, scratch, threads);
    drop_poisoned(scratch, n);
    return r;
}

static void drop_results(struct results *r, const struct data *d)
{
    drop_poisoned(r->y, d->y);
    drop_poisoned(r->dx, d->x);
    drop_poisoned(r->dweight, d->weights);
}

/* What float may lose on these small shapes, relative to the largest number; by m. Double loses as many digits more as it has. */
static double tolerance(int tile)
{
    static const double most[] = {[2] = 2e-6, [3] = 8e-6, [4] = 5e-6, [5] = 2e-5, [6] = 2e-5};
    return most[tile] * (sizeof(real) == 8 ? 1e-8 : 1);
}

static struct conv_shape shape(int batch, int channels, int filters, int height, int width, int padding)
{
    struct conv_shape s = {.batch = batch,
                           .channels = channels,
                           .height = height,
                           .width = width,
                           .filters = filters,
                           .size = 3,
                           .stride_x = 1,
                           .stride_y = 1,
                           .padding = padding,
                           .dilation = 1,
                           .groups = 1};
    s.out_h = conv_output(height, 3, 1, padding, 1);
    s.out_w = conv_output(width, 3, 1, padding, 1);
    return s;
}

/* Calls check for every tile on every instruction set that this machine has. */
static void for_methods(const struct conv_shape *s, const struct data *d,
                        void (*check)(const struct conv_shape *, const struct data *, struct winograd_method))
{
    for (int isa = 0; isa < CPU_ISAS; isa++)
        for (int tile = 2; cpu_supports((enum cpu_isa)isa) && tile <= 6; tile++)
            check(s, d, (struct winograd_method){tile, (enum cpu_isa)isa});
}

static void check_passes(const struct conv_shape *s, const struct data *d, struct winograd_method method)
{
    struct results one = run(s, d, method, NULL, 1);
    const double y = errors_of(one.y, d->wanted_y, d->y).largest, dx = errors_of(one.dx, d->wanted_dx, d->x).largest;
    const double dweight = errors_of(one.dweight, d->wanted_dweight, d->weights).largest;
    if (!(y < tolerance(method.tile) && dx < tolerance(method.tile) && dweight < tolerance(method.tile)))
        fail_msg("F(%d) %s, batch %d, %d x %d x %d -> %d, pad %d: errors %g %g %g", method.tile, cpu_isa_name(method.isa), s->batch,
                 s->channels, s->height, s->width, s->filters, s->padding, y, dx, dweight);
    for (int threads = 2; threads <= 4; threads += 2) {
        struct results more = run(s, d, method, NULL, threads);
        assert_memory_equal(one.y, more.y, d->y * sizeof(real));
        assert_memory_equal(one.dx, more.dx, d->x * sizeof(real));
        assert_memory_equal(one.dweight, more.dweight, d->weights * sizeof(real));
        drop_results(&more, d);
    }
    drop_results(&one, d);
}

static void check(struct conv_shape s)
{
    if (s.out_h < 1 || s.out_w < 1)
        return;
    struct data d = make(&s);
    for_methods(&s, &d, check_passes);
    drop(&d);
}

static void test_sides(void **state)
{
    (void)state;
    static const int sides[] = {1, 5, 7, 13, 26};
    for (int h = 0; h < 5; h++)
        for (int w = 0; w < 5; w++)
            for (int padding = 0; padding <= 1; padding++)
                check(shape((h + w) % 2 ? 3 : 1, 3, 5, sides[h], sides[w], padding));
}

static void test_channels(void **state)
{
    (void)state;
    static const int counts[] = {1, 3, 16, 17, 40};
    for (int c = 0; c < 5; c++)
        for (int f = 0; f < 5; f++)
            check(shape((c + f) % 2 ? 1 : 3, counts[c], counts[f], 7, 6, 1));
}

static void test_padding(void **state)
{
    (void)state;
    for (int padding = 2; padding <= 4; padding++)
        check(shape(1, 4, 4, 5, 9, padding));
}

/* Shapes beyond the sizes from which the plans change: regions of one tile row, columns split, many regions, chunks, slots, blocks of
 * pairs. */
static void test_plans(void **state)
{
    (void)state;
    check(shape(1, 2, 3, 9, 700, 1));
    check(shape(1, 8, 70, 3, 900, 1));
    check(shape(2, 17, 33, 40, 41, 1));
    check(shape(3, 130, 70, 13, 13, 1));
    check(shape(1, 200, 210, 6, 7, 1));
    check(shape(40, 33, 20, 4, 4, 1));
}

static void check_weights(struct conv_shape s, int tile)
{
    const size_t x = (size_t)s.batch * (size_t)s.channels * (size_t)(s.height * s.width), weights = (size_t)(s.filters * s.channels) * 9;
    const size_t y = (size_t)s.batch * (size_t)s.filters * (size_t)(s.out_h * s.out_w);
    real *image = numbers(x, 1), *dy = numbers(y, 2), *before = numbers(weights, 3), *wanted = copy(before, weights);
    reference_conv_backward_weights(&s, image, dy, wanted);
    for (int isa = 0; isa < CPU_ISAS; isa++)
        for (int threads = 1; cpu_supports((enum cpu_isa)isa) && threads <= 3; threads += 2) {
            const struct winograd_method method = {tile, (enum cpu_isa)isa};
            const size_t n = winograd_scratch(&s, method, CONV_BACKWARD_WEIGHTS, false, threads);
            real *found = copy(before, weights), *scratch = poisoned(n);
            winograd_backward_weights(&s, method, image, dy, found, scratch, threads);
            assert_true(errors_of(found, wanted, weights).largest < tolerance(tile));
            drop_poisoned(scratch, n);
            mem_free(found);
        }
    mem_free(image);
    mem_free(dy);
    mem_free(before);
    mem_free(wanted);
}

/* More tiles than are transformed together; so many pairs of channels that they are cut. */
static void test_large_weights(void **state)
{
    (void)state;
    check_weights(shape(1, 160, 160, 62, 66, 1), 2);
    check_weights(shape(2, 350, 340, 5, 4, 1), 4);
}

static void check_map(const struct conv_shape *s, const struct data *d, struct winograd_method method)
{
    real *scale = numbers((size_t)s->filters, 6), *shift = numbers((size_t)s->filters, 7);
    static const enum activation_kind activations[] = {ACTIVATION_LINEAR, ACTIVATION_RELU, ACTIVATION_LEAKY, ACTIVATION_MISH,
                                                       ACTIVATION_LOGISTIC};
    for (int i = 0; i < 20; i++) {
        const struct channel_map map = {
            .scale = i % 2 ? scale : NULL, .shift = i / 2 % 2 ? shift : NULL, .activation = activation_of(activations[i / 4])};
        struct results r = run(s, d, method, &map, 2);
        real *wanted = mem_try(d->y, sizeof(real));
        norm_map(&map, d->wanted_y, s->batch, s->filters, (size_t)s->out_h * (size_t)s->out_w, wanted);
        assert_true(errors_of(r.y, wanted, d->y).largest < 3 * tolerance(method.tile));
        mem_free(wanted);
        drop_results(&r, d);
    }
    mem_free(scale);
    mem_free(shift);
}

static void test_map(void **state)
{
    (void)state;
    const struct conv_shape s = shape(2, 5, 37, 9, 10, 1);
    struct data d = make(&s);
    for_methods(&s, &d, check_map);
    drop(&d);
}

/* Packed weights give the bits that weights give; overwriting rubbish gives what adding to 0 gives. */
static void check_variants(const struct conv_shape *s, const struct data *d, struct winograd_method method)
{
    struct results r = run(s, d, method, NULL, 2);
    const size_t n = winograd_packed_size(s, method), m = winograd_scratch(s, method, CONV_FORWARD, true, 2);
    real *packed = poisoned(n), *scratch = poisoned(m), *y = poisoned(d->y);
    winograd_pack(s, method, d->weight, packed, 2);
    winograd_forward(s, method, d->image, NULL, packed, NULL, y, scratch, 2);
    assert_memory_equal(y, r.y, d->y * sizeof(real));
    drop_poisoned(packed, n);
    drop_poisoned(scratch, m);
    drop_poisoned(y, d->y);
    drop_results(&r, d);

    const size_t k = winograd_scratch(s, method, CONV_BACKWARD_DATA, false, 2);
    real *dx = poisoned(d->x), *wanted = mem_try(d->x, sizeof(real));
    scratch = poisoned(k);
    winograd_backward_data(s, method, d->dy, d->weight, dx, true, scratch, 2);
    reference_conv_backward_data(s, d->dy, d->weight, wanted);
    assert_true(errors_of(dx, wanted, d->x).largest < tolerance(method.tile));
    drop_poisoned(dx, d->x);
    drop_poisoned(scratch, k);
    mem_free(wanted);
}

static void test_variants(void **state)
{
    (void)state;
    const struct conv_shape small = shape(2, 20, 37, 13, 14, 1), large = shape(1, 200, 210, 6, 7, 1);
    struct data d = make(&small), e = make(&large);
    for_methods(&small, &d, check_variants);
    for_methods(&large, &e, check_variants);
    drop(&d);
    drop(&e);
}

/* The bounds that the manual states, on sums as long as in real networks. */
static void check_accuracy(const struct conv_shape *s, const struct data *d, struct winograd_method method)
{
    static const double forward[] = {[2] = 1e-6, [3] = 4e-6, [4] = 3e-6, [5] = 1e-5, [6] = 1e-5};
    struct results r = run(s, d, method, NULL, 2);
    const struct errors y = errors_of(r.y, d->wanted_y, d->y), dx = errors_of(r.dx, d->wanted_dx, d->x);
    const struct errors dweight = errors_of(r.dweight, d->wanted_dweight, d->weights);
    print_message("F(%d) %-8s relative rms: forward %.1e, data %.1e, weights %.1e; largest: %.1e %.1e %.1e\n", method.tile,
                  cpu_isa_name(method.isa), y.rms, dx.rms, dweight.rms, y.largest, dx.largest, dweight.largest);
    assert_true(y.rms < forward[method.tile] && dx.rms < forward[method.tile] && dweight.rms < 2 * forward[method.tile]);
    assert_true(y.largest < 1e-4 && dx.largest < 1e-4);
    drop_results(&r, d);
}

static void test_accuracy(void **state)
{
    (void)state;
    const struct conv_shape s = shape(1, 256, 64, 26, 26, 1);
    struct data d = make(&s);
    for_methods(&s, &d, check_accuracy);
    drop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides),    cmocka_unit_test(test_channels),      cmocka_unit_test(test_padding),
        cmocka_unit_test(test_plans),    cmocka_unit_test(test_large_weights), cmocka_unit_test(test_map),
        cmocka_unit_test(test_variants), cmocka_unit_test(test_accuracy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
