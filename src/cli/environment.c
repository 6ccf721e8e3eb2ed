#include "cli/environment.h"

#include <stdlib.h>
#include <unistd.h>

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
    setenv("GOMP_SPINCOUNT", "10000", 1); /* about a third of a millisecond */
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
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
