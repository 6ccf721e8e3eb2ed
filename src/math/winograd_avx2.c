#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#include "math/vec_avx2.h"

#define MULTIPLY_ROWS 6
#define GRADIENT_ROWS 4
#define WINOGRAD_TABLE winograd_avx2
#include "math/winograd_simd.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int winograd_avx2_is_empty;
#endif
