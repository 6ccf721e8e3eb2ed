/* Parts of other arrays: what [route] joins or takes isn't copied for one image, and the answer is that of the plans that copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/view.h"
#include "walk.h"

#define NET                                                                                                                                \
    "[net]\nwidth=6\nheight=4\nchannels=3\n"                                                                                               \
    "[conv]\nfilters=8\nsize=1\nactivation=linear\n"                                                                                       \
    "[upsample]\nstride=1\nscale=2\n"                                                                                                      \
    "[route]\nlayers=0\ngroups=2\ngroup_id=1\n" /* 2: the second half of 0 */                                                              \
    "[upsample]\nstride=1\nscale=3\n"                                                                                                      \
    "[route]\nlayers=-1,-2\n"                             /* 4: 2 is in 0 and is copied */                                                 \
    "[route]\nlayers=4,1,1,0\n"                           /* 5: the second 1 is copied */                                                  \
    "[route]\nlayers=0,5\n"                               /* 6: 0 is in 5, which is in 6, and is copied */                                 \
    "[maxpool]\nsize=3\nstride=1\n"                       /* 7: of 40 channels */                                                          \
    "[route]\nlayers=7\ngroups=4\ngroup_id=2\n"           /* 8: channels 20 .. 29 of 7 */                                                  \
    "[route]\nlayers=8\ngroups=5\ngroup_id=1\n"           /* 9: channels 22, 23 of 7 */                                                    \
    "[conv]\nfilters=5\nsize=3\npad=1\nactivation=relu\n" /* 10 */                                                                         \
    "[route]\nlayers=6,10,9\n"                            /* 11: 9 is in 7 and is copied */                                                \
    "[conv]\nfilters=4\nsize=1\nactivation=linear\n"

enum { LAYERS = 13, PLANE = 24 };

static void which(void **state)
{
    (void)state;
    static const struct view want[LAYERS] = {
        {11, (8 + 8 + 8 + 8) * PLANE},     /* 0: in 5 behind 4 (8), 1, 1; 5 in 6 behind 0 */
        {11, (8 + 8) * PLANE},             /* 1 */
        {11, (8 + 8 + 8 + 8 + 4) * PLANE}, /* 2 */
        {11, 8 * PLANE},                   /* 3 */
        {11, 8 * PLANE},                   /* 4 */
        {11, 8 * PLANE},                   /* 5 */
        {11, 0},                           /* 6 */
        {-1, 0},                           /* 7 */
        {7, 20 * PLANE},                   /* 8 */
        {7, 22 * PLANE},                   /* 9 */
        {11, 40 * PLANE},                  /* 10 */
        {-1, 0},
        {-1, 0},
    };
    struct network *net = walk_open(NET, 1, false);
    struct view view[LAYERS];
    assert_int_equal(net->n_layers, LAYERS);
    view_find(net, view);
    for (int i = 0; i < LAYERS; i++) {
        if (view[i].of != want[i].of || view[i].at != want[i].at)
            fail_msg("layer %d: a part of %d at %zu, expected %d at %zu", i, view[i].of, view[i].at, want[i].of, want[i].at);
        if (view[i].of >= 0)
            assert_ptr_equal(net->layer[i].out.x, net->layer[view[i].of].out.x + view[i].at);
    }
    network_free(net);
    for (int training = 0; training < 2; training++) { /* two images, training: all have their own place */
        net = walk_open(NET, 2 - training, training);
        view_find(net, view);
        for (int i = 0; i < LAYERS; i++)
            assert_int_equal(view[i].of, -1);
        network_free(net);
    }
}

/* The first layer's values are wanted, in part, after arrays of its size have come and gone. */
#define LATE                                                                                                                               \
    "[net]\nwidth=6\nheight=4\nchannels=3\n"                                                                                               \
    "[conv]\nfilters=8\nsize=1\nactivation=linear\n"                                                                                       \
    "[route]\nlayers=0\ngroups=2\ngroup_id=1\n"                                                                                            \
    "[conv]\nfilters=8\nsize=1\nactivation=relu\n"                                                                                         \
    "[conv]\nfilters=8\nsize=1\nactivation=relu\n"                                                                                         \
    "[conv]\nfilters=8\nsize=1\nactivation=relu\n"                                                                                         \
    "[route]\nlayers=-1,1\n"                                                                                                               \
    "[conv]\nfilters=4\nsize=1\nactivation=linear\n"

/* The first layer's values stand in an array that is written out only after one of its size has come and gone. */
#define EARLY                                                                                                                              \
    "[net]\nwidth=6\nheight=4\nchannels=3\n"                                                                                               \
    "[conv]\nfilters=8\nsize=1\nactivation=linear\n"                                                                                       \
    "[conv]\nfilters=16\nsize=1\nactivation=relu\n"                                                                                        \
    "[conv]\nfilters=8\nsize=1\nactivation=relu\n"                                                                                         \
    "[route]\nlayers=-1,0\n"                                                                                                               \
    "[conv]\nfilters=4\nsize=1\nactivation=linear\n"

static void same_answer(void **state)
{
    (void)state;
    static const char *const nets[] = {NET, LATE, EARLY};
    for (int k = 0; k < 3; k++) {
        struct network *parts = walk_open(nets[k], 1, false), *whole = walk_open(nets[k], 1, true);
        const size_t n = shape_size(network_output(parts)->out.shape);
        double *want = mem_new(n, sizeof *want);
        for (int run = 0; run < 2; run++) { /* again: nothing is left from the run before */
            const real *y = walk_forward(whole, MODE_EVAL, 0);
            for (size_t i = 0; i < n; i++)
                want[i] = (double)y[i];
            walk_expect(walk_forward(parts, MODE_EVAL, 0), want, n, 1e-6);
            for (size_t i = 0; i < shape_size(parts->input.shape); i++)
                parts->input.x[i] = whole->input.x[i] = (real)((double)(i * 37 % 29) / 29 - .5);
        }
        free(want);
        network_free(parts);
        network_free(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(which), cmocka_unit_test(same_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
