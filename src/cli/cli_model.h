/* cli_model: the network that a command works on, from what the command line says. */
#ifndef DLNET_CLI_CLI_MODEL_H
#define DLNET_CLI_CLI_MODEL_H

#include "cli/cli.h"

/* Builds the network of a cfg file with --set applied; initial weights from --seed, else seed= of [net]. NULL on failure. */
struct network *cli_build(const char *cfg, const struct cli_common *common, struct error *err);

/* Training from given weights: fills the layers that fit from a .safetensors file, or from the first `layers` layers (0: all) of a Darknet
 * file, and tells (not when quiet) which start anew. */
int cli_start_from(struct network *net, const char *path, int layers, bool quiet, struct error *err);

/* Loads a network for inference: batch norm folded, class names resolved (--names, else the model's, else names= of --data or [data]). In
 * this order: -m MODEL              a .safetensors file (or Darknet weights, with a CFG among the operands) CFG WEIGHTS, MODEL    operands
 * that end in .cfg, .weights, .backup, .safetensors CFG                   the best.safetensors of the newest run of that cfg under runs/
 *   nothing               the best.safetensors of the newest run
 * Those operands are taken out of argv[optind] .. argv[*argc − 1], the others move together. *path (if path isn't NULL) is the file the
 * weights came from, owned by the caller. NULL on failure. */
struct network *cli_model(const struct cli_common *common, int *argc, char **argv, char **path, struct error *err);

/* The models of an ensemble; one in most cases. */
struct cli_models {
    struct network **net;
    char **path; /* files that the weights came from */
    int n;       /* ≥ 1 */
};

/* The same for several models: -m and operands (a cfg goes with the weights after it). Each folded; they agree in kind and classes
 * (ensemble.h). cli_models_unfolded: as loaded, agreeing or not. 0, or -1 and nothing to free. */
int cli_models(const struct cli_common *common, int *argc, char **argv, struct cli_models *out, struct error *err);
int cli_models_unfolded(const struct cli_common *common, int *argc, char **argv, struct cli_models *out, struct error *err);
void cli_models_free(struct cli_models *m);

/* cli_model with the parameters as they were loaded. */
struct network *cli_model_unfolded(const struct cli_common *common, int *argc, char **argv, char **path, struct error *err);

/* A cfg alone (whatever its ending) with its initial weights; anything else is a model, as above. */
struct network *cli_cfg_or_model(const struct cli_common *common, int *argc, char **argv, struct error *err);

/* Name of a class; its number as text (in buffer) when the network has no names. */
const char *cli_class_name(const struct network *net, int class_id, char buffer[16]);

#endif
