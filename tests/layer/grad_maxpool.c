#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void shapes(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=8\nheight=6\nchannels=3\n[maxpool]\nsize=2\nstride=2\n[cost]\n",
        "[net]\nwidth=7\nheight=5\nchannels=3\n[maxpool]\nsize=2\nstride=2\n[cost]\n",
        "[net]\nwidth=1\nheight=1\nchannels=2\n[maxpool]\nsize=2\nstride=2\n[cost]\n",
        "[net]\nwidth=13\nheight=7\nchannels=2\n[maxpool]\nsize=5\nstride=1\n[cost]\n",
        "[net]\nwidth=7\nheight=7\nchannels=2\n[maxpool]\nsize=3\nstride=2\npadding=0\n[cost]\n",
        "[net]\nwidth=9\nheight=8\nchannels=2\n[maxpool]\nsize=3\nstride_x=1\nstride_y=2\npadding=1\n[cost]\n",
        "[net]\nwidth=5\nheight=5\nchannels=2\n[maxpool]\nsize=13\nstride=1\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=2\n[maxpool]\nsize=2\nstride=1\n[maxpool]\nstride=3\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

/* As in a spatial pyramid: one tensor with several readers. */
static void overlapping(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=7\nchannels=2\n[maxpool]\nsize=2\nstride=1\npadding=0\n[maxpool]\nsize=3\nstride=1\n[maxpool]\nsize="
        "5\nstride=1\n[route]\nlayers=-1,-2,0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(overlapping)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
