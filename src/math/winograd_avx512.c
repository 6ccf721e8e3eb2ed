#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#include "math/vec_avx512.h"

#define MULTIPLY_ROWS 14
#define GRADIENT_ROWS 8
#define WINOGRAD_TABLE winograd_avx512
#include "math/winograd_simd.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int winograd_avx512_is_empty;
#endif
