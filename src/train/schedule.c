#include "train/schedule.h"

#include <math.h>

int64_t schedule_cycle(const struct net_options *o, int64_t total)
{
    const int64_t cycles = o->snapshots > 0 ? o->snapshots : 1, length = (total + cycles - 1) / cycles;
    return length > 0 ? length : 1;
}

double schedule_rate(const struct net_options *o, int64_t iteration, int64_t total)
{
    const double rate = o->learning_rate;
    if (iteration < o->burn_in)
        return rate * pow((double)(iteration + 1) / o->burn_in, o->power);
    switch (o->policy) {
    case POLICY_STEP:
        return rate * pow(o->scale, (double)(iteration / o->step));
    case POLICY_STEPS: {
        double r = rate;
        for (int i = 0; i < o->steps.n && o->steps.v[i] <= iteration; i++)
            r *= o->scales.v[i];
        return r;
    }
    case POLICY_EXP:
        return rate * pow(o->gamma, (double)iteration);
    case POLICY_POLY:
        return rate * pow(1 - (double)iteration / (double)(total > 0 ? total : 1), o->power);
    case POLICY_SGDR: { /* Loshchilov and Hutter 2017, eq. 5; cycles grow by sgdr_mult; without sgdr_cycle one cycle fills the training */
        double length = o->sgdr_cycle > 0 ? o->sgdr_cycle : (double)total - o->burn_in, at = (double)iteration - o->burn_in;
        if (length < 1)
            length = 1;
        while (at >= length && o->sgdr_cycle > 0) {
            at -= length;
            length *= o->sgdr_mult;
        }
        if (at > length)
            at = length;
        return o->learning_rate_min + 0.5 * (rate - o->learning_rate_min) * (1 + cos(at / length * M_PI));
    }
    case POLICY_SNAPSHOT: { /* Huang 2017, eq. 2; iteration = t − 1 */
        const int64_t cycle = schedule_cycle(o, total);
        return rate / 2 * (cos(M_PI * (double)(iteration % cycle) / (double)cycle) + 1);
    }
    default:
        return rate;
    }
}
