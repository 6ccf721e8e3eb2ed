#include "math/vec_baseline.h"

#define GRADIENT_ROWS LANES
#ifdef __aarch64__
#define MULTIPLY_ROWS 14
#else
#define MULTIPLY_ROWS 6
#endif
#define WINOGRAD_TABLE winograd_baseline
#include "math/winograd_simd.h"
