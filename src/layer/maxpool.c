/* [maxpool]: the maximum of a sliding window. out = (w + padding − size) / stride + 1; the first window begins padding / 2 outside the
 * image; outside counts as −∞. */
#include "layer/types.h"
#include "math/pool.h"

struct maxpool {
    int size, stride, stride_x, stride_y, padding;
    struct pool_window window;
};

enum { INDEX, SCRATCH, SCRATCH_INDEX };

static const struct config_key options[] = {
    {"size", OPTION_INT, offsetof(struct maxpool, size), "0", 0, 65535, NULL,
     "side of the window; 0: as the stride. In a network over one dimension (height=1) its width, and the height is 1"},
    {"stride", OPTION_INT, offsetof(struct maxpool, stride), "1", 1, 65535, NULL, "step from window to window"},
    {"stride_x", OPTION_INT, offsetof(struct maxpool, stride_x), "0", 0, 65535, NULL, "horizontal step; 0: stride"},
    {"stride_y", OPTION_INT, offsetof(struct maxpool, stride_y), "0", 0, 65535, NULL, "vertical step; 0: stride"},
    {"padding", OPTION_INT, offsetof(struct maxpool, padding), "-1", -1, 65535, NULL,
     "places outside the image at both ends of a side together; -1: size - 1"},
    {"maxpool_zero_nonmax", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "zeroes what is no maximum in the input"},
    {"maxpool_depth", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "maximum over the channels"},
    {"out_channels", OPTION_UNSUPPORTED_ANSWER, 0, "1", 0, 0, NULL, "channels of maxpool_depth"},
    {"antialiasing", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "blurs before the stride"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    struct maxpool *s = l->state;
    static const char *const changing[] = {"maxpool_depth", "antialiasing", "maxpool_zero_nonmax"};
    for (int i = 0; i < 3; i++) {
        const struct config_entry *e = config_get(l->section, changing[i]);
        if (e && e->value[0] != '0')
            return layer_error(l, changing[i], err, "%s=%s is not supported, expected 0", changing[i], e->value);
    }
    s->size = s->size ? s->size : s->stride;
    s->stride_x = s->stride_x ? s->stride_x : s->stride;
    s->stride_y = s->stride_y ? s->stride_y : s->stride;
    s->padding = s->padding >= 0 ? s->padding : s->size - 1;
    s->window = (struct pool_window){s->size, s->size, s->stride_y, s->stride_x, s->padding / 2, s->padding / 2};
    if (layer_is_1d(l)) {
        s->window.kh = s->window.stride_h = 1;
        s->window.top = 0;
    }
    l->backward_reads_in = l->backward_reads_out = false;
    return 0;
}

/* Windows along a side of length `side`; 0: none fits, or one would see nothing of the image. */
static int windows(const struct maxpool *s, int side, int stride)
{
    const int room = side + s->padding - s->size, before = s->padding / 2;
    if (room < 0 || before >= s->size)
        return 0;
    const int n = room / stride + 1;
    return (n - 1) * stride - before < side ? n : 0;
}

static int shape(struct layer *l, struct error *err)
{
    const struct maxpool *s = l->state;
    const struct shape in = l->in[0]->shape;
    const int w = windows(s, in.w, s->stride_x), h = layer_is_1d(l) ? in.h : windows(s, in.h, s->stride_y);
    if (w < 1 || h < 1)
        return layer_error(l, "size", err,
                           "windows of size=%d with padding=%d don't fit an input of %d x %d: expected a size of at most the input and its "
                           "padding, and a padding of less than twice the size",
                           s->size, s->padding, in.w, in.h);
    l->out.shape = (struct shape){in.n, in.c, h, w};
    l->flops = (double)shape_each(l->out.shape) * s->window.kh * s->size;
    const size_t scratch = pool_max_scratch(s->window, in.w, w);
    layer_buffer(l, SCRATCH, BUFFER_SCRATCH, scratch, sizeof(real));
    if (layer_trains(l)) {
        layer_buffer(l, INDEX, BUFFER_SAVED, shape_size(l->out.shape), sizeof(int32_t));
        layer_buffer(l, SCRATCH_INDEX, BUFFER_SCRATCH, scratch, sizeof(int32_t));
    }
    return 0;
}

bool maxpool_halves(const struct layer *l)
{
    const struct maxpool *s = l->state;
    const struct shape in = l->type == &layer_maxpool ? l->in[0]->shape : (struct shape){0};
    return in.h > 0 && s->size == 2 && s->stride_x == 2 && s->stride_y == 2 && s->padding / 2 == 0 && in.h % 2 == 0 && in.w % 2 == 0 &&
           l->out.shape.h == in.h / 2 && l->out.shape.w == in.w / 2;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct maxpool *s = l->state;
    const struct shape in = l->in[0]->shape, out = l->out.shape;
    pool_max_forward(l->in[0]->x, l->out.x, run->mode == MODE_TRAIN ? l->buffer[INDEX].p : NULL, (size_t)in.n * (size_t)in.c, in.h, in.w,
                     out.h, out.w, s->window, l->buffer[SCRATCH].p, l->buffer[SCRATCH_INDEX].p);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct maxpool *s = l->state;
    const struct shape in = l->in[0]->shape, out = l->out.shape;
    if (l->in[0]->dx)
        pool_max_backward(l->out.dx, l->buffer[INDEX].p, l->in[0]->dx, (size_t)in.n * (size_t)in.c, (size_t)in.h * (size_t)in.w,
                          (size_t)out.h * (size_t)out.w, l->in_fresh[0], s->stride_x >= s->size && s->stride_y >= s->window.kh);
}

const struct layer_type layer_maxpool = {
    .name = "maxpool",
    .alias = "max",
    .help = "maximum of a sliding window",
    .options = options,
    .state_size = sizeof(struct maxpool),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
};
