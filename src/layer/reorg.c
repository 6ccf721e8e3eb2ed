/* [reorg]: the same numbers in another shape: stride × stride neighbours become channels (w/s, h/s, c·s²), or back with reverse=1.
 *
 * Which number goes where is pjreddie's: without reverse the place is computed as if the input's w, h, c were those of the small side (see
 * math/spatial.h). YOLOv2's published weights were trained with it. flatten=1: the channels of a pixel stand side by side (or, with
 * reverse=1, apart again). extra=N: the input as a vector, and N zeros after it. */
#include <string.h>

#include "layer/types.h"
#include "math/spatial.h"
#include "math/vector.h"

struct reorg {
    int stride, reverse, flatten, extra;
};

static const struct config_key options[] = {
    {"stride", OPTION_INT, offsetof(struct reorg, stride), "1", 1, 1024, NULL, "side of the square of pixels that becomes channels"},
    {"reverse", OPTION_FLAG, offsetof(struct reorg, reverse), "0", 0, 1, NULL, "1: channels become pixels"},
    {"flatten", OPTION_FLAG, offsetof(struct reorg, flatten), "0", 0, 1, NULL, "1: transposes channels and pixels"},
    {"extra", OPTION_INT, offsetof(struct reorg, extra), "0", 0, 1 << 24, NULL, "zeros after the input, which becomes a vector"},
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
    const struct reorg *s = l->state;
    const struct shape in = l->in[0]->shape;
    const int square = s->stride * s->stride;
    if (s->extra) {
        const size_t each = shape_each(in) + (size_t)s->extra;
        if (each > INT32_MAX)
            return layer_error(l, "extra", err, "extra=%d makes a vector of %zu numbers, expected at most %d", s->extra, each, INT32_MAX);
        l->out.shape = (struct shape){in.n, (int)each, 1, 1};
        return 0;
    }
    const bool channels_fit = in.c % square == 0, sides_fit = in.w % s->stride == 0 && in.h % s->stride == 0;
    if (s->reverse) {
        if (!channels_fit)
            return layer_error(l, "stride", err, "stride=%d with reverse=1 on %d channels, expected a multiple of %d", s->stride, in.c,
                               square);
        if (in.h > 65535 / s->stride || in.w > 65535 / s->stride)
            return layer_error(l, "stride", err, "stride=%d makes %d x %d larger than 65535 pixels a side", s->stride, in.w, in.h);
        l->out.shape = (struct shape){in.n, in.c / square, in.h * s->stride, in.w * s->stride};
        return 0;
    }
    int channels;
    if (__builtin_mul_overflow(in.c, square, &channels))
        return layer_error(l, "stride", err, "stride=%d on %d channels makes more than %d channels", s->stride, in.c, INT32_MAX);
    if (!sides_fit || (!channels_fit && !s->flatten))
        return layer_error(l, "stride", err,
                           "stride=%d on %d x %d x %d, expected a width and height that it divides, and channels that %d divides",
                           s->stride, in.w, in.h, in.c, square);
    l->out.shape = (struct shape){in.n, channels, in.h / s->stride, in.w / s->stride};
    return 0;
}

/* Moves from → to, of which one belongs to the input, the other to the output. */
static void move(const struct layer *l, const real *from, real *to, bool backwards, bool overwrite)
{
    const struct reorg *s = l->state;
    const struct shape in = l->in[0]->shape;
    const size_t each = shape_each(in), out_each = shape_each(l->out.shape), plane = (size_t)in.h * (size_t)in.w;
    if (s->extra) {
        for (int b = 0; b < in.n; b++) {
            const real *x = from + (size_t)b * (backwards ? out_each : each);
            real *y = to + (size_t)b * (backwards ? each : out_each);
            for (size_t i = 0; i < each; i++)
                y[i] = overwrite ? x[i] : y[i] + x[i];
            if (!backwards)
                memset(y + each, 0, (out_each - each) * sizeof(real));
        }
    } else if (s->flatten) {
        const bool apart = s->reverse != backwards;
        spatial_transpose(from, to, in.n, apart ? plane : (size_t)in.c, apart ? (size_t)in.c : plane, overwrite);
    } else if (s->reverse != backwards)
        spatial_reorg_scatter(from, to, in.n, in.c, in.h, in.w, s->stride, overwrite);
    else
        spatial_reorg_gather(from, to, in.n, in.c, in.h, in.w, s->stride, overwrite);
}

static void forward(struct layer *l, const struct run *run)
{
    (void)run;
    move(l, l->in[0]->x, l->out.x, false, true);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    if (l->in[0]->dx)
        move(l, l->out.dx, l->in[0]->dx, true, l->in_fresh[0]);
}

const struct layer_type layer_reorg = {
    .name = "reorg",
    .help = "turns squares of pixels into channels",
    .options = options,
    .state_size = sizeof(struct reorg),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
