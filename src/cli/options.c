/* Options of the command line, and messages. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "math/conv.h"

const char cli_common_usage[] = "Options that every command accepts:\n"
                                "  -m MODEL              a model file (.safetensors); val, predict and detect take several: an ensemble\n"
                                "  --set SECTION.KEY=V   overrides the cfg: --set net.batch=16, --set 3.filters=64 (layer 3, from 0)\n"
                                "  --names FILE          class names for the answers, one a line\n"
                                "  --data FILE           Darknet .data file, in place of [data]\n"
                                "  --seed N              seed of all random numbers\n"
                                "  --threads N           threads (default: OMP_NUM_THREADS, else the cores)\n"
                                "  --json                results as JSON\n"
                                "  -q, --quiet           no progress\n"
                                "  -v, --verbose         more detail\n"
                                "  -h, --help            this page\n";

enum { VAL_SET = CLI_COMMON_VAL, VAL_NAMES, VAL_DATA, VAL_SEED, VAL_THREADS, VAL_JSON };

static const struct cli_option common_options[] = {
    {"quiet", 'q', false},
    {"verbose", 'v', false},
    {"model", 'm', true},
    {"json", VAL_JSON, false},
    {"threads", VAL_THREADS, true},
    {"set", VAL_SET, true},
    {"names", VAL_NAMES, true},
    {"data", VAL_DATA, true},
    {"seed", VAL_SEED, true},
    {"help", 'h', false},
    {0},
};

int cli_fail(const struct error *err)
{
    const char *line = err->text;
    int shown = 0;
    while (*line) {
        const int length = (int)strcspn(line, "\n");
        fprintf(stderr, "dlnet: error: %.*s\n", length, line);
        shown++;
        line += length;
        line += *line == '\n';
    }
    if (err->count > shown)
        fprintf(stderr, "dlnet: error: and %d more\n", err->count - shown);
    return err->status != EXIT_OK ? (int)err->status : EXIT_FAIL;
}

void cli_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("dlnet: warning: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int cli_usage_error(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("dlnet: error: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry `dlnet help%s%s`.\n", command ? " " : "", command ? command : "");
    return EXIT_USAGE;
}

int cli_end(int status)
{
    errno = 0;
    const bool failed = fflush(stdout) != 0 || ferror(stdout);
    const int reason = errno;
    if (!failed || reason == EPIPE || status == EXIT_IO) /* an I/O error has been told by who found it */
        return status;
    fprintf(stderr, "dlnet: error: standard output: %s\n", reason ? strerror(reason) : "writing failed");
    return status == EXIT_OK ? EXIT_IO : status;
}

static void report_warning(void *context, const struct config_key *key, const char *message)
{
    (void)context;
    (void)key;
    cli_warn("%s", message);
}

void cli_warn_config(const struct network *net)
{
    const struct config *c = &net->config;
    for (int i = 0; i < c->notes.n; i++)
        cli_warn("%s", c->notes.item[i]);
    const struct config_section *s = config_find(c, "net");
    if (s)
        option_unsupported(s, net_option_table, report_warning, NULL);
    if (net->options.precision == CONV_BF16 && cpu_bf16_best() == CPU_BF16_PORTABLE)
        cli_warn("%s: precision=bf16 is slow here: this processor has neither AMX nor AVX512-BF16", c->path);
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        option_unsupported(l->section, l->type->options, report_warning, NULL);
        option_unsupported(l->section, layer_common_options, report_warning, NULL);
        const struct config_entry *e = config_get(l->section, "stopbackward");
        if (e && l->common.stopbackward > 1)
            cli_warn("%s:%d: stopbackward=%d freezes this layer and those before it for the whole training (Darknet on a GPU: for %d "
                     "iterations)",
                     c->path, e->line, l->common.stopbackward, l->common.stopbackward);
    }
}

static void report_answer(void *context, const struct config_key *key, const char *message)
{
    if (key->kind == OPTION_UNSUPPORTED_ANSWER)
        error_add(context, EXIT_DATA, "%s: the answers would be wrong", message);
}

int cli_check_answer(const struct network *net, struct error *err)
{
    const int before = err->count;
    for (int i = 0; i < net->n_layers; i++)
        option_unsupported(net->layer[i].section, net->layer[i].type->options, report_answer, err);
    const struct layer *l = network_unfitted(net);
    if (l)
        layer_error(l, NULL, err,
                    "layer %d [%s] has no statistics of the training data yet, expected a model that `dlnet train` has written", l->index,
                    l->type->name);
    return err->count > before ? -1 : 0;
}

int cli_number(const char *name, const char *text, double min, double max, double *out)
{
    double v;
    if (text_to_double(text, &v) && v >= min && v <= max) {
        *out = v;
        return 0;
    }
    fprintf(stderr, "dlnet: error: --%s %s: expected a number in %g..%g\n", name, text, min, max);
    return -1;
}

int cli_whole(const char *name, const char *text, long min, long max, long *out)
{
    long v;
    if (text_to_long(text, &v) && v >= min && v <= max) {
        *out = v;
        return 0;
    }
    if (max >= INT_MAX)
        fprintf(stderr, "dlnet: error: --%s %s: expected a whole number of %ld or more\n", name, text, min);
    else
        fprintf(stderr, "dlnet: error: --%s %s: expected a whole number in %ld..%ld\n", name, text, min, max);
    return -1;
}

void cli_common_free(struct cli_common *common)
{
    free(common->sets);
    common->sets = NULL;
    common->n_sets = 0;
}

int cli_one_model(const struct cli_common *common, const char *command, const char **model)
{
    *model = common->n_models > 0 ? common->models[0] : NULL;
    if (common->n_models < 2)
        return 0;
    cli_usage_error(command, "found -m %s and -m %s, expected one model", common->models[0], common->models[1]);
    return -1;
}

/* The tables of getopt, made from both lists: at most MOST options. */
enum { MOST = 64 };
struct tables {
    struct option options[MOST + 1];
    const char *names[MOST];
    char letters[2 * MOST + 2];
    int n;
};

static void add_options(struct tables *t, const struct cli_option *list)
{
    for (; list && list->name && t->n < MOST; list++) {
        t->names[t->n] = list->name;
        t->options[t->n++] = (struct option){list->name, list->has_argument ? required_argument : no_argument, NULL, list->val};
        if (list->val > 0 && list->val < 256) {
            char *end = t->letters + strlen(t->letters);
            *end++ = (char)list->val;
            if (list->has_argument)
                *end++ = ':';
            *end = 0;
        }
    }
}

static const struct option *by_val(const struct tables *t, int val)
{
    for (int i = 0; i < t->n; i++)
        if (t->options[i].val == val)
            return &t->options[i];
    return NULL;
}

/* The message for what getopt_long refused. word: the last word it read. */
static void refuse(const struct tables *t, const char *command, const char *word, bool argument_missing)
{
    const struct option *o = optopt ? by_val(t, optopt) : NULL;
    if (o) {
        cli_usage_error(command, argument_missing ? "option --%s needs a value" : "option --%s takes no value", o->name);
        return;
    }
    if (optopt) {
        cli_usage_error(command, "unknown option -%c", optopt);
        return;
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    int matches = 0;
    for (int i = 0; i < t->n; i++)
        matches += text_starts(t->names[i], name);
    const char *near = text_nearest(name, t->names, t->n);
    if (*name && matches > 1)
        cli_usage_error(command, "option --%s could mean several: write it out", name);
    else if (near)
        cli_usage_error(command, "unknown option --%s; did you mean --%s?", name, near);
    else
        cli_usage_error(command, "unknown option --%s", name);
}

static const struct command *find_command(const char *name)
{
    for (const struct command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

/* A common option into common. False: a wrong value, told. */
static bool take_common(struct cli_common *common, int val, int argc, const char *command)
{
    long number;
    switch (val) {
    case 'q':
        common->quiet = true;
        break;
    case 'v':
        common->verbose = true;
        break;
    case 'm':
        if (common->n_models == CLI_MODELS) {
            cli_usage_error(command, "more than %d -m", CLI_MODELS);
            return false;
        }
        common->models[common->n_models++] = optarg;
        break;
    case VAL_JSON:
        common->json = true;
        break;
    case VAL_NAMES:
        common->names_file = optarg;
        break;
    case VAL_DATA:
        common->data_file = optarg;
        break;
    case VAL_SET:
        if (!common->sets)
            common->sets = mem_new((size_t)argc, sizeof *common->sets); /* more can't come */
        common->sets[common->n_sets++] = optarg;
        break;
    case VAL_SEED:
        if (cli_whole("seed", optarg, 0, LONG_MAX, &number) != 0)
            return false;
        common->seed = number;
        break;
    case VAL_THREADS:
        if (cli_whole("threads", optarg, 1, 1024, &number) != 0)
            return false;
        common->threads = (int)number;
        parallel_set(common->threads);
        break;
    case 'h': {
        const struct command *c = find_command(command);
        printf("%s\n%s", c ? c->usage : "", cli_common_usage);
        exit(cli_end(EXIT_OK));
    }
    default:
        return false;
    }
    return true;
}

int cli_next_option(int argc, char **argv, const struct cli_option *own, struct cli_common *common)
{
    struct tables t = {.letters = ":"};
    add_options(&t, own);
    const int n_own = t.n;
    add_options(&t, common_options);
    opterr = 0;
    for (;;) {
        if (optind <= 1) /* the first call: a zero-filled common has no seed either */
            common->seed = -1;
        optopt = 0;
        const int val = getopt_long(argc, argv, t.letters, t.options, NULL);
        if (val == -1) {
            if (common->verbose)
                cli_tell_blas();
            return -1;
        }
        if (val == '?' || val == ':') {
            refuse(&t, argv[0], argv[optind - 1], val == ':');
            return '?';
        }
        const struct option *o = by_val(&t, val);
        if (o && o->has_arg == required_argument && !*optarg) { /* "$UNSET" of a shell */
            cli_usage_error(argv[0], "option --%s needs a value, found an empty one", o->name);
            return '?';
        }
        for (int i = 0; i < n_own; i++)
            if (t.options[i].val == val)
                return val;
        if (!take_common(common, val, argc, argv[0]))
            return '?';
    }
}
