#include "diagnose/peak.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "math/bf16_kernels.h"
#include "math/gemm.h"

/* Chains that don't wait for one another: two units with a latency of four cycles need eight; more hide what else takes a cycle. */
#define CHAINS 12
#define TRIES 10
#define TRY_SECONDS .01

/* The compiler joins the product and the sum to one operation where the instruction set has it. The values tend to 1. */
#define FMA_LOOP(NAME, TARGET, LANES)                                                                                                      \
    TARGET static float NAME(long n)                                                                                                       \
    {                                                                                                                                      \
        typedef float vec __attribute__((vector_size(LANES * 4)));                                                                         \
        vec c[CHAINS];                                                                                                                     \
        const vec keep = (vec){0} + .999999F, add = (vec){0} + 1e-6F;                                                                      \
        for (int i = 0; i < CHAINS; i++)                                                                                                   \
            c[i] = (vec){0} + (float)i;                                                                                                    \
        for (long k = 0; k < n; k++)                                                                                                       \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) c[i] = c[i] * keep + add;                                            \
        float sum = 0;                                                                                                                     \
        for (int i = 0; i < CHAINS; i++)                                                                                                   \
            for (int j = 0; j < LANES; j++)                                                                                                \
                sum += c[i][j];                                                                                                            \
        return sum;                                                                                                                        \
    }

FMA_LOOP(loop_baseline, , 4)
#ifdef __x86_64__
FMA_LOOP(loop_avx2, __attribute__((target("avx2,fma"))), 8)
FMA_LOOP(loop_avx512, __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), 16)
#endif

struct loop {
    float (*run)(long n);
    int lanes;
};

static struct loop loop_of(enum cpu_isa isa)
{
#ifdef __x86_64__
    if (isa == CPU_AVX512)
        return (struct loop){loop_avx512, 16};
    if (isa == CPU_AVX2)
        return (struct loop){loop_avx2, 8};
#endif
    (void)isa;
    return (struct loop){loop_baseline, 4};
}

static double seconds_of(struct loop loop, long n, int threads)
{
    const double start = clock_seconds();
#pragma omp parallel num_threads(threads)
    {
        volatile float kept = loop.run(n); /* what nobody reads would not be computed */
        (void)kept;
    }
    return clock_seconds() - start;
}

void peak_tries(int threads, int n, double *gflops)
{
    const struct loop loop = loop_of(cpu_best());
    long steps = 1000;
    while (steps < 1000000000 && seconds_of(loop, steps, threads) < TRY_SECONDS)
        steps *= 2;
    for (int i = 0; i < n; i++)
        gflops[i] = 2e-9 * loop.lanes * CHAINS * (double)steps * threads / seconds_of(loop, steps, threads);
}

double peak_gflops(int threads)
{
    double rate[TRIES], best = 0;
    peak_tries(threads, TRIES, rate);
    for (int i = 0; i < TRIES; i++)
        best = rate[i] > best ? rate[i] : best;
    return best;
}

double peak_gemm_gflops(int threads)
{
    enum { SIDE = 512, AREA = SIDE * SIDE };
    const size_t each = (size_t)3 * AREA; /* numbers of a thread's three matrices */
    real *x = mem_new(each * (size_t)threads, sizeof *x);
    for (size_t i = 0; i < each * (size_t)threads; i++)
        x[i] = (real)1 / (real)(1 + i % 7);
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double start = clock_seconds();
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int t = 0; t < threads; t++) {
            real *a = x + each * (size_t)t;
            gemm_serial(0, 0, SIDE, SIDE, SIDE, 1, a, SIDE, a + AREA, SIDE, 0, a + 2 * (size_t)AREA, SIDE);
        }
        const double speed = 2.0 * AREA * SIDE * threads / (clock_seconds() - start);
        best = speed > best ? speed : best;
    }
    free(x);
    return best * 1e-9;
}

double peak_bf16_gflops(int threads)
{
    enum { STEPS = 64 };
    const struct bf16_kernels *k = bf16_kernels_of(cpu_bf16_best());
    int at[STEPS] = {0}; /* every step reads the same tiles */
    double best = 0;
    long n = 1;
    for (int i = 0; i < TRIES; i++) {
        double seconds = 0;
        for (;; n *= 2) {
            const double start = clock_seconds();
#pragma omp parallel num_threads(threads)
            {
                _Alignas(64) bf16 factors[4 * BF16_AREA] = {0};
                _Alignas(64) float sums[BF16_TILES * BF16_SUMS];
                const size_t row = BF16_DEPTH * sizeof(bf16), tile = BF16_AREA * sizeof(bf16);
                const struct bf16_product p = {factors, factors + 2 * BF16_AREA, row, row, tile, tile, 2, 2, at, at, STEPS, sums, false};
                k->begin();
                for (long j = 0; j < n; j++)
                    k->multiply(&p);
                k->end();
            }
            seconds = clock_seconds() - start;
            if (seconds >= TRY_SECONDS)
                break;
        }
        const double speed = 2.0 * BF16_DEPTH * BF16_TILES * BF16_SUMS * STEPS * (double)n * threads / seconds;
        best = speed > best ? speed : best;
    }
    return best * 1e-9;
}
