/* dlnet sample: pictures of the built-in data set as files. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "data/formats.h"
#include "data/shapes.h"
#include "image/codec.h"

const char cmd_sample_usage[] =
    "Usage: dlnet sample [options]\n"
    "\n"
    "Writes pictures of the built-in data set (train=shapes) as files, with their labels: shapes-000.png, and\n"
    "shapes-000.txt with a line for each figure in Darknet's form: class id, centre x, centre y, width, height, as\n"
    "fractions of the picture. The class names go to shapes.names. Prints the path of each picture\n"
    "(with --json: {\"image\": PATH}).\n"
    "\n"
    "  -n N           pictures (1)\n"
    "  --out DIR      folder to write to, made when it isn't there (the working folder)\n"
    "  --split NAME   train, valid or test: three sets that share no picture (test)\n"
    "  --first K      number of the first picture (0)\n"
    "  --size PIXELS  width and height (96)\n"
    "  --seed N       seed of the set (1)\n"
    "\n"
    "  dlnet sample -n 4 --out samples && dlnet detect samples/\n";

struct sample_options {
    const char *out;
    long n, first, size;
    enum split split;
    uint64_t seed;
    bool json;
};

static int write_one(const struct sample_options *o, int64_t number, struct error *err)
{
    const struct shapes_key key = {.seed = o->seed, .split = o->split, .number = number};
    const int side = (int)o->size;
    struct shapes_layout layout;
    shapes_layout(&key, side, side, &layout);
    char name[64], lines[SHAPES_MOST * 128] = "";
    for (int i = 0; i < layout.n; i++) {
        const struct truth_box t = shapes_box(&layout.figure[i], side, side);
        const size_t used = strlen(lines);
        snprintf(lines + used, sizeof(lines) - used, "%d %.6f %.6f %.6f %.6f\n", t.class_id, (double)t.box.x, (double)t.box.y,
                 (double)t.box.w, (double)t.box.h);
    }
    snprintf(name, sizeof(name), "shapes-%03lld.png", (long long)number);
    char *picture = text_join(o->out, name);
    snprintf(name, sizeof(name), "shapes-%03lld.txt", (long long)number);
    char *labels = text_join(o->out, name);
    struct image image = {0};
    int status = shapes_image(&key, side, side, &image, err);
    if (status == 0)
        status = codec_write(&image, picture, err);
    if (status == 0)
        status = file_write(labels, lines, strlen(lines), err);
    if (status == 0 && o->json) {
        cJSON *object = cJSON_CreateObject();
        cli_json_text(object, "image", picture);
        status = cli_json_line(object, err);
    } else if (status == 0) {
        puts(picture);
    }
    image_free(&image);
    free(picture);
    free(labels);
    return status;
}

static int write_names(const struct sample_options *o, struct error *err)
{
    char text[SHAPES_CLASSES * 16] = "";
    for (int i = 0; i < SHAPES_CLASSES; i++)
        strcat(strcat(text, shapes_names[i]), "\n");
    char *path = text_join(o->out, "shapes.names");
    const int status = file_write(path, text, strlen(text), err);
    free(path);
    return status;
}

static int parse_split(const char *text, enum split *out)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(text, split_name((enum split)i)) == 0) {
            *out = (enum split)i;
            return 0;
        }
    cli_usage_error("sample", "--split %s: expected train, valid or test", text);
    return -1;
}

int cmd_sample(int argc, char **argv)
{
    enum { SPLIT = 256, FIRST, SIZE };
    static const struct cli_option own[] = {{"number", 'n', true},  {"out", 'o', true},   {"split", SPLIT, true},
                                            {"first", FIRST, true}, {"size", SIZE, true}, {0}};
    struct cli_common common = CLI_COMMON_INIT;
    struct sample_options o = {.out = ".", .n = 1, .size = SHAPES_SIDE, .split = SPLIT_TEST};
    int bad = 0;
    for (int c; !bad && (c = cli_next_option(argc, argv, own, &common)) != -1;) {
        if (c == 'n')
            bad = cli_whole("number", optarg, 1, 1000000, &o.n);
        else if (c == 'o')
            o.out = optarg;
        else if (c == SPLIT)
            bad = parse_split(optarg, &o.split);
        else if (c == FIRST)
            bad = cli_whole("first", optarg, 0, INT_MAX, &o.first);
        else if (c == SIZE)
            bad = cli_whole("size", optarg, 8, 8192, &o.size);
        else
            bad = 1;
    }
    cli_common_free(&common);
    if (bad)
        return EXIT_USAGE;
    if (optind < argc)
        return cli_usage_error("sample", "%s: expected options only", argv[optind]);
    o.json = common.json;
    o.seed = common.seed >= 0 ? (uint64_t)common.seed : 1;

    struct error err = ERROR_INIT;
    int status = file_make_dirs(o.out, &err);
    if (status == 0)
        status = write_names(&o, &err);
    for (long i = 0; status == 0 && i < o.n; i++)
        status = write_one(&o, o.first + i, &err);
    return status == 0 ? EXIT_OK : cli_fail(&err);
}
