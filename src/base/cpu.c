#include "base/cpu.h"

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

const char *cpu_isa_name(enum cpu_isa isa)
{
    static const char *const names[CPU_ISAS] = {"baseline", "AVX2", "AVX-512"};
    return names[isa];
}
