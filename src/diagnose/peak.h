/* peak: how fast this machine multiplies and adds, measured. */
#ifndef DLNET_DIAGNOSE_PEAK_H
#define DLNET_DIAGNOSE_PEAK_H

/* Multiplications and additions of 32-bit floats a second, in GFLOP/s, that `threads` threads reach together with the widest vectors of the
 * processor, from registers alone: the best of several short tries, .1 s in all. */
double peak_gflops(int threads);

/* One number for each of n such tries of 10 ms. */
void peak_tries(int threads, int n, double *gflops);

/* The same for BLAS: each thread multiplies matrices of its own of 512 x 512. */
double peak_gemm_gflops(int threads);

/* The same for the best kernel of math/bf16_kernels.h, on tiles that the first-level cache holds. */
double peak_bf16_gflops(int threads);

#endif
