/* dlnet bench: how long each layer takes. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/parallel.h"
#include "cli/bench_loader.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "cli/session.h"
#include "diagnose/bench.h"
#include "diagnose/peak.h"
#include "math/conv.h"
#include "math/gemm.h"

const char cmd_bench_usage[] =
    "Usage: dlnet bench CFG [WEIGHTS] [options]\n"
    "       dlnet bench -m MODEL [options]\n"
    "       dlnet bench CFG --loader [--train] [options]\n"
    "\n"
    "Times a network on random numbers: each layer, and the walk over all of them (medians). Prints for each layer the\n"
    "milliseconds, the GFLOP/s (the operations of `dlnet info`, though fast algorithms do fewer), their share of the peak\n"
    "that it measures on this machine (fast algorithms may come above 100 %), the megabytes that must be moved at the\n"
    "least, and the algorithm; then the totals, the peak, and which OpenBLAS runs. Without weights: initial ones.\n"
    "\n"
    "  --batch N    images at a time (1; with --train batch/subdivisions of [net])\n"
    "  --train      time training: forward, backward and the update; else inference, batch norm folded\n"
    "  --reps N     walks to time (default: two seconds of them, at least 10)\n"
    "  --scaling    what threads gain: as many walks with one thread, in turns with those on all of them, beside what the\n"
    "               peak gains at the same time (JSON: step_ms_one_thread, gain, peak_gain, efficiency = gain / peak_gain);\n"
    "               of the medians, and of the quickest tenth, which what else runs disturbs least (quickest_gain, ...)\n"
    "  --loader     time the loader instead: read, decode, resize and augment the training data of [data]; --reps: passes\n"
    "               over them (JSON: images_per_second, ms_per_image); with --train: training steps on what the loader\n"
    "               makes meanwhile, against the same on data held in memory (JSON: loader_step_ms, memory_step_ms, ratio)\n"
    "  --json       one object: forward_ms, backward_ms, step_ms, gflops, peak_gflops, layers, ...\n"
    "\n"
    "Backward counts a layer's operations once for the gradient of its input and once for that of its weights.\n"
    "\n"
    "  dlnet bench cfg/yolov3-tiny.cfg\n"
    "  dlnet bench cfg/yolov3-tiny.cfg --train --batch 8 --threads 1\n"
    "  dlnet bench cfg/mnist.cfg --train --json | jq .step_ms\n";

struct measured {
    struct bench_options options;
    struct bench bench;
    double gflops;         /* of a step */
    double peak, peak_one; /* GFLOP/s of all threads, of one */
    double blas, blas_one;
    double bf16, bf16_one; /* 0: precision=fp32 */
    int threads;
};

static double percent(const struct measured *m, double gflops)
{
    return 100 * gflops / m->peak;
}

static void measure_peak(struct measured *m)
{
    const double all = peak_gflops(m->threads), one = m->threads == 1 ? all : peak_gflops(1);
    m->peak = all > m->peak ? all : m->peak;
    m->peak_one = one > m->peak_one ? one : m->peak_one;
}

/* The peak before and after: others may use the machine for a while. */
static int measure(struct network *net, struct measured *m, struct error *err)
{
    m->threads = parallel_threads();
    measure_peak(m);
    if (bench_run(net, &m->options, &m->bench, err) != 0)
        return -1;
    measure_peak(m);
    m->blas = peak_gemm_gflops(m->threads);
    m->blas_one = m->threads == 1 ? m->blas : peak_gemm_gflops(1);
    if (net->options.precision == CONV_BF16) {
        m->bf16 = peak_bf16_gflops(m->threads);
        m->bf16_one = m->threads == 1 ? m->bf16 : peak_bf16_gflops(1);
    }
    const struct bench_pass *t = m->bench.total;
    const struct bench_pass step = {.ms = m->bench.step_ms, .flops = t[0].flops + t[1].flops};
    m->gflops = bench_rate(&step);
    return 0;
}

static double images_a_second(const struct measured *m)
{
    return 1e3 * m->options.batch / m->bench.step_ms;
}

static void print_pass(const struct measured *m, const struct bench_pass *p)
{
    const double rate = bench_rate(p);
    printf(" %9.3f", p->ms);
    if (rate > 0)
        printf(" %8.1f %5.1f%%", rate, percent(m, rate));
    else
        printf(" %8s %6s", "", "");
    printf(" %7.1f", p->bytes * 1e-6);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static double step_gain(const struct bench_scaling *s)
{
    return ratio(s->ms_one, s->ms);
}

static double peak_gain(const struct bench_scaling *s)
{
    return ratio(s->peak, s->peak_one);
}

static double efficiency(const struct bench_scaling *s)
{
    return ratio(step_gain(s), peak_gain(s));
}

static void algorithms_of(const struct layer *l, const char *name[3])
{
    for (int i = 0; i < 3; i++)
        name[i] = "";
    if (l->type->algorithms)
        l->type->algorithms(l, name);
}

/* The columns of one direction, which print_rows puts between a layer's name and its algorithms. */
typedef void print_columns(const struct measured *m, const struct bench_pass *p);

/* A row for each layer, and one for all. */
static void print_rows(const struct network *net, const struct measured *m, print_columns *columns)
{
    const bool train = m->options.train;
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        printf("%5d  %-15s %4d x %4d x %4d", i, l->type->name, l->out.shape.w, l->out.shape.h, l->out.shape.c);
        columns(m, &m->bench.forward[i]);
        if (train)
            columns(m, &m->bench.backward[i]);
        const char *name[3];
        algorithms_of(l, name);
        if (l->is_absorbed)
            printf("  in layer %d\n", i - 1);
        else
            printf(*name[0] && train ? "  %s; %s; %s\n" : *name[0] ? "  %s\n" : "\n", name[0], name[1], name[2]);
    }
    printf("%5s  %-34s", "", "all");
    columns(m, &m->bench.total[0]);
    if (train)
        columns(m, &m->bench.total[1]);
    printf("\n\n");
}

static void print_table(const struct network *net, const struct measured *m)
{
    const bool train = m->options.train;
    printf("layer  type                        output   forward  GFLOP/s   peak      MB%s  algorithm\n",
           train ? "  backward  GFLOP/s   peak      MB" : "");
    print_rows(net, m, print_pass);
    if (train)
        printf("step:      %.3f ms (forward, backward, update)\n", m->bench.step_ms);
    else
        printf("inference: %.3f ms\n", m->bench.step_ms);
    printf("speed:     %.1f images/s, %.1f GFLOP/s, %.1f %% of the peak (batch %d, %d threads, medians of %d)\n", images_a_second(m),
           m->gflops, percent(m, m->gflops), m->options.batch, m->threads, m->bench.reps);
    const struct gemm_library blas = gemm_library();
    printf("peak:      %.1f GFLOP/s, %.1f with one thread (%s)\n", m->peak, m->peak_one, cpu_isa_name(cpu_best()));
    if (m->bf16 > 0)
        printf("bf16:      %.1f GFLOP/s, %.1f with one thread, on 32 x 32 in the first-level cache (%s)\n", m->bf16, m->bf16_one,
               cpu_bf16_name(cpu_bf16_best()));
    printf("OpenBLAS:  %.1f GFLOP/s, %.1f with one thread, on 512 x 512 (kernels of %s, %s variant)\n", m->blas, m->blas_one, blas.core,
           blas.threads);
}

static void print_gain(const struct measured *m, const struct bench_pass *p)
{
    (void)m;
    printf(" %9.3f %9.3f %5.2f", p->ms_one, p->ms, ratio(p->ms_one, p->ms));
}

static void print_scaling(const struct network *net, const struct measured *m)
{
    const bool train = m->options.train;
    printf("milliseconds with 1 thread, with %d, and how many times as fast that is\n"
           "layer  type                        output   forward            gain%s  algorithm\n",
           m->threads, train ? "  backward            gain" : "");
    print_rows(net, m, print_gain);
    const char *const kind[2] = {"medians", "quickest tenth"};
    const struct bench_scaling *const of[2] = {&m->bench.median, &m->bench.quickest};
    for (int i = 0; i < 2; i++) {
        const struct bench_scaling *s = of[i];
        printf("%s %.3f ms with 1 thread, %.3f with %d: gain %.3f (batch %d, %s of %d)\n", train ? "step:      " : "inference: ", s->ms_one,
               s->ms, m->threads, step_gain(s), m->options.batch, kind[i], m->bench.reps);
        printf("peak:       %.1f GFLOP/s with 1 thread, %.1f with %d: gain %.3f (%s, in between)\n", s->peak_one, s->peak, m->threads,
               peak_gain(s), kind[i]);
        printf("efficiency: %.3f (gain / gain of the peak)\n%s", efficiency(s), i == 0 ? "\n" : "");
    }
}

static cJSON *layer_json(const struct layer *l, const struct measured *m)
{
    cJSON *o = cJSON_CreateObject();
    const char *name[3];
    algorithms_of(l, name);
    cJSON_AddNumberToObject(o, "layer", l->index);
    cJSON_AddStringToObject(o, "type", l->type->name);
    const char *const direction[2] = {"forward", "backward"};
    const struct bench_pass *const pass[2] = {&m->bench.forward[l->index], &m->bench.backward[l->index]};
    for (int i = 0; i < (m->options.train ? 2 : 1); i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_ms", direction[i]);
        cJSON_AddItemToObject(o, key, cli_json_number(pass[i]->ms, 6));
        if (m->options.scaling) {
            snprintf(key, sizeof key, "%s_ms_one_thread", direction[i]);
            cJSON_AddItemToObject(o, key, cli_json_number(pass[i]->ms_one, 6));
        }
        snprintf(key, sizeof key, "%s_gflops", direction[i]);
        cJSON_AddItemToObject(o, key, cli_json_number(bench_rate(pass[i]), 3));
        snprintf(key, sizeof key, "%s_share", direction[i]);
        cJSON_AddItemToObject(o, key, cli_json_number(bench_rate(pass[i]) / m->peak, 8));
        snprintf(key, sizeof key, "%s_flops", direction[i]);
        cJSON_AddNumberToObject(o, key, pass[i]->flops);
        snprintf(key, sizeof key, "%s_bytes", direction[i]);
        cJSON_AddNumberToObject(o, key, pass[i]->bytes);
    }
    static const char *const kinds[3] = {"algorithm", "algorithm_input_gradient", "algorithm_weight_gradient"};
    for (int i = 0; i < (m->options.train ? 3 : 1) && *name[0]; i++)
        cJSON_AddStringToObject(o, kinds[i], name[i]);
    return o;
}

static int print_json(const struct network *net, const struct measured *m, struct error *err)
{
    const struct gemm_library blas = gemm_library();
    cJSON *o = cJSON_CreateObject();
    cli_json_text(o, "cfg", net->config.path);
    cJSON_AddBoolToObject(o, "train", m->options.train);
    cJSON_AddNumberToObject(o, "batch", m->options.batch);
    cJSON_AddNumberToObject(o, "threads", m->threads);
    cJSON_AddNumberToObject(o, "reps", m->bench.reps);
    cJSON_AddItemToObject(o, "forward_ms", cli_json_number(m->bench.total[0].ms, 6));
    cJSON_AddItemToObject(o, "backward_ms", cli_json_number(m->bench.total[1].ms, 6));
    cJSON_AddItemToObject(o, "step_ms", cli_json_number(m->bench.step_ms, 6));
    if (m->options.scaling) {
        cJSON_AddItemToObject(o, "step_ms_one_thread", cli_json_number(m->bench.median.ms_one, 6));
        cJSON_AddItemToObject(o, "gain", cli_json_number(step_gain(&m->bench.median), 6));
        cJSON_AddItemToObject(o, "peak_gain", cli_json_number(peak_gain(&m->bench.median), 6));
        cJSON_AddItemToObject(o, "efficiency", cli_json_number(efficiency(&m->bench.median), 6));
        cJSON_AddItemToObject(o, "quickest_step_ms", cli_json_number(m->bench.quickest.ms, 6));
        cJSON_AddItemToObject(o, "quickest_step_ms_one_thread", cli_json_number(m->bench.quickest.ms_one, 6));
        cJSON_AddItemToObject(o, "quickest_gain", cli_json_number(step_gain(&m->bench.quickest), 6));
        cJSON_AddItemToObject(o, "quickest_peak_gain", cli_json_number(peak_gain(&m->bench.quickest), 6));
        cJSON_AddItemToObject(o, "quickest_efficiency", cli_json_number(efficiency(&m->bench.quickest), 6));
    }
    cJSON_AddItemToObject(o, "images_per_second", cli_json_number(images_a_second(m), 3));
    cJSON_AddNumberToObject(o, "flops", m->bench.total[0].flops + m->bench.total[1].flops);
    cJSON_AddItemToObject(o, "gflops", cli_json_number(m->gflops, 3));
    cJSON_AddItemToObject(o, "peak_gflops", cli_json_number(m->peak, 3));
    cJSON_AddItemToObject(o, "peak_gflops_one_thread", cli_json_number(m->peak_one, 3));
    if (m->bf16 > 0) {
        cJSON_AddItemToObject(o, "bf16_gflops", cli_json_number(m->bf16, 3));
        cJSON_AddItemToObject(o, "bf16_gflops_one_thread", cli_json_number(m->bf16_one, 3));
    }
    cJSON_AddItemToObject(o, "share", cli_json_number(m->gflops / m->peak, 8));
    cJSON_AddStringToObject(o, "isa", cpu_isa_name(cpu_best()));
    cJSON *b = cJSON_AddObjectToObject(o, "blas");
    cli_json_text(b, "config", blas.config);
    cli_json_text(b, "core", blas.core);
    cJSON_AddStringToObject(b, "variant", blas.threads);
    cJSON_AddItemToObject(b, "gflops", cli_json_number(m->blas, 3));
    cJSON_AddItemToObject(b, "gflops_one_thread", cli_json_number(m->blas_one, 3));
    cJSON *layers = cJSON_AddArrayToObject(o, "layers");
    for (int i = 0; i < net->n_layers; i++)
        cJSON_AddItemToArray(layers, layer_json(&net->layer[i], m));
    return cli_json_line(o, err);
}

static int run(struct network *net, const struct cli_common *common, struct measured *m, struct error *err)
{
    if (!common->quiet)
        cli_warn_config(net);
    char *trouble = common->quiet || common->verbose ? NULL : cli_blas_trouble();
    if (trouble)
        cli_warn("%s", trouble);
    free(trouble);
    if (m->options.batch == 0)
        m->options.batch = m->options.train ? net->options.batch / net->options.subdivisions : 1;
    int result = measure(net, m, err);
    if (result == 0 && common->json)
        result = print_json(net, m, err);
    else if (result == 0 && m->options.scaling)
        print_scaling(net, m);
    else if (result == 0)
        print_table(net, m);
    bench_free(&m->bench);
    return result;
}

int cmd_bench(int argc, char **argv)
{
    enum { BATCH = 256, TRAIN, REPS, LOADER, SCALING };
    static const struct cli_option own[] = {{"batch", BATCH, true},    {"train", TRAIN, false},     {"reps", REPS, true},
                                            {"loader", LOADER, false}, {"scaling", SCALING, false}, {0}};
    struct cli_common common = CLI_COMMON_INIT;
    struct measured m = {0};
    long batch = 0, reps = 0;
    bool loader = false;
    int bad = 0;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == BATCH)
            bad = cli_whole("batch", optarg, 1, 65536, &batch);
        else if (c == REPS)
            bad = cli_whole("reps", optarg, 1, 100000, &reps);
        else if (c == TRAIN)
            m.options.train = true;
        else if (c == LOADER)
            loader = true;
        else if (c == SCALING)
            m.options.scaling = true;
        else
            bad = 1;
    }
    m.options.batch = (int)batch;
    m.options.reps = (int)reps;
    int status = EXIT_USAGE;
    struct error err = ERROR_INIT;
    struct network *net = NULL;
    if (bad)
        ;
    else if (optind >= argc && common.n_models == 0)
        cli_usage_error("bench", "expected a CFG or -m MODEL");
    else {
        net = cli_cfg_or_model(&common, &argc, argv, &err);
        if (optind < argc)
            cli_usage_error("bench", "found '%s', expected a CFG, or CFG WEIGHTS, or -m MODEL", argv[optind]);
        else if (net && loader && m.options.scaling)
            cli_usage_error("bench", "found --loader and --scaling, expected one of them");
        else if (net && loader && m.options.train)
            status = bench_feed(net, &common, (int)batch, (int)reps, &err) == 0 ? EXIT_OK : cli_fail(&err);
        else if (net && loader)
            status = bench_loader(net, &common, reps, &err) == 0 ? EXIT_OK : cli_fail(&err);
        else
            status = net && run(net, &common, &m, &err) == 0 ? EXIT_OK : cli_fail(&err);
    }
    network_free(net);
    cli_common_free(&common);
    return status;
}
