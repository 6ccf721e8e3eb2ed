#include "train/schedule.h"

#include <math.h>

#include "base/rng.h"

int64_t schedule_cycle(const struct net_options *o, int64_t total)
{
    const int64_t cycles = o->snapshots > 0 ? o->snapshots : 1, length = (total + cycles - 1) / cycles;
    return length > 0 ? length : 1;
}

static double cosine(double from, double to, double part)
{
    return to + 0.5 * (from - to) * (1 + cos(part * M_PI));
}

static double steps(const struct net_options *o, int64_t iteration)
{
    double r = o->learning_rate;
    for (int i = 0; i < o->steps.n && o->steps.v[i] <= iteration; i++)
        r *= o->scales.v[i];
    return r;
}

/* Loshchilov and Hutter 2017, eq. 5; cycles grow by sgdr_mult; without sgdr_cycle one cycle fills the training. */
static double sgdr(const struct net_options *o, double at, double length)
{
    if (o->sgdr_cycle > 0)
        length = o->sgdr_cycle;
    while (at >= length && o->sgdr_cycle > 0) {
        at -= length;
        length *= o->sgdr_mult;
    }
    return cosine(o->learning_rate, o->learning_rate_min, fmin(at / length, 1));
}

/* Smith and Topin 2018, with the cosine halves and the corners of PyTorch's OneCycleLR: the peak is number rise·length − 1, the end
 * number length − 1. */
static double one_cycle(const struct net_options *o, double at, double length)
{
    const double peak = o->learning_rate, start = peak / o->cycle_div, end = start / o->cycle_final_div;
    const double top = o->cycle_rise * length - 1, last = length - 1;
    if (at <= top)
        return cosine(start, peak, top > 0 ? at / top : 1);
    return cosine(peak, end, last > top ? fmin((at - top) / (last - top), 1) : 1);
}

static double by_policy(const struct net_options *o, uint64_t seed, int64_t iteration, int64_t total, const struct plateau *plateau)
{
    const double rate = o->learning_rate, i = (double)iteration;
    const double after = i - o->burn_in, length = fmax((double)total - o->burn_in, 1); /* of what follows the warm-up */
    switch ((enum policy)o->policy) {
    case POLICY_CONSTANT:
        break;
    case POLICY_STEP:
        return rate * pow(o->scale, (double)(iteration / o->step));
    case POLICY_STEPS:
        return steps(o, iteration);
    case POLICY_EXP:
        return rate * pow(o->gamma, i);
    case POLICY_POLY:
        return rate * pow(1 - fmin(i / (double)(total > 0 ? total : 1), 1), o->power);
    case POLICY_SIG:
    case POLICY_SIGMOID:
        return rate / (1 + exp(o->gamma * (i - o->step)));
    case POLICY_RANDOM: {
        struct rng r = rng_make(seed, RNG_RATE, (uint64_t)iteration, 0);
        return rate * pow(rng_uniform(&r), o->power);
    }
    case POLICY_COSINE:
        return cosine(rate, o->learning_rate_min, fmin(after / length, 1));
    case POLICY_SGDR:
        return sgdr(o, after, length);
    case POLICY_SNAPSHOT: { /* Huang 2017, eq. 2; iteration = t − 1 */
        const int64_t cycle = schedule_cycle(o, total);
        return rate / 2 * (cos(M_PI * (double)(iteration % cycle) / (double)cycle) + 1);
    }
    case POLICY_ONE_CYCLE:
    case POLICY_ONECYCLE:
        return one_cycle(o, after, length);
    case POLICY_PLATEAU:
        return fmin(rate, fmax(rate * pow(o->plateau_factor, plateau->reductions), o->learning_rate_min));
    }
    return rate;
}

double schedule_rate(const struct net_options *o, uint64_t seed, int64_t iteration, int64_t total, const struct plateau *plateau)
{
    const double scale = o->lr_scale_batch > 0 ? (double)o->batch / o->lr_scale_batch : 1; /* Goyal et al. 2017 */
    if ((double)iteration < o->burn_in)
        return scale * o->learning_rate * pow((double)(iteration + 1) / o->burn_in, o->power);
    return scale * by_policy(o, seed, iteration, total, plateau);
}

bool schedule_plateau(const struct net_options *o, struct plateau *p, double figure, bool rising)
{
    const double margin = o->plateau_threshold * fabs(p->best);
    if (isnan(p->best) || (rising ? figure > p->best + margin : figure < p->best - margin)) {
        p->best = figure;
        p->bad = 0;
        return false;
    }
    if (++p->bad <= o->plateau_patience)
        return false;
    p->bad = 0;
    p->reductions++;
    return true;
}
