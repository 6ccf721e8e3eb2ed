/* parallel: OpenMP over fixed tiles.
 *
 * The law: the bits of every result are the same with any number of threads. So work is cut into tiles by shape alone, never by
 * omp_get_num_threads(); a tile is computed by one thread; partial sums are kept in a fixed number of slots and added in order;
 * no floating-point `reduction`. Loops are written as
 *
 *     #pragma omp parallel for schedule(static)      (or dynamic: tiles are independent)
 *     for (int tile = 0; tile < tiles; tile++) ...
 *
 * or, where neighbouring tiles read what the same thread has just written, or differ in work, with parallel_next. */
#ifndef DLNET_BASE_PARALLEL_H
#define DLNET_BASE_PARALLEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Threads that OpenMP loops will use; parallel_set(0) leaves the default (OMP_NUM_THREADS, else the cores). */
void parallel_set(int threads);
int parallel_threads(void);

/* Elements of tile `tile` of `tiles` over n: [*begin, *end). Sizes differ by at most one. */
static inline void parallel_range(size_t n, int tile, int tiles, size_t *begin, size_t *end)
{
    *begin = n * (size_t)tile / (size_t)tiles;
    *end = n * ((size_t)tile + 1) / (size_t)tiles;
}

/* Number of tiles for elementwise work on n elements: depends on n alone. */
static inline int parallel_tiles(size_t n)
{
    const size_t grain = 16384;
    const size_t tiles = (n + grain - 1) / grain;
    return tiles > 256 ? 256 : tiles < 1 ? 1 : (int)tiles;
}

/* Tiles of a loop, shared out: each thread takes those of its own part in order, so that it stays near what it has in its cache (the same
 * part of an image, layer after layer); a thread that has done its part takes from the ends of others'. */
#define PARALLEL_PARTS 32
struct parallel_queue {
    int parts;
    struct {
        _Alignas(64) _Atomic uint64_t left; /* tiles left: first << 32 | end */
    } part[PARALLEL_PARTS];
};

/* Before the region; threads: those that it will have (threads beyond PARALLEL_PARTS share parts). */
void parallel_share(struct parallel_queue *q, int tiles, int threads);

/* The calling thread's next tile, or −1: for (int tile; (tile = parallel_next(&queue)) >= 0;). */
int parallel_next(struct parallel_queue *q);

#endif
