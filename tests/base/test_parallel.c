/* Tiles: they cover everything once, and depend on the size alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/parallel.h"

static void test_tiles_cover_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 7, 255, 256, 257, 100003, (size_t)1 << 40};
    static const int tiles[] = {1, 2, 3, 7, 256};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof tiles / sizeof *tiles; k++) {
            size_t next = 0, least = SIZE_MAX, most = 0;
            for (int t = 0; t < tiles[k]; t++) {
                size_t begin, end;
                parallel_range(sizes[i], t, tiles[k], &begin, &end);
                assert_int_equal(begin, next);
                assert_true(end >= begin);
                least = end - begin < least ? end - begin : least;
                most = end - begin > most ? end - begin : most;
                next = end;
            }
            assert_int_equal(next, sizes[i]);
            assert_true(most - least <= 1);
        }
}

static void test_tiles_do_not_depend_on_threads(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16384, 16385, 1000000, (size_t)1 << 40};
    const int threads = parallel_threads();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        parallel_set(1);
        assert_int_equal(parallel_threads(), 1);
        const int one = parallel_tiles(sizes[i]);
        parallel_set(4);
        assert_int_equal(parallel_threads(), 4);
        assert_int_equal(parallel_tiles(sizes[i]), one);
        assert_in_range(one, 1, 256);
    }
    parallel_set(0); /* leaves it */
    assert_int_equal(parallel_threads(), 4);
    parallel_set(threads);
}

/* Each tile is taken once, however many threads take, in parts for as many, fewer or more; one thread takes its own part in order, then
 * from the end of the others'. */
static void test_a_queue_gives_each_tile_once(void **state)
{
    (void)state;
    enum { MOST = 1000 };
    static const int tiles[] = {0, 1, 2, 5, 64, MOST}, threads[] = {1, 2, 3, 4, PARALLEL_PARTS + 5};
    static int taken[MOST];
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        for (size_t k = 0; k < sizeof threads / sizeof *threads; k++)
            for (size_t team = 0; team < sizeof threads / sizeof *threads; team++) {
                struct parallel_queue queue;
                memset(taken, 0, sizeof taken);
                parallel_share(&queue, tiles[i], threads[k]);
#pragma omp parallel num_threads(threads[team])
                for (int tile = parallel_next(&queue); tile >= 0; tile = parallel_next(&queue)) {
#pragma omp atomic
                    taken[tile]++;
                }
                for (int t = 0; t < MOST; t++)
                    assert_int_equal(taken[t], t < tiles[i]);
            }
    struct parallel_queue queue;
    parallel_share(&queue, 7, 2);
    static const int order[] = {0, 1, 2, 6, 5, 4, 3, -1, -1};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        assert_int_equal(parallel_next(&queue), order[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_gives_each_tile_once),
        cmocka_unit_test(test_tiles_cover_once),
        cmocka_unit_test(test_tiles_do_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
