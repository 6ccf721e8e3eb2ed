#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/steps.h"

void step_time_shift(struct canvas *cv, const double *v, struct rng *rng)
{
    const int n = cv->w, most = (int)(v[0] * n), by = rng_below(rng, 2 * most + 1) - most;
    const bool roll = v[1] != 0;
    float *line = mem_new((size_t)n, sizeof *line);
    for (int c = 0; c < cv->c * cv->h; c++) {
        float *x = cv->x + (size_t)c * (size_t)n;
        for (int i = 0; i < n; i++) {
            const int from = i - by;
            line[i] = from >= 0 && from < n ? x[from] : roll ? x[from < 0 ? from + n : from - n] : 0;
        }
        memcpy(x, line, (size_t)n * sizeof *x);
    }
    free(line);
}

/* Sample i becomes what stood at i · factor, linearly interpolated. */
void step_time_stretch(struct canvas *cv, const double *v, struct rng *rng)
{
    const int n = cv->w;
    const double factor = augment_factor(rng, v[0]);
    float *line = mem_new((size_t)n, sizeof *line);
    for (int c = 0; c < cv->c * cv->h; c++) {
        float *x = cv->x + (size_t)c * (size_t)n;
        for (int i = 0; i < n; i++) {
            const double at = i * factor;
            const int k = at < n - 1 ? (int)at : n - 1;
            const float part = (float)(at - k);
            line[i] = at > n - 1 ? 0 : k + 1 < n ? x[k] + part * (x[k + 1] - x[k]) : x[k];
        }
        memcpy(x, line, (size_t)n * sizeof *x);
    }
    free(line);
}

void step_gain(struct canvas *cv, const double *v, struct rng *rng)
{
    const float factor = (float)augment_factor(rng, v[0]);
    const size_t n = (size_t)cv->c * canvas_plane(cv);
    for (size_t i = 0; i < n; i++)
        cv->x[i] *= factor;
}

void step_time_mask(struct canvas *cv, const double *v, struct rng *rng)
{
    for (int k = 0; k < (int)v[1]; k++) {
        const int length = rng_below(rng, (int)(v[0] * cv->w) + 1), from = rng_below(rng, cv->w - length + 1);
        for (int c = 0; c < cv->c * cv->h; c++)
            memset(cv->x + (size_t)c * (size_t)cv->w + from, 0, (size_t)length * sizeof *cv->x);
    }
}

void step_background(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng)
{
    (void)a;
    const float share = (float)rng_range(rng, 0, v[0]);
    const size_t n = (size_t)cv->c * canvas_plane(cv);
    for (size_t i = 0; i < n; i++)
        cv->x[i] += share * other->x[i];
}
