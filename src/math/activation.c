#include "math/activation.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"

const char *const activation_names[] = {"linear", "logistic", "tanh", "relu", "leaky", "swish", "mish", "elu", "selu", "relu6", NULL};

/* Klambauer et al. 2017, section 2. */
#define SELU_LAMBDA ((real)1.0507009873554805)
#define SELU_ALPHA ((real)1.6732632423543772)
#define LEAKY_SLOPE ((real)0.1)

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

INLINE real value(enum activation a, real x)
{
    switch (a) {
    case ACTIVATION_LINEAR:
        return x;
    case ACTIVATION_LOGISTIC:
        return logistic(x);
    case ACTIVATION_TANH:
        return hyperbolic_tangent(x);
    case ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case ACTIVATION_LEAKY:
        return x > 0 ? x : LEAKY_SLOPE * x;
    case ACTIVATION_SWISH:
        return x * logistic(x);
    case ACTIVATION_MISH:
        return x * mish_gate(x);
    case ACTIVATION_ELU: {
        const real below = exponential_minus_1(x);
        return x > 0 ? x : below;
    }
    case ACTIVATION_SELU: {
        const real below = SELU_ALPHA * exponential_minus_1(x);
        return SELU_LAMBDA * (x > 0 ? x : below);
    }
    case ACTIVATION_RELU6:
        return x > 6 ? 6 : x > 0 ? x : 0;
    }
    return x;
}

/* v is the output where activation_from_output, else the input. */
INLINE real slope(enum activation a, real v)
{
    switch (a) {
    case ACTIVATION_LINEAR:
        return 1;
    case ACTIVATION_LOGISTIC:
        return v * (1 - v);
    case ACTIVATION_TANH:
        return 1 - v * v;
    case ACTIVATION_RELU:
        return v > 0 ? 1 : 0;
    case ACTIVATION_LEAKY:
        return v > 0 ? 1 : LEAKY_SLOPE;
    case ACTIVATION_SWISH: {
        const real e = exponential_of(-v), s = 1 / (1 + e);
        return s * (1 + v * (e * s)); /* e·s is 1 − s without cancellation */
    }
    case ACTIVATION_MISH:
        return mish_slope(v);
    case ACTIVATION_ELU:
        return v > 0 ? 1 : v + 1;
    case ACTIVATION_SELU:
        return v > 0 ? SELU_LAMBDA : v + SELU_LAMBDA * SELU_ALPHA;
    case ACTIVATION_RELU6:
        return v > 0 && v < 6 ? 1 : 0;
    }
    return 1;
}

bool activation_two_lines(enum activation a, real *left)
{
    if (a != ACTIVATION_LINEAR && a != ACTIVATION_RELU && a != ACTIVATION_LEAKY)
        return false;
    const real minus_one = -1;
    activation_forward_serial(a, &minus_one, left, 1);
    *left = -*left;
    return true;
}

bool activation_from_output(enum activation a)
{
    return a != ACTIVATION_SWISH && a != ACTIVATION_MISH;
}

/* One loop an activation: the constant makes the switch inside vanish. */
#define EACH_ACTIVATION(LOOP)                                                                                                              \
    switch (a) {                                                                                                                           \
    case ACTIVATION_LINEAR:                                                                                                                \
        LOOP(ACTIVATION_LINEAR)                                                                                                            \
        break;                                                                                                                             \
    case ACTIVATION_LOGISTIC:                                                                                                              \
        LOOP(ACTIVATION_LOGISTIC)                                                                                                          \
        break;                                                                                                                             \
    case ACTIVATION_TANH:                                                                                                                  \
        LOOP(ACTIVATION_TANH)                                                                                                              \
        break;                                                                                                                             \
    case ACTIVATION_RELU:                                                                                                                  \
        LOOP(ACTIVATION_RELU)                                                                                                              \
        break;                                                                                                                             \
    case ACTIVATION_LEAKY:                                                                                                                 \
        LOOP(ACTIVATION_LEAKY)                                                                                                             \
        break;                                                                                                                             \
    case ACTIVATION_SWISH:                                                                                                                 \
        LOOP(ACTIVATION_SWISH)                                                                                                             \
        break;                                                                                                                             \
    case ACTIVATION_MISH:                                                                                                                  \
        LOOP(ACTIVATION_MISH)                                                                                                              \
        break;                                                                                                                             \
    case ACTIVATION_ELU:                                                                                                                   \
        LOOP(ACTIVATION_ELU)                                                                                                               \
        break;                                                                                                                             \
    case ACTIVATION_SELU:                                                                                                                  \
        LOOP(ACTIVATION_SELU)                                                                                                              \
        break;                                                                                                                             \
    case ACTIVATION_RELU6:                                                                                                                 \
        LOOP(ACTIVATION_RELU6)                                                                                                             \
        break;                                                                                                                             \
    }

SIMD_CLONES static void values(enum activation a, const real *x, real *y, size_t n)
{
#define LOOP(A) _Pragma("omp simd") for (size_t i = 0; i < n; i++) y[i] = value(A, x[i]);
    EACH_ACTIVATION(LOOP)
#undef LOOP
}

SIMD_CLONES static void slopes(enum activation a, const real *v, const real *dy, real *dx, size_t n)
{
#define LOOP(A) _Pragma("omp simd") for (size_t i = 0; i < n; i++) dx[i] = dy[i] * slope(A, v[i]);
    EACH_ACTIVATION(LOOP)
#undef LOOP
}

void activation_forward_serial(enum activation a, const real *x, real *y, size_t n)
{
    if (a != ACTIVATION_LINEAR)
        values(a, x, y, n);
    else if (x != y)
        memmove(y, x, n * sizeof(real));
}

void activation_forward(enum activation a, const real *x, real *y, size_t n)
{
    if (a == ACTIVATION_LINEAR && x == y)
        return;
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        activation_forward_serial(a, x + begin, y + begin, end - begin);
    }
}

void activation_backward_serial(enum activation a, const real *x, const real *y, const real *dy, real *dx, size_t n)
{
    if (a != ACTIVATION_LINEAR)
        slopes(a, activation_from_output(a) ? y : x, dy, dx, n);
    else if (dx != dy)
        memmove(dx, dy, n * sizeof(real));
}

void activation_backward(enum activation a, const real *x, const real *y, const real *dy, real *dx, size_t n)
{
    if (a == ACTIVATION_LINEAR && dx == dy)
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
