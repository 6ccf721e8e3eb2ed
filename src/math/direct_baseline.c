#include "math/vec_baseline.h"

#ifdef __aarch64__
#define ROWS 8
#else
#define ROWS 4
#endif
#define VECTORS 3
#define GRADIENT_ROWS 4
#define GRADIENT_TAPS 3
#define DIRECT_TABLE direct_baseline
#include "math/direct_simd.h"
