#include "math/gemm.h"

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "base/parallel.h"
#include "base/simd.h"

/* Below this many multiplications a tile is not worth a task of its own. */
#define TILE_WORK (1 << 20)
/* Above this many numbers the tile of C is no longer in cache when BLAS has finished it. */
#define TILE_AREA (1 << 18)
/* Wanted tiles of a product that is large enough: divisible among 2, 4 and 8 threads, while each stays in the range where BLAS is at its
 * best. */
#define TILE_COUNT 16
/* Numbers of B that a task reads where A is one row, and rows of B that it reads side by side. */
#define ROW_TASK (1 << 15)
#define ROWS 4

void gemm_init(void)
{
    openblas_set_num_threads(1);
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

struct gemm_library gemm_library(void)
{
    /* OpenBLAS's names of x86-64 cores by what their kernels use (its TargetList.txt). */
    static const char *const sse_or_avx[] = {"Prescott",   "Core2",       "Penryn",       "Dunnington", "Nehalem", "Sandybridge",
                                             "Atom",       "Opteron",     "Opteron_SSE3", "Barcelona",  "Bobcat",  "Bulldozer",
                                             "Piledriver", "Steamroller", "Nano",         NULL};
    static const char *const avx2[] = {"Haswell", "Zen", "Excavator", NULL};
    static const char *const threads[] = {"serial", "pthread", "OpenMP"};
    const int parallel = openblas_get_parallel();
    struct gemm_library g = {.config = openblas_get_config(),
                             .core = openblas_get_corename(),
                             .threads = threads[parallel == 1 || parallel == 2 ? parallel : 0],
                             .isa = cpu_best()};
    if (is_one_of(g.core, sse_or_avx))
        g.isa = CPU_BASELINE;
    else if (is_one_of(g.core, avx2) && g.isa > CPU_AVX2)
        g.isa = CPU_AVX2;
    return g;
}

static int round_up(int value, int multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

struct gemm_grid gemm_tiles(int m, int n, int k, int wanted)
{
    struct gemm_grid g = {m > 0 ? m : 1, n > 0 ? n : 1, 1, 1};
    for (;;) {
        const double area = (double)g.rows * g.cols;
        if (area <= TILE_AREA && (g.down * g.across >= wanted || area * k < 2.0 * TILE_WORK))
            return g;
        /* The longer side is halved; a row of C wants to stay a little longer than a column, because BLAS vectorises along it. */
        if (g.cols > g.rows && g.cols >= 64)
            g.cols = round_up((g.cols + 1) / 2, 32);
        else if (g.rows >= 16)
            g.rows = round_up((g.rows + 1) / 2, 8);
        else
            return g;
        g.down = (m + g.rows - 1) / g.rows;
        g.across = (n + g.cols - 1) / g.cols;
    }
}

void gemm_serial(int ta, int tb, int m, int n, int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta, real *c,
                 int ldc)
{
    if (m <= 0 || n <= 0)
        return;
    const CBLAS_TRANSPOSE at = ta ? CblasTrans : CblasNoTrans, bt = tb ? CblasTrans : CblasNoTrans;
#ifdef DLNET_DOUBLE
    cblas_dgemm(CblasRowMajor, at, bt, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
#else
    cblas_sgemm(CblasRowMajor, at, bt, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
#endif
}

/* sum[r] = Σ a[i]·b[r·ldb + i] over i < k. */
SIMD_CLONES static void dot_rows(const real *a, const real *b, size_t ldb, int k, real *sum)
{
    const real *b0 = b, *b1 = b + ldb, *b2 = b + 2 * ldb, *b3 = b + 3 * ldb;
    real s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (int i = 0; i < k; i++) {
        s0 += a[i] * b0[i];
        s1 += a[i] * b1[i];
        s2 += a[i] * b2[i];
        s3 += a[i] * b3[i];
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

SIMD_CLONES static real dot(const real *a, const real *b, int k)
{
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < k; i++)
        sum += a[i] * b[i];
    return sum;
}

/* One row times rows: as fast as they can be read, where BLAS would pack them first. */
static void row_by_rows(int n, int k, real alpha, const real *a, const real *b, int ldb, real beta, real *c)
{
    const int each = ROWS * (1 + ROW_TASK / ROWS / (k > 0 ? k : 1)), tiles = n / each + (n % each > 0);
#pragma omp parallel for schedule(static) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        const int end = n - tile * each < each ? n : (tile + 1) * each;
        for (int j = tile * each; j < end; j += ROWS) {
            real sum[ROWS];
            const real *rows = b + (size_t)j * (size_t)ldb;
            const int valid = end - j < ROWS ? end - j : ROWS;
            if (valid == ROWS)
                dot_rows(a, rows, (size_t)ldb, k, sum);
            else
                for (int r = 0; r < valid; r++)
                    sum[r] = dot(a, rows + (size_t)r * (size_t)ldb, k);
            for (int r = 0; r < valid; r++)
                c[j + r] = alpha * sum[r] + (beta == 0 ? 0 : beta * c[j + r]);
        }
    }
}

void gemm(int ta, int tb, int m, int n, int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta, real *c, int ldc)
{
    if (m == 1 && !ta && tb) {
        row_by_rows(n, k, alpha, a, b, ldb, beta, c);
        return;
    }
    const struct gemm_grid g = gemm_tiles(m, n, k, TILE_COUNT);
    const int tiles = g.down * g.across;
#pragma omp parallel for schedule(dynamic) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        const int i = tile / g.across * g.rows, j = tile % g.across * g.cols;
        const int rows = m - i < g.rows ? m - i : g.rows, cols = n - j < g.cols ? n - j : g.cols;
        const real *at = a + (ta ? (size_t)i : (size_t)i * (size_t)lda);
        const real *bt = b + (tb ? (size_t)j * (size_t)ldb : (size_t)j);
        gemm_serial(ta, tb, rows, cols, k, alpha, at, lda, bt, ldb, beta, c + (size_t)i * (size_t)ldc + j, ldc);
    }
}

void gemm_gram(int n, int d, const double *x, double *c)
{
    enum { SIDE = 256 };
    const int across = (d + SIDE - 1) / SIDE, tiles = across * (across + 1) / 2;
#pragma omp parallel for schedule(dynamic) if (tiles > 1)
    for (int tile = 0; tile < tiles; tile++) {
        int row = 0, column = tile; /* of the triangle of tiles */
        while (column > row)
            column -= ++row;
        const int i = row * SIDE, j = column * SIDE, rows = d - i < SIDE ? d - i : SIDE, cols = d - j < SIDE ? d - j : SIDE;
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, n, 1, x + i, d, x + j, d, 1, c + (size_t)i * (size_t)d + j, d);
    }
}
