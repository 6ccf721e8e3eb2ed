#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gradcheck.h"

static void probabilities(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[net]\nwidth=7\nheight=5\nchannels=3\n[dropout]\n[cost]\n",
        "[net]\nwidth=3\nheight=1\nchannels=1\n[dropout]\nprobability=0\n[cost]\n",
        "[net]\nwidth=3\nheight=3\nchannels=4\n[dropout]\nprobability=.2\n[dropout]\nprobability=.7\n[cost]\n",
        "[net]\nwidth=6\nheight=6\nchannels=4\n[dropout]\nprobability=.3\n[route]\nlayers=-1,0\n[cost]\n",
        NULL,
    };
    gradcheck_all(cases, &(struct gradcheck_options){.step = 7});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(probabilities)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
