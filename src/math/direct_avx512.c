#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#include "math/vec_avx512.h"

#define ROWS 8
#define VECTORS 3
#define GRADIENT_ROWS 4
#define GRADIENT_TAPS 6
#define DIRECT_TABLE direct_avx512
#include "math/direct_simd.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int direct_avx512_is_empty;
#endif
