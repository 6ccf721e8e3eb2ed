/* dlnet val: the figures of a model on labelled data. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/parallel.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "detect/evaluate.h"

const char cmd_val_usage[] = "Usage: dlnet val [CFG WEIGHTS | MODEL] [options]\n"
                             "\n"
                             "Runs a model over the validation set of its [data] section and prints every figure that fits: for a\n"
                             "detector mAP50, mAP (mean over IoU .5 to .95), precision, recall and AP by class; for a classifier\n"
                             "top1, top5, the share of each class that is right, and the confusion matrix (up to 20 classes).\n"
                             "Without a model: the best of the newest run.\n"
                             "\n"
                             "  --split NAME    train, valid or test (default: valid)\n"
                             "  --nms IOU       detections that overlap a better one of their class by more are dropped (.45; 1: none)\n"
                             "  --floor SCORE   detections below this score are left out (.001)\n"
                             "  --thresh SCORE  score at which precision and recall are counted, at IoU .5 (.25)\n"
                             "  --json          one object: loss and top1, top5, or mAP50, mAP, precision, recall; per_class\n"
                             "\n"
                             "  dlnet val runs/yolo/best.safetensors\n"
                             "  dlnet val yolov4-tiny.cfg yolov4-tiny.weights --data coco.data --json\n";

/* Images a forward pass: about 16 MB of input. */
static int batch_of(const struct network *net)
{
    const size_t each = shape_each(net->input.shape), n = ((size_t)1 << 22) / (each ? each : 1);
    return n < 1 ? 1 : n > 64 ? 64 : (int)n;
}

static double share(int part, int whole)
{
    return whole > 0 ? (double)part / whole : NAN;
}

/* A number column, empty where there is none. */
static void print_figure(double v)
{
    if (isnan(v))
        printf(" %9s", "-");
    else
        printf(" %9.4f", v);
}

static void print_text(const struct network *net, const struct evaluation *e)
{
    const bool detector = e->task == TASK_DETECT;
    char buffer[16];
    int width = 5;
    for (int k = 0; k < e->n_classes; k++) {
        const int length = (int)strlen(cli_class_name(net, k, buffer));
        width = length > width ? length : width;
    }
    if (detector)
        printf("%-*s %8s %9s %9s %9s\n", width, "class", "truths", "AP50", "precision", "recall");
    else
        printf("%-*s %8s %9s %9s\n", width, "class", "images", "recall", "precision");
    for (int k = 0; k < e->n_classes; k++) {
        const struct class_figures *f = &e->class_figures[k];
        const double precision = share(f->true_positives, f->true_positives + f->false_positives);
        printf("%-*s %8d", width, cli_class_name(net, k, buffer), f->truths);
        print_figure(f->ap);
        print_figure(precision);
        if (detector)
            print_figure(share(f->true_positives, f->truths));
        putchar('\n');
    }
    if (!detector && e->n_classes <= 20) {
        printf("\nconfusion (row: truth, column: answer)\n%-*s", width, "");
        for (int k = 0; k < e->n_classes; k++)
            printf(" %6d", k);
        putchar('\n');
        for (int k = 0; k < e->n_classes; k++) {
            printf("%-*s", width, cli_class_name(net, k, buffer));
            for (int j = 0; j < e->n_classes; j++)
                printf(" %6d", e->confusion[k * e->n_classes + j]);
            putchar('\n');
        }
    }
    printf("\nimages     %d\n", e->images);
    if (detector)
        printf("mAP50      %.4f\nmAP        %.4f\nprecision  %.4f\nrecall     %.4f\n", e->map50, e->map, e->precision, e->recall);
    else
        printf("top1       %.4f\ntop5       %.4f\n", e->top1, e->top5);
    if (!isnan(e->loss))
        printf("loss       %.6g\n", e->loss);
}

/* NaN becomes null. */
static void add_number(cJSON *object, const char *key, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(object, key, v);
    else
        cJSON_AddNullToObject(object, key);
}

static int print_json(const struct network *net, const struct evaluation *e, struct error *err)
{
    const bool detector = e->task == TASK_DETECT;
    cJSON *root = cJSON_CreateObject();
    add_number(root, "images", e->images);
    add_number(root, "loss", e->loss);
    if (detector) {
        add_number(root, "mAP50", e->map50);
        add_number(root, "mAP", e->map);
        add_number(root, "precision", e->precision);
        add_number(root, "recall", e->recall);
    } else {
        add_number(root, "top1", e->top1);
        add_number(root, "top5", e->top5);
    }
    cJSON *classes = cJSON_AddArrayToObject(root, "per_class");
    for (int k = 0; k < e->n_classes; k++) {
        const struct class_figures *f = &e->class_figures[k];
        char buffer[16];
        cJSON *c = cJSON_CreateObject();
        cli_json_text(c, "class", cli_class_name(net, k, buffer));
        add_number(c, "class_id", k);
        add_number(c, detector ? "truths" : "images", f->truths);
        if (detector)
            add_number(c, "AP50", f->ap);
        add_number(c, "precision", share(f->true_positives, f->true_positives + f->false_positives));
        add_number(c, "recall", share(f->true_positives, f->truths));
        cJSON_AddItemToArray(classes, c);
    }
    if (!detector) {
        cJSON *rows = cJSON_AddArrayToObject(root, "confusion");
        for (int k = 0; k < e->n_classes; k++)
            cJSON_AddItemToArray(rows, cJSON_CreateIntArray(e->confusion + (size_t)k * (size_t)e->n_classes, e->n_classes));
    }
    return cli_json_line(root, err);
}

static int val(struct network *net, const struct cli_common *common, enum split split, const struct evaluate_options *o)
{
    struct error err = ERROR_INIT;
    struct data_options options;
    if (data_options_read(&options, &net->config, common->data_file, &err) != 0)
        return cli_fail(&err);
    const enum task task = network_is_detector(net) ? TASK_DETECT : TASK_CLASSIFY;
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
    int result = network_plan(net, batch_of(net), 0, 0, false, &err);
    if (result == 0) {
        network_pack(net, false);
        result = evaluate(net, &data, o, &e, &err);
    }
    if (result != 0) {
        status = cli_fail(&err);
    } else {
        if (e.bad > 0)
            cli_warn("%d images couldn't be read and are left out", e.bad);
        if (!common->json)
            print_text(net, &e);
        else if (print_json(net, &e, &err) != 0)
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
    enum { SPLIT = 1000, NMS, FLOOR, THRESH };
    static const struct cli_option own[] = {
        {"split", SPLIT, true}, {"nms", NMS, true}, {"floor", FLOOR, true}, {"thresh", THRESH, true}, {NULL, 0, false}};
    struct cli_common common = CLI_COMMON_INIT;
    struct evaluate_options o = EVALUATE_DEFAULTS;
    enum split split = SPLIT_VALID;
    int bad = 0;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == SPLIT)
            bad = split_of(optarg, &split);
        else if (c == NMS)
            bad = cli_number("nms", optarg, 0, 1, &o.nms);
        else if (c == FLOOR)
            bad = cli_number("floor", optarg, 0, 1, &o.floor);
        else if (c == THRESH)
            bad = cli_number("thresh", optarg, 0, 1, &o.threshold);
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
    struct network *net = cli_model(&common, &argc, argv, NULL, &err);
    if (!net)
        status = cli_fail(&err);
    else if (optind < argc)
        status = cli_usage_error("val", "%s: expected a model (CFG WEIGHTS, or a .safetensors file) and nothing else", argv[optind]);
    else
        status = val(net, &common, split, &o);
    network_free(net);
    cli_common_free(&common);
    return status;
}
