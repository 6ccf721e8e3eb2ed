/* dlnet help: pages for commands, sections and keys, printed from the tables that the program itself reads. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "data/dataset.h"
#include "data/recipe.h"

const char cmd_help_usage[] = "Usage: dlnet help [COMMAND | SECTION | KEY | layers]\n"
                              "\n"
                              "Prints the page of a command, of a section of the cfg file (net, data, convolutional, …) with all its\n"
                              "keys, or of a key: the sections that have it. `dlnet help layers` lists the layers.\n"
                              "\n"
                              "Examples:\n"
                              "  dlnet help train\n"
                              "  dlnet help convolutional\n"
                              "  dlnet help burn_in\n";

static void print_overview(void)
{
    printf("dlnet trains, validates and runs neural networks that are described by Darknet-style cfg files.\n"
           "\n"
           "Usage: dlnet COMMAND [options] …\n"
           "       dlnet --version\n"
           "\n"
           "Commands:\n");
    for (const struct command *c = cli_commands; c->name; c++)
        printf("  %-10s %s\n", c->name, c->summary);
    printf("\n"
           "dlnet help COMMAND      options and examples of a command\n"
           "dlnet help layers       the layers that a cfg file can use\n"
           "dlnet help SECTION      the keys of a section: net, data, convolutional, …\n"
           "dlnet help KEY          what a key means, wherever it stands\n"
           "\n"
           "First steps: train on the built-in pictures, write a few others, find the objects in them.\n"
           "  dlnet train cfg/yolo.cfg\n"
           "  dlnet sample -n 4 --out samples\n"
           "  dlnet detect samples --out found\n"
           "\n"
           "Results go to stdout, all else to stderr. Exit status: 0 done, 1 failed, 2 wrong command line, 65 bad input,\n"
           "66 an input is missing, 74 reading or writing failed, 130 interrupted.\n");
}

static void print_layers(void)
{
    printf("Sections of a cfg file:\n");
    printf("  %-18s %s\n", "net", "size of the input, training plan, augmentation; first in the file");
    printf("  %-18s %s\n", "data", "data sets and class names; anywhere in the file");
    printf("  %-18s %s\n", "augment", "augmentation of the training data, step by step; anywhere in the file");
    for (int i = 0; layer_types[i]; i++)
        printf("  %-18s %s\n", layer_types[i]->name, layer_types[i]->help);
}

static bool print_command(const char *topic)
{
    for (const struct command *c = cli_commands; c->name; c++)
        if (strcmp(c->name, topic) == 0) {
            printf("%s\n%s", c->usage, cli_common_usage);
            return true;
        }
    return false;
}

static bool print_section(const char *topic)
{
    if (strcmp(topic, "net") == 0 || strcmp(topic, "network") == 0) {
        printf("[net]: size of the input, training plan, augmentation\n\n");
        option_print(stdout, net_option_table);
        return true;
    }
    if (strcmp(topic, "data") == 0) {
        printf("[data]: data sets and class names\n\n");
        option_print(stdout, data_option_table);
        return true;
    }
    if (strcmp(topic, "augment") == 0) {
        printf("[augment]: what happens to the training data, KEY=STRENGTH[,NAME=VALUE ...], in the order of the keys; the\n"
               "geometric ones are one warp before all others. Each takes p=, its probability (1), and ramp=, the part of\n"
               "the training in which p rises from 0 (0: not). Keys without a strength take p itself: flip=.5\n\n");
        recipe_print(stdout);
        return true;
    }
    for (int i = 0; layer_types[i]; i++) {
        const struct layer_type *t = layer_types[i];
        if (strcmp(t->name, topic) != 0 && (!t->alias || strcmp(t->alias, topic) != 0))
            continue;
        printf("[%s]: %s\n\n", t->name, t->help);
        if (t->alias)
            printf("Also written [%s].\n\n", t->alias);
        option_print(stdout, t->options);
        printf("\nKeys of every layer:\n");
        option_print(stdout, layer_common_options);
        return true;
    }
    return false;
}

static int print_row(const char *section, const struct config_key *table, const char *key)
{
    const struct config_key *row = option_find(table, key);
    if (!row)
        return 0;
    printf("[%s]\n", section);
    option_print_key(stdout, row);
    return 1;
}

static int print_step(const char *key)
{
    for (const struct step_row *row = recipe_rows; row->key; row++)
        if (strcmp(row->key, key) == 0) {
            printf("[augment]\n");
            recipe_print_key(stdout, key);
            return 1;
        }
    return 0;
}

static bool print_key(const char *key)
{
    int found = print_row("net", net_option_table, key);
    found += print_row("data", data_option_table, key);
    found += print_step(key);
    for (int i = 0; layer_types[i]; i++)
        found += print_row(layer_types[i]->name, layer_types[i]->options, key);
    const struct config_key *row = option_find(layer_common_options, key);
    if (row) {
        printf("every layer\n");
        option_print_key(stdout, row);
        found++;
    }
    return found > 0;
}

static int unknown_topic(const char *topic)
{
    const char **words = NULL;
    size_t capacity = 0;
    int n = 0;
#define ADD(word) (words = mem_grow(words, &capacity, (size_t)n + 1, sizeof *words), words[n++] = (word))
    for (const struct command *c = cli_commands; c->name; c++)
        ADD(c->name);
    ADD("layers");
    ADD("net");
    ADD("data");
    ADD("augment");
    for (int i = 0; layer_types[i]; i++)
        ADD(layer_types[i]->name);
    for (const struct config_key *k = net_option_table; k->key; k++)
        ADD(k->key);
    for (const struct config_key *k = data_option_table; k->key; k++)
        ADD(k->key);
    for (const struct step_row *row = recipe_rows; row->key; row++)
        ADD(row->key);
    for (int i = 0; layer_types[i]; i++)
        for (const struct config_key *k = layer_types[i]->options; k && k->key; k++)
            ADD(k->key);
#undef ADD
    const char *near = text_nearest(topic, words, n);
    free(words);
    if (near)
        return cli_usage_error(NULL, "no page for '%s'; did you mean '%s'?", topic, near);
    return cli_usage_error(NULL, "no page for '%s', expected a command, a section or a key", topic);
}

int cmd_help(int argc, char **argv)
{
    struct cli_common common = CLI_COMMON_INIT;
    int option;
    while ((option = cli_next_option(argc, argv, NULL, &common)) != -1)
        if (option == '?')
            return EXIT_USAGE;
    cli_common_free(&common);
    if (optind >= argc) {
        print_overview();
        return EXIT_OK;
    }
    int status = EXIT_OK;
    for (int i = optind; i < argc; i++) {
        const char *topic = argv[i];
        if (strcmp(topic, "layers") == 0) {
            print_layers();
            continue;
        }
        const bool command = print_command(topic);
        if (command && strcmp(topic, "augment") == 0) /* a section too */
            putchar('\n');
        bool found = print_section(topic); /* activation is a layer and a key */
        if (command)                       /* train is a key of [data] too, but hardly what is meant */
            continue;
        found |= print_key(topic);
        if (!found)
            status = unknown_topic(topic);
    }
    return status;
}
