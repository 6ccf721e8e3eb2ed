/* dlnet: the command table, and what happens before and after a command. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/environment.h"
#include "math/gemm.h"

const struct command cli_commands[] = {
    {"train", "train a network", cmd_train_usage, cmd_train},
    {"val", "measure a trained network on the validation or test set", cmd_val_usage, cmd_val},
    {"predict", "classify images", cmd_predict_usage, cmd_predict},
    {"detect", "find objects in images", cmd_detect_usage, cmd_detect},
    {"lrfind", "search a good learning rate", cmd_lrfind_usage, cmd_lrfind},
    {"data", "look at a data set: what it holds and what is wrong with it", cmd_data_usage, cmd_data},
    {"info", "layers, shapes, parameters, operations and memory of a network", cmd_info_usage, cmd_info},
    {"bench", "time of each layer, and how close it comes to the machine's peak", cmd_bench_usage, cmd_bench},
    {"sample", "write images of the built-in data set", cmd_sample_usage, cmd_sample},
    {"augment", "write an enlarged data set, or a sheet of what the augmentations do", cmd_augment_usage, cmd_augment},
    {"average", "one model from several of the same cfg: the mean of their weights", cmd_average_usage, cmd_average},
    {"export", "write a model in another file format", cmd_export_usage, cmd_export},
    {"help", "pages for commands, layers and keys", cmd_help_usage, cmd_help},
    {0},
};

/* Writing to a closed pipe: when it is stdout, nobody wants the rest, so end quietly. (When it is stderr alone, go on: the work matters
 * more than its progress.) */
static void on_broken_pipe(int number)
{
    (void)number;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR))
        _exit(EXIT_OK);
}

static int find(const char *name)
{
    for (int i = 0; cli_commands[i].name; i++)
        if (strcmp(cli_commands[i].name, name) == 0)
            return i;
    return -1;
}

static int unknown_command(const char *name)
{
    const char *names[sizeof cli_commands / sizeof *cli_commands];
    int n = 0;
    for (; cli_commands[n].name; n++)
        names[n] = cli_commands[n].name;
    const char *near = text_nearest(name, names, n);
    if (text_starts(name, "-"))
        return cli_usage_error(NULL, "unknown option %s before the command", name);
    if (near)
        return cli_usage_error(NULL, "unknown command '%s'; did you mean '%s'?", name, near);
    return cli_usage_error(NULL, "unknown command '%s'", name);
}

static int run(int argc, char **argv)
{
    char *help[] = {"help", NULL};
    if (argc < 2) {
        fflush(stdout);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* no command is a mistake: its answer goes where errors go */
        cmd_help(1, help);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cmd_help(1, help);
    if (strcmp(argv[1], "--version") == 0) {
        puts("dlnet " DLNET_VERSION);
        return EXIT_OK;
    }
    const int command = find(argv[1]);
    if (command < 0)
        return unknown_command(argv[1]);
    gemm_init();
    return cli_commands[command].run(argc - 1, argv + 1);
}

/* A stream that the caller has closed must not give its number to a file of ours, which messages would then be written into. The other
 * direction is opened, so that what uses the stream still fails. */
static void hold_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
}

int main(int argc, char **argv)
{
    cpu_flush_denormals();
    hold_streams();
    cli_environment(argv);
    const struct sigaction broken_pipe = {.sa_handler = on_broken_pipe, .sa_flags = SA_RESTART};
    sigaction(SIGPIPE, &broken_pipe, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file that grows beyond the limit is an error of writing like others: EFBIG, told and cleaned up */
    return cli_end(run(argc, argv));
}
