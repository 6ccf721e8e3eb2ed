#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "walk.h"

/* Every layer without convolution, in one network: forward and backward give the same bits with 1, 2 and 4 threads. */
static const char cfg[] = "[net]\nwidth=64\nheight=48\nchannels=6\n"
                          "[upsample]\nstride=1\nscale=1.1\n"
                          "[groupnorm]\ngroups=3\n"
                          "[layernorm]\n"
                          "[gaussian_dropout]\nprobability=.1\n"
                          "[standout]\nactivation=mish\n"
                          "[dropout]\nprobability=.1\ndropblock=1\n"
                          "[maxpool]\nsize=2\nstride=2\n"
                          "[maxpool]\nsize=5\nstride=1\n"
                          "[dropout]\nprobability=.25\n"
                          "[shortcut]\nfrom=-2,-3\nactivation=mish\nweights_type=per_channel\nweights_normalization=softmax\n"
                          "[avgpool]\n"
                          "[scale_channels]\nfrom=-2\nactivation=leaky\n"
                          "[upsample]\nstride=2\n"
                          "[route]\nlayers=-1,0\n"
                          "[reorg]\nstride=2\n"
                          "[shortcut]\nfrom=-2\n"
                          "[softmax]\nspatial=1\nnoloss=1\n"
                          "[cost]\ntype=smooth\n"
                          "[route]\nlayers=-3\n"
                          "[softmax]\n";

static void same_bits(void **state)
{
    (void)state;
    char *first = NULL;
    for (int threads = 1; threads <= 4; threads *= 2) {
        parallel_set(threads);
        struct network *net = walk_open(cfg, 3, true);
        const size_t labels = shape_size(net->layer[net->n_layers - 1].out.shape);
        real *label = mem_new(labels, sizeof(real));
        for (size_t i = 0; i < labels; i++)
            label[i] = (real)(i % 7) / 7;
        const struct targets targets = {.label = label, .n_labels = (int)(labels / 3)};
        const struct run run = {.mode = MODE_TRAIN, .seed = 3, .step = 4, .targets = &targets};
        network_zero_grads(net);
        const double loss = network_forward(net, &run);
        network_backward(net, &run);
        /* Loss, gradient of the weights, and the outputs that are still there. */
        const struct param *p = net->param[0];
        const size_t n_grad = shape_size(p->shape) * sizeof(real), n_out = labels * sizeof(real);
        char *all = mem_new(sizeof loss + n_grad + n_out, 1);
        memcpy(all, &loss, sizeof loss);
        memcpy(all + sizeof loss, p->grad, n_grad);
        memcpy(all + sizeof loss + n_grad, net->layer[net->n_layers - 1].out.x, n_out);
        assert_true(loss > 0);
        if (first)
            assert_memory_equal(all, first, sizeof loss + n_grad + n_out);
        else
            first = mem_new(sizeof loss + n_grad + n_out, 1), memcpy(first, all, sizeof loss + n_grad + n_out);
        free(all);
        free(label);
        network_free(net);
    }
    free(first);
    parallel_set(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
