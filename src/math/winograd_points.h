/* winograd_points: the one-dimensional transforms of F(m, 3) on vectors. A template: included once for each m with WINOGRAD_TILE = m.
 *
 * Toom and Cook's construction over m + 1 finite points and ∞. The finite points are pairs ±a and, for even m, 0; so the even and odd parts
 * of a pair are found once and serve both its points. The pairs were chosen by measured error against double precision: the usual 0, ±1, ±2
 * for m = 4 and 0, ±1, 2 for m = 3 lose twice as much. The points' squares and products are exact in binary.
 *
 * Transformed numbers stand in the order 0 (even m), +a, −a, +b, −b, …, ∞. s and q below are the distances between the numbers of a line.
 */
#define LINE_(name, m) name##_##m
#define LINE__(name, m) LINE_(name, m)
#define LINE(name) LINE__(name, WINOGRAD_TILE)

#undef ALPHA
#undef ZERO
#undef PAIRS
#undef A0
#undef A1
#undef A2
#undef POINTS
#define ALPHA (WINOGRAD_TILE + 2)
#define ZERO (1 - WINOGRAD_TILE % 2) /* 1: the point 0 is used */
#define PAIRS ((WINOGRAD_TILE + 1) / 2)
#if WINOGRAD_TILE == 2
#define A0 1.0
#elif WINOGRAD_TILE == 3
#define A0 0.375
#define A1 1.25
#elif WINOGRAD_TILE == 4
#define A0 0.625
#define A1 1.5
#elif WINOGRAD_TILE == 5
#define A0 0.375
#define A1 0.875
#define A2 1.75
#else
#define A0 0.5
#define A1 1.0
#define A2 2.0
#endif

/* ALL: Π (x² − a²) over the pairs; REST(i): the same without pair i. d0, d1, … stand for the powers of x². */
#define SQ(a) ((a) * (a))
#undef ALL
#undef REST
#undef PRODUCT
#if WINOGRAD_TILE == 2
#define POINTS                                                                                                                             \
    {                                                                                                                                      \
        A0                                                                                                                                 \
    }
#define ALL(d0, d1, d2, d3) ((d1) - (real)SQ(A0) * (d0))
#define REST(i, d0, d1, d2) (d0)
#define PRODUCT (-SQ(A0))
#elif WINOGRAD_TILE <= 4
#define POINTS                                                                                                                             \
    {                                                                                                                                      \
        A0, A1                                                                                                                             \
    }
#define ALL(d0, d1, d2, d3) ((d2) - (real)(SQ(A0) + SQ(A1)) * (d1) + (real)(SQ(A0) * SQ(A1)) * (d0))
#define REST(i, d0, d1, d2) ((d1) - (real)((i) == 0 ? SQ(A1) : SQ(A0)) * (d0))
#define PRODUCT (SQ(A0) * SQ(A1))
#else
#define POINTS                                                                                                                             \
    {                                                                                                                                      \
        A0, A1, A2                                                                                                                         \
    }
#define ALL(d0, d1, d2, d3)                                                                                                                \
    ((d3) - (real)(SQ(A0) + SQ(A1) + SQ(A2)) * (d2) + (real)(SQ(A0) * SQ(A1) + SQ(A0) * SQ(A2) + SQ(A1) * SQ(A2)) * (d1) -                 \
     (real)(SQ(A0) * SQ(A1) * SQ(A2)) * (d0))
#define LEFT(i) ((i) == 0 ? A1 : A0)
#define RIGHT(i) ((i) == 2 ? A1 : A2)
#define REST(i, d0, d1, d2) ((d2) - (real)(SQ(LEFT(i)) + SQ(RIGHT(i))) * (d1) + (real)(SQ(LEFT(i)) * SQ(RIGHT(i))) * (d0))
#define PRODUCT (-SQ(A0) * SQ(A1) * SQ(A2))
#endif

/* Bᵀ d: m + 2 numbers to m + 2. Row p holds the coefficients of Π (x − other points), which for ±a is x^ZERO · (x ± a) · REST; without the
 * point 0, those of −a have the other sign, so that norm_pair is the same for both. */
INLINE void LINE(input_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
#define D(k) d[(k) < ALPHA ? (k)*s : 0] /* above: not used by ALL and REST */
    if (ZERO)
        o[0] = ALL(D(0), D(2), D(4), D(6));
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec one = REST(i, D(1 + ZERO), D(3 + ZERO), D(5 + ZERO)), other = REST(i, D(ZERO), D(2 + ZERO), D(4 + ZERO));
        o[(ZERO + 2 * i) * q] = one + (real)a[i] * other;
        o[(ZERO + 2 * i + 1) * q] = ZERO ? (vec)(one - (real)a[i] * other) : (vec)((real)a[i] * other - one);
    }
    o[(ALPHA - 1) * q] = ALL(D(ZERO), D(2 + ZERO), D(4 + ZERO), D(6 + ZERO));
#undef D
}

/* Aᵀ d: m + 2 numbers to m. y[k] = Σ point^k · d[point], and d[∞] in the last one. */
INLINE void LINE(output_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    vec y[WINOGRAD_TILE];
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec plus = d[(ZERO + 2 * i) * s], minus = d[(ZERO + 2 * i + 1) * s];
        const vec sum = plus + minus, difference = plus - minus;
        double power = 1;
#pragma GCC unroll 6
        for (int k = 0; k < WINOGRAD_TILE; k++, power *= a[i]) {
            const vec term = (real)power * (k % 2 ? difference : sum);
            y[k] = i == 0 ? term : (vec)(y[k] + term);
        }
    }
    if (ZERO)
        y[0] += d[0];
    y[WINOGRAD_TILE - 1] += d[(ALPHA - 1) * s];
#pragma GCC unroll 6
    for (int k = 0; k < WINOGRAD_TILE; k++)
        o[k * q] = y[k];
}

/* A d: m numbers to m + 2: the polynomial d at the points. */
INLINE void LINE(gradient_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    if (ZERO)
        o[0] = d[0];
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        vec even = d[0], odd = d[s];
        double power = SQ(a[i]);
#pragma GCC unroll 6
        for (int k = 2; k < WINOGRAD_TILE; k++) {
            if (k % 2) {
                odd += (real)power * d[k * s];
                power *= SQ(a[i]);
            } else {
                even += (real)power * d[k * s];
            }
        }
        o[(ZERO + 2 * i) * q] = even + (real)a[i] * odd;
        o[(ZERO + 2 * i + 1) * q] = even - (real)a[i] * odd;
    }
    o[(ALPHA - 1) * q] = d[(WINOGRAD_TILE - 1) * s];
}

/* 1 / Π (point − other points) for ±a[i]; for 0 it is 1 / PRODUCT, for ∞ 1. */
INLINE double LINE(norm_pair)(int i)
{
    static const double a[] = POINTS;
    double product = 2 * a[i] * (ZERO ? a[i] : 1);
#pragma GCC unroll 3
    for (int j = 0; j < PAIRS; j++)
        if (j != i)
            product *= SQ(a[i]) - SQ(a[j]);
    return 1 / product;
}

/* G g: 3 numbers to m + 2. */
INLINE void LINE(weight_line)(const vec *g, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    if (ZERO)
        o[0] = (real)(1 / PRODUCT) * g[0];
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const double norm = LINE(norm_pair)(i);
        const vec even = (real)norm * g[0] + (real)(norm * SQ(a[i])) * g[2 * s], odd = (real)(norm * a[i]) * g[s];
        o[(ZERO + 2 * i) * q] = even + odd;
        o[(ZERO + 2 * i + 1) * q] = even - odd;
    }
    o[(ALPHA - 1) * q] = g[2 * s];
}

/* Gᵀ d: m + 2 numbers to 3. */
INLINE void LINE(dweight_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    vec y0, y1, y2;
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec plus = d[(ZERO + 2 * i) * s], minus = d[(ZERO + 2 * i + 1) * s];
        const double norm = LINE(norm_pair)(i);
        const vec sum = plus + minus, difference = plus - minus;
        y0 = i == 0 ? (vec)((real)norm * sum) : (vec)(y0 + (real)norm * sum);
        y1 = i == 0 ? (vec)((real)(norm * a[i]) * difference) : (vec)(y1 + (real)(norm * a[i]) * difference);
        y2 = i == 0 ? (vec)((real)(norm * SQ(a[i])) * sum) : (vec)(y2 + (real)(norm * SQ(a[i])) * sum);
    }
    o[0] = ZERO ? (vec)(y0 + (real)(1 / PRODUCT) * d[0]) : y0;
    o[q] = y1;
    o[2 * q] = y2 + d[(ALPHA - 1) * s];
}
