/* The sums that the statistics of batch norm come from. In double: Σ x² − (Σ x)²/N would lose the variance of a channel far from 0. */
#include "base/simd.h"
#include "math/norm_passes.h"

SIMD_CLONES static void moments(const real *x, size_t n, double out[2])
{
    double sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum, squares)
    for (size_t i = 0; i < n; i++) {
        const double v = (double)x[i];
        sum += v;
        squares += v * v;
    }
    out[0] += sum;
    out[1] += squares;
}

void norm_plane_moments(const real *x, size_t n, double out[2])
{
    out[0] = out[1] = 0;
    for (size_t i = 0; i < n; i += NORM_CHUNK) {
        if (i + 2 * NORM_CHUNK <= n)
            norm_fetch(x + i + NORM_CHUNK, NORM_CHUNK);
        moments(x + i, norm_least(NORM_CHUNK, n - i), out);
    }
}

void norm_add_pairs(const double *pair, int images, int c, int k, double out[2])
{
    out[0] = out[1] = 0;
    for (int i = 0; i < images; i++) {
        out[0] += pair[2 * ((size_t)i * (size_t)c + (size_t)k)];
        out[1] += pair[2 * ((size_t)i * (size_t)c + (size_t)k) + 1];
    }
}

void norm_set_statistics(const double sum[2], double count, real *mean, real *variance)
{
    const double m = sum[0] / count, v = sum[1] / count - m * m;
    *mean = (real)m;
    *variance = (real)(v > 0 ? v : 0); /* rounding may leave a constant channel below 0 */
}

void norm_add_moments(const real *x, size_t ld, int rows, size_t n, double sum[2])
{
    if (n == ld)
        moments(x, n * (size_t)rows, sum);
    else
        for (int row = 0; row < rows; row++)
            moments(x + (size_t)row * ld, n, sum);
}

void norm_statistics(const double *pair, int parts, int c, double count, real *mean, real *variance)
{
#pragma omp parallel for schedule(static) if ((long)parts * c > NORM_CHUNK)
    for (int k = 0; k < c; k++) {
        double sum[2];
        norm_add_pairs(pair, parts, c, k, sum);
        norm_set_statistics(sum, count, mean + k, variance + k);
    }
}
