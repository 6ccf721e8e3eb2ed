#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "walk.h"

/* 4 channels of 1 × 2: channel k holds k, k + .5; layer 1 doubles them. */
#define NET "[net]\nwidth=2\nheight=1\nchannels=4\n[upsample]\nstride=1\n[upsample]\nstride=1\nscale=2\n"

static void expect(const char *keys, int c, const double *want, const double *second)
{
    char *text = mem_format(NET "[route]\n%s\n", keys);
    struct network *net = walk_open(text, 2, false);
    for (int i = 0; i < 16; i++)
        net->input.x[i] = (real)(i % 8 / 2 + .5 * (i % 2) + 10 * (i / 8)); /* the second image is 10 higher */
    const real *y = walk_forward(net, MODE_EVAL, 0);
    assert_int_equal(net->layer[2].out.shape.c, c);
    assert_int_equal(net->layer[2].out.shape.n, 2);
    walk_expect(y, want, (size_t)c * 2, 0);
    walk_expect(y + (size_t)c * 2, second, (size_t)c * 2, 0);
    network_free(net);
    free(text);
}

static void joins(void **state)
{
    (void)state;
    expect("layers=0", 4, (double[]){0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5}, (double[]){10, 10.5, 11, 11.5, 12, 12.5, 13, 13.5});
    expect("layers=-2, 1", 8, (double[]){0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 0, 1, 2, 3, 4, 5, 6, 7},
           (double[]){10, 10.5, 11, 11.5, 12, 12.5, 13, 13.5, 20, 21, 22, 23, 24, 25, 26, 27});
    expect("layers=-2\ngroups=2\ngroup_id=1", 2, (double[]){2, 2.5, 3, 3.5}, (double[]){12, 12.5, 13, 13.5});
    expect("layers=1,0\ngroups=4\ngroup_id=1", 2, (double[]){2, 3, 1, 1.5}, (double[]){22, 23, 11, 11.5});
}

static void mistakes(void **state)
{
    (void)state;
    walk_refuse(NET "[route]\nlayers=-3\n", "test.cfg:11:|layer -1|0..1");
    walk_refuse(NET "[route]\nlayers=2\n", "test.cfg:11:|layer 2");
    walk_refuse(NET "[route]\nlayers=0,7\n", "test.cfg:11:|layer 7");
    walk_refuse(NET "[route]\nlayers=\n", "test.cfg:11:|layers");
    walk_refuse(NET "[route]\ngroups=2\n", "test.cfg:10:|layers=");
    walk_refuse(NET "[route]\nlayers=-1\ngroups=3\n", "test.cfg:12:|4 channels|groups=3");
    walk_refuse(NET "[route]\nlayers=-1\ngroups=2\ngroup_id=2\n", "test.cfg:13:|group_id=2|0..1");
    /* 4 channels, 16 times as many in each route: 2^30 after seven, too many after eight */
    char many[2048] = NET;
    for (int i = 0; i < 8; i++)
        strcat(many, "[route]\nlayers=-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1,-1\n");
    walk_refuse(many, "more than 2147483647 channels");
    walk_refuse(NET "[upsample]\n[route]\nlayers=0,-1\n", "test.cfg:12:|layer 0 is 2 x 1 x 4|layer 2 is 4 x 2 x 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(joins), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
