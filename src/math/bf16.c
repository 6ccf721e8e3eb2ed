#include "math/bf16.h"

#include <limits.h>
#include <omp.h>

#include "math/bf16_plan.h"
#include "math/norm.h"

/* A strip, and all strips of a task: a quarter and a half of a usual second-level cache. */
#define STRIP_BYTES (512 * 1024)
#define TASK_BYTES (1024 * 1024)
/* Weights that stay in that cache beside a strip. */
#define CACHED_WEIGHTS (1024 * 1024)
/* Factors that make packing worth more than one thread. */
#define PACK_WORK (1 << 15)

const struct bf16_kernels *bf16_kernels_of(enum cpu_bf16 isa)
{
#if defined(__x86_64__) && !defined(DLNET_DOUBLE)
    return isa == CPU_BF16_AMX ? &bf16_amx : isa == CPU_BF16_AVX512 ? &bf16_avx512 : &bf16_portable;
#else
    (void)isa;
    return &bf16_portable;
#endif
}

struct plan {
    const struct bf16_kernels *k;
    struct bf16_view v;
    struct bf16_strip z;
    int taps;                     /* of a step of channels */
    int steps;                    /* of a sum: blocks of 32 channels × taps */
    int panels;                   /* of 32 filters */
    int units, span, unit_groups; /* bands of all images; those of a task */
    int groups, group;            /* of panels */
    size_t unit;                  /* bytes of a strip */
    size_t packed, tables;        /* bytes */
};

static struct plan plan_of(const struct bf16_view *v, enum cpu_bf16 isa)
{
    struct plan p = {.k = bf16_kernels_of(isa), .v = *v, .taps = v->unfolded ? 1 : v->taps};
    const int blocks = bf16_ceil_div(v->channels, BF16_DEPTH);
    const size_t number = (size_t)blocks * BF16_DEPTH * sizeof(bf16);
    p.panels = bf16_ceil_div(v->filters, BF16_PANEL);
    p.z = bf16_strip_of(v, number, STRIP_BYTES, bf16_ceil_div(BF16_TASKS, bf16_ceil_div(p.panels, 2)));
    p.steps = blocks * p.taps;
    p.unit = number * (size_t)p.z.length;
    p.packed = (size_t)p.panels * (size_t)p.steps * 2 * BF16_AREA * sizeof(bf16);
    p.tables = bf16_padded(2 * (size_t)p.steps * sizeof(int));
    p.units = v->batch * p.z.bands;
    const size_t fitting = p.packed > CACHED_WEIGHTS ? TASK_BYTES / p.unit : 1;
    p.span = fitting < 1 ? 1 : fitting < (size_t)p.units ? (int)fitting : p.units;
    p.unit_groups = bf16_ceil_div(p.units, p.span);
    p.groups = bf16_smaller(bf16_ceil_div(BF16_TASKS, p.unit_groups), p.panels);
    p.group = bf16_ceil_div(p.panels, p.groups);
    p.groups = bf16_ceil_div(p.panels, p.group);
    return p;
}

/* Weights as [panel][block of channels][tap][2 tiles]. */
static void pack(const struct plan *p, const real *weight, bf16 *packed, int threads)
{
    const struct bf16_view *v = &p->v;
    const int blocks = p->steps / p->taps;
#pragma omp parallel for schedule(static) num_threads(threads) if (p->packed > PACK_WORK)
    for (int job = 0; job < p->panels * blocks; job++) {
        const int f0 = job / blocks * BF16_PANEL, c0 = job % blocks * BF16_DEPTH;
        bf16 *to = packed + (size_t)job * (size_t)p->taps * 2 * BF16_AREA;
        for (int tap = 0; tap < p->taps; tap++)
            for (int f = f0; f < f0 + BF16_PANEL; f += BF16_SIDE, to += BF16_AREA)
                p->k->pack(weight + (size_t)f * v->filter_stride + (size_t)c0 * v->channel_stride + (v->unfolded ? 0 : (size_t)v->tap[tap]),
                           v->filter_stride, v->channel_stride, bf16_smaller(BF16_SIDE, v->filters - f),
                           bf16_smaller(BF16_DEPTH, v->channels - c0), to);
    }
}

static void fill_tables(const struct plan *p, int *a_at, int *b_at)
{
    const int block = BF16_SIDE * p->z.length * 2 * (int)sizeof(bf16);
    for (int step = 0; step < p->steps; step++) {
        a_at[step] = step * (int)(2 * BF16_AREA * sizeof(bf16));
        b_at[step] = step / p->taps * block + p->z.at[step % p->taps] * 2 * (int)sizeof(bf16);
    }
}

/* What a thread has at hand. */
struct task {
    const struct plan *p;
    const bf16 *packed;
    const struct channel_map *map;
    bool add;
    real slope;
    const int *a_at, *b_at;
};

/* The columns of the tiles that begin at output number `first` of a unit. */
static int runs_of(const struct plan *p, int row0, int first, int end, int tiles, struct bf16_run *runs)
{
    int count = 0;
    for (int at = first; at < first + tiles * BF16_SIDE && at < end;) {
        const int row = at / p->z.pitch, col = at % p->z.pitch, lane = (at - first) % BF16_SIDE;
        const int to_tile = BF16_SIDE - lane, to_row = p->z.pitch - col;
        const int lanes = bf16_smaller(bf16_smaller(to_tile, p->v.cols - col), end - at);
        if (lanes > 0)
            runs[count++] = (struct bf16_run){(at - first) / BF16_SIDE, lane, lanes,
                                              p->v.first + (size_t)(row0 + row) * p->v.row_step + (size_t)col * p->v.step};
        at += bf16_smaller(to_tile, to_row);
    }
    return count;
}

/* The outputs of one unit and one panel. */
static void run_panel(const struct task *t, int panel, int first, int last, const bf16 *strip, real *y)
{
    const struct plan *p = t->p;
    const int f = panel * BF16_PANEL, rows = bf16_smaller(BF16_PANEL, p->v.filters - f);
    const int end = (last - first - 1) * p->z.pitch + p->v.cols;
    _Alignas(64) float c[BF16_TILES * BF16_SUMS];
    struct bf16_run runs[BF16_PANEL];
    struct bf16_product product = {.a = t->packed + (size_t)panel * (size_t)p->steps * 2 * BF16_AREA,
                                   .a_row = BF16_DEPTH * sizeof(bf16),
                                   .b_row = (size_t)p->z.length * 2 * sizeof(bf16),
                                   .a_second = BF16_AREA * sizeof(bf16),
                                   .b_second = BF16_DEPTH * sizeof(bf16),
                                   .down = bf16_ceil_div(rows, BF16_SIDE),
                                   .a_at = t->a_at,
                                   .b_at = t->b_at,
                                   .steps = p->steps,
                                   .c = c};
    struct bf16_output out = {.c = c,
                              .y = y + (size_t)f * p->v.plane,
                              .plane = p->v.plane,
                              .step = p->v.step,
                              .rows = rows,
                              .add = t->add,
                              .map = t->map != NULL,
                              .scale = t->map && t->map->scale ? t->map->scale + f : NULL,
                              .shift = t->map && t->map->shift ? t->map->shift + f : NULL,
                              .slope = t->slope,
                              .runs = runs};
    for (int at = 0; at < end; at += BF16_PANEL) {
        product.b = strip + (size_t)(2 * at);
        product.across = end - at > BF16_SIDE ? 2 : 1;
        p->k->multiply(&product);
        out.count = runs_of(p, first, at, end, product.across, runs);
        p->k->output(&out);
    }
}

static void run_task(const struct task *t, int unit_group, int group, const real *x, bool filled, real *y, bf16 *strips, bool lines)
{
    const struct plan *p = t->p;
    const struct bf16_view *v = &p->v;
    const int unit0 = unit_group * p->span, unit1 = bf16_smaller(unit0 + p->span, p->units);
    const int panel0 = group * p->group, panel1 = bf16_smaller(panel0 + p->group, p->panels);
    const size_t image_size = (size_t)v->source_channels * (size_t)v->height * (size_t)v->width, out_size = (size_t)v->filters * v->plane;
    for (int unit = unit0; unit < unit1 && !filled; unit++)
        bf16_fill(v, p->k, &p->z, x + (size_t)(unit / p->z.bands) * image_size, bf16_band_row(v, &p->z, unit % p->z.bands),
                  bf16_band_row(v, &p->z, unit % p->z.bands + 1), true, strips + (size_t)(unit - unit0) * p->unit / sizeof(bf16));
    for (int panel = panel0; panel < panel1; panel++)
        for (int unit = unit0; unit < unit1; unit++) {
            const int first = bf16_band_row(v, &p->z, unit % p->z.bands), last = bf16_band_row(v, &p->z, unit % p->z.bands + 1);
            real *to = y + (size_t)(unit / p->z.bands) * out_size;
            run_panel(t, panel, first, last, strips + (size_t)(unit - unit0) * p->unit / sizeof(bf16), to);
            if (!lines) {
                const int f = panel * BF16_PANEL;
                const size_t begin = (size_t)first * v->row_step;
                norm_map_rows(&(struct channel_map){.activation = t->map->activation}, f, bf16_smaller(BF16_PANEL, v->filters - f),
                              (size_t)(last - first) * v->row_step, to + (size_t)f * v->plane + begin, v->plane);
            }
        }
}

static void run(const struct plan *p, const real *x, const bf16 *packed, const struct channel_map *map, bool add, real *y, char *scratch,
                int threads)
{
    struct task t = {.p = p, .packed = packed, .map = map, .add = add, .slope = 1};
    const bool lines = !map || activation_two_lines(map->activation, &t.slope);
    int *a_at = (int *)scratch, *b_at = a_at + p->steps;
    fill_tables(p, a_at, b_at);
    t.a_at = a_at;
    t.b_at = b_at;
#pragma omp parallel num_threads(threads)
    {
        bf16 *strips = (bf16 *)(scratch + p->tables + (size_t)omp_get_thread_num() * (size_t)p->span * p->unit);
        int held = -1; /* the group of units whose strips are there */
        p->k->begin();
#pragma omp for schedule(dynamic)
        for (int job = 0; job < p->unit_groups * p->groups; job++) {
            const int unit_group = job / p->groups;
            run_task(&t, unit_group, job % p->groups, x, unit_group == held, y, strips, lines);
            held = unit_group;
        }
        p->k->end();
    }
}

static size_t scratch_bytes(const struct plan *p, int threads)
{
    return p->packed + p->tables + (size_t)threads * (size_t)p->span * p->unit;
}

bool bf16_fits(const struct conv_shape *s, enum conv_pass pass)
{
    if (s->groups != 1 || s->size > BF16_MAX_SIZE || s->stride_x > BF16_MAX_SIZE || s->stride_y > BF16_MAX_SIZE)
        return false;
    /* Offsets within a strip, a panel of weights and a tile of them are counted in int. */
    const double taps = (double)s->size * s->size, widest = s->channels > s->filters ? s->channels : s->filters;
    const double row = (double)s->stride_x * (s->out_w + s->width + 64 + 2.0 * s->padding + (double)s->dilation * s->size);
    const double rows = (double)s->stride_y * (8 + 3.0 * s->dilation * s->size);
    (void)pass;
    return row * rows * (widest + 32) * 4 < INT_MAX && (widest + 32) * taps * 64 < INT_MAX && s->channels * taps * 32 < INT_MAX &&
           (double)s->batch * (s->height > s->out_h ? s->height : s->out_h) * 64 < INT_MAX;
}

size_t bf16_scratch(const struct conv_shape *s, enum cpu_bf16 isa, enum conv_pass pass, int threads)
{
    if (pass == CONV_BACKWARD_WEIGHTS)
        return bf16_weights_scratch(s, isa, threads);
    size_t bytes = 0;
    for (int part = 0; part < (pass == CONV_FORWARD ? 1 : bf16_parts(s)); part++) {
        const struct bf16_view v = pass == CONV_FORWARD ? bf16_view_forward(s) : bf16_view_backward(s, part);
        if (v.taps == 0 || v.rows == 0 || v.cols == 0)
            continue;
        const struct plan p = plan_of(&v, isa);
        const size_t more = scratch_bytes(&p, threads);
        bytes = more > bytes ? more : bytes;
    }
    return (bytes + 64) / sizeof(real);
}

size_t bf16_packed_size(const struct conv_shape *s, enum cpu_bf16 isa)
{
    const struct bf16_view v = bf16_view_forward(s);
    return plan_of(&v, isa).packed / sizeof(real);
}

void bf16_pack(const struct conv_shape *s, enum cpu_bf16 isa, const real *weight, real *packed, int threads)
{
    const struct bf16_view v = bf16_view_forward(s);
    const struct plan p = plan_of(&v, isa);
    void *to = packed;
    pack(&p, weight, to, threads);
}

void bf16_forward(const struct conv_shape *s, enum cpu_bf16 isa, const real *x, const real *weight, const real *packed,
                  const struct channel_map *map, real *y, real *scratch, int threads)
{
    const struct bf16_view v = bf16_view_forward(s);
    const struct plan p = plan_of(&v, isa);
    char *own = bf16_align(scratch);
    const void *ready = packed;
    if (!packed) {
        pack(&p, weight, (bf16 *)own, threads);
        ready = own;
    }
    run(&p, x, ready, map, false, y, own + p.packed, threads);
}

void bf16_backward_data(const struct conv_shape *s, enum cpu_bf16 isa, const real *dy, const real *weight, real *dx, bool overwrite,
                        real *scratch, int threads)
{
    char *own = bf16_align(scratch);
    if (overwrite && bf16_parts(s) > 1) /* strides beyond the kernel leave inputs that nothing sees */
        memset(dx, 0, (size_t)s->batch * (size_t)s->channels * (size_t)s->height * (size_t)s->width * sizeof *dx);
    for (int part = 0; part < bf16_parts(s); part++) {
        const struct bf16_view v = bf16_view_backward(s, part);
        if (v.taps == 0 || v.rows == 0 || v.cols == 0)
            continue;
        const struct plan p = plan_of(&v, isa);
        pack(&p, weight, (bf16 *)own, threads);
        run(&p, dy, (const bf16 *)own, NULL, !overwrite, dx, own + p.packed, threads);
    }
}
