/* What the processor says of itself, and tiny numbers in every thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <omp.h>
#include <pthread.h>

#include "base/cpu.h"

/* Half of the smallest number with a full mantissa; and twice a number below it. Volatile: not at compile time. */
static bool keeps_results(void)
{
    volatile float smallest = FLT_MIN;
    volatile float half = smallest * 0.5F;
    return half > 0 || half + half > 0;
}

static bool keeps_operands(void)
{
    volatile float below = 0x1p-130F;
    volatile float large = 0x1p100F;
    volatile float product = below * large;
    return product > 0;
}

static void *look(void *kept)
{
    *(bool *)kept = keeps_results() || keeps_operands();
    return NULL;
}

static void test_isas_are_nested(void **state)
{
    (void)state;
    assert_true(cpu_supports(CPU_BASELINE));
    for (int isa = CPU_BASELINE; isa < CPU_ISAS; isa++) {
        assert_int_equal(cpu_supports((enum cpu_isa)isa), isa <= (int)cpu_best());
        assert_non_null(cpu_isa_name((enum cpu_isa)isa));
    }
}

/* The setting is the thread's own; OpenMP's threads and others that start later have it from the one that starts them. */
static void test_tiny_numbers_are_flushed_in_every_thread(void **state)
{
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    assert_true(keeps_results());
    assert_true(keeps_operands());
    cpu_flush_denormals();
    assert_false(keeps_results());
    assert_false(keeps_operands());
    int kept = 0, threads = 0;
#pragma omp parallel num_threads(4) reduction(+ : kept, threads)
    {
        threads++;
        kept += keeps_results() || keeps_operands();
    }
    assert_in_range(threads, 1, 4);
    assert_int_equal(kept, 0);
    bool in_thread = true;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, look, &in_thread), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(in_thread);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isas_are_nested),
        cmocka_unit_test(test_tiny_numbers_are_flushed_in_every_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
