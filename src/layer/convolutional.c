/* [convolutional]: 2-D or, where the network's input has one row, 1-D convolution with groups and dilation, then bias or batch norm, then
 * an activation. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "layer/epilogue.h"
#include "layer/types.h"
#include "math/conv.h"

struct convolutional {
    int filters, size, size_x, size_y, stride, stride_x, stride_y, pad, padding, padding_x, padding_y, dilation, groups;
    struct epilogue epilogue;
    struct param *weight;
    int threads;             /* that the scratch is for */
    bool halve;              /* inference: the 2 x 2 pooling behind is done here */
    bool joins;              /* inference: the [shortcut] behind is done here */
    real slope;              /* of its activation below 0 */
    real *packed;            /* the weights as conv_forward reads them fastest; NULL: not asked for, no memory, or they have no such form */
    struct shape packed_for; /* of the input */
};

static const struct config_key options[] = {
    {"filters", OPTION_INT, offsetof(struct convolutional, filters), "1", 1, 1e6, NULL, "channels of the output"},
    {"size", OPTION_INT, offsetof(struct convolutional, size), "1", 1, 1000, NULL,
     "height and width of the kernel; in a network over one dimension (height=1) its width, and the height is 1"},
    {"size_x", OPTION_INT, offsetof(struct convolutional, size_x), "0", 0, 1000, NULL, "width of the kernel; 0: size"},
    {"size_y", OPTION_INT, offsetof(struct convolutional, size_y), "0", 0, 1000, NULL, "height of the kernel; 0: size, or 1 with height=1"},
    {"stride", OPTION_INT, offsetof(struct convolutional, stride), "1", 1, 1000, NULL, "step of the window"},
    {"stride_x", OPTION_INT, offsetof(struct convolutional, stride_x), "-1", -1, 1000, NULL, "step along x; below 1: stride"},
    {"stride_y", OPTION_INT, offsetof(struct convolutional, stride_y), "-1", -1, 1000, NULL, "step along y; below 1: stride"},
    {"pad", OPTION_INT, offsetof(struct convolutional, pad), "0", 0, 1000, NULL,
     "not 0: padding is size_x/2 left and right, size_y/2 above and below"},
    {"padding", OPTION_INT, offsetof(struct convolutional, padding), "0", 0, 1000, NULL,
     "zeros around the image on each side (with height=1 at both ends), in steps of the dilation"},
    {"dilation", OPTION_INT, offsetof(struct convolutional, dilation), "1", 1, 1000, NULL,
     "distance of the kernel's taps (no effect when size is 1)"},
    {"groups", OPTION_INT, offsetof(struct convolutional, groups), "1", 1, 1e6, NULL,
     "parts into which the channels of input and output are cut; each part sees its own"},
    EPILOGUE_OPTIONS(struct convolutional),
    {"flipped", OPTION_IGNORED, 0, "0", 0, 0, NULL, "layout of old weights files"},
    {"dot", OPTION_IGNORED, 0, "0", 0, 0, NULL, "read by Darknet and unused there"},
    {"angle", OPTION_IGNORED, 0, "15", 0, 0, NULL, "of rotate, which has no effect here"},
    {"stream", OPTION_IGNORED, 0, "-1", 0, 0, NULL, "GPU scheduling"},
    {"wait_stream", OPTION_IGNORED, 0, "-1", 0, 0, NULL, "GPU scheduling"},
    {"keep_delta_gpu", OPTION_IGNORED, 0, "0", 0, 0, NULL, "GPU memory"},
    {"xnor", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "binary weights and inputs"},
    {"binary", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "binary weights"},
    {"bin_output", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "binary output"},
    {"cbn", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "cross-iteration batch norm"},
    {"antialiasing", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "blur before the stride"},
    {"assisted_excitation", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "adds the true boxes to the features early in training"},
    {"share_index", OPTION_UNSUPPORTED_ANSWER, 0, "-1000000000", 0, 0, NULL, "layer whose weights are used"},
    {"sway", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "deformed kernels"},
    {"rotate", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "deformed kernels"},
    {"stretch", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "deformed kernels"},
    {"stretch_sway", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "deformed kernels"},
    {"deform", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "deformed kernels"},
    {"grad_centr", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "gradient centralisation"},
    {"reverse", OPTION_UNSUPPORTED, 0, "0", 0, 0, NULL, "reverses the gradient"},
    {"coordconv", OPTION_UNSUPPORTED_ANSWER, 0, "0", 0, 0, NULL, "adds the coordinates as channels"},
    {NULL, OPTION_INT, 0, NULL, 0, 0, NULL, NULL},
};

static int setup(struct layer *l, struct error *err)
{
    struct convolutional *s = l->state;
    const int channels = l->in[0]->shape.c;
    if (channels % s->groups != 0 || s->filters % s->groups != 0)
        return layer_error(l, "groups", err, "groups=%d doesn't divide %s (%d input channels, filters=%d), expected a divisor of both",
                           s->groups,
                           channels % s->groups == 0     ? "the filters"
                           : s->filters % s->groups == 0 ? "the input channels"
                                                         : "the input channels nor the filters",
                           channels, s->filters);
    if (s->stride_x < 1)
        s->stride_x = s->stride;
    if (s->stride_y < 1)
        s->stride_y = s->stride;
    const bool line = layer_is_1d(l);
    s->size_x = s->size_x ? s->size_x : s->size;
    s->size_y = s->size_y ? s->size_y : line ? 1 : s->size;
    if (s->size_x == 1 && s->size_y == 1)
        s->dilation = 1;
    s->padding_x = s->pad ? s->size_x / 2 : s->padding;
    s->padding_y = s->pad ? s->size_y / 2 : line ? 0 : s->padding;

    const int per_group = channels / s->groups, area = s->size_x * s->size_y;
    if ((double)per_group * area > INT_MAX || (double)s->filters / s->groups * area > INT_MAX)
        return layer_error(l, "size", err, "windows of %d x %d on %d channels for filters=%d are more than memory can hold", s->size_x,
                           s->size_y, per_group, s->filters);
    if (epilogue_add_bias(l, &s->epilogue, s->filters, err) != 0 || epilogue_add_norm(l, &s->epilogue, s->filters, err) != 0)
        return -1;
    const struct shape shape = {s->filters, per_group, s->size_y, s->size_x};
    s->weight = layer_param(l, "weight", PARAM_WEIGHT, shape, per_group * area, s->filters / s->groups * area, err);
    if (!s->weight)
        return -1;
    param_init(s->weight, epilogue_init(&s->epilogue), l->net->seed, (uint64_t)l->index * 16);
    return 0;
}

static struct conv_shape conv_shape_of(const struct layer *l)
{
    const struct convolutional *s = l->state;
    const struct shape in = l->in[0]->shape;
    struct conv_shape c = {.batch = in.n,
                           .channels = in.c,
                           .height = in.h,
                           .width = in.w,
                           .filters = s->filters,
                           .size = s->size_x,
                           .size_y = s->size_y,
                           .stride_x = s->stride_x,
                           .stride_y = s->stride_y,
                           .padding = s->padding_x * s->dilation, /* as Darknet pads */
                           .padding_y = s->padding_y * s->dilation,
                           .dilation = s->dilation,
                           .groups = s->groups,
                           .halve = s->halve,
                           .winograd = l->net->options.winograd,
                           .precision = (enum conv_precision)l->net->options.precision};
    c.out_h = conv_output(in.h, c.size_y, c.stride_y, c.padding_y, c.dilation);
    c.out_w = conv_output(in.w, c.size, c.stride_x, c.padding, c.dilation);
    return c;
}

/* Asks for the scratch of all passes. */
static void ask_for_scratch(struct layer *l)
{
    struct convolutional *s = l->state;
    const struct conv_shape c = conv_shape_of(l);
    s->threads = parallel_threads();
    size_t scratch = conv_scratch(&c, CONV_FORWARD, s->threads);
    for (int pass = CONV_BACKWARD_DATA; pass <= CONV_BACKWARD_WEIGHTS && layer_trains(l); pass++) {
        const size_t more = conv_scratch(&c, (enum conv_pass)pass, s->threads);
        scratch = more > scratch ? more : scratch;
    }
    layer_buffer(l, EPILOGUE_BUFFERS, BUFFER_SCRATCH, scratch, sizeof(real));
}

static int shape(struct layer *l, struct error *err)
{
    struct convolutional *s = l->state;
    s->halve = s->joins = false;
    const struct conv_shape c = conv_shape_of(l);
    if (c.out_h < 1 || c.out_w < 1)
        return layer_error(l, "size", err, "a window of %d x %d does not fit in the input of %d x %d with padding %d",
                           (c.size - 1) * c.dilation + 1, (c.size_y - 1) * c.dilation + 1, c.width, c.height,
                           c.padding > c.padding_y ? c.padding : c.padding_y);
    if ((long)c.out_h * c.out_w > 1 << 30 || (long)c.height * c.width > 1 << 30 ||
        (long)c.channels / c.groups * c.size_y * c.size > 1 << 30)
        return layer_error(l, "size", err, "an input of %d x %d x %d is too large for a window of %d x %d", c.width, c.height, c.channels,
                           c.size, c.size_y);
    l->out.shape = (struct shape){c.batch, c.filters, c.out_h, c.out_w};
    l->flops = 2.0 * (double)shape_size(s->weight->shape) * c.out_h * c.out_w;
    s->epilogue.parts = layer_trains(l) ? conv_parts(&c) : 0;
    epilogue_shape(l, &s->epilogue);
    l->out_can_be_remade = s->epilogue.batch_normalize && epilogue_maps(&s->epilogue) && !l->backward_reads_out;
    l->backward_reads_in = s->weight->lr_mult != 0;

    ask_for_scratch(l);
    if (s->packed && memcmp(&s->packed_for, &l->in[0]->shape, sizeof s->packed_for) != 0) {
        mem_free(s->packed);
        s->packed = NULL;
    }
    return 0;
}

static int threads_now(const struct convolutional *s)
{
    const int now = parallel_threads();
    return now < s->threads ? now : s->threads;
}

static void forward(struct layer *l, const struct run *run)
{
    const struct convolutional *s = l->state;
    const struct conv_shape c = conv_shape_of(l);
    struct channel_map map;
    real *to = epilogue_begin(l, &s->epilogue, run, &map);
    if (s->joins) {
        map.residual = l->absorbed->in[1]->x;
        map.residual_slope = s->slope;
    }
    conv_forward(&c, l->in[0]->x, s->weight->value, s->packed, &map, s->halve || s->joins ? l->absorbed->out.x : to,
                 l->buffer[EPILOGUE_BUFFERS].p, threads_now(s));
    epilogue_end(l, &s->epilogue, run);
}

static void backward(struct layer *l, const struct run *run)
{
    (void)run;
    const struct convolutional *s = l->state;
    const struct conv_shape c = conv_shape_of(l);
    real *scratch = l->buffer[EPILOGUE_BUFFERS].p;
    epilogue_backward(l, &s->epilogue);
    if (s->weight->grad)
        conv_backward_weights(&c, l->in[0]->x, l->out.dx, s->weight->grad, scratch, threads_now(s));
    if (l->in[0]->dx)
        conv_backward_data(&c, l->out.dx, s->weight->value, l->in[0]->dx, l->in_fresh[0], scratch, threads_now(s));
}

static void fold(struct layer *l)
{
    struct convolutional *s = l->state;
    epilogue_fold(&s->epilogue, s->weight->value, shape_each(s->weight->shape));
}

static void pack(struct layer *l, bool last)
{
    struct convolutional *s = l->state;
    const struct conv_shape c = conv_shape_of(l);
    const size_t size = s->packed ? 0 : conv_packed_size(&c);
    if (size > 0 && (s->packed = mem_try(size, sizeof(real)))) {
        conv_pack(&c, s->weight->value, s->packed, parallel_threads());
        s->packed_for = l->in[0]->shape;
    }
    if (s->packed && last) {
        mem_free(s->weight->value);
        s->weight->value = NULL;
    }
}

static bool absorb(struct layer *l, const struct layer *next)
{
    struct convolutional *s = l->state;
    if (layer_trains(l))
        return epilogue_absorb(l, &s->epilogue, next);
    if (!epilogue_maps(&s->epilogue))
        return false;
    if (shortcut_joins(next, &s->slope)) {
        const struct conv_shape c = conv_shape_of(l);
        s->joins = conv_joins(&c, s->epilogue.activation);
        return s->joins;
    }
    s->halve = true;
    const struct conv_shape c = conv_shape_of(l);
    s->halve = maxpool_halves(next) && conv_halves(&c);
    if (s->halve)
        ask_for_scratch(l);
    return s->halve;
}

static void remake(struct layer *l)
{
    epilogue_remake(l, &((const struct convolutional *)l->state)->epilogue);
}

static void algorithms(const struct layer *l, const char *name[3])
{
    const struct conv_shape c = conv_shape_of(l);
    for (int pass = CONV_FORWARD; pass <= CONV_BACKWARD_WEIGHTS; pass++)
        name[pass] = conv_algorithm(&c, (enum conv_pass)pass);
}

static void release(struct layer *l)
{
    struct convolutional *s = l->state;
    mem_free(s->packed);
}

const struct layer_type layer_convolutional = {
    .name = "convolutional",
    .help = "convolution, then bias or batch norm, then an activation",
    .alias = "conv",
    .options = options,
    .state_size = sizeof(struct convolutional),
    .setup = setup,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .backward_overwrites = true,
    .absorb = absorb,
    .remake = remake,
    .fold = fold,
    .pack = pack,
    .algorithms = algorithms,
    .release = release,
};
