/* eigen: eigenvalues and eigenvectors of a symmetric matrix; with orthogonal.h the only caller of LAPACK (of OpenBLAS). */
#ifndef DLNET_MATH_EIGEN_H
#define DLNET_MATH_EIGEN_H

#include <stddef.h>

/* a: n × n, of which the lower triangle (row-major: column ≤ row) is read. On return value[n] rises, and row k of a is the eigenvector of
 * value[k], of length 1; its sign is such that its entry of largest magnitude (the first of equal ones) is positive. In the calling
 * thread. -1: no memory, or it didn't converge (numbers that aren't finite). */
int eigen_symmetric(int n, double *a, double *value);

/* Memory that eigen_symmetric takes, about. */
size_t eigen_bytes(int n);

#endif
