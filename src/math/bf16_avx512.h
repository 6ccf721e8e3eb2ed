/* bf16_avx512: the kernels of bf16_avx512.c that serve bf16_amx.c, too; see bf16_kernels.h. */
#ifndef DLNET_MATH_BF16_AVX512_H
#define DLNET_MATH_BF16_AVX512_H

#include "math/bf16_kernels.h"

void bf16_avx512_output(const struct bf16_output *o);
void bf16_avx512_plain(const struct bf16_source *s, const struct bf16_rows *rows, bf16 *to);
void bf16_avx512_pairs(const struct bf16_source s[2], const struct bf16_rows *rows, bf16 *to);
void bf16_avx512_transpose(const bf16 *rows, size_t row, int tiles, bf16 *to);
void bf16_avx512_pack(const real *from, size_t row, size_t col, int rows, int cols, bf16 *to);
void bf16_avx512_collect(const float *c, size_t distance, int slots, int rows, int cols, real *to, size_t ld, size_t step);

#endif
