/* [dropconnect]: a connected layer that drops single weights, others for each object (Wan et al. 2013): y = f((M∘W)x + b) in training,
 * M ~ Bernoulli(1 − p). In evaluation (Wx)∘M is replaced by a Gaussian of the same moments (section 3.2), mean (1 − p)Wx and variance
 * p(1 − p)(W∘W)(x∘x), and y is the mean of f over samples of it. The samples are the means of as many parts of equal probability of the
 * normal distribution: the same ones for every object, and exact where f is linear. The biases are not dropped. A function of all channels,
 * such as softmax, is taken of the means. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/simd.h"
#include "layer/connected.h"
#include "layer/noise.h"
#include "layer/types.h"
#include "math/gemm.h"

struct dropconnect {
    struct connected connected; /* first */
    double probability;
    int samples, last;
    real *sample; /* of N(0, 1) */
};

static const struct config_key options[] = {
    CONNECTED_OPTIONS,
    {"probability", OPTION_FLOAT, offsetof(struct dropconnect, probability), ".5", 0, 1, NULL, "share of the weights that are dropped"},
    {"samples", OPTION_INT, offsetof(struct dropconnect, samples), "64", 1, 1e5, NULL,
     "in evaluation: samples of the Gaussian over which the activation is averaged"},
    NOISE_LAST_OPTION(struct dropconnect),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

/* Weights, and numbers of an object, that are worked on at a time; even. */
#define CHUNK 512
enum { SQUARES = EPILOGUE_BUFFERS, VARIANCE };

/* z with Φ(z) = p, by bisection. */
static double normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2)) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* The mean of N(0, 1) between the quantiles a and b is (φ(a) − φ(b)) / P(a..b). */
static void set_samples(struct dropconnect *s)
{
    double before = 0; /* φ(−∞) */
    s->sample = mem_new((size_t)s->samples, sizeof(real));
    for (int i = 0; i < s->samples; i++) {
        const double z = i + 1 < s->samples ? normal_quantile((i + 1.) / s->samples) : INFINITY;
        const double after = exp(-z * z / 2) / sqrt(2 * M_PI);
        s->sample[i] = (real)((before - after) * s->samples);
        before = after;
    }
}

static int setup(struct layer *l, struct error *err)
{
    struct dropconnect *s = l->state;
    noise_setup(l, s->last);
    set_samples(s);
    return connected_setup(l, err);
}

static int shape(struct layer *l, struct error *err)
{
    const struct dropconnect *s = l->state;
    if (connected_shape(l, err) != 0)
        return -1;
    const size_t n = (size_t)l->out.shape.n;
    layer_buffer(l, SQUARES, BUFFER_SCRATCH, shape_size(s->connected.weight->shape) + n * shape_each(l->in[0]->shape), sizeof(real));
    layer_buffer(l, VARIANCE, BUFFER_SCRATCH, shape_size(l->out.shape), sizeof(real));
    return 0;
}

/* The random halves of weights first .. first + n − 1 (first even) of output o, for object b. */
static void draw(const struct layer *l, uint64_t key, int b, int o, size_t first, size_t n, uint32_t *bits)
{
    const size_t in = shape_each(l->in[0]->shape), even = in + in % 2;
    rng_halves(key, ((size_t)b * (size_t)l->out.shape.c + (size_t)o) * even + first, n, bits);
}

SIMD_CLONES static real masked_dot(const real *w, const real *x, const uint32_t *bits, uint64_t limit, size_t n)
{
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += bits[i] >= limit ? w[i] * x[i] : 0;
    return sum;
}

SIMD_CLONES static void masked_axpy(real a, const real *x, const uint32_t *bits, uint64_t limit, real *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += bits[i] >= limit ? a * x[i] : 0;
}

static void forward_masked(const struct layer *l, uint64_t key, real *to)
{
    const struct dropconnect *s = l->state;
    const uint64_t limit = noise_limit(s->probability);
    const size_t in = shape_each(l->in[0]->shape);
    const int out = l->out.shape.c;
    const long rows = (long)l->out.shape.n * out;
#pragma omp parallel for schedule(static)
    for (long row = 0; row < rows; row++) {
        const int b = (int)(row / out), o = (int)(row % out);
        real sum = 0;
        for (size_t at = 0; at < in; at += CHUNK) {
            const size_t n = in - at < CHUNK ? in - at : CHUNK;
            uint32_t bits[CHUNK];
            draw(l, key, b, o, at, n, bits);
            sum += masked_dot(s->connected.weight->value + (size_t)o * in + at, l->in[0]->x + (size_t)b * in + at, bits, limit, n);
        }
        to[row] = sum;
    }
}

static void square(const real *x, size_t n, real *y)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * x[i];
}

/* y[0 .. n): the mean of map over the Gaussians of outputs first .. first + n − 1; n ≤ CHUNK. */
static void average(const struct dropconnect *s, const struct channel_map *map, int first, int n, const real *variance, real *y)
{
    real deviation[CHUNK], z[CHUNK], sum[CHUNK];
    for (int i = 0; i < n; i++) {
        deviation[i] = (real)sqrt((double)variance[i]);
        sum[i] = 0;
    }
    for (int k = 0; k < s->samples; k++) {
        for (int i = 0; i < n; i++) {
            const real u = y[i] + deviation[i] * s->sample[k];
            z[i] = (map->scale ? map->scale[first + i] : 1) * u + (map->shift ? map->shift[first + i] : 0);
        }
        activation_forward_serial(map->activation, z, z, (size_t)n);
        for (int i = 0; i < n; i++)
            sum[i] += z[i];
    }
    for (int i = 0; i < n; i++)
        y[i] = sum[i] / (real)s->samples;
}

static void forward_moments(const struct layer *l, const struct channel_map *map, real *to)
{
    const struct dropconnect *s = l->state;
    const real *w = s->connected.weight->value, *x = l->in[0]->x;
    const int batch = l->out.shape.n, out = l->out.shape.c, in = s->connected.weight->shape.c;
    const real keep = (real)(1 - s->probability);
    gemm(0, 1, batch, out, in, keep, x, in, w, in, 0, to, out);
    if (map->activation.kind == ACTIVATION_LINEAR || s->samples == 1) {
        norm_map(map, to, batch, out, 1, to);
        return;
    }
    real *w2 = l->buffer[SQUARES].p, *x2 = w2 + (size_t)out * (size_t)in, *variance = l->buffer[VARIANCE].p;
    square(w, (size_t)out * (size_t)in, w2);
    square(x, (size_t)batch * (size_t)in, x2);
    gemm(0, 1, batch, out, in, (real)(s->probability * (1 - s->probability)), x2, in, w2, in, 0, variance, out);
    const int across = (out + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static)
    for (long tile = 0; tile < (long)batch * across; tile++) {
        const int b = (int)(tile / across), first = (int)(tile % across) * CHUNK;
        const size_t at = (size_t)b * (size_t)out + (size_t)first;
        average(s, map, first, out - first < CHUNK ? out - first : CHUNK, variance + at, to + at);
    }
}

static void forward(struct layer *l, const struct run *run)
{
    const struct dropconnect *s = l->state;
    const struct epilogue *e = &s->connected.epilogue;
    struct channel_map map;
    real *to = epilogue_begin(l, e, run, &map);
    if (run_is_noisy(run)) {
        forward_masked(l, noise_key(l, run), to);
        norm_map(&map, to, l->out.shape.n, l->out.shape.c, 1, to);
    } else {
        forward_moments(l, &map, to);
    }
    epilogue_end(l, e, run);
}

static void backward_weights(const struct layer *l, uint64_t key)
{
    const struct dropconnect *s = l->state;
    const uint64_t limit = noise_limit(s->probability);
    const size_t in = shape_each(l->in[0]->shape);
    const int batch = l->out.shape.n, out = l->out.shape.c;
#pragma omp parallel for schedule(static)
    for (int o = 0; o < out; o++)
        for (int b = 0; b < batch; b++)
            for (size_t at = 0; at < in; at += CHUNK) {
                const size_t n = in - at < CHUNK ? in - at : CHUNK;
                uint32_t bits[CHUNK];
                draw(l, key, b, o, at, n, bits);
                masked_axpy(l->out.dx[(size_t)b * (size_t)out + (size_t)o], l->in[0]->x + (size_t)b * in + at, bits, limit,
                            s->connected.weight->grad + (size_t)o * in + at, n);
            }
}

static void backward_input(const struct layer *l, uint64_t key)
{
    const struct dropconnect *s = l->state;
    const uint64_t limit = noise_limit(s->probability);
    const size_t in = shape_each(l->in[0]->shape), across = (in + CHUNK - 1) / CHUNK;
    const int batch = l->out.shape.n, out = l->out.shape.c;
#pragma omp parallel for schedule(static)
    for (size_t tile = 0; tile < (size_t)batch * across; tile++) {
        const int b = (int)(tile / across);
        const size_t at = tile % across * CHUNK, n = in - at < CHUNK ? in - at : CHUNK;
        real *dx = l->in[0]->dx + (size_t)b * in + at;
        for (size_t i = 0; i < n && l->in_fresh[0]; i++)
            dx[i] = 0;
        for (int o = 0; o < out; o++) {
            uint32_t bits[CHUNK];
            draw(l, key, b, o, at, n, bits);
            masked_axpy(l->out.dx[(size_t)b * (size_t)out + (size_t)o], s->connected.weight->value + (size_t)o * in + at, bits, limit, dx,
                        n);
        }
    }
}

static void backward(struct layer *l, const struct run *run)
{
    const struct dropconnect *s = l->state;
    const uint64_t key = noise_key(l, run);
    epilogue_backward(l, &s->connected.epilogue);
    if (s->connected.weight->grad)
        backward_weights(l, key);
    if (l->in[0]->dx)
        backward_input(l, key);
}

static void release(struct layer *l)
{
    struct dropconnect *s = l->state;
    free(s->sample);
}

const struct layer_type layer_dropconnect = {
    .name = "dropconnect",
    .help = "connected, with random weights dropped in training",
    .options = options,
    .state_size = sizeof(struct dropconnect),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
    .fold = connected_fold,
    .release = release,
};
