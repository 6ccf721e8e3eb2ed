/* gradcheck: the gradients of a cfg against central differences, in double precision. For tests/<room>/grad_*.c only. */
#ifndef DLNET_TESTS_GRADCHECK_H
#define DLNET_TESTS_GRADCHECK_H

#include <stdint.h>

enum gradcheck_labels {
    GRADCHECK_UNIFORM, /* each in (0, 1): regression targets, soft labels that don't add up to 1 */
    GRADCHECK_ONE_HOT, /* one 1 an image */
    GRADCHECK_SOFT,    /* positive, add up to 1 */
};

/* All zero is a good default. */
struct gradcheck_options {
    int batch;        /* images; 0: 2 */
    uint64_t seed;    /* of weights, input and targets */
    uint64_t step;    /* run.step, fixed, so that dropout draws the same mask each time */
    double epsilon;   /* step of the differences; 0: 1e-4 (fourth order, so the error is about 1e-16 + 1e-12) */
    double tolerance; /* worst relative error; 0: 1e-6 */
    double low,
        high; /* range of the input; both 0: −1 .. 1. The values are a shuffled, evenly spaced grid, so no two are near each other */
    enum gradcheck_labels labels;
    int n_labels;       /* per image; 0: as many as the last loss layer has inputs */
    int boxes, classes; /* true boxes an image for detection heads, and their classes; 0: 3, and as many as the network has */
    int keep_biases;    /* 1: biases and scales as initialised; 0: moved away from 0 and 1 by up to .25 */
};

/* Builds the network of the cfg text, plans it for training, runs forward and backward, and asserts (cmocka) that
 *   - d loss / d each parameter and d loss / d input agree with fourth-order central differences: |a − n| / max(|a|, |n|, floor) ≤
 * tolerance, floor = 1e-3 of the tensor's largest gradient + 1e-5·max(1, |loss|); all elements of tensors up to 160, else 96 of them, drawn
 * from the seed; where they don't agree, a step 50 times smaller is tried (a kink of relu or max pooling lay inside the step);
 *   - a second backward adds the same gradient again (nothing overwrites);
 *   - with the lower half of the parameters frozen, with every other one frozen (lr_mult 0), and with stopbackward=1 in each layer in turn,
 * all without the input's gradient, what still trains has the right gradient, and what doesn't has none. The text needs a layer that is a
 * loss: append [cost] where there is none. Environment GRADCHECK_VERBOSE=1 prints a line a tensor. NULL: all defaults. Returns the worst
 * relative error. */
double gradcheck_cfg(const char *cfg_text, const struct gradcheck_options *options);

/* gradcheck_cfg for each text of a list that ends with NULL, with 1 and with 3 images and another seed each (options' batch and seed don't
 * count). */
void gradcheck_all(const char *const *cfg_texts, const struct gradcheck_options *options);

#endif
