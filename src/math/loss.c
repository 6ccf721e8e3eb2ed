#include "math/loss.h"

#include <math.h>

#include "base/parallel.h"

#define MOST_TILES 256

struct value {
    double loss, slope;
};

/* log(1 + e^z) */
static double softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}

static double sigma(double z)
{
    const double e = exp(-fabs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/* −(1 − p)^γ·log p, p = σ(z), and its derivative (1 − p)^γ·(γ·p·log p − (1 − p)). */
static struct value focal(double z, double gamma)
{
    const double minus_log_p = softplus(-z), power = exp(-gamma * softplus(z)), p = sigma(z);
    return (struct value){power * minus_log_p, -power * (gamma * p * minus_log_p + sigma(-z))};
}

/* Of yes at z and, mirrored, of no. */
static struct value yes_or_no(const struct loss *l, double z, double t)
{
    t = t * (1 - l->smoothing) + l->smoothing / 2;
    struct value yes, no;
    switch (l->kind) {
    case LOSS_HINGE:
        yes = (struct value){fmax(0, 1 - z), z < 1 ? -1 : 0};
        no = (struct value){fmax(0, 1 + z), z > -1 ? -1 : 0};
        break;
    case LOSS_FOCAL:
        yes = focal(z, l->gamma);
        no = focal(-z, l->gamma);
        yes.loss *= l->alpha;
        yes.slope *= l->alpha;
        no.loss *= 1 - l->alpha;
        no.slope *= 1 - l->alpha;
        break;
    default:
        yes = (struct value){softplus(-z), -sigma(-z)};
        no = (struct value){softplus(z), -sigma(z)};
        break;
    }
    return (struct value){t * yes.loss + (1 - t) * no.loss, t * yes.slope - (1 - t) * no.slope};
}

static struct value value_of(const struct loss *l, double p, double t)
{
    const double d = p - t, size = fabs(d), sign = (d > 0) - (d < 0), delta = l->delta;
    switch (l->kind) {
    case LOSS_SQUARED:
        return (struct value){d * d / 2, d};
    case LOSS_MASKED:
        return t == LOSS_MASK ? (struct value){0, 0} : (struct value){d * d / 2, d};
    case LOSS_SMOOTH:
        return size < delta ? (struct value){d * d / (2 * delta), d / delta} : (struct value){size - delta / 2, sign};
    case LOSS_HUBER:
        return size < delta ? (struct value){d * d / 2, d} : (struct value){delta * (size - delta / 2), delta * sign};
    case LOSS_L1:
        return (struct value){size, sign};
    default:
        return yes_or_no(l, p, t);
    }
}

static double weight_of(const struct loss *l, size_t i)
{
    return l->weight ? l->weight[i / l->step % (size_t)l->classes] : 1;
}

static double add_up(const double *partial, int tiles)
{
    double sum = 0;
    for (int i = 0; i < tiles; i++)
        sum += partial[i];
    return sum;
}

double loss_sum(const struct loss *loss, const real *p, const real *t, size_t n)
{
    double partial[MOST_TILES];
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        partial[tile] = 0;
        for (size_t i = begin; i < end; i++)
            partial[tile] += weight_of(loss, i) * value_of(loss, (double)p[i], (double)t[i]).loss;
    }
    return add_up(partial, tiles);
}

void loss_backward(const struct loss *loss, const real *p, const real *t, double scale, real *dp, size_t n, bool overwrite)
{
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(n, tile, tiles, &begin, &end);
        for (size_t i = begin; i < end; i++) {
            const real g = (real)(scale * weight_of(loss, i) * value_of(loss, (double)p[i], (double)t[i]).slope);
            dp[i] = overwrite ? g : dp[i] + g;
        }
    }
}

/* Tiles of rows, and where a row's first element is. */
static int tiles_of(size_t rows, int k)
{
    const int tiles = parallel_tiles(rows * (size_t)k);
    return rows < (size_t)tiles ? (int)rows : tiles;
}

static size_t start(size_t row, int k, size_t step)
{
    return row / step * (size_t)k * step + row % step;
}

/* The two largest of a row. */
struct top {
    int first, second; /* second: −1 when k is 1 */
};

static struct top top_of(const real *z, int k, size_t step)
{
    struct top top = {0, -1};
    for (int i = 1; i < k; i++) {
        const real v = z[(size_t)i * step];
        if (v > z[(size_t)top.first * step])
            top = (struct top){i, top.first};
        else if (top.second < 0 || v > z[(size_t)top.second * step])
            top.second = i;
    }
    return top;
}

/* 1 + max_{j ≠ i} z_j − z_i, and that j. One class alone has nobody to be told from: 0. */
static double margin(const real *z, struct top top, int i, size_t step, int *other)
{
    *other = i == top.first ? top.second : top.first;
    return *other < 0 ? 0 : 1 + (double)z[(size_t)*other * step] - (double)z[(size_t)i * step];
}

double loss_margin(const real *z, const real *t, size_t outer, int k, size_t step)
{
    double partial[MOST_TILES];
    const int tiles = tiles_of(outer * step, k);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(outer * step, tile, tiles, &begin, &end);
        partial[tile] = 0;
        for (size_t row = begin; row < end; row++) {
            const size_t at = start(row, k, step);
            const struct top top = top_of(z + at, k, step);
            for (int i = 0, other; i < k; i++)
                partial[tile] += (double)t[at + (size_t)i * step] * fmax(0, margin(z + at, top, i, step, &other));
        }
    }
    return add_up(partial, tiles);
}

void loss_margin_backward(const real *z, const real *t, double scale, real *dz, size_t outer, int k, size_t step, bool overwrite)
{
    const int tiles = tiles_of(outer * step, k);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range(outer * step, tile, tiles, &begin, &end);
        for (size_t row = begin; row < end; row++) {
            const size_t at = start(row, k, step);
            const struct top top = top_of(z + at, k, step);
            for (int i = 0; i < k && overwrite; i++)
                dz[at + (size_t)i * step] = 0;
            for (int i = 0, other; i < k; i++) {
                const size_t e = at + (size_t)i * step;
                if (!(margin(z + at, top, i, step, &other) > 0))
                    continue;
                const real g = (real)(scale * (double)t[e]);
                dz[e] -= g;
                dz[at + (size_t)other * step] += g;
            }
        }
    }
}

void loss_class_targets(const real *t, double smoothing, const double *weight, real *out, size_t outer, int k, size_t step)
{
    const double share = k > 1 ? smoothing : 0, others = k > 1 ? share / (k - 1) : 0;
    for (size_t row = 0; row < outer * step; row++) {
        const size_t at = start(row, k, step);
        double sum = 0;
        for (int i = 0; i < k; i++)
            sum += (double)t[at + (size_t)i * step];
        for (int i = 0; i < k; i++) {
            const size_t e = at + (size_t)i * step;
            const double v = (1 - share) * (double)t[e] + others * (sum - (double)t[e]);
            out[e] = (real)(v * (weight ? weight[i] : 1));
        }
    }
}
