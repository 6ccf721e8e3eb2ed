#include "math/eigen.h"

#include <math.h>

#include "base/mem.h"

/* Fortran: everything by address, then the lengths of the texts. Divide and conquer; LAPACK Users' Guide. */
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work, const int *lwork,
             int *iwork, const int *liwork, int *info, size_t jobz_length, size_t uplo_length);

static void fix_sign(double *v, int n)
{
    int largest = 0;
    for (int i = 1; i < n; i++)
        if (fabs(v[i]) > fabs(v[largest]))
            largest = i;
    for (int i = 0; i < n && v[largest] < 0; i++)
        if (i != largest)
            v[i] = -v[i];
    v[largest] = fabs(v[largest]);
}

int eigen_symmetric(int n, double *a, double *value)
{
    /* LAPACK's matrices stand by columns: its upper triangle is the lower one here, and its vectors, which are columns, rows. */
    int info = -1, integers = -1, doubles = -1, wanted_integers = 0;
    double wanted_doubles = 0;
    dsyevd_("V", "U", &n, a, &n, value, &wanted_doubles, &doubles, &wanted_integers, &integers, &info, 1, 1);
    if (info != 0)
        return -1;
    doubles = (int)wanted_doubles;
    integers = wanted_integers;
    double *work = mem_try((size_t)doubles, sizeof *work);
    int *iwork = mem_try((size_t)integers, sizeof *iwork);
    info = -1;
    if (work && iwork)
        dsyevd_("V", "U", &n, a, &n, value, work, &doubles, iwork, &integers, &info, 1, 1);
    mem_free(work);
    mem_free(iwork);
    for (int k = 0; k < n && info == 0; k++)
        fix_sign(a + (size_t)k * (size_t)n, n);
    return info == 0 ? 0 : -1;
}

size_t eigen_bytes(int n)
{
    return 2 * (size_t)n * ((size_t)n + 8) * sizeof(double); /* dsyevd's work and integers: 1 + 6n + 2n², 3 + 5n */
}
