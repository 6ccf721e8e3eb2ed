/* Checked allocation: overflow, alignment, zeroes, the hook for failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

static void test_overflow(void **state)
{
    (void)state;
    size_t v = 5;
    assert_false(mem_mul(SIZE_MAX, 2, &v));
    assert_false(mem_mul((size_t)1 << 33, (size_t)1 << 31, &v));
    assert_false(mem_add(SIZE_MAX, 1, &v));
    assert_int_equal(v, 5); /* untouched */
    assert_true(mem_mul(SIZE_MAX, 1, &v) && v == SIZE_MAX);
    assert_true(mem_mul(SIZE_MAX, 0, &v) && v == 0);
    assert_true(mem_add(SIZE_MAX - 1, 1, &v) && v == SIZE_MAX);
    assert_null(mem_try(SIZE_MAX / 2, 4));
    assert_null(mem_try(SIZE_MAX, 1));
    assert_null(mem_try(SIZE_MAX - 63, 1));
}

static void test_try_is_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *p = mem_try(n, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 255, n); /* the next block may be this one again */
        mem_free(p);
    }
    mem_free(NULL);
}

/* Blocks that come from the kernel: of sizes at and around the bound, used and asked for again. */
static void test_large_blocks(void **state)
{
    (void)state;
    const size_t bound = 4 << 20, sizes[] = {bound - 1, bound, bound + 1, bound + 4096 - 64, bound + 4096 - 63, 2 * bound, 3 * bound + 77};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        const size_t n = sizes[i / 2];
        unsigned char *p = mem_try(n, 1), *q = mem_try(1, n);
        assert_true(p && q);
        assert_true((uintptr_t)p % 64 == 0 && (uintptr_t)q % 64 == 0);
        assert_true(p + n <= q || q + n <= p);
        for (size_t k = 0; k < n; k++)
            if (p[k] || q[k])
                fail_msg("byte %zu of a block of %zu isn't 0", k, n);
        memset(p, 255, n);
        memset(q, 254, n);
        assert_true(p[0] == 255 && p[n - 1] == 255 && q[0] == 254);
        mem_free(p);
        assert_true(q[0] == 254 && q[n - 1] == 254);
        mem_free(q);
    }
    unsigned char *other = malloc(2 * bound); /* mem_free also takes what malloc made */
    assert_non_null(other);
    mem_free(other);
}

static void test_fail_next(void **state)
{
    (void)state;
    mem_fail_next(2);
    void *a = mem_try(1, 8), *b = mem_try(1, 8), *c = mem_try(1, 8);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    mem_free(a);
    mem_free(c);
    mem_fail_next(1);
    mem_fail_next(0);
    a = mem_try(1, 8);
    assert_non_null(a);
    mem_free(a);
}

static void test_grow_keeps_what_is_there(void **state)
{
    (void)state;
    size_t capacity = 0;
    int *list = NULL;
    for (int i = 0; i < 1000; i++) {
        list = mem_grow(list, &capacity, (size_t)i + 1, sizeof *list);
        assert_true(capacity > (size_t)i);
        list[i] = i;
    }
    int *same = mem_grow(list, &capacity, 10, sizeof *list);
    assert_ptr_equal(same, list);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    free(list);
}

static void test_strings(void **state)
{
    (void)state;
    char *a = mem_string("abc"), *b = mem_string_n("abc", 2), *c = mem_string_n("abc", 9), *d = mem_format("%d-%s", 7, a);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "abc");
    assert_string_equal(d, "7-abc");
    free(a), free(b), free(c), free(d);
    char *zeroed = mem_new(5, 3);
    for (int i = 0; i < 15; i++)
        assert_int_equal(zeroed[i], 0);
    free(zeroed);
    free(mem_new(0, 0));
}

/* Without memory, mem_new and mem_grow end the program with status 1, not with a crash. */
static void test_no_memory_ends_the_program(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            fclose(stderr);
            size_t capacity = 0;
            if (i == 0)
                mem_grow(NULL, &capacity, SIZE_MAX / 4, 16); /* overflows */
            else
                mem_grow(NULL, &capacity, SIZE_MAX / 4, 1); /* more than any machine has */
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_FAIL);
    }
}

/* Not above what the machine has. */
static void test_available(void **state)
{
    (void)state;
    const size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE), n = mem_available();
    assert_true(n > 0 && n <= all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_try_is_zeroed_and_aligned),
        cmocka_unit_test(test_fail_next),
        cmocka_unit_test(test_grow_keeps_what_is_there),
        cmocka_unit_test(test_large_blocks),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_no_memory_ends_the_program),
        cmocka_unit_test(test_available),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
