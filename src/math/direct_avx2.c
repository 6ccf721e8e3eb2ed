#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#include "math/vec_avx2.h"

#define ROWS 4
#define VECTORS 3
#define GRADIENT_ROWS 4
#define GRADIENT_TAPS 3
#define DIRECT_TABLE direct_avx2
#include "math/direct_simd.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int direct_avx2_is_empty;
#endif
