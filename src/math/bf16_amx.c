/* AMX: the product of two tiles is one instruction; everything else is AVX-512's. */
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC target("amx-tile,amx-bf16")
#endif

#include <immintrin.h>

#include "math/bf16_avx512.h"
#include "math/bf16_kernels.h"

/* What ldtilecfg reads (Intel's Software Developer's Manual, volume 1, chapter 18). */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void begin(void)
{
    struct tile_config config = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        config.row_bytes[tile] = 64;
        config.rows[tile] = BF16_SIDE;
    }
    __asm__ volatile("ldtilecfg %0" ::"m"(config));
}

static void end(void)
{
    _tile_release();
}

/* Tiles 0 to 3 are the sums, 4 and 5 of A, 6 and 7 of B. down and across are constants wherever this is inlined. */
static inline __attribute__((always_inline)) void multiply_tiles(const struct bf16_product *p, int down, int across)
{
    float *c = p->c;
    const size_t row = BF16_SIDE * sizeof *c;
    if (p->add) {
        _tile_loadd(0, c, row);
        if (across > 1)
            _tile_loadd(1, c + BF16_SUMS, row);
        if (down > 1)
            _tile_loadd(2, c + 2 * BF16_SUMS, row);
        if (down > 1 && across > 1)
            _tile_loadd(3, c + 3 * BF16_SUMS, row);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int step = 0; step < p->steps; step++) {
        const char *a = (const char *)p->a + p->a_at[step], *b = (const char *)p->b + p->b_at[step];
        _tile_loadd(6, b, p->b_row);
        _tile_loadd(4, a, p->a_row);
        _tile_dpbf16ps(0, 4, 6);
        if (across > 1) {
            _tile_loadd(7, b + p->b_second, p->b_row);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (down > 1) {
            _tile_loadd(5, a + p->a_second, p->a_row);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (down > 1 && across > 1)
            _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, row);
    if (across > 1)
        _tile_stored(1, c + BF16_SUMS, row);
    if (down > 1)
        _tile_stored(2, c + 2 * BF16_SUMS, row);
    if (down > 1 && across > 1)
        _tile_stored(3, c + 3 * BF16_SUMS, row);
}

static void multiply(const struct bf16_product *p)
{
    if (p->down > 1 && p->across > 1)
        multiply_tiles(p, 2, 2);
    else if (p->down > 1)
        multiply_tiles(p, 2, 1);
    else if (p->across > 1)
        multiply_tiles(p, 1, 2);
    else
        multiply_tiles(p, 1, 1);
}

const struct bf16_kernels bf16_amx = {.begin = begin,
                                      .end = end,
                                      .multiply = multiply,
                                      .output = bf16_avx512_output,
                                      .plain = bf16_avx512_plain,
                                      .pairs = bf16_avx512_pairs,
                                      .transpose = bf16_avx512_transpose,
                                      .pack = bf16_avx512_pack,
                                      .collect = bf16_avx512_collect};
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int bf16_amx_is_empty;
#endif
