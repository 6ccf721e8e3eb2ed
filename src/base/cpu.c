#include "base/cpu.h"

#include <stdint.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <xmmintrin.h>
#endif
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
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

#if defined(__x86_64__) && defined(__linux__)
/* Linux keeps the registers of the matrices of those processes that asked for them (Documentation/arch/x86/xstate.rst). */
static bool system_grants_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif

bool cpu_bf16_supports(enum cpu_bf16 isa)
{
#ifdef __x86_64__
    unsigned a, b, c, d;
    if (isa == CPU_BF16_AVX512)
        return cpu_supports(CPU_AVX512) && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1) != 0;
#ifdef __linux__
    if (isa == CPU_BF16_AMX) {
        const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24; /* of edx (Intel's Software Developer's Manual, CPUID leaf 7) */
        return cpu_bf16_supports(CPU_BF16_AVX512) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & amx_bf16) != 0 &&
               (d & amx_tile) != 0 && system_grants_amx();
    }
#endif
#endif
    return isa == CPU_BF16_PORTABLE;
}

enum cpu_bf16 cpu_bf16_best(void)
{
    return cpu_bf16_supports(CPU_BF16_AMX) ? CPU_BF16_AMX : cpu_bf16_supports(CPU_BF16_AVX512) ? CPU_BF16_AVX512 : CPU_BF16_PORTABLE;
}

const char *cpu_bf16_name(enum cpu_bf16 isa)
{
    static const char *const names[CPU_BF16_ISAS] = {"portable", "AVX512-BF16", "AMX"};
    return names[isa];
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
