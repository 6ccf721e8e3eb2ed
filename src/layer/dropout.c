/* [dropout]: in training each value is zeroed with a probability p (Hinton 2012); mode=inverted also divides the others by 1 − p, so that
 * nothing is left to do in evaluation, mode=plain multiplies by 1 − p there. dropblock=1 zeroes squares of neighbours (Ghiasi 2018); what
 * is left of an image is scaled up by numbers / numbers left. The mask is a function of (seed, step, layer, element), so backward draws it
 * again instead of storing it, and any number of threads draws the same. */
#include "base/rng.h"
#include "layer/noise.h"
#include "layer/types.h"
#include "math/dropblock.h"
#include "math/vector.h"

enum { INVERTED, PLAIN };
static const char *const modes[] = {"inverted", "plain", NULL};

struct dropout {
    double probability;
    int mode, last;
    int dropblock, block_abs;
    double block_rel;
    int block; /* side of the squares, for the shape of now; 0: single values */
};

static const struct config_key options[] = {
    {"probability", OPTION_FLOAT, offsetof(struct dropout, probability), ".5", 0, 1, NULL, "share of the values that are zeroed"},
    {"mode", OPTION_CHOICE, offsetof(struct dropout, mode), "inverted", 0, 0, modes,
     "inverted: the others are divided by 1 - p in training; plain: all are multiplied by 1 - p in evaluation"},
    {"dropblock", OPTION_FLAG, offsetof(struct dropout, dropblock), "0", 0, 1, NULL, "1: zeroes squares of neighbours"},
    {"dropblock_size_rel", OPTION_FLOAT, offsetof(struct dropout, block_rel), "0", 0, 1, NULL,
     "side of the squares, as a share of the smaller side of the layer"},
    {"dropblock_size_abs", OPTION_INT, offsetof(struct dropout, block_abs), "0", 0, 1e6, NULL,
     "side of the squares, wins over dropblock_size_rel (7 when neither is given; at most the layer's side)"},
    NOISE_LAST_OPTION(struct dropout),
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

enum { MASK, KEPT };

static int setup(struct layer *l, struct error *err)
{
    const struct dropout *s = l->state;
    noise_setup(l, s->last);
    l->backward_reads_in = l->backward_reads_out = false;
    if (!s->dropblock && (s->block_abs > 0 || s->block_rel > 0))
        return layer_error(l, s->block_abs > 0 ? "dropblock_size_abs" : "dropblock_size_rel", err,
                           "a size of blocks without dropblock=1, expected both or neither");
    return 0;
}

static int shape(struct layer *l, struct error *err)
{
    (void)err;
    struct dropout *s = l->state;
    const struct shape o = l->in[0]->shape;
    l->out.shape = o;
    if (!s->dropblock)
        return 0;
    const int side = o.h < o.w ? o.h : o.w;
    const int wanted = s->block_abs > 0 ? s->block_abs : s->block_rel > 0 ? (int)(s->block_rel * side) : 7;
    s->block = wanted < 1 ? 1 : wanted > side ? side : wanted;
    layer_buffer(l, MASK, BUFFER_SCRATCH, shape_size(o), 1);
    layer_buffer(l, KEPT, BUFFER_SCRATCH, (size_t)o.n * (size_t)o.c, sizeof(int));
    return 0;
}

static void single_factors(const void *context, uint64_t key, size_t first, size_t n, real *m)
{
    const struct dropout *s = context;
    const uint64_t limit = noise_limit(s->probability);
    const real kept = s->mode == PLAIN ? 1 : s->probability < 1 ? (real)(1 / (1 - s->probability)) : 0;
    uint32_t bits[256];
    for (size_t at = 0; at < n; at += 256) {
        const size_t count = n - at < 256 ? n - at : 256;
        rng_halves(key, first + at, count, bits);
        for (size_t i = 0; i < count; i++)
            m[at + i] = bits[i] >= limit ? kept : 0;
    }
}

static void block_factors(const void *context, uint64_t key, size_t first, size_t n, real *m)
{
    (void)key;
    const struct layer *l = context;
    const struct dropout *s = l->state;
    const unsigned char *mask = l->buffer[MASK].p;
    const int *kept = l->buffer[KEPT].p; /* of the first plane of an image: that of the image */
    const size_t each = shape_each(l->out.shape);
    for (size_t i = 0; i < n; i++) {
        const int left = kept[(first + i) / each * (size_t)l->out.shape.c];
        m[i] = mask[first + i] == 0 ? 0 : s->mode == PLAIN ? 1 : (real)each / (real)left;
    }
}

static void multiply(const struct layer *l, const struct run *run, const real *x, real *y, bool overwrite)
{
    const struct dropout *s = l->state;
    if (!s->block) {
        noise_multiply(l, run, single_factors, s, x, y, overwrite);
        return;
    }
    const struct shape o = l->out.shape;
    int *kept = l->buffer[KEPT].p;
    dropblock_mask(noise_key(l, run), s->probability, (size_t)o.n * (size_t)o.c, o.h, o.w, s->block, l->buffer[MASK].p, kept);
    for (int i = 0; i < o.n; i++)
        for (int k = 1; k < o.c; k++)
            kept[(size_t)i * (size_t)o.c] += kept[(size_t)i * (size_t)o.c + (size_t)k];
    noise_multiply(l, run, block_factors, l, x, y, overwrite);
}

static void forward(struct layer *l, const struct run *run)
{
    const struct dropout *s = l->state;
    if (run_is_noisy(run)) {
        multiply(l, run, l->in[0]->x, l->out.x, true);
        return;
    }
    vector_copy(l->in[0]->x, l->out.x, shape_size(l->out.shape));
    if (s->mode == PLAIN)
        vector_scale((real)(1 - s->probability), l->out.x, shape_size(l->out.shape));
}

static void backward(struct layer *l, const struct run *run)
{
    if (l->in[0]->dx)
        multiply(l, run, l->out.dx, l->in[0]->dx, l->in_fresh[0]);
}

const struct layer_type layer_dropout = {
    .name = "dropout",
    .help = "zeroes random values, or squares of them, in training",
    .options = options,
    .state_size = sizeof(struct dropout),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
