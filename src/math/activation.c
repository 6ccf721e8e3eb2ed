#include "math/activation.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"

#define TEXT(NAME, text) text,
const char *const activation_names[] = {ACTIVATIONS_OF_ONE(TEXT) ACTIVATIONS_OF_CHANNELS(TEXT)
                                        /* Darknet's other spellings, in the order of `aliases` */
                                        "revleaky",
                                        "normalize_channels", "normalize_channels_softmax", "normalize_channels_softmax_maxval", NULL};
#undef TEXT
static const enum activation_kind aliases[] = {ACTIVATION_LEAKY, ACTIVATION_NORM_CHAN, ACTIVATION_NORM_CHAN_SOFTMAX,
                                               ACTIVATION_NORM_CHAN_SOFTMAX_MAXVAL};

/* Klambauer et al. 2017, section 2. */
#define SELU_LAMBDA ((real)1.0507009873554805)
#define SELU_ALPHA ((real)1.6732632423543772)
/* Hendrycks and Gimpel 2016, section 2: gelu(x) = x/2·(1 + tanh(√(2/π)·(x + .044715·x³))). */
#define GELU_FACTOR ((real)0.79788456080286536)
#define GELU_CUBE ((real)0.044715)

#define INLINE static inline __attribute__((always_inline))

/* e^x as scale + scale·rest, where scale is a power of two and rest = e^r − 1, |r| ≤ ln 2 / 2: so that e^x − 1 loses no digits near 0. */
struct exponential {
    real scale, rest;
};

#ifdef DLNET_DOUBLE
INLINE struct exponential exponential(real x)
{
    return (struct exponential){1, expm1(x)};
}
INLINE real hyperbolic_tangent(real x)
{
    return tanh(x);
}
#define MISH_LIMIT 40.0
#else
/* Branch-free, so that the loops below become vector code. Between the limits of the range the result stays a normal number. */
INLINE struct exponential exponential(real x)
{
    const float low = -87.0f, high = 88.0f;
    x = x < low ? low : x > high ? high : x;
    const float shifter = 12582912.0f; /* 1.5·2^23: adding it rounds to an integer that stands in the low bits */
    const float biased = x * 1.44269504f + shifter;
    const float n = biased - shifter;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    /* Taylor's series of e^r − 1 up to r^7 / 5040: below a quarter of an ulp at |r| = 0.347. */
    float p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r;
    union {
        float f;
        uint32_t u;
    } bits = {.f = biased};
    bits.u = (bits.u + 127u) << 23; /* 2^n: what stands above the low bits is shifted out */
    return (struct exponential){bits.f, p};
}

INLINE real hyperbolic_tangent(real x)
{
    /* Near 0 the quotient below loses digits: e^(2z) − 1 is found without cancellation, tanh z = m / (m + 2). */
    const float z = x < 0 ? -x : x;
    const float limited = z > 20.0f ? 20.0f : z;
    const struct exponential e = exponential(2 * limited);
    const float m = e.scale * e.rest + (e.scale - 1);
    const float t = m / (m + 2);
    return x < 0 ? -t : t;
}
#define MISH_LIMIT 20.0f
#endif

INLINE real exponential_of(real x)
{
    const struct exponential e = exponential(x);
    return e.scale * e.rest + e.scale;
}

INLINE real exponential_minus_1(real x)
{
    const struct exponential e = exponential(x);
    return e.scale * e.rest + (e.scale - 1);
}

INLINE real logistic(real x)
{
    return 1 / (1 + exponential_of(-x));
}

/* tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x·(e^x + 2); above the limit it is 1 in every digit. */
INLINE real mish_gate(real x)
{
    const real e = exponential_of(x > MISH_LIMIT ? MISH_LIMIT : x);
    const real n = e * (e + 2);
    return n / (n + 2);
}

INLINE real mish_slope(real x)
{
    const real e = exponential_of(x > MISH_LIMIT ? MISH_LIMIT : x);
    const real n = e * (e + 2), d = 1 / (n + 2);
    return n * d + x * (4 * e * d) * ((e + 1) * d);
}

INLINE real round_down(real x)
{
    return sizeof(real) == sizeof(float) ? (real)floorf((float)x) : (real)floor((double)x);
}

/* p: the parameter. Those without a source above are Darknet's. */
INLINE real value(enum activation_kind kind, real p, real x)
{
    switch (kind) {
    case ACTIVATION_LINEAR:
        return x;
    case ACTIVATION_LOGISTIC:
        return logistic(x);
    case ACTIVATION_TANH:
        return hyperbolic_tangent(x);
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_LEAKY:
        return x > 0 ? x : p * x;
    case ACTIVATION_SWISH:
        return x * logistic(p * x);
    case ACTIVATION_MISH:
        return x * mish_gate(x);
    case ACTIVATION_ELU: {
        const real below = p * exponential_minus_1(x);
        return x > 0 ? x : below;
    }
    case ACTIVATION_SELU: {
        const real below = SELU_ALPHA * exponential_minus_1(x);
        return SELU_LAMBDA * (x > 0 ? x : below);
    }
    case ACTIVATION_RELU6:
        return x > 6 ? 6 : x > 0 ? x : 0;
    case ACTIVATION_THRESHOLD:
        return x > p ? 1 : 0;
    case ACTIVATION_GELU: /* (1 + tanh u)/2 is the logistic function of 2u */
        return x * logistic(2 * GELU_FACTOR * x * (1 + GELU_CUBE * x * x));
    case ACTIVATION_HARD_MISH: {
        const real between = x * x / 2 + x;
        return x > 0 ? x : x > -2 ? between : 0;
    }
    case ACTIVATION_HARDTAN:
        return x < -1 ? -1 : x > 1 ? 1 : x;
    case ACTIVATION_LHTAN:
        return x < 0 ? (real)0.001 * x : x > 1 ? (real)0.001 * (x - 1) + 1 : x;
    case ACTIVATION_LOGGY: /* 2/(1 + e^-x) − 1 */
        return hyperbolic_tangent(x / 2);
    case ACTIVATION_RELIE:
        return x > 0 ? x : (real)0.01 * x;
    case ACTIVATION_RAMP:
        return x > 0 ? x + (real)0.1 * x : (real)0.1 * x;
    case ACTIVATION_PLSE:
        return x < -4 ? (real)0.01 * (x + 4) : x > 4 ? (real)0.01 * (x - 4) + 1 : (real)0.125 * x + (real)0.5;
    case ACTIVATION_STAIR: { /* level from an even number to the next odd one, then a rise by 1 */
        const real whole = round_down(x), half = round_down(x / 2);
        return whole > 2 * half ? half + (x - whole) : half;
    }
    default: /* of channels: not here */
        return x;
    }
}

/* v is the output where activation_from_output, else the input. */
INLINE real slope(enum activation_kind kind, real p, real v)
{
    switch (kind) {
    case ACTIVATION_LINEAR:
        return 1;
    case ACTIVATION_LOGISTIC:
        return v * (1 - v);
    case ACTIVATION_TANH:
        return 1 - v * v;
    case ACTIVATION_RELU:
        return v > 0 ? 1 : 0;
    case ACTIVATION_LEAKY:
        return v > 0 ? 1 : p;
    case ACTIVATION_SWISH: {
        const real z = p * v, e = exponential_of(-z), s = 1 / (1 + e);
        return s * (1 + z * (e * s)); /* e·s is 1 − s without cancellation */
    }
    case ACTIVATION_MISH:
        return mish_slope(v);
    case ACTIVATION_ELU:
        return v > 0 ? 1 : v + p;
    case ACTIVATION_SELU:
        return v > 0 ? SELU_LAMBDA : v + SELU_LAMBDA * SELU_ALPHA;
    case ACTIVATION_RELU6:
        return v > 0 && v < 6 ? 1 : 0;
    case ACTIVATION_THRESHOLD:
        return 0;
    case ACTIVATION_GELU: { /* beyond ±20 it is 0 or 1 in every digit */
        const real x = v < -20 ? -20 : v > 20 ? 20 : v, u = 2 * GELU_FACTOR * x * (1 + GELU_CUBE * x * x);
        const real e = exponential_of(-u), s = 1 / (1 + e);
        return s * (1 + x * (e * s) * (2 * GELU_FACTOR * (1 + 3 * GELU_CUBE * x * x)));
    }
    case ACTIVATION_HARD_MISH:
        return v > 0 ? 1 : v > -2 ? v + 1 : 0;
    case ACTIVATION_HARDTAN:
        return v > -1 && v < 1 ? 1 : 0;
    case ACTIVATION_LHTAN:
        return v > 0 && v < 1 ? 1 : (real)0.001;
    case ACTIVATION_LOGGY:
        return (1 - v * v) / 2;
    case ACTIVATION_RELIE:
        return v > 0 ? 1 : (real)0.01;
    case ACTIVATION_RAMP:
        return v > 0 ? (real)1.1 : (real)0.1;
    case ACTIVATION_PLSE:
        return v < 0 || v > 1 ? (real)0.01 : (real)0.125;
    case ACTIVATION_STAIR:
        return v > round_down(v) ? 1 : 0;
    default:
        return 1;
    }
}

struct activation activation_of(int choice)
{
    assert(choice >= 0 && choice < ACTIVATION_KINDS + (int)(sizeof aliases / sizeof *aliases));
    struct activation a = {choice < ACTIVATION_KINDS ? (enum activation_kind)choice : aliases[choice - ACTIVATION_KINDS], 0};
    if (a.kind == ACTIVATION_LEAKY)
        a.parameter = (real)0.1;
    else if (a.kind == ACTIVATION_ELU || a.kind == ACTIVATION_SWISH)
        a.parameter = 1;
    return a;
}

bool activation_of_channels(struct activation a)
{
    return a.kind >= ACTIVATION_SOFTMAX;
}

bool activation_two_lines(struct activation a, real *left)
{
    if (a.kind != ACTIVATION_LINEAR && a.kind != ACTIVATION_RELU && a.kind != ACTIVATION_LEAKY && a.kind != ACTIVATION_RELIE)
        return false;
    const real minus_one = -1;
    activation_forward_serial(a, &minus_one, left, 1);
    *left = -*left;
    return true;
}

bool activation_from_output(struct activation a)
{
    return a.kind != ACTIVATION_SWISH && a.kind != ACTIVATION_MISH && a.kind != ACTIVATION_GELU && a.kind != ACTIVATION_HARD_MISH &&
           a.kind != ACTIVATION_NORM_CHAN;
}

/* One loop an activation: the constant makes the switch inside vanish. */
#define CASE(NAME, text)                                                                                                                   \
    case ACTIVATION_##NAME:                                                                                                                \
        LOOP(ACTIVATION_##NAME)                                                                                                            \
        break;

SIMD_CLONES static void values(enum activation_kind kind, real p, const real *x, real *y, size_t n)
{
#define LOOP(KIND) _Pragma("omp simd") for (size_t i = 0; i < n; i++) y[i] = value(KIND, p, x[i]);
    switch (kind) {
        ACTIVATIONS_OF_ONE(CASE)
    default:
        assert(0);
    }
#undef LOOP
}

SIMD_CLONES static void slopes(enum activation_kind kind, real p, const real *v, const real *dy, real *dx, size_t n)
{
#define LOOP(KIND) _Pragma("omp simd") for (size_t i = 0; i < n; i++) dx[i] = dy[i] * slope(KIND, p, v[i]);
    switch (kind) {
        ACTIVATIONS_OF_ONE(CASE)
    default:
        assert(0);
    }
#undef LOOP
}

void activation_forward_serial(struct activation a, const real *x, real *y, size_t n)
{
    if (a.kind != ACTIVATION_LINEAR)
        values(a.kind, a.parameter, x, y, n);
    else if (x != y)
        memmove(y, x, n * sizeof(real));
}

void activation_forward(struct activation a, const real *x, real *y, size_t n)
{
    if (a.kind == ACTIVATION_LINEAR && x == y)
        return;
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        activation_forward_serial(a, x + begin, y + begin, end - begin);
    }
}

void activation_backward_serial(struct activation a, const real *x, const real *y, const real *dy, real *dx, size_t n)
{
    if (a.kind != ACTIVATION_LINEAR)
        slopes(a.kind, a.parameter, activation_from_output(a) ? y : x, dy, dx, n);
    else if (dx != dy)
        memmove(dx, dy, n * sizeof(real));
}

void activation_backward(struct activation a, const real *x, const real *y, const real *dy, real *dx, size_t n)
{
    if (a.kind == ACTIVATION_LINEAR && dx == dy)
        return;
    const int tiles = parallel_tiles(n);
    const real *from_x = x ? x : y, *from_y = y ? y : x; /* whichever is missing isn't read */
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        const real *tx = from_x ? from_x + begin : NULL, *ty = from_y ? from_y + begin : NULL;
        activation_backward_serial(a, tx, ty, dy + begin, dx + begin, end - begin);
    }
}
