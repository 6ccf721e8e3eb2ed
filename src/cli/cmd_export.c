/* dlnet export: a model in another file format. */
#include <getopt.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "net/model.h"
#include "net/weights.h"

const char cmd_export_usage[] =
    "Usage: dlnet export [-m MODEL | CFG WEIGHTS] --out FILE [options]\n"
    "\n"
    "Writes the parameters of a model to FILE, whose ending says how: .weights as Darknet reads them (version 0.2.5),\n"
    ".safetensors as a whole model: parameters, cfg and class names. Without a model: the best of the newest run.\n"
    "\n"
    "  --out FILE    the file to write; it is replaced only when all went well\n"
    "  --layers N    .weights only: the first N layers, to start other networks from\n"
    "\n"
    "  dlnet export -m runs/yolo/best.safetensors --out yolo.weights\n"
    "  dlnet export yolov4-tiny.cfg yolov4-tiny.weights --names coco.names --out yolov4-tiny.safetensors\n"
    "  dlnet export darknet53.cfg darknet53.weights --layers 74 --out darknet53.conv.74.weights\n";

int cmd_export(int argc, char **argv)
{
    enum { OUT = 1000, LAYERS };
    static const struct cli_option options[] = {{"out", OUT, true}, {"layers", LAYERS, true}, {NULL, 0, false}};
    struct cli_common common = CLI_COMMON_INIT;
    struct error err = ERROR_INIT;
    const char *out = NULL;
    long layers = 0;
    for (int o; (o = cli_next_option(argc, argv, options, &common)) != -1;)
        switch (o) {
        case OUT:
            out = optarg;
            break;
        case LAYERS:
            if (cli_whole("layers", optarg, 1, 100000, &layers) != 0)
                return EXIT_USAGE;
            break;
        default:
            return EXIT_USAGE;
        }
    if (!out)
        return cli_usage_error("export", "no --out FILE given");
    const bool darknet = text_ends(out, ".weights");
    if (!darknet && !text_ends(out, ".safetensors"))
        return cli_usage_error("export", "--out %s: expected a file name that ends in .weights or .safetensors", out);
    if (layers > 0 && !darknet)
        return cli_usage_error("export", "--layers %ld: expected with a .weights file, a .safetensors file holds a whole model", layers);
    struct network *net = cli_model_unfolded(&common, &argc, argv, NULL, &err);
    int status = EXIT_OK;
    if (!net)
        status = cli_fail(&err);
    else if (optind < argc)
        status = cli_usage_error("export", "%s: expected one model", argv[optind]);
    else if (layers > net->n_layers)
        status = cli_usage_error("export", "--layers %ld: the network has %d layers", layers, net->n_layers);
    else if (darknet ? weights_write(net, out, (int)layers, &err) != 0 : model_write(net, out, NULL, &err) != 0)
        status = cli_fail(&err);
    network_free(net);
    cli_common_free(&common);
    return status;
}
