#include "cli/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "math/gemm.h"

char *cli_blas_trouble(void)
{
    const struct gemm_library blas = gemm_library();
    const char *forced = getenv("OPENBLAS_CORETYPE");
    if (forced && !*forced)
        forced = NULL;
    char *cause = forced ? mem_format("OPENBLAS_CORETYPE=%s is set: ", forced) : mem_string("");
    char *trouble = NULL;
    if (blas.isa < cpu_best())
        trouble =
            mem_format("%sOpenBLAS uses the kernels of %s (%s), this processor has %s: its matrix products may take up to twice the time%s",
                       cause, blas.core, cpu_isa_name(blas.isa), cpu_isa_name(cpu_best()), forced ? "; unset it" : "");
    else if (forced)
        trouble =
            mem_format("%sOpenBLAS uses the kernels of %s, which may not be those it would choose for this processor", cause, blas.core);
    free(cause);
    return trouble;
}

void cli_tell_blas(void)
{
    const struct gemm_library blas = gemm_library();
    fprintf(stderr, "dlnet: %s, %s, kernels of %s\n", cpu_isa_name(cpu_best()), blas.config, blas.core);
    char *trouble = cli_blas_trouble();
    if (trouble)
        cli_warn("%s", trouble);
    free(trouble);
}

void cli_environment(char **argv)
{
#ifdef __linux__
    static const char mark[] = "DLNET_STARTED"; /* once: never a loop */
    if (getenv(mark)) {
        unsetenv(mark);
        return;
    }
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    /* Where threads are bound, OpenMP has bound this one by now, and the program that is started again would have no processor but that
     * one. */
    if (getenv("OMP_PROC_BIND") || getenv("OMP_PLACES") || getenv("GOMP_CPU_AFFINITY"))
        return;
    setenv("GOMP_SPINCOUNT", "10000", 1); /* about a third of a millisecond */
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
    /* The heap in huge pages, blocks up to 32 MB in it, and some kept: a page fault costs more than zeroing the page, in a virtual machine
     * ten times as much, and there are thousands of them in a short run. glibc 2.35; others don't know it. */
    setenv("GLIBC_TUNABLES",
           "glibc.malloc.hugetlb=1:glibc.malloc.top_pad=16777216:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=67108864",
           0);
    setenv(mark, "1", 1);
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n > 0) {
        path[n] = 0;
        execv(path, argv);
    }
    unsetenv(mark);
#else
    (void)argv;
#endif
}
