#include "math/channels.h"

#include <assert.h>
#include <math.h>

#include "base/parallel.h"
#include "math/softmax.h"

/* The pixels as columns: element k of column i is at [k·s]. */
struct columns {
    int c;
    size_t s, count;
};

static int tiles_of(const struct columns *columns)
{
    const int tiles = parallel_tiles(columns->count * (size_t)columns->c);
    return columns->count < (size_t)tiles ? (int)columns->count : tiles;
}

static size_t start(const struct columns *columns, size_t i)
{
    return i / columns->s * (size_t)columns->c * columns->s + i % columns->s;
}

/* Runs the statements for each column; `at` is the place of its first element. */
#define FOR_COLUMNS(...)                                                                                                                   \
    const struct columns columns = {c, s, (size_t)n * s};                                                                                  \
    const int tiles = tiles_of(&columns);                                                                                                  \
    _Pragma("omp parallel for schedule(static) if (tiles > 1)") for (int tile = 0; tile < tiles; tile++)                                   \
    {                                                                                                                                      \
        size_t begin, end;                                                                                                                 \
        parallel_range(columns.count, tile, tiles, &begin, &end);                                                                          \
        for (size_t i = begin; i < end; i++) {                                                                                             \
            const size_t at = start(&columns, i);                                                                                          \
            __VA_ARGS__                                                                                                                    \
        }                                                                                                                                  \
    }

static double positive_sum(const real *x, int c, size_t s)
{
    double sum = CHANNELS_EPSILON;
    for (int k = 0; k < c; k++)
        sum += x[(size_t)k * s] > 0 ? (double)x[(size_t)k * s] : 0;
    return sum;
}

/* The first of the largest. */
static int largest(const real *x, int c, size_t s)
{
    int best = 0;
    for (int k = 1; k < c; k++)
        if (x[(size_t)k * s] > x[(size_t)best * s])
            best = k;
    return best;
}

static void softmax_of(bool from_max, const real *x, int c, size_t s, real *y)
{
    const double m = (double)x[(size_t)largest(x, c, s) * s];
    double sum = from_max ? CHANNELS_EPSILON : CHANNELS_EPSILON * exp(-m); /* ε in units of e^m: nothing overflows */
    for (int k = 0; k < c; k++)
        sum += exp((double)x[(size_t)k * s] - m);
    for (int k = 0; k < c; k++)
        y[(size_t)k * s] = (real)(exp((double)x[(size_t)k * s] - m) / sum);
}

void channels_forward(struct activation a, const real *x, int n, int c, size_t s, real *y)
{
    assert(activation_of_channels(a));
    if (a.kind == ACTIVATION_SOFTMAX)
        softmax_forward(x, y, (size_t)n, c, s, 1);
    else if (a.kind == ACTIVATION_NORM_CHAN) {
        FOR_COLUMNS({
            const double sum = positive_sum(x + at, c, s);
            for (int k = 0; k < c; k++) {
                const size_t e = at + (size_t)k * s;
                y[e] = x[e] > 0 ? (real)((double)x[e] / sum) : 0;
            }
        })
    } else {
        const bool from_max = a.kind == ACTIVATION_NORM_CHAN_SOFTMAX_MAXVAL;
        FOR_COLUMNS({ softmax_of(from_max, x + at, c, s, y + at); })
    }
}

static double product(const real *a, const real *b, int c, size_t s)
{
    double sum = 0;
    for (int k = 0; k < c; k++)
        sum += (double)a[(size_t)k * s] * (double)b[(size_t)k * s];
    return sum;
}

static void put(real *to, double g, bool overwrite)
{
    *to = overwrite ? (real)g : *to + (real)g;
}

/* d y_k / d x_j = [x_j > 0]·(δ − y_k) / sum */
static void norm_chan_backward(const real *x, const real *dy, int n, int c, size_t s, real *dx, bool overwrite)
{
    FOR_COLUMNS({
        const double sum = positive_sum(x + at, c, s);
        double dot = 0;
        for (int k = 0; k < c; k++)
            dot += x[at + (size_t)k * s] > 0 ? (double)x[at + (size_t)k * s] * (double)dy[at + (size_t)k * s] : 0;
        for (int k = 0; k < c; k++) {
            const size_t e = at + (size_t)k * s;
            put(dx + e, x[e] > 0 ? ((double)dy[e] - dot / sum) / sum : 0, overwrite);
        }
    })
}

void channels_backward(struct activation a, const real *x, const real *y, const real *dy, int n, int c, size_t s, real *dx, bool overwrite)
{
    assert(activation_of_channels(a));
    if (a.kind == ACTIVATION_NORM_CHAN) {
        norm_chan_backward(x, dy, n, c, s, dx, overwrite);
        return;
    }
    /* ε makes the outputs' sum a little less than 1; where m moves with the largest, that one gets (Σy − 1)·Σ y·dy besides. */
    const bool from_max = a.kind == ACTIVATION_NORM_CHAN_SOFTMAX_MAXVAL;
    FOR_COLUMNS({
        const double dot = product(y + at, dy + at, c, s);
        double missing = 1;
        for (int k = 0; k < c && from_max; k++)
            missing -= (double)y[at + (size_t)k * s];
        const int top = from_max ? largest(y + at, c, s) : -1;
        for (int k = 0; k < c; k++) {
            const size_t e = at + (size_t)k * s;
            put(dx + e, (double)y[e] * ((double)dy[e] - dot) - (k == top ? missing * dot : 0), overwrite);
        }
    })
}

void channels_unit_forward(const real *x, int n, int c, size_t s, real *y, real *length)
{
    FOR_COLUMNS({
        const double root = sqrt(product(x + at, x + at, c, s));
        length[i] = (real)root;
        for (int k = 0; k < c; k++)
            y[at + (size_t)k * s] = root > 0 ? (real)((double)x[at + (size_t)k * s] / root) : 0;
    })
}

void channels_unit_backward(const real *y, const real *length, const real *dy, int n, int c, size_t s, real *dx, bool overwrite)
{
    FOR_COLUMNS({
        const double dot = product(y + at, dy + at, c, s), root = (double)length[i];
        for (int k = 0; k < c; k++) {
            const size_t e = at + (size_t)k * s;
            put(dx + e, root > 0 ? ((double)dy[e] - (double)y[e] * dot) / root : 0, overwrite);
        }
    })
}
