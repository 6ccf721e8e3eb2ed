/* dlnet val: the figures of a model on labelled data. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/figures.h"
#include "detect/evaluate.h"

const char cmd_val_usage[] = "Usage: dlnet val [CFG WEIGHTS | MODEL] … [options]\n"
                             "\n"
                             "Runs a model over the validation set of its [data] section and prints every figure that fits: for a\n"
                             "detector mAP50, mAP (mean over IoU .5 to .95), precision, recall and AP by class; for a classifier\n"
                             "top1, top5, the share of each class that is right, and the confusion matrix (up to 20 classes); for\n"
                             "labels (several yes/no answers) accuracy, also by label, and the share of rows with all of them right;\n"
                             "for regression MSE, RMSE, MAE and R2.\n"
                             "Without a model: the best of the newest run. Several models are an ensemble, measured on the data of\n"
                             "the first: outputs are averaged, boxes fused.\n"
                             "\n"
                             "  --split NAME    train, valid or test (default: valid)\n"
                             "  --nms IOU       detections that overlap a better one of their class by more are dropped (.45; 1: none)\n"
                             "  --fuse IOU      ensembles: boxes of a class that overlap by more are one (.55)\n"
                             "  --floor SCORE   detections below this score are left out (.001), and all but the best 1000 of a picture\n"
                             "  --thresh SCORE  score at which precision and recall are counted, at IoU .5 (.25); with one output, and\n"
                             "                  for labels: the output from which the answer is yes (threshold= of [data]; .5)\n"
                             "  --tta           test-time augmentation: a picture is answered mirrored too (where the training\n"
                             "                  mirrors) and, by classifiers, its corners and middle: outputs averaged, boxes fused\n"
                             "  --json          one object: loss and top1, top5, or mAP50, mAP, precision, recall; per_class;\n"
                             "                  or accuracy, exact; or mse, rmse, mae, r2, per_target\n"
                             "\n"
                             "  dlnet val runs/yolo/best.safetensors\n"
                             "  dlnet val yolov4-tiny.cfg yolov4-tiny.weights --data coco.data --json\n";

/* Images a forward pass: about 16 MB of input. */
static int batch_of(const struct network *net)
{
    const size_t each = shape_each(net->input.shape), n = ((size_t)1 << 22) / (each ? each : 1);
    return n < 1 ? 1 : n > 64 ? 64 : (int)n;
}

/* thresh: as given by --thresh; NaN: not. */
static int val(const struct cli_models *models, const struct cli_common *common, enum split split, struct evaluate_options *o,
               double thresh)
{
    struct network *net = models->net[0];
    struct error err = ERROR_INIT;
    struct data_options options;
    if (data_options_read(&options, &net->config, common->data_file, &err) != 0)
        return cli_fail(&err);
    const enum task task = network_is_detector(net) ? TASK_DETECT : TASK_CLASSIFY;
    if (isfinite(thresh) && task == TASK_DETECT && (thresh < 0 || thresh > 1)) {
        data_options_free(&options);
        return cli_usage_error("val", "--thresh %g: expected a number in 0..1", thresh);
    }
    o->yes = isfinite(thresh) ? thresh : options.threshold;
    o->threshold = isfinite(thresh) ? thresh : o->threshold;
    const struct text_list known = {.item = net->names, .n = net->names ? net->n_classes : 0};
    options.known = known.n > 0 ? &known : NULL;
    const struct shape s = net->input.shape;
    struct dataset data = {0};
    struct evaluation e = {0};
    int status = EXIT_OK;
    if (dataset_open(&data, &options, split, task, net->n_classes, s.w, s.h, s.c, net->seed, &err) != 0) {
        data_options_free(&options);
        return cli_fail(&err);
    }
    if (data.bad > 0)
        cli_warn("%d bad labels or images left out, the first: %s", data.bad, data.first_bad.text);
    int result = 0, batch = batch_of(net);
    for (int i = 1; i < models->n; i++)
        batch = batch_of(models->net[i]) < batch ? batch_of(models->net[i]) : batch;
    for (int i = 0; i < models->n && result == 0; i++) {
        result = network_plan(models->net[i], batch, 0, 0, false, &err);
        if (result == 0)
            network_pack(models->net[i], false);
    }
    if (result != 0 || evaluate_ensemble(models->net, models->n, &data, o, &e, &err) != 0) {
        status = cli_fail(&err);
    } else {
        if (e.bad > 0)
            cli_warn("%d images couldn't be read and are left out", e.bad);
        if (!common->json)
            figures_text(net, &data.names, &e);
        else if (figures_json(net, &data.names, &e, &err) != 0)
            status = cli_fail(&err);
    }
    evaluation_free(&e);
    dataset_close(&data);
    data_options_free(&options);
    return status;
}

static int split_of(const char *name, enum split *out)
{
    static const char *const names[] = {"train", "valid", "test"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum split)i;
            return 0;
        }
    cli_usage_error("val", "--split %s: expected train, valid or test", name);
    return -1;
}

int cmd_val(int argc, char **argv)
{
    enum { SPLIT = 1000, NMS, FLOOR, THRESH, FUSE, TTA };
    static const struct cli_option own[] = {{"split", SPLIT, true}, {"nms", NMS, true},  {"floor", FLOOR, true}, {"thresh", THRESH, true},
                                            {"fuse", FUSE, true},   {"tta", TTA, false}, {NULL, 0, false}};
    struct cli_common common = CLI_COMMON_INIT;
    struct evaluate_options o = EVALUATE_DEFAULTS;
    enum split split = SPLIT_VALID;
    double thresh = NAN;
    int bad = 0;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == SPLIT)
            bad = split_of(optarg, &split);
        else if (c == NMS)
            bad = cli_number("nms", optarg, 0, 1, &o.nms);
        else if (c == FLOOR)
            bad = cli_number("floor", optarg, 0, 1, &o.floor);
        else if (c == THRESH)
            bad = cli_number("thresh", optarg, -1e30, 1e30, &thresh);
        else if (c == FUSE)
            bad = cli_number("fuse", optarg, 0, 1, &o.fuse);
        else if (c == TTA)
            o.tta = true;
        else
            bad = 1;
    }
    if (bad) {
        cli_common_free(&common);
        return EXIT_USAGE;
    }
    o.threads = parallel_threads();

    struct error err = ERROR_INIT;
    int status;
    struct cli_models models = {0};
    if (cli_models(&common, &argc, argv, &models, &err) != 0)
        status = cli_fail(&err);
    else if (optind < argc)
        status =
            cli_usage_error("val", "%s: expected a model or several (CFG WEIGHTS, or .safetensors files) and nothing else", argv[optind]);
    else
        status = val(&models, &common, split, &o, thresh);
    cli_models_free(&models);
    cli_common_free(&common);
    return status;
}
