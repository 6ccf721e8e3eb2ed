#include "cli/bench_loader.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/parallel.h"
#include "cli/session.h"
#include "data/image_cache.h"
#include "data/loader.h"
#include "diagnose/feed.h"

static int tell(const struct network *net, const struct dataset *d, int threads, int64_t images, double seconds, bool json,
                struct error *err)
{
    const double rate = (double)images / seconds;
    if (!json) {
        printf("%.1f images/s, %.3f ms an image (%d x %d x %d), %d thread%s, %lld images", rate, 1e3 / rate, net->options.width,
               net->options.height, net->options.channels, threads, threads == 1 ? "" : "s", (long long)images);
        if (d->cache)
            printf(", %.1f MB kept", (double)image_cache_bytes(d->cache) / (1 << 20));
        putchar('\n');
        return 0;
    }
    cJSON *o = cJSON_CreateObject();
    cli_json_text(o, "cfg", net->config.path);
    cJSON_AddNumberToObject(o, "threads", threads);
    cJSON_AddNumberToObject(o, "images", (double)images);
    cJSON_AddItemToObject(o, "images_per_second", cli_json_number(rate, 3));
    cJSON_AddItemToObject(o, "ms_per_image", cli_json_number(1e3 / rate, 6));
    return cli_json_line(o, err);
}

static int take(struct loader *l, int64_t images, int64_t *done, struct error *err)
{
    for (*done = 0; *done < images;) {
        struct batch *b;
        if (loader_next(l, &b, err) != 1)
            return -1;
        *done += b->n;
    }
    return 0;
}

int bench_loader(struct network *net, const struct cli_common *common, long passes, struct error *err)
{
    const struct net_options *o = &net->options;
    const bool detector = network_is_detector(net);
    const double least = 2;
    struct data_options options;
    struct dataset data = {0};
    struct recipe recipe = {0};
    struct loader *l = NULL;
    if (data_options_read(&options, &net->config, common->data_file, err) != 0)
        return -1;
    int result = dataset_open(&data, &options, SPLIT_TRAIN, detector ? TASK_DETECT : TASK_CLASSIFY, net->n_classes, o->width, o->height,
                              o->channels, net->seed, err);
    if (result == 0)
        result = recipe_read(&recipe, &net->config, o, detector, err);
    if (result == 0)
        result = recipe_open(&recipe, &data, err);
    if (result == 0) {
        struct loader_options lo = {.batch = 8,
                                    .train = true,
                                    .seed = net->seed,
                                    .threads = parallel_threads() - 1, /* this one takes part */
                                    .ahead = 2,
                                    .n_classes = data.task != TASK_DETECT ? net->n_classes : 0};
        lo.augment = augment_from(o, net->jitter, net->resize, data.task, o->width, o->height, o->channels);
        augment_follow(&lo.augment, &recipe);
        if (!options.augment)
            lo.augment = augment_nothing(o, data.task, o->width, o->height, o->channels);
        l = loader_open(&data, &lo, err);
        int64_t done = 0, images = 0;
        result = l ? take(l, data.n_samples, &done, err) : -1; /* files in memory, threads at work */
        const double start = clock_seconds();
        for (long k = 0; result == 0 && (passes > 0 ? k < passes : k == 0 || clock_seconds() - start < least); k++) {
            result = take(l, data.n_samples, &done, err);
            images += done;
        }
        const double seconds = clock_seconds() - start;
        if (result == 0)
            result = tell(net, &data, parallel_threads(), images, seconds, common->json, err);
        loader_close(l);
    }
    recipe_free(&recipe);
    dataset_close(&data);
    data_options_free(&options);
    return result;
}

int bench_feed(struct network *net, const struct cli_common *common, int batch, int reps, struct error *err)
{
    struct net_options *o = &net->options;
    if (batch > 0) {
        o->batch = batch;
        o->subdivisions = 1;
    }
    struct data_options data;
    if (data_options_read(&data, &net->config, common->data_file, err) != 0)
        return -1;
    const struct feed_options options = {.data = &data, .threads = parallel_threads(), .reps = reps};
    struct feed f;
    const int result = feed_run(net, &options, &f, err);
    data_options_free(&data);
    if (result != 0)
        return -1;
    const double ratio = f.loader_ms / f.held_ms;
    if (!common->json) {
        printf("step with the loader:     %.3f ms\nstep on data in memory:   %.3f ms\nratio:                    %.3f (batch %d, %d "
               "threads, means of %d)\n",
               f.loader_ms, f.held_ms, ratio, f.batch, options.threads, f.reps);
        return 0;
    }
    cJSON *j = cJSON_CreateObject();
    cli_json_text(j, "cfg", net->config.path);
    cJSON_AddNumberToObject(j, "threads", options.threads);
    cJSON_AddNumberToObject(j, "batch", f.batch);
    cJSON_AddNumberToObject(j, "reps", f.reps);
    cJSON_AddItemToObject(j, "loader_step_ms", cli_json_number(f.loader_ms, 6));
    cJSON_AddItemToObject(j, "memory_step_ms", cli_json_number(f.held_ms, 6));
    cJSON_AddItemToObject(j, "ratio", cli_json_number(ratio, 4));
    return cli_json_line(j, err);
}
