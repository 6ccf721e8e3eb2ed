#include "base/parallel.h"

#include <omp.h>

void parallel_set(int threads)
{
    if (threads > 0)
        omp_set_num_threads(threads);
}

int parallel_threads(void)
{
    return omp_get_max_threads();
}
