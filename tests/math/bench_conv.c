/* Times the convolutions of real networks: `make bench`. Not a test: it checks nothing.
 *
 * bench_conv [BATCH]: for each layer the median time of forward, gradient of the input and gradient of the weights, and the rate, counted
 * as multiplications and additions of the definition (a fast algorithm does fewer, so its rate may be above the machine's peak). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "math/conv.h"
#include "math/gemm.h"

static const struct {
    const char *network;
    int channels, filters, size, stride, side, groups;
} layers[] = {
    {"yolov3-tiny", 3, 16, 3, 1, 416, 1},       {"yolov3-tiny", 16, 32, 3, 1, 208, 1},      {"yolov3-tiny", 32, 64, 3, 1, 104, 1},
    {"yolov3-tiny", 64, 128, 3, 1, 52, 1},      {"yolov3-tiny", 128, 256, 3, 1, 26, 1},     {"yolov3-tiny", 256, 512, 3, 1, 13, 1},
    {"yolov3-tiny", 512, 1024, 3, 1, 13, 1},    {"yolov3-tiny", 1024, 256, 1, 1, 13, 1},    {"yolov3-tiny", 384, 256, 3, 1, 26, 1},
    {"resnet18", 3, 64, 7, 2, 224, 1},          {"resnet18", 64, 128, 3, 2, 56, 1},         {"resnet18", 64, 128, 1, 2, 56, 1},
    {"yolo-fastest-1.1", 32, 32, 3, 1, 80, 32}, {"yolo-fastest-1.1", 96, 96, 5, 1, 20, 96},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static real *numbers(size_t n, uint64_t stream)
{
    real *x = mem_try(n ? n : 1, sizeof *x);
    if (!x) {
        fprintf(stderr, "bench_conv: no memory for %zu numbers\n", n);
        exit(1);
    }
    struct rng r = rng_make(1, RNG_TEST, stream, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)rng_range(&r, -1, 1);
    return x;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct arrays {
    real *x, *y, *weight, *dx, *dweight, *scratch, *packed;
};

static void pass_once(const struct conv_shape *s, enum conv_pass pass, const struct arrays *a, int threads)
{
    if (pass == CONV_FORWARD)
        conv_forward(s, a->x, a->weight, a->packed, NULL, a->y, a->scratch, threads);
    else if (pass == CONV_BACKWARD_DATA)
        conv_backward_data(s, a->y, a->weight, a->dx, true, a->scratch, threads);
    else
        conv_backward_weights(s, a->x, a->y, a->dweight, a->scratch, threads);
}

/* Median seconds of a pass: at least 5 runs and .2 s of them, after two that warm up. */
static double measure(const struct conv_shape *s, enum conv_pass pass, const struct arrays *a, int threads)
{
    double seconds[200], sum = 0;
    int n = 0;
    for (int i = 0; i < 2; i++)
        pass_once(s, pass, a, threads);
    while (n < 200 && (n < 5 || sum < .2)) {
        const double start = now();
        pass_once(s, pass, a, threads);
        seconds[n] = now() - start;
        sum += seconds[n++];
    }
    qsort(seconds, (size_t)n, sizeof *seconds, by_size);
    return seconds[n / 2];
}

int main(int argc, char **argv)
{
    const int batch = argc > 1 ? atoi(argv[1]) : 1, threads = parallel_threads();
    if (batch < 1 || argc > 2) {
        fprintf(stderr, "usage: bench_conv [BATCH]\n");
        return 2;
    }
    gemm_init();
    printf("batch %d, %d threads; ms and GFLOP/s\n%-38s %18s %18s %18s\n", batch, threads, "layer", "forward", "input gradient",
           "weight gradient");
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        struct conv_shape s = {.batch = batch,
                               .channels = layers[i].channels,
                               .height = layers[i].side,
                               .width = layers[i].side,
                               .filters = layers[i].filters,
                               .size = layers[i].size,
                               .stride_x = layers[i].stride,
                               .stride_y = layers[i].stride,
                               .padding = layers[i].size / 2,
                               .dilation = 1,
                               .groups = layers[i].groups,
                               .winograd = true};
        s.out_h = conv_output(s.height, s.size, s.stride_y, s.padding, 1);
        s.out_w = conv_output(s.width, s.size, s.stride_x, s.padding, 1);
        const size_t n_x = (size_t)batch * (size_t)s.channels * (size_t)s.height * (size_t)s.width;
        const size_t n_y = (size_t)batch * (size_t)s.filters * (size_t)s.out_h * (size_t)s.out_w;
        const size_t n_w = (size_t)s.filters * (size_t)(s.channels / s.groups) * (size_t)(s.size * s.size);
        size_t n_scratch = 0;
        for (enum conv_pass p = CONV_FORWARD; p <= CONV_BACKWARD_WEIGHTS; p++)
            n_scratch = conv_scratch(&s, p, threads) > n_scratch ? conv_scratch(&s, p, threads) : n_scratch;
        const struct arrays a = {numbers(n_x, 1),
                                 numbers(n_y, 2),
                                 numbers(n_w, 3),
                                 numbers(n_x, 4),
                                 numbers(n_w, 5),
                                 numbers(n_scratch, 6),
                                 conv_packed_size(&s) > 0 ? numbers(conv_packed_size(&s), 7) : NULL};
        conv_pack(&s, a.weight, a.packed, threads);

        char name[64];
        snprintf(name, sizeof name, "%s %d>%d %dx%d/%d @%d", layers[i].network, s.channels, s.filters, s.size, s.size, s.stride_x, s.width);
        printf("%-38s", name);
        const double flops = 2.0 * (double)n_y * (double)(s.channels / s.groups) * s.size * s.size;
        for (enum conv_pass p = CONV_FORWARD; p <= CONV_BACKWARD_WEIGHTS; p++) {
            const double seconds = measure(&s, p, &a, threads);
            printf(" %9.3f %8.1f", 1e3 * seconds, 1e-9 * flops / seconds);
            fflush(stdout);
        }
        putchar('\n');
        real *const all[] = {a.x, a.y, a.weight, a.dx, a.dweight, a.scratch, a.packed};
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
            mem_free(all[k]);
    }
    return 0;
}
