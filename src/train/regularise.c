#include "train/regularise.h"

#include <math.h>

#include "base/parallel.h"
#include "base/simd.h"
#include "math/vector.h"

static bool decoupled(const struct net_options *o)
{
    return o->decay_mode == DECAY_DECOUPLED;
}

struct regularise regularise_of(const struct net_options *o, const struct param *p, double rate, double scale)
{
    const double decay = o->decay * (double)p->decay_mult;
    struct regularise r = {.scale = (real)scale, .clip = (real)o->clip, .l1 = (real)(o->l1 * (double)p->decay_mult)};
    if (!decoupled(o))
        r.l2 = (real)decay;
    else /* Loshchilov and Hutter 2019, algorithm 2, where PyTorch lets the whole rate multiply the decay */
        r.shrink = (real)(o->optimizer == OPTIMIZER_ADAMW ? rate * decay : decay);
    return r;
}

SIMD_CLONES static void mean(const real *restrict g, const real *restrict w, real *restrict d, size_t n, real scale, real l2)
{
    for (size_t i = 0; i < n; i++)
        d[i] = g[i] * scale + l2 * w[i];
}

SIMD_CLONES static void clipped(const real *restrict g, const real *restrict w, real *restrict d, size_t n, real scale, real l2, real clip)
{
    for (size_t i = 0; i < n; i++) {
        const real m = g[i] * scale, low = m < -clip ? -clip : m;
        d[i] = (low > clip ? clip : low) + l2 * w[i];
    }
}

SIMD_CLONES static void add_sign(const real *restrict w, real *restrict d, size_t n, real l1)
{
    for (size_t i = 0; i < n; i++)
        d[i] += l1 * (real)((w[i] > 0) - (w[i] < 0));
}

SIMD_CLONES static void multiply(real *w, size_t n, real factor)
{
    for (size_t i = 0; i < n; i++)
        w[i] *= factor;
}

void regularise_gradient(const struct regularise *r, real *w, const real *g, real *d, size_t n)
{
    if (r->clip > 0)
        clipped(g, w, d, n, r->scale, r->l2, r->clip);
    else
        mean(g, w, d, n, r->scale, r->l2);
    if (r->l1 > 0)
        add_sign(w, d, n, r->l1);
    if (r->shrink > 0)
        multiply(w, n, 1 - r->shrink);
}

double regularise_noise_deviation(const struct net_options *o, int64_t t)
{
    return sqrt(o->noise / pow(1 + (double)t, o->noise_gamma));
}

void regularise_noise(real *g, size_t begin, size_t end, struct rng r, double deviation)
{
    r.index = 2 * begin; /* a normal number takes two draws */
    for (size_t i = begin; i < end; i++)
        g[i] += (real)(deviation * rng_normal(&r));
}

SIMD_CLONES static double square_sum(const real *g, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    return sum;
}

SIMD_CLONES static double absolute_sum(const real *g, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)g[i]);
    return sum;
}

double regularise_square_sum(const real *g, size_t n)
{
    return square_sum(g, n);
}

void regularise_max_norm(struct param *p)
{
    const size_t in = shape_each(p->shape);
    const double most = (double)p->max_norm;
#pragma omp parallel for schedule(static)
    for (int k = 0; k < p->shape.n; k++) {
        real *w = p->value + (size_t)k * in;
        const double norm = sqrt(square_sum(w, in));
        if (norm > most)
            multiply(w, in, (real)(most / norm));
    }
}

static double vector_absolute_sum(const real *x, size_t n)
{
    double partial[256], sum = 0;
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int t = 0; t < tiles; t++) {
        size_t begin, end;
        parallel_range(n, t, tiles, &begin, &end);
        partial[t] = absolute_sum(x + begin, end - begin);
    }
    for (int t = 0; t < tiles; t++)
        sum += partial[t];
    return sum;
}

bool regularise_has_penalty(const struct net_options *o)
{
    return o->l1 > 0 || (o->decay > 0 && !decoupled(o));
}

double regularise_penalty(const struct net_options *o, struct param *const *param, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const struct param *p = param[i];
        if (p->decay_mult == 0 || p->lr_mult == 0)
            continue;
        const size_t size = shape_size(p->shape);
        if (o->decay > 0 && !decoupled(o))
            sum += (double)p->decay_mult * o->decay / 2 * vector_sum_squares(p->value, size);
        if (o->l1 > 0)
            sum += (double)p->decay_mult * o->l1 * vector_absolute_sum(p->value, size);
    }
    return sum;
}
