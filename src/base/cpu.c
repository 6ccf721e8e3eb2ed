#include "base/cpu.h"

#include <stdint.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

bool cpu_supports(enum cpu_isa isa)
{
#ifdef __x86_64__
    if (isa == CPU_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == CPU_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
#endif
    return isa == CPU_BASELINE;
}

enum cpu_isa cpu_best(void)
{
    return cpu_supports(CPU_AVX512) ? CPU_AVX512 : cpu_supports(CPU_AVX2) ? CPU_AVX2 : CPU_BASELINE;
}

void cpu_flush_denormals(void)
{
#if defined(__x86_64__)
    const unsigned flush_to_zero = 1u << 15, denormals_are_zero = 1u << 6; /* of MXCSR */
    _mm_setcsr(_mm_getcsr() | flush_to_zero | denormals_are_zero);
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    fpcr |= UINT64_C(1) << 24; /* FZ: operands and results */
    __asm__ volatile("msr fpcr, %0" ::"r"(fpcr));
#endif
}

const char *cpu_isa_name(enum cpu_isa isa)
{
    static const char *const names[CPU_ISAS] = {"baseline", "AVX2", "AVX-512"};
    return names[isa];
}
