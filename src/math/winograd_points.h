/* winograd_points: the one-dimensional transforms of F(m, 3) on vectors. A template: included once for each m with WINOGRAD_TILE = m.
 *
 * Toom and Cook's construction over m + 1 finite points and ∞. The points are 0, pairs ±a, and for odd m one single point q; the even and
 * odd parts of a pair are found once and serve both its points. Where there is q, every polynomial of the input transform but q's own has
 * the factor (x − q), so those work on the differences d[k + 1] − q·d[k].
 *
 * The pairs were chosen by measured error against double precision. For m = 4, ±5/8 and ±3/2 halve the error of the usual ±1 and ±2;
 * squares and products of the points are exact in binary.
 *
 * Points are stored in the order 0, +a, −a, +b, −b, …, q, ∞. s and q below are distances between the numbers of a line. */
#define LINE_(name, m) name##_##m
#define LINE__(name, m) LINE_(name, m)
#define LINE(name) LINE__(name, WINOGRAD_TILE)

#undef ALPHA
#undef PAIRS
#undef SINGLE
#undef A0
#undef A1
#undef A2
#define ALPHA (WINOGRAD_TILE + 2)
#define PAIRS (WINOGRAD_TILE / 2)
#if WINOGRAD_TILE == 2
#define A0 1.0
#elif WINOGRAD_TILE == 3
#define A0 1.0
#define SINGLE 2.0
#elif WINOGRAD_TILE == 4
#define A0 0.625
#define A1 1.5
#elif WINOGRAD_TILE == 5
#define A0 1.0
#define A1 2.0
#define SINGLE 0.5
#else
#define A0 0.5
#define A1 1.0
#define A2 2.0
#endif

/* ALL: Π (x² − a²) over the pairs, REST(i): the same without pair i, as polynomials of x² whose leading coefficient is 1; d[k] is the k-th
 * power. */
#define SQ(a) ((a) * (a))
#undef POINTS
#undef ALL
#undef REST
#undef PRODUCT
#if PAIRS == 1
#define POINTS                                                                                                                             \
    {                                                                                                                                      \
        A0                                                                                                                                 \
    }
#define ALL(d0, d1, d2, d3) ((d1) - (real)SQ(A0) * (d0))
#define REST(i, d0, d1, d2) (d0)
#define PRODUCT (-SQ(A0))
#elif PAIRS == 2
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

/* Bᵀ d: m + 2 numbers to m + 2. */
INLINE void LINE(input_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
#ifdef SINGLE
    vec e[ALPHA];
#pragma GCC unroll 8
    for (int k = 0; k < ALPHA - 1; k++)
        e[k] = d[(k + 1) * s] - (real)SINGLE * d[k * s];
#define E(k) e[(k) < ALPHA - 1 ? (k) : 0] /* the others are not used by ALL and REST */
#else
#define E(k) d[(k) < ALPHA ? (k)*s : 0]
#endif
#define D(k) d[(k) < ALPHA ? (k)*s : 0]
    o[0] = ALL(E(0), E(2), E(4), E(6));
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec even = REST(i, E(2), E(4), E(6)), odd = REST(i, E(1), E(3), E(5));
        o[(1 + 2 * i) * q] = even + (real)a[i] * odd;
        o[(2 + 2 * i) * q] = even - (real)a[i] * odd;
    }
#ifdef SINGLE
    o[(ALPHA - 2) * q] = ALL(D(1), D(3), D(5), D(7));
#endif
    o[(ALPHA - 1) * q] = ALL(E(1), E(3), E(5), E(7));
#undef D
#undef E
}

/* Aᵀ d: m + 2 numbers to m. y[k] = Σ point^k · d[point], and d[∞] in the last one. */
INLINE void LINE(output_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    vec y[WINOGRAD_TILE];
#pragma GCC unroll 6
    for (int k = 0; k < WINOGRAD_TILE; k++) {
        if (k == 0 || k == WINOGRAD_TILE - 1)
            y[k] = d[k == 0 ? 0 : (ALPHA - 1) * s];
    }
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec sum = d[(1 + 2 * i) * s] + d[(2 + 2 * i) * s], difference = d[(1 + 2 * i) * s] - d[(2 + 2 * i) * s];
        double power = 1;
#pragma GCC unroll 6
        for (int k = 0; k < WINOGRAD_TILE; k++, power *= a[i]) {
            const vec term = (real)power * (k % 2 ? difference : sum);
            y[k] = i == 0 && k > 0 && k < WINOGRAD_TILE - 1 ? term : (vec)(y[k] + term);
        }
    }
#ifdef SINGLE
    double power = 1;
#pragma GCC unroll 6
    for (int k = 0; k < WINOGRAD_TILE; k++, power *= SINGLE)
        y[k] += (real)power * d[(ALPHA - 2) * s];
#endif
#pragma GCC unroll 6
    for (int k = 0; k < WINOGRAD_TILE; k++)
        o[k * q] = y[k];
}

/* A d: m numbers to m + 2. */
INLINE void LINE(gradient_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    o[0] = d[0];
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        vec even = d[0], odd = d[s];
        double power = SQ(a[i]);
#pragma GCC unroll 6
        for (int k = 2; k < WINOGRAD_TILE; k++) {
            if (k % 2)
                odd += (real)power * d[k * s];
            else
                even += (real)power * d[k * s];
            if (k % 2)
                power *= SQ(a[i]);
        }
        o[(1 + 2 * i) * q] = even + (real)a[i] * odd;
        o[(2 + 2 * i) * q] = even - (real)a[i] * odd;
    }
#ifdef SINGLE
    vec sum = d[0];
    double power = SINGLE;
#pragma GCC unroll 6
    for (int k = 1; k < WINOGRAD_TILE; k++, power *= SINGLE)
        sum += (real)power * d[k * s];
    o[(ALPHA - 2) * q] = sum;
#endif
    o[(ALPHA - 1) * q] = d[(WINOGRAD_TILE - 1) * s];
}

/* 1 / Π (point − other points): for 0, for +a[i] and −a[i], for q. */
INLINE double LINE(norm_pair)(int i, int sign)
{
    static const double a[] = POINTS;
    double product = 2 * SQ(a[i]);
#pragma GCC unroll 3
    for (int j = 0; j < PAIRS; j++)
        if (j != i)
            product *= SQ(a[i]) - SQ(a[j]);
#ifdef SINGLE
    product *= sign * a[i] - SINGLE;
#else
    (void)sign;
#endif
    return 1 / product;
}

#undef NORM_ZERO
#ifdef SINGLE
#define NORM_ZERO (1 / (PRODUCT * -SINGLE))
#undef NORM_SINGLE
#if PAIRS == 1
#define NORM_SINGLE (1 / (SINGLE * (SQ(SINGLE) - SQ(A0))))
#else
#define NORM_SINGLE (1 / (SINGLE * (SQ(SINGLE) - SQ(A0)) * (SQ(SINGLE) - SQ(A1))))
#endif
#else
#define NORM_ZERO (1 / PRODUCT)
#endif

/* G g: 3 numbers to m + 2. */
INLINE void LINE(weight_line)(const vec *g, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    o[0] = (real)NORM_ZERO * g[0];
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec even = g[0] + (real)SQ(a[i]) * g[2 * s], odd = (real)a[i] * g[s];
        o[(1 + 2 * i) * q] = (real)LINE(norm_pair)(i, 1) * (even + odd);
        o[(2 + 2 * i) * q] = (real)LINE(norm_pair)(i, -1) * (even - odd);
    }
#ifdef SINGLE
    o[(ALPHA - 2) * q] = (real)NORM_SINGLE * (g[0] + (real)SINGLE * g[s] + (real)SQ(SINGLE) * g[2 * s]);
#endif
    o[(ALPHA - 1) * q] = g[2 * s];
}

/* Gᵀ d: m + 2 numbers to 3. */
INLINE void LINE(dweight_line)(const vec *d, int s, vec *o, int q)
{
    static const double a[] = POINTS;
    vec y0 = (real)NORM_ZERO * d[0], y1, y2 = d[(ALPHA - 1) * s];
#pragma GCC unroll 3
    for (int i = 0; i < PAIRS; i++) {
        const vec plus = (real)LINE(norm_pair)(i, 1) * d[(1 + 2 * i) * s], minus = (real)LINE(norm_pair)(i, -1) * d[(2 + 2 * i) * s];
        y0 += plus + minus;
        y1 = i == 0 ? (vec)((real)a[i] * (plus - minus)) : (vec)(y1 + (real)a[i] * (plus - minus));
        y2 += (real)SQ(a[i]) * (plus + minus);
    }
#ifdef SINGLE
    const vec single = (real)NORM_SINGLE * d[(ALPHA - 2) * s];
    y0 += single;
    y1 += (real)SINGLE * single;
    y2 += (real)SQ(SINGLE) * single;
#endif
    o[0] = y0;
    o[q] = y1;
    o[2 * q] = y2;
}
