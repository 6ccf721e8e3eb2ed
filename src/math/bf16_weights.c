#include <omp.h>

#include "math/bf16_plan.h"

/* x and dy of a task that works on its own: a quarter of a usual second-level cache. */
#define PRIVATE_BYTES (512 * 1024)
/* Sums that stay in that cache, while a task goes through its bands; with more, tasks share the bands and each owns a panel of the sums. */
#define PRIVATE_SUMS (512 * 1024)
/* Panels that keep threads busy. */
#define MIN_PANELS 8
/* x and dy of all tasks, where they share them. */
#define SHARED_BYTES (16 * 1024 * 1024)
/* Pairs of tiles of a panel's sums between reading and writing them: those of x and dy stay in the first-level cache for all taps. */
#define STEPS 8
/* Units further apart aren't counted in int together. */
#define FAR (1 << 26)

/* The sum over pixels: C[channel][filter] of a tap from A, rows of x (shifted by the tap), and B, pairs of pixels of dy. */
struct plan {
    const struct bf16_kernels *k;
    struct bf16_view v;
    struct bf16_strip z;
    int taps, channel_panels, filter_panels;
    int tiles;               /* of 32 pixels, in a unit */
    int units, slots, chunk; /* bands of all images; partial sums, each over a range of them (private); units held at a time (shared) */
    bool shared;
    size_t x, dy, rows; /* bytes of one unit's x and dy; of 16 rows of dy before they are turned over */
    size_t panel, sums; /* numbers of sums: of a panel; private: of a slot, shared: of a thread */
};

static struct plan plan_of(const struct conv_shape *s, enum cpu_bf16 isa)
{
    struct plan p = {.k = bf16_kernels_of(isa), .v = bf16_view_forward(s)};
    p.taps = p.v.unfolded ? 1 : p.v.taps;
    p.channel_panels = bf16_ceil_div(p.v.channels, BF16_PANEL);
    p.filter_panels = bf16_ceil_div(p.v.filters, BF16_PANEL);
    const int channels = bf16_round_up(p.v.channels, BF16_SIDE), filters = bf16_round_up(p.v.filters, BF16_SIDE);
    const int panels = p.channel_panels * p.filter_panels;
    p.panel = (size_t)p.taps * BF16_TILES * BF16_SUMS;
    p.shared = (size_t)panels * p.panel * sizeof(float) > PRIVATE_SUMS && panels >= MIN_PANELS;
    p.sums = p.shared ? p.panel : (size_t)panels * p.panel;
    p.z = bf16_strip_of(&p.v, (size_t)(channels + filters) * sizeof(bf16), PRIVATE_BYTES, p.shared ? 1 : BF16_TASKS);
    p.tiles = bf16_ceil_div(p.z.rows * p.z.pitch, BF16_DEPTH);
    p.x = (size_t)channels * (size_t)p.z.length * sizeof(bf16);
    p.dy = (size_t)filters * (size_t)p.tiles * BF16_DEPTH * sizeof(bf16);
    p.rows = (size_t)BF16_SIDE * (size_t)p.tiles * BF16_DEPTH * sizeof(bf16);
    p.units = p.v.batch * p.z.bands;
    const size_t fitting = SHARED_BYTES / (p.x + p.dy);
    p.chunk = !p.shared || fitting < 1 ? 1 : fitting < (size_t)p.units ? (int)fitting : p.units;
    p.slots = p.shared ? 1 : bf16_smaller(BF16_TASKS, p.units);
    return p;
}

/* Of scratch, in bytes: the sums of slots or threads, then 16 rows for each thread, then x and dy of a chunk or of each thread. */
static size_t sums_bytes(const struct plan *p, int threads)
{
    return p->sums * (size_t)(p->shared ? threads : p->slots) * sizeof(float);
}

size_t bf16_weights_scratch(const struct conv_shape *s, enum cpu_bf16 isa, int threads)
{
    const struct plan p = plan_of(s, isa);
    const size_t held = (size_t)(p.shared ? p.chunk : threads);
    return (sums_bytes(&p, threads) + p.rows * (size_t)threads + (p.x + p.dy) * held + 64) / sizeof(real);
}

static void fill_dy(const struct plan *p, const real *image, int first, int last, bf16 *rows, bf16 *to)
{
    const struct bf16_view *v = &p->v;
    const size_t row = (size_t)p->tiles * BF16_DEPTH;
    memset(rows, 0, p->rows);
    for (int f0 = 0; f0 < v->filters; f0 += BF16_SIDE, to += (size_t)BF16_SIDE * row) {
        const int filters = bf16_smaller(BF16_SIDE, v->filters - f0);
        if (filters < BF16_SIDE)
            memset(rows, 0, p->rows);
        for (int f = 0; f < filters; f++) {
            const struct bf16_source s = {image + (size_t)(f0 + f) * v->plane + (size_t)first * v->row_step, 0, v->cols};
            const struct bf16_rows which = {1, p->z.pitch, last - first, v->row_step, (size_t)p->z.pitch};
            p->k->plain(&s, &which, rows + (size_t)f * row);
        }
        p->k->transpose(rows, row, p->tiles, to);
    }
}

static void fill_unit(const struct plan *p, int unit, const real *x, const real *dy, bf16 *rows, bf16 *x_to, bf16 *dy_to)
{
    const struct bf16_view *v = &p->v;
    const size_t image = (size_t)(unit / p->z.bands);
    const int first = bf16_band_row(v, &p->z, unit % p->z.bands), last = bf16_band_row(v, &p->z, unit % p->z.bands + 1);
    bf16_fill(v, p->k, &p->z, x + image * (size_t)v->source_channels * (size_t)v->height * (size_t)v->width, first, last, false, x_to);
    fill_dy(p, dy + image * (size_t)v->filters * v->plane, first, last, rows, dy_to);
}

/* Fills in where the tiles from number `step` of `all` on are, from the unit of the first one on; returns how many go together. */
static int steps_of(const struct plan *p, int step, int all, int *a_at, int *b_at)
{
    const int unit = step / p->tiles;
    int n = bf16_smaller(STEPS, all - step);
    if (p->x > FAR || p->dy > FAR)
        n = bf16_smaller(n, (unit + 1) * p->tiles - step);
    for (int i = 0; i < n; i++) {
        const size_t further = (size_t)((step + i) / p->tiles - unit);
        const int tile = (step + i) % p->tiles;
        a_at[i] = (int)(further * p->x) + tile * (int)(BF16_DEPTH * sizeof(bf16));
        b_at[i] = (int)(further * p->dy) + tile * (int)(BF16_AREA * sizeof(bf16));
    }
    return n;
}

/* Adds the products of some units to the sums of one panel of channels and one of filters, or begins them. */
static void multiply_panel(const struct plan *p, int channel_panel, int filter_panel, int units, const bf16 *x, const bf16 *dy, bool add,
                           float *sums)
{
    const struct bf16_view *v = &p->v;
    const int c0 = channel_panel * BF16_PANEL, f0 = filter_panel * BF16_PANEL, all = units * p->tiles;
    const size_t dy_block = (size_t)p->tiles * BF16_AREA;
    int a_at[STEPS], b_at[STEPS];
    struct bf16_product product = {.a_row = (size_t)p->z.length * sizeof(bf16),
                                   .b_row = BF16_DEPTH * sizeof(bf16),
                                   .a_second = (size_t)p->z.length * BF16_SIDE * sizeof(bf16),
                                   .b_second = dy_block * sizeof(bf16),
                                   .down = v->channels - c0 > BF16_SIDE ? 2 : 1,
                                   .across = v->filters - f0 > BF16_SIDE ? 2 : 1,
                                   .a_at = a_at,
                                   .b_at = b_at};
    for (int step = 0; step < all; step += product.steps) {
        const int unit = step / p->tiles;
        product.steps = steps_of(p, step, all, a_at, b_at);
        product.add = add || step > 0;
        product.b = dy + (size_t)unit * p->dy / sizeof(bf16) + (size_t)(2 * filter_panel) * dy_block;
        for (int tap = 0; tap < p->taps; tap++) {
            product.a = x + (size_t)unit * p->x / sizeof(bf16) + (size_t)c0 * (size_t)p->z.length + (size_t)p->z.at[tap];
            product.c = sums + (size_t)tap * BF16_TILES * BF16_SUMS;
            p->k->multiply(&product);
        }
    }
}

/* Adds the sums of one panel of channels and one of filters, those of all slots, to dweight. */
static void collect(const struct plan *p, int channel_panel, int filter_panel, const float *sums, real *dweight)
{
    const struct bf16_view *v = &p->v;
    for (int tile = 0; tile < BF16_TILES; tile++) {
        const int c = channel_panel * BF16_PANEL + tile / 2 * BF16_SIDE, f = filter_panel * BF16_PANEL + tile % 2 * BF16_SIDE;
        if (c >= v->channels || f >= v->filters)
            continue;
        for (int tap = 0; tap < p->taps; tap++)
            p->k->collect(sums + (size_t)(tap * BF16_TILES + tile) * BF16_SUMS, p->sums, p->slots, bf16_smaller(BF16_SIDE, v->channels - c),
                          bf16_smaller(BF16_SIDE, v->filters - f),
                          dweight + (size_t)f * v->filter_stride + (size_t)c * v->channel_stride + (size_t)tap, v->filter_stride,
                          v->channel_stride);
    }
}

struct arrays {
    const real *x, *dy;
    real *dweight;
    void *sums; /* in scratch, as what follows */
    char *rows, *strips;
};

static void run_private(const struct plan *p, const struct arrays *a, int threads)
{
    const int panels = p->filter_panels * p->channel_panels;
    float *sums = a->sums;
#pragma omp parallel num_threads(threads)
    {
        const size_t thread = (size_t)omp_get_thread_num();
        bf16 *own_x = (bf16 *)(a->strips + thread * (p->x + p->dy)), *own_dy = own_x + p->x / sizeof(bf16);
        p->k->begin();
#pragma omp for schedule(dynamic)
        for (int slot = 0; slot < p->slots; slot++) {
            const int first = (int)((long)p->units * slot / p->slots), last = (int)((long)p->units * (slot + 1) / p->slots);
            for (int unit = first; unit < last; unit++) {
                fill_unit(p, unit, a->x, a->dy, (bf16 *)(a->rows + thread * p->rows), own_x, own_dy);
                for (int i = 0; i < panels; i++)
                    multiply_panel(p, i % p->channel_panels, i / p->channel_panels, 1, own_x, own_dy, unit > first,
                                   sums + (size_t)slot * p->sums + (size_t)i * p->panel);
            }
        }
        p->k->end();
#pragma omp for schedule(static)
        for (int i = 0; i < panels; i++)
            collect(p, i % p->channel_panels, i / p->channel_panels, sums + (size_t)i * p->panel, a->dweight);
    }
}

static void run_shared(const struct plan *p, const struct arrays *a, int threads)
{
    bf16 *all_x = (bf16 *)a->strips, *all_dy = (bf16 *)(a->strips + (size_t)p->chunk * p->x);
    for (int first = 0; first < p->units; first += p->chunk) {
        const int units = bf16_smaller(p->chunk, p->units - first);
#pragma omp parallel num_threads(threads)
        {
            const size_t thread = (size_t)omp_get_thread_num();
            float *all = a->sums, *sums = all + thread * p->sums;
            p->k->begin();
#pragma omp for schedule(dynamic)
            for (int unit = 0; unit < units; unit++)
                fill_unit(p, first + unit, a->x, a->dy, (bf16 *)(a->rows + thread * p->rows), all_x + (size_t)unit * p->x / sizeof(bf16),
                          all_dy + (size_t)unit * p->dy / sizeof(bf16));
#pragma omp for schedule(dynamic)
            for (int i = 0; i < p->filter_panels * p->channel_panels; i++) {
                multiply_panel(p, i % p->channel_panels, i / p->channel_panels, units, all_x, all_dy, false, sums);
                collect(p, i % p->channel_panels, i / p->channel_panels, sums, a->dweight);
            }
            p->k->end();
        }
    }
}

void bf16_backward_weights(const struct conv_shape *s, enum cpu_bf16 isa, const real *x, const real *dy, real *dweight, real *scratch,
                           int threads)
{
    const struct plan p = plan_of(s, isa);
    char *own = bf16_align(scratch);
    struct arrays a = {x, dy, dweight, own, own + sums_bytes(&p, threads), NULL};
    a.strips = a.rows + p.rows * (size_t)threads;
    if (p.shared)
        run_shared(&p, &a, threads);
    else
        run_private(&p, &a, threads);
}
