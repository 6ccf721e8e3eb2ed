/* Steps of signals against their definition. */
#include "steps_frame.h"

static void test_signals(void **state)
{
    (void)state;
    static const double shift[] = {.25, 0}, roll[] = {.25, 1}, mask[] = {.5, 1}, gain[] = {3}, background[] = {.5}, stretch[] = {1.5};
    bool moved[17] = {false};
    for (int i = 0; i < 400; i++) {
        struct rng rng = draw_at(i), again = rng;
        struct canvas a = canvas(32, 1, 2, 0, 0, 0);
        a.signal = true;
        a.x[16] = a.x[32 + 20] = 1;
        step_time_shift(&a, shift, &rng);
        const int by = rng_below(&again, 17) - 8;
        moved[by + 8] = true;
        assert_true(a.x[16 + by] == 1 && a.x[32 + 20 + by] == 1 && (by == 0 || a.x[16] == 0));
        rng = draw_at(i);
        struct canvas b = canvas(32, 1, 1, 0, 0, 0);
        b.x[30] = 7;
        step_time_shift(&b, roll, &rng);
        assert_true(b.x[(30 + by + 32) % 32] == 7);
        rng = again = draw_at(i);
        struct canvas c = canvas(32, 1, 1, 1, 0, 0);
        step_time_mask(&c, mask, &rng);
        const int length = rng_below(&again, 17);
        assert_true(fabs(share_of(&c, 0) * 32 - length) < 1e-9);
        rng = again = draw_at(i);
        step_gain(&b, gain, &rng);
        assert_true(fabs((double)b.x[(30 + by + 32) % 32] / 7 - augment_factor(&again, 3)) < 1e-6);
        rng = again = draw_at(i);
        struct canvas f = canvas(32, 1, 2, 0, 0, 0);
        for (int k = 0; k < 64; k++)
            f.x[k] = (float)(k < 32 ? k + 1 : 100 - k); /* straight lines stay straight */
        step_time_stretch(&f, stretch, &rng);
        const double factor = augment_factor(&again, 1.5);
        for (int k = 0; k < 32; k++) {
            const double at = k * factor, want[2] = {at > 31 ? 0 : at + 1, at > 31 ? 0 : 68 - at};
            assert_true(fabs((double)f.x[k] - want[0]) < 1e-4 && fabs((double)f.x[32 + k] - want[1]) < 1e-4);
        }
        release(&f);
        rng = again = draw_at(i);
        struct canvas d = canvas(32, 1, 1, 2, 0, 0), e = canvas(32, 1, 1, 4, 0, 0);
        step_background(&d, &e, background, NULL, &rng);
        assert_true(fabs((double)d.x[9] - 2 - 4 * rng_range(&again, 0, .5)) < 1e-6);
        release(&a);
        release(&b);
        release(&c);
        release(&d);
        release(&e);
    }
    for (int k = 0; k < 17; k++)
        assert_true(moved[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
