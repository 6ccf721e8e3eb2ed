/* cli: the command table and what commands share. Commands are thin: they parse options, call the rooms above and print. */
#ifndef DLNET_CLI_CLI_H
#define DLNET_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/network.h"

struct command {
    const char *name, *summary;        /* one line in `dlnet help` */
    const char *usage;                 /* page of `dlnet help NAME`: usage, options, examples */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an enum exit_status */
};
extern const struct command cli_commands[]; /* terminated by name NULL; in main.c */

#define CLI_MODELS 64 /* of one ensemble */

/* Options that every command understands, and those that several share. */
struct cli_common {
    bool quiet, verbose, json;
    int threads; /* 0: default; cli_next_option has told it to parallel_set already */
    char **sets; /* --set, in order */
    int n_sets;
    const char *models[CLI_MODELS]; /* -m, in order */
    int n_models;
    const char *names_file; /* --names */
    const char *data_file;  /* --data */
    int classes;            /* --classes of commands that train; 0: not given */
    int64_t seed;           /* --seed; −1: not given */
};
#define CLI_COMMON_INIT ((struct cli_common){.seed = -1})

/* The one -m of a command that takes no ensemble; NULL: none given. -1: several, told. */
int cli_one_model(const struct cli_common *common, const char *command, const char **model);

/* Releases the list of --set. */
void cli_common_free(struct cli_common *common);

/* Prints every line of err on stderr as "dlnet: error: …" and returns its status. */
int cli_fail(const struct error *err);
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A mistake on the command line: prints "dlnet: error: …" and where the command's page is (command NULL: `dlnet help`). Always EXIT_USAGE.
 */
int cli_usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends what stdout still holds, and tells when that fails. Returns the exit status: `status`, or EXIT_IO where it was EXIT_OK. */
int cli_end(int status);

/* Warns of what the cfg file says without effect: keys given twice, keys that this version doesn't honour in training. */
void cli_warn_config(const struct network *net);

/* For commands that answer: an error for each key of a layer that would change the answer and isn't honoured in this version. 0 or -1. */
int cli_check_answer(const struct network *net, struct error *err);

/* A number given to an option (`name` without --). −1 after a message that says what was expected. */
int cli_number(const char *name, const char *text, double min, double max, double *out);
int cli_whole(const char *name, const char *text, long min, long max, long *out);

/* One option of a command. */
struct cli_option {
    const char *name; /* without -- */
    int val;          /* what cli_next_option returns; a letter is also the short form */
    bool has_argument;
};

/* getopt_long over `own` (terminated by a zero row) plus the common options (-q -v -m --json --threads --set --names --data --seed --help).
 * Returns the option's val, −1 at the end, and on an unknown or incomplete option '?' after a message that names the nearest one (the
 * command then returns EXIT_USAGE). After −1, optind is the first operand. An option's argument stands in optarg. --help prints the
 * command's page on stdout and ends the program with 0. val of an own option without a short form: 256 .. CLI_COMMON_VAL − 1. */
#define CLI_COMMON_VAL 10000
int cli_next_option(int argc, char **argv, const struct cli_option *own, struct cli_common *common);

#endif
