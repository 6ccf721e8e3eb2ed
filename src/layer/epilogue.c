#include "layer/epilogue.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "layer/types.h"
#include "math/norm_pool.h"
#include "math/vector.h"

/* Fewer weights aren't worth another thread. */
#define FOLD_WORK (1 << 16)

int epilogue_add_bias(struct layer *l, struct epilogue *e, int channels, struct error *err)
{
    if (e->bn_after && !e->batch_normalize)
        return layer_error(l, "bn_after", err, "bn_after=1 without batch_normalize=1, expected both or neither");
    if (layer_activation_find(l, &e->keys, &e->activation, err) != 0)
        return -1;
    l->link = layer_activation_link(e->activation);
    e->channels = activation_of(ACTIVATION_LINEAR);
    if (activation_of_channels(e->activation)) {
        if (e->bn_after)
            return layer_error(l, "bn_after", err, "bn_after=1 with activation=%s, expected a [batchnorm] after this layer",
                               activation_names[e->keys.choice]);
        e->channels = e->activation;
        e->activation = activation_of(ACTIVATION_LINEAR);
    }
    if (!e->bias && !e->batch_normalize)
        return 0;
    e->shift = layer_param(l, "bias", PARAM_BIAS, (struct shape){1, channels, 1, 1}, 0, 0, err);
    return e->shift ? 0 : -1;
}

int epilogue_add_norm(struct layer *l, struct epilogue *e, int channels, struct error *err)
{
    if (!e->batch_normalize)
        return 0;
    const struct shape shape = {1, channels, 1, 1};
    e->scale = layer_param(l, "scale", PARAM_BIAS, shape, 0, 0, err);
    e->mean = e->scale ? layer_param(l, "mean", PARAM_STATISTIC, shape, 0, 0, err) : NULL;
    e->variance = e->mean ? layer_param(l, "variance", PARAM_STATISTIC, shape, 0, 0, err) : NULL;
    if (!e->variance)
        return -1;
    param_init(e->scale, INIT_ONE, 0, 0);
    param_init(e->variance, INIT_ONE, 0, 0);
    return 0;
}

enum init_kind epilogue_init(const struct epilogue *e)
{
    switch (e->channels.kind == ACTIVATION_SOFTMAX ? e->channels.kind : e->activation.kind) {
    case ACTIVATION_LOGISTIC:
    case ACTIVATION_LOGGY:
    case ACTIVATION_TANH:
    case ACTIVATION_HARDTAN:
    case ACTIVATION_SOFTMAX:
        return INIT_XAVIER;
    case ACTIVATION_SELU:
        return INIT_LECUN;
    default:
        return INIT_HE_NORMAL;
    }
}

static bool normalizes(const struct epilogue *e)
{
    return e->batch_normalize && !e->folded;
}

/* The normalisation is a step of its own behind the activation. */
static bool norm_after(const struct epilogue *e)
{
    return normalizes(e) && e->bn_after && e->activation.kind != ACTIVATION_LINEAR;
}

/* The activation that follows the normalisation. */
static struct activation norm_activation(const struct epilogue *e)
{
    return e->bn_after ? activation_of(ACTIVATION_LINEAR) : e->activation;
}

/* With norm_after: the activation's derivative needs the linear part, too. */
static bool keeps_linear(const struct epilogue *e)
{
    return norm_after(e) && !activation_from_output(e->activation);
}

/* A layer that is frozen as a whole keeps its statistics and normalises with them. */
static bool frozen(const struct layer *l)
{
    return !l->trainable;
}

/* Backward needs what stood before the activation (before the normalisation, if there is one). */
static bool keeps_before(const struct epilogue *e)
{
    return normalizes(e) || !activation_from_output(e->activation);
}

static size_t spatial(const struct layer *l)
{
    return (size_t)l->out.shape.h * (size_t)l->out.shape.w;
}

/* The layer takes the moments of what is normalised while it is in the cache. */
static bool takes_moments(const struct layer *l, const struct epilogue *e)
{
    const struct shape o = l->out.shape;
    return e->parts > 0 && normalizes(e) && !norm_after(e) && !frozen(l) && norm_reads_twice(o.n, o.c, spatial(l));
}

static size_t norm_scratch(const struct layer *l, const struct epilogue *e)
{
    const struct shape o = l->out.shape;
    const size_t norm = norm_scratch_bytes(o.n, o.c, spatial(l));
    const size_t moments = takes_moments(l, e) ? 2 * sizeof(double) * (size_t)e->parts * (size_t)o.c : 0;
    return norm > moments ? norm : moments;
}

void epilogue_shape(struct layer *l, const struct epilogue *e)
{
    const size_t channels = (size_t)l->out.shape.c;
    if (layer_trains(l) && keeps_before(e))
        layer_buffer(l, EPILOGUE_BEFORE, BUFFER_SAVED, shape_size(l->out.shape), sizeof(real));
    if (layer_trains(l) && keeps_linear(e))
        layer_buffer(l, EPILOGUE_LINEAR, BUFFER_SAVED, shape_size(l->out.shape), sizeof(real));
    if (normalizes(e)) {
        layer_buffer(l, EPILOGUE_MAP, BUFFER_SCRATCH, 2 * channels, sizeof(real));
        if (layer_trains(l)) {
            layer_buffer(l, EPILOGUE_STATISTICS, BUFFER_SAVED, 2 * channels, sizeof(real));
            layer_buffer(l, EPILOGUE_SCRATCH, BUFFER_SCRATCH, norm_scratch(l, e), 1);
        }
    }
    if (e->channels.kind != ACTIVATION_LINEAR)
        layer_activated_shape(l, e->channels, EPILOGUE_CHANNELS);
    else if (normalizes(e))
        l->backward_reads_out = norm_reads_output(norm_activation(e));
    else
        l->backward_reads_out = e->activation.kind != ACTIVATION_LINEAR && activation_from_output(e->activation);
}

bool epilogue_maps(const struct epilogue *e)
{
    return !norm_after(e) && e->channels.kind == ACTIVATION_LINEAR;
}

bool epilogue_absorb(struct layer *l, const struct epilogue *e, const struct layer *next)
{
    if (!normalizes(e) || !epilogue_maps(e) || !maxpool_halves(next))
        return false;
    layer_buffer(l, EPILOGUE_MAXIMA, BUFFER_SAVED, shape_size(next->out.shape), sizeof(real));
    layer_buffer(l, EPILOGUE_PLACES, BUFFER_SAVED, shape_size(next->out.shape), 1);
    return true;
}

/* The normalisation with these statistics as a map. */
static struct channel_map normal_map(const struct layer *l, const struct epilogue *e, const real *mean, const real *variance)
{
    real *scale = l->buffer[EPILOGUE_MAP].p, *shift = scale + l->out.shape.c;
    norm_fold(e->scale->value, e->shift->value, mean, variance, l->out.shape.c, scale, shift);
    return (struct channel_map){.scale = scale, .shift = shift, .activation = norm_activation(e)};
}

/* The values before the normalisation are kept for backward or for statistics: not where a frozen layer does as in evaluation. */
static bool keeps(const struct layer *l, const struct epilogue *e, const struct run *run)
{
    if (frozen(l) && !l->runs_backward)
        return false;
    return (run->mode == MODE_TRAIN && keeps_before(e)) || (run->mode == MODE_CALIBRATE && normalizes(e));
}

real *epilogue_begin(struct layer *l, const struct epilogue *e, const struct run *run, struct channel_map *map)
{
    const real *bias = e->shift ? e->shift->value : NULL;
    if (norm_after(e)) {
        const bool kept = keeps(l, e, run), linear = kept && keeps_linear(e);
        *map = (struct channel_map){.activation = linear ? activation_of(ACTIVATION_LINEAR) : e->activation};
        return kept ? l->buffer[linear ? EPILOGUE_LINEAR : EPILOGUE_BEFORE].p : l->out.x;
    }
    if (keeps(l, e, run)) {
        *map = (struct channel_map){.shift = normalizes(e) ? NULL : bias,
                                    .activation = activation_of(ACTIVATION_LINEAR),
                                    .moments = takes_moments(l, e) ? l->buffer[EPILOGUE_SCRATCH].p : NULL};
        return l->buffer[EPILOGUE_BEFORE].p;
    }
    *map = normalizes(e) ? normal_map(l, e, e->mean->value, e->variance->value)
                         : (struct channel_map){.shift = bias, .activation = e->activation};
    return l->out.x;
}

/* From the values that were kept. */
static void end_kept(struct layer *l, const struct epilogue *e, const struct run *run)
{
    const struct shape o = l->out.shape;
    const real *before = l->buffer[EPILOGUE_BEFORE].p;
    if (keeps_linear(e))
        activation_forward(e->activation, l->buffer[EPILOGUE_LINEAR].p, l->buffer[EPILOGUE_BEFORE].p, shape_size(o));
    if (!normalizes(e)) {
        activation_forward(e->activation, before, l->out.x, shape_size(o));
        return;
    }
    real *mean = l->buffer[EPILOGUE_STATISTICS].p, *variance = mean + o.c;
    if (frozen(l)) {
        memcpy(mean, e->mean->value, (size_t)o.c * sizeof(real));
        memcpy(variance, e->variance->value, (size_t)o.c * sizeof(real));
    } else if (takes_moments(l, e))
        norm_statistics(l->buffer[EPILOGUE_SCRATCH].p, e->parts, o.c, (double)o.n * (double)spatial(l), mean, variance);
    const bool known = frozen(l) || takes_moments(l, e);
    if (l->absorbed && run->mode == MODE_TRAIN)
        norm_pool_forward(norm_activation(e), before, o.n, o.c, o.h, o.w, e->scale->value, e->shift->value, known, mean, variance,
                          l->absorbed->out.x, l->buffer[EPILOGUE_MAXIMA].p, l->buffer[EPILOGUE_PLACES].p, l->buffer[EPILOGUE_SCRATCH].p);
    else if (known) {
        const struct channel_map map = normal_map(l, e, mean, variance);
        norm_map(&map, before, o.n, o.c, spatial(l), l->out.x);
    } else
        norm_forward(norm_activation(e), before, o.n, o.c, spatial(l), e->scale->value, e->shift->value, mean, variance, l->out.x,
                     l->buffer[EPILOGUE_SCRATCH].p);
    if (frozen(l))
        return;
    const double momentum = run->mode == MODE_CALIBRATE ? run->share : e->momentum;
    norm_update_running(mean, variance, o.c, (double)o.n * (double)spatial(l), momentum, e->mean->value, e->variance->value);
}

void epilogue_end(struct layer *l, const struct epilogue *e, const struct run *run)
{
    const struct shape o = l->out.shape;
    if (keeps(l, e, run))
        end_kept(l, e, run);
    else if (norm_after(e)) {
        const struct channel_map map = normal_map(l, e, e->mean->value, e->variance->value);
        norm_map(&map, l->out.x, o.n, o.c, spatial(l), l->out.x);
    }
    if (e->channels.kind != ACTIVATION_LINEAR)
        layer_activated_forward(l, e->channels, EPILOGUE_CHANNELS, run);
}

void epilogue_remake(struct layer *l, const struct epilogue *e)
{
    const struct shape o = l->out.shape;
    const real *mean = l->buffer[EPILOGUE_STATISTICS].p;
    const struct channel_map map = normal_map(l, e, mean, mean + o.c);
    norm_map(&map, l->buffer[EPILOGUE_BEFORE].p, o.n, o.c, spatial(l), l->out.x);
}

void epilogue_backward(struct layer *l, const struct epilogue *e)
{
    const struct shape o = l->out.shape;
    const struct activation a = e->activation;
    const real *before = l->buffer[EPILOGUE_BEFORE].p;
    real *dshift = e->shift ? e->shift->grad : NULL;
    if (e->channels.kind != ACTIVATION_LINEAR)
        layer_activated_backward(l, e->channels, EPILOGUE_CHANNELS);
    if (!normalizes(e)) {
        activation_backward(a, before, l->out.x, l->out.dx, l->out.dx, shape_size(o));
        if (dshift)
            vector_channel_sums(l->out.dx, o.n, o.c, spatial(l), dshift);
        return;
    }
    const real *mean = l->buffer[EPILOGUE_STATISTICS].p, *variance = mean + o.c;
    if (l->absorbed) {
        norm_pool_backward(norm_activation(e), !frozen(l), before, l->buffer[EPILOGUE_MAXIMA].p, l->buffer[EPILOGUE_PLACES].p,
                           l->absorbed->out.x, e->scale->value, e->shift->value, mean, variance, o.n, o.c, o.h, o.w, l->absorbed->out.dx,
                           l->out.dx, e->scale->grad, dshift, l->buffer[EPILOGUE_SCRATCH].p);
        return;
    }
    norm_backward(norm_activation(e), !frozen(l), before, l->out.x, e->scale->value, e->shift->value, mean, variance, o.n, o.c, spatial(l),
                  l->out.dx, e->scale->grad, dshift, l->buffer[EPILOGUE_SCRATCH].p);
    if (norm_after(e))
        activation_backward(a, l->buffer[EPILOGUE_LINEAR].p, before, l->out.dx, l->out.dx, shape_size(o));
}

void epilogue_fold(struct epilogue *e, real *weight, size_t per_channel)
{
    if (!normalizes(e) || norm_after(e))
        return;
    const size_t channels = (size_t)e->shift->shape.c;
#pragma omp parallel for schedule(static) if (channels * per_channel > FOLD_WORK)
    for (size_t k = 0; k < channels; k++) {
        real scale, shift;
        norm_fold(e->scale->value + k, e->shift->value + k, e->mean->value + k, e->variance->value + k, 1, &scale, &shift);
        e->shift->value[k] = shift;
        for (size_t i = 0; i < per_channel; i++)
            weight[k * per_channel + i] *= scale;
    }
    e->folded = true;
}
