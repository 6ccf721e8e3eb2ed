#include "math/winograd_kernels.h"
#include "math/winograd_plan.h"

/* The cost of a pass in products of transformed numbers, for each pair of channel and filter: points · (tiles + what weights cost), times
 * what was measured beyond that (two cores with AVX-512): the transforms of large tiles are dearer, and there are fewer tiles for a
 * kernel's registers. 0: not used. m = 6 loses twice the digits of m = 5, and outputs carry their errors on through the layers. */
static const double excess[][WINOGRAD_MAX_TILE + 1] = {
    [CONV_FORWARD] = {[2] = 1.03, [3] = 0.97, [4] = 1, [5] = 1.12},
    [CONV_BACKWARD_DATA] = {[2] = 1.03, [3] = 0.97, [4] = 1, [5] = 1.12},
    [CONV_BACKWARD_WEIGHTS] = {[2] = 1.03, [3] = 1, [4] = 1, [5] = 1.04, [6] = 1.1},
};

/* The work of reading or transforming the weights, or of transforming their gradient back, in tiles: it decides where there are few tiles.
 */
static const double weight_tiles[] = {[CONV_FORWARD] = 8, [CONV_BACKWARD_DATA] = 28, [CONV_BACKWARD_WEIGHTS] = 8};

/* A product in conv_gemm, where BLAS also reads im2col's copies. */
#define GEMM_EXCESS 1.5
/* Fewer channels leave most lanes of the vectors empty. */
#define MIN_CHANNELS 8

int winograd_choose(const struct conv_shape *s, enum conv_pass pass)
{
    /* In double, gradient checks want the digits more than the speed. */
    if (sizeof(real) > sizeof(float) || !s->winograd || !winograd_fits(s) || s->channels < MIN_CHANNELS || s->filters < MIN_CHANNELS)
        return 0;
    const int height = pass == CONV_BACKWARD_DATA ? s->height : s->out_h, width = pass == CONV_BACKWARD_DATA ? s->width : s->out_w;
    double best = GEMM_EXCESS * 9 * s->batch * s->out_h * s->out_w;
    int tile = 0;
    for (int m = WINOGRAD_MIN_TILE; m <= WINOGRAD_MAX_TILE; m++) {
        if (excess[pass][m] == 0 || (s->halve && m % 2 != 0))
            continue;
        const double tiles = (double)s->batch * winograd_ceil_div(height, m) * winograd_ceil_div(width, m);
        const double cost = excess[pass][m] * (m + 2) * (m + 2) * (tiles + weight_tiles[pass]);
        if (cost < best) {
            best = cost;
            tile = m;
        }
    }
    return tile;
}
