#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gradcheck.h"
#include "math/activation.h"
#include "math/gemm.h"

static void check(const char *net, const char *keys, int batch)
{
    char text[2048];
    snprintf(text, sizeof text, "%s[connected]\noutput=7\nactivation=tanh\n[connected]\n%s\n[connected]\n%s\n[cost]\ntype=sse\n", net, keys,
             keys);
    gradcheck_cfg(text, &(struct gradcheck_options){.batch = batch});
}

static void test_linear(void **state)
{
    (void)state;
    check("[net]\ninputs=5\n", "output=3\nactivation=linear", 1);
    check("[net]\ninputs=5\n", "output=3\nactivation=linear\nbias=0", 4);
    check("[net]\nwidth=3\nheight=2\nchannels=2\n", "output=4\nactivation=linear", 3);
}

static void test_activations(void **state)
{
    (void)state;
    for (int a = 0; a < ACTIVATION_KINDS; a++)
        for (int norm = 0; norm <= 1 && a != ACTIVATION_THRESHOLD; norm++) { /* threshold: nothing passes */
            if (norm && a == ACTIVATION_PLSE) /* a line for normalised numbers: the next normalisation takes the bias away */
                continue;
            char keys[256];
            snprintf(keys, sizeof keys, "output=5\nactivation=%s\nbatch_normalize=%d", activation_names[a], norm);
            check("[net]\ninputs=6\n", keys, 5);
        }
}

int main(void)
{
    gemm_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
