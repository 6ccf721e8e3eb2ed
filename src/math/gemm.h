/* gemm: matrix multiplication, the only caller of BLAS. */
#ifndef DLNET_MATH_GEMM_H
#define DLNET_MATH_GEMM_H

#include "base/cpu.h"
#include "base/real.h"

/* C = alpha·op(A)·op(B) + beta·C, row-major; op(A) is m × k, op(B) k × n, C m × n with row strides lda, ldb, ldc; ta, tb: 1 transposes.
 * Cuts C into tiles that depend on m, n, k alone and calls single-threaded BLAS for each: the same bits with any number of threads. */
void gemm(int ta, int tb, int m, int n, int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta, real *c, int ldc);

/* The same in the calling thread only, for use inside an OpenMP loop. */
void gemm_serial(int ta, int tb, int m, int n, int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta, real *c,
                 int ldc);

/* The lower triangle of C (d × d, column ≤ row) += XᵀX, X n × d, in double; what is above it is undefined. Tiles as of gemm. */
void gemm_gram(int n, int d, const double *x, double *c);

/* The tiles of an m × n product over k: `down` × `across` of them, of `rows` × `cols` (those at the end may be smaller). About `wanted` of
 * them, fewer when they would be too small and more when they would not stay in cache. For kernels that run gemm_serial on the tiles
 * themselves. */
struct gemm_grid {
    int rows, cols, down, across;
};
struct gemm_grid gemm_tiles(int m, int n, int k, int wanted);

/* Prepares BLAS (one thread a call). Call once at program start, before threads exist. */
void gemm_init(void);

/* What runs underneath. OpenBLAS chooses its kernels when the program starts, by the processor or by OPENBLAS_CORETYPE. */
struct gemm_library {
    const char *config;  /* version and build options, as the library tells them */
    const char *core;    /* the processor whose kernels are in use */
    const char *threads; /* "serial", "pthread" or "OpenMP": how it was built */
    enum cpu_isa isa;    /* that those kernels use; what the processor has, where the core's name isn't known */
};
struct gemm_library gemm_library(void);

#endif
