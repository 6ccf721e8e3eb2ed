/* cpu: which instruction set hand-written vector kernels may use, and how the processor treats tiny numbers. */
#ifndef DLNET_BASE_CPU_H
#define DLNET_BASE_CPU_H

#include <stdbool.h>

/* In order: each includes what stands before it. */
enum cpu_isa {
    CPU_BASELINE, /* what every machine of the architecture has: SSE2 on x86-64, NEON on arm64 */
    CPU_AVX2,     /* with FMA */
    CPU_AVX512,   /* F, DQ, BW, VL */
};

#define CPU_ISAS 3

/* Asks the processor and the operating system. */
bool cpu_supports(enum cpu_isa isa);

/* The widest one that it supports. */
enum cpu_isa cpu_best(void);

const char *cpu_isa_name(enum cpu_isa isa);

/* Which instructions multiply pairs of bfloat16 and add the products to floats. In order: each includes what stands before it. */
enum cpu_bf16 {
    CPU_BF16_PORTABLE, /* none */
    CPU_BF16_AVX512,   /* AVX512_BF16 */
    CPU_BF16_AMX,      /* AMX_BF16: whole matrices of 16 × 32 */
};

#define CPU_BF16_ISAS 3

/* AMX is the system's to grant, too: asks it on behalf of this process. */
bool cpu_bf16_supports(enum cpu_bf16 isa);
enum cpu_bf16 cpu_bf16_best(void);
const char *cpu_bf16_name(enum cpu_bf16 isa);

/* Numbers too small for a full mantissa become zero, in this thread and in those that it starts from now on: a processor needs a hundred
 * cycles for each of them, and fading gradients have many. Call once at program start, before threads exist. */
void cpu_flush_denormals(void);

#endif
