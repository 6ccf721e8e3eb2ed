/* simd: run-time choice of the instruction set.
 *
 * A function marked SIMD_CLONES is compiled for the x86-64 baseline, AVX2 and AVX-512; the loader of the program picks one at start. Put it
 * on serial kernels that are called once a tile, not on a function that contains an OpenMP pragma (its outlined body would not be cloned).
 */
#ifndef DLNET_BASE_SIMD_H
#define DLNET_BASE_SIMD_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SIMD_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define SIMD_CLONES
#endif

#endif
