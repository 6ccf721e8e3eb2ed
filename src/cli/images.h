/* images: the pictures that predict and detect work on, decoded and resized in another thread while the network computes. */
#ifndef DLNET_CLI_IMAGES_H
#define DLNET_CLI_IMAGES_H

#include <stdbool.h>

#include "base/error.h"
#include "data/dataset.h"
#include "image/image.h"
#include "net/network.h"

/* A picture as one network sees it. */
struct cli_view {
    struct placement placement; /* original → network input */
    float *input;               /* c × h × w of the network */
};

/* One picture, or one row of a table (path is "file:line" then), or a signal (row is true, w and h are 0 for both). When err.status isn't
 * EXIT_OK it couldn't be read, and only path is set. */
struct cli_image {
    char *path;
    struct error err;
    int w, h;              /* of the original, upright */
    struct cli_view *view; /* one for each network */
    struct image image;    /* the pixels, when they were asked for */
    bool row;
};

struct cli_images;

/* operands: tables (.csv, .tsv, .data), each row of them; image files, .wav files, folders (those in them, by name), .txt lists (a path a
 * line, relative to the list's folder, else to the working folder), "-" (paths on stdin, read as they come; rows, when the first network
 * has inputs=). o: columns of tables; borrowed. keep: also keep the pixels. Unreadable operands, and pictures for a network (of n_nets)
 * that doesn't take any, come up as pictures with an error. NULL: no thread, or no memory. */
struct cli_images *cli_images_open(char *const *operands, int n, struct network *const *net, int n_nets, const struct data_options *o,
                                   bool keep, struct error *err);

/* Number of pictures; −1: not known, stdin is among them. */
int cli_images_count(const struct cli_images *s);

/* Path number i of those that are known beforehand, NULL beyond the last. */
const char *cli_images_path(const struct cli_images *s, int i);

/* The next picture, borrowed until the next call; NULL at the end. */
struct cli_image *cli_images_next(struct cli_images *s);

/* May be called at any time. */
void cli_images_close(struct cli_images *s);

#endif
