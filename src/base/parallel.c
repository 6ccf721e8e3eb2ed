#include "base/parallel.h"

#include <omp.h>
#include <stdbool.h>

void parallel_set(int threads)
{
    if (threads > 0)
        omp_set_num_threads(threads);
}

int parallel_threads(void)
{
    return omp_get_max_threads();
}

static uint64_t range_of(size_t begin, size_t end)
{
    return (uint64_t)begin << 32 | (uint64_t)end;
}

void parallel_share(struct parallel_queue *q, int tiles, int threads)
{
    q->parts = threads < 1 ? 1 : threads > PARALLEL_PARTS ? PARALLEL_PARTS : threads;
    for (int i = 0; i < q->parts; i++) {
        size_t begin, end;
        parallel_range((size_t)(tiles > 0 ? tiles : 0), i, q->parts, &begin, &end);
        atomic_init(&q->part[i].left, range_of(begin, end));
    }
}

/* Takes the first tile of a part, or the last one; −1: there is none. */
static int take(_Atomic uint64_t *left, bool last)
{
    uint64_t old = atomic_load_explicit(left, memory_order_relaxed);
    for (;;) {
        const uint64_t begin = old >> 32, end = old & UINT32_MAX;
        if (begin >= end)
            return -1;
        /* The tiles are independent: who takes which is all that must be agreed on. */
        if (atomic_compare_exchange_weak_explicit(left, &old, last ? range_of(begin, end - 1) : range_of(begin + 1, end),
                                                  memory_order_relaxed, memory_order_relaxed))
            return (int)(last ? end - 1 : begin);
    }
}

int parallel_next(struct parallel_queue *q)
{
    const int own = omp_get_thread_num() % q->parts;
    int tile = take(&q->part[own].left, false);
    for (int i = 1; tile < 0 && i < q->parts; i++)
        tile = take(&q->part[(own + i) % q->parts].left, true);
    return tile;
}
