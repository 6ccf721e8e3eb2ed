#include "math/orthogonal.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "math/gemm.h"

/* LAPACK, from OpenBLAS. Matrices are column by column. */
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau, double *work, const int *lwork,
             int *info);

enum { BLOCK = 64 }; /* columns at a time */

/* Q of the QR decomposition of m × n numbers, m ≥ n, with R's diagonal made positive, in their place. */
static void unit_columns(double *a, int m, int n, double *work)
{
    double *tau = work, *sign = work + n, *rest = work + 2 * (size_t)n;
    const int lwork = n * BLOCK;
    int info = 0;
    dgeqrf_(&m, &n, a, &m, tau, rest, &lwork, &info);
    assert(info == 0);
    for (int k = 0; k < n; k++)
        sign[k] = a[(size_t)k * (size_t)m + (size_t)k] < 0 ? -1 : 1;
    dorgqr_(&m, &n, &n, a, &m, tau, rest, &lwork, &info);
    for (int k = 0; k < n; k++)
        for (int i = 0; i < m; i++)
            a[(size_t)k * (size_t)m + (size_t)i] *= sign[k];
    assert(info == 0);
}

void orthogonal(real *w, int rows, int cols)
{
    gemm_init(); /* one thread, so that the bits are the same whatever their number */
    const bool wide = rows <= cols;
    const int n = wide ? rows : cols, m = wide ? cols : rows;
    double *a = mem_new((size_t)m * (size_t)n, sizeof *a), *work = mem_new((size_t)n * (BLOCK + 2), sizeof *work);
    /* The short side's vectors are the columns. */
    for (size_t k = 0; k < (size_t)n; k++)
        for (size_t i = 0; i < (size_t)m; i++)
            a[k * (size_t)m + i] = (double)w[wide ? k * (size_t)m + i : i * (size_t)n + k];
    unit_columns(a, m, n, work);
    for (size_t k = 0; k < (size_t)n; k++)
        for (size_t i = 0; i < (size_t)m; i++)
            w[wide ? k * (size_t)m + i : i * (size_t)n + k] = (real)a[k * (size_t)m + i];
    free(a);
    free(work);
}
