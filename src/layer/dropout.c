/* [dropout]: in training each value is zeroed with a probability p and the others are divided by 1 − p (inverted dropout); in evaluation
 * nothing happens. The mask is a function of (seed, step, layer, element), so backward draws it again instead of storing it, and any
 * number of threads draws the same. */
#include "base/parallel.h"
#include "base/rng.h"
#include "layer/types.h"
#include "math/vector.h"

struct dropout {
    double probability;
};

static const struct config_key options[] = {
    {"probability", OPTION_FLOAT, offsetof(struct dropout, probability), ".5", 0, 1, NULL, "share of the values that are zeroed"},
    {"dropblock", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "drops blocks of neighbours"},
    {"dropblock_size_rel", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "size of a block, as a share of the layer"},
    {"dropblock_size_abs", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "size of a block"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    (void)err;
    l->backward_reads_in = l->backward_reads_out = false;
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    l->out.shape = l->in[0]->shape;
    return 0;
}

/* y = x·mask or y += x·mask over n elements from number `first` (even): 64 random bits decide about two of them. */
static void mask_tile(const real *x, real *y, size_t first, size_t n, uint64_t key, uint64_t threshold, real scale, bool overwrite)
{
    for (size_t i = 0; i < n; i += 2) {
        const uint64_t bits = rng_at(key, (first + i) / 2);
        const real mask[2] = {(bits & 0xffffffffu) >= threshold ? scale : 0, (bits >> 32) >= threshold ? scale : 0};
        for (size_t k = 0; k < 2 && i + k < n; k++)
            y[i + k] = overwrite ? x[i + k] * mask[k] : y[i + k] + x[i + k] * mask[k];
    }
}

static void apply_mask(const struct layer *l, const struct run *run, const real *x, real *y, bool overwrite)
{
    const struct dropout *s = l->state;
    const size_t n = shape_size(l->out.shape);
    const uint64_t key = rng_make(run->seed, RNG_DROPOUT, run->step, (uint64_t)l->index).key;
    const uint64_t threshold = (uint64_t)(s->probability * 0x1p32 + .5);
    const real scale = s->probability < 1 ? (real)(1 / (1 - s->probability)) : 0;
    const int tiles = parallel_tiles(n);
#pragma omp parallel for schedule(static)
    for (int tile = 0; tile < tiles; tile++) {
        size_t begin, end;
        parallel_range((n + 1) / 2, tile, tiles, &begin, &end);
        begin *= 2;
        end = 2 * end < n ? 2 * end : n;
        mask_tile(x + begin, y + begin, begin, end - begin, key, threshold, scale, overwrite);
    }
}

static void forward(struct layer *l, const struct run *run)
{
    if (run->mode == MODE_TRAIN)
        apply_mask(l, run, l->in[0]->x, l->out.x, true);
    else
        vector_copy(l->in[0]->x, l->out.x, shape_size(l->out.shape));
}

static void backward(struct layer *l, const struct run *run)
{
    if (l->in[0]->dx)
        apply_mask(l, run, l->out.dx, l->in[0]->dx, l->in_fresh[0]);
}

const struct layer_type layer_dropout = {
    .name = "dropout",
    .help = "zeroes random values in training",
    .options = options,
    .state_size = sizeof(struct dropout),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
