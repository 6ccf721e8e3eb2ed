#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "walk.h"

static void channels(void **state)
{
    (void)state;
    /* Means of the channels 0..3 and 4..7 are 1.5 and 5.5. */
    struct network *net = walk_open("[net]\nwidth=2\nheight=2\nchannels=2\n[upsample]\nstride=1\nscale=10\n[route]\nlayers=0\n[avgpool]\n"
                                    "[scale_channels]\nfrom=0\nactivation=leaky\n",
                                    1, false);
    for (int i = 0; i < 8; i++)
        net->input.x[i] = (real)i;
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){0, 150, 300, 450, 2200, 2750, 3300, 3850}, 8, 1e-3);
    network_free(net);
}

static void places(void **state)
{
    (void)state;
    struct network *net = walk_open("[net]\nwidth=2\nheight=1\nchannels=2\n[upsample]\nstride=1\n[route]\nlayers=0\ngroups=2\ngroup_id=1\n"
                                    "[scale_channels]\nfrom=0\nscale_wh=1\n",
                                    2, false);
    memcpy(net->input.x, (real[]){1, 2, 3, 4, 5, 6, 7, 8}, 8 * sizeof(real));
    walk_expect(walk_forward(net, MODE_EVAL, 0), (double[]){3, 8, 9, 16, 35, 48, 49, 64}, 8, 0);
    network_free(net);
}

static void mistakes(void **state)
{
    (void)state;
    const char *text = "[net]\nwidth=4\nheight=2\nchannels=2\n[upsample]\nstride=1\n[upsample]\n[scale_channels]\nfrom=0\n";
    walk_refuse(text, "test.cfg:9:|layer 0 is 4 x 2 x 2|8 x 4 x 2|1 x 1 x 2");
    walk_refuse("[net]\nwidth=4\nheight=2\nchannels=2\n[upsample]\nstride=1\n[scale_channels]\nfrom=1\n", "test.cfg:8:|layer 1");
    walk_refuse("[net]\nwidth=4\nheight=2\nchannels=2\n[avgpool]\n[scale_channels]\nactivation=linear\n", "test.cfg:6:|from=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(channels), cmocka_unit_test(places), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
