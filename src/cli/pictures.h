/* pictures: where --out puts the pictures with results drawn on them. */
#ifndef DLNET_CLI_PICTURES_H
#define DLNET_CLI_PICTURES_H

#include <stdbool.h>

#include "base/text.h"
#include "cli/images.h"
#include "image/draw.h"

struct cli_pictures {
    const char *out;       /* NULL: none wanted */
    bool single;           /* out is a file */
    struct text_list used; /* names in the folder that are taken: by pictures written, and by inputs that lie there */
};

/* out: the argument of --out (NULL: none). A name that ends in .png, .jpg or .jpeg is a file, for one picture; anything else is a folder,
 * which is made. -1 and err when a file is to take several pictures, or would replace the input, or the folder can't be made. */
int cli_pictures_open(struct cli_pictures *p, const char *out, const struct cli_images *images, struct error *err);

/* Draws boxes on the picture (one with sides below 256 pixels is enlarged, so that the captions can be read) and writes it, under its own
 * base name (with -2, -3, … when that is taken). */
int cli_pictures_write(struct cli_pictures *p, const struct cli_image *image, const struct draw_box *boxes, int n, struct error *err);

void cli_pictures_close(struct cli_pictures *p);

#endif
