/* The kernels in plain C: for processors without the instructions, slower than float's. */
#include "base/simd.h"
#include "math/bf16_kernels.h"

static void nothing(void)
{
}

SIMD_CLONES static void multiply_tile(const struct bf16_product *p, int i, int j)
{
    float sum[BF16_SIDE][BF16_SIDE] = {{0}};
    float *c = p->c + (size_t)(2 * i + j) * BF16_SUMS;
    if (p->add)
        memcpy(sum, c, sizeof sum);
    for (int step = 0; step < p->steps; step++) {
        const char *a = (const char *)p->a + (size_t)i * p->a_second + p->a_at[step];
        const char *b = (const char *)p->b + (size_t)j * p->b_second + p->b_at[step];
        for (int pair = 0; pair < BF16_SIDE; pair++) {
            bf16 factors[BF16_DEPTH];
            float even[BF16_SIDE], odd[BF16_SIDE];
            memcpy(factors, b + (size_t)pair * p->b_row, sizeof factors);
            for (int n = 0; n < BF16_SIDE; n++) {
                even[n] = bf16_value(factors[2 * n]);
                odd[n] = bf16_value(factors[2 * n + 1]);
            }
            for (int m = 0; m < BF16_SIDE; m++) {
                bf16 w[2];
                memcpy(w, a + (size_t)m * p->a_row + (size_t)pair * sizeof w, sizeof w);
                const float w0 = bf16_value(w[0]), w1 = bf16_value(w[1]);
                for (int n = 0; n < BF16_SIDE; n++)
                    sum[m][n] += w0 * even[n] + w1 * odd[n];
            }
        }
    }
    memcpy(c, sum, sizeof sum);
}

static void multiply(const struct bf16_product *p)
{
    for (int i = 0; i < p->down; i++)
        for (int j = 0; j < p->across; j++)
            multiply_tile(p, i, j);
}

static void output(const struct bf16_output *o)
{
    for (int r = 0; r < o->rows; r++)
        for (int n = 0; n < o->count; n++) {
            const struct bf16_run *run = &o->runs[n];
            const float *c = o->c + (size_t)(2 * (r / BF16_SIDE) + run->tile) * BF16_SUMS + (size_t)(r % BF16_SIDE * BF16_SIDE + run->lane);
            real *y = o->y + (size_t)r * o->plane + run->y;
            for (int i = 0; i < run->lanes; i++, y += o->step) {
                real v = c[i];
                if (o->add)
                    v += *y;
                if (o->map) {
                    v = v * (o->scale ? o->scale[r] : 1) + (o->shift ? o->shift[r] : 0);
                    v = v > 0 ? v : v * o->slope;
                }
                *y = v;
            }
        }
}

static bf16 number(const struct bf16_source *s, int stride, int i)
{
    return i >= s->begin && i < s->end ? bf16_round((float)s->from[(ptrdiff_t)i * stride]) : 0;
}

static void plain(const struct bf16_source *s, const struct bf16_rows *rows, bf16 *to)
{
    struct bf16_source at = *s;
    for (int r = 0; r < rows->rows; r++, at.from += rows->from_step, to += rows->to_step)
        for (int i = 0; i < rows->n; i++)
            to[i] = number(&at, rows->stride, i);
}

static void pairs(const struct bf16_source s[2], const struct bf16_rows *rows, bf16 *to)
{
    for (int k = 0; k < 2; k++) {
        struct bf16_source at = s[k];
        for (int r = 0; r < rows->rows; r++, at.from += rows->from_step)
            for (int i = 0; i < rows->n; i++)
                to[2 * ((size_t)r * rows->to_step + (size_t)i) + (size_t)k] = number(&at, rows->stride, i);
    }
}

static void transpose(const bf16 *rows, size_t row_stride, int tiles, bf16 *to)
{
    for (int t = 0; t < tiles; t++)
        for (int j = 0; j < BF16_SIDE; j++)
            for (int k = 0; k < BF16_DEPTH; k++)
                to[t * BF16_AREA + k / 2 * BF16_DEPTH + 2 * j + k % 2] = rows[(size_t)j * row_stride + (size_t)(t * BF16_DEPTH + k)];
}

static void pack(const real *from, size_t row_stride, size_t col_stride, int rows, int cols, bf16 *to)
{
    memset(to, 0, BF16_AREA * sizeof *to);
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < cols; k++)
            to[i * BF16_DEPTH + k] = bf16_round((float)from[(size_t)i * row_stride + (size_t)k * col_stride]);
}

static void collect(const float *c, size_t distance, int slots, int rows, int cols, real *to, size_t ld, size_t step)
{
    for (int j = 0; j < cols; j++)
        for (int i = 0; i < rows; i++) {
            float sum = 0;
            for (int slot = 0; slot < slots; slot++)
                sum += c[(size_t)slot * distance + (size_t)(i * BF16_SIDE + j)];
            to[(size_t)j * ld + (size_t)i * step] += sum;
        }
}

const struct bf16_kernels bf16_portable = {.begin = nothing,
                                           .end = nothing,
                                           .multiply = multiply,
                                           .output = output,
                                           .plain = plain,
                                           .pairs = pairs,
                                           .transpose = transpose,
                                           .pack = pack,
                                           .collect = collect};
