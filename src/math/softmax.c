#include "math/softmax.h"

#include <math.h>

#include "base/parallel.h"

/* Runs BODY for each row, in tiles whose number depends on the shape alone; `at` is the place of the row's first element. */
#define FOR_ROWS(BODY)                                                                                                                     \
    const int tiles = tiles_of(outer * step, k);                                                                                           \
    _Pragma("omp parallel for schedule(static) if (tiles > 1)") for (int tile = 0; tile < tiles; tile++)                                   \
    {                                                                                                                                      \
        size_t begin, end;                                                                                                                 \
        parallel_range(outer *step, tile, tiles, &begin, &end);                                                                            \
        for (size_t row = begin; row < end; row++) {                                                                                       \
            const size_t at = row / step * (size_t)k * step + row % step;                                                                  \
            BODY                                                                                                                           \
        }                                                                                                                                  \
    }

static int tiles_of(size_t rows, int k)
{
    const int tiles = parallel_tiles(rows * (size_t)k);
    return rows < (size_t)tiles ? (int)rows : tiles;
}

static real exponential(real v)
{
    return sizeof(real) == sizeof(float) ? (real)expf((float)v) : (real)exp((double)v);
}

static real largest(const real *x, int k, size_t step)
{
    real m = x[0];
    for (int i = 1; i < k; i++)
        if (m < x[(size_t)i * step])
            m = x[(size_t)i * step];
    return m;
}

void softmax_forward(const real *x, real *y, size_t outer, int k, size_t step, real temperature)
{
    FOR_ROWS({
        const real m = largest(x + at, k, step);
        double sum = 0;
        for (int i = 0; i < k; i++) {
            const real e = exponential((x[at + (size_t)i * step] - m) / temperature);
            y[at + (size_t)i * step] = e;
            sum += (double)e;
        }
        const real inverse = (real)(1 / sum);
        for (int i = 0; i < k; i++)
            y[at + (size_t)i * step] *= inverse;
    })
}

void softmax_backward(const real *y, const real *dy, real *dx, size_t outer, int k, size_t step, real temperature, bool overwrite)
{
    FOR_ROWS({
        double dot = 0;
        for (int i = 0; i < k; i++)
            dot += (double)y[at + (size_t)i * step] * (double)dy[at + (size_t)i * step];
        for (int i = 0; i < k; i++) {
            const size_t e = at + (size_t)i * step;
            const real g = y[e] * (dy[e] - (real)dot) / temperature;
            dx[e] = overwrite ? g : dx[e] + g;
        }
    })
}

double softmax_cross_entropy(const real *x, const real *t, size_t outer, int k, size_t step, real temperature)
{
    double partial[256] = {0};
    FOR_ROWS({
        const double m = (double)largest(x + at, k, step);
        double sum = 0;
        for (int i = 0; i < k; i++)
            sum += exp(((double)x[at + (size_t)i * step] - m) / (double)temperature);
        const double log_sum = log(sum);
        double loss = 0;
        for (int i = 0; i < k; i++) {
            const size_t e = at + (size_t)i * step;
            if (t[e] != 0) /* 0·∞ is nothing here */
                loss += (double)t[e] * (log_sum - ((double)x[e] - m) / (double)temperature);
        }
        partial[tile] += loss;
    })
    double sum = 0;
    for (int i = 0; i < tiles; i++)
        sum += partial[i];
    return sum;
}

void softmax_cross_entropy_backward(const real *y, const real *t, real scale, real *dx, size_t outer, int k, size_t step, real temperature,
                                    bool overwrite)
{
    FOR_ROWS({
        double weight = 0;
        for (int i = 0; i < k; i++)
            weight += (double)t[at + (size_t)i * step];
        for (int i = 0; i < k; i++) {
            const size_t e = at + (size_t)i * step;
            const real g = scale * (y[e] * (real)weight - t[e]) / temperature;
            dx[e] = overwrite ? g : dx[e] + g;
        }
    })
}
