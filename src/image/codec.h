/* codec: image files (stb_image reads JPEG, PNG, BMP, TGA, GIF, PSD, PNM; writes PNG and JPEG). The only caller of stb. Thread-safe. */
#ifndef DLNET_IMAGE_CODEC_H
#define DLNET_IMAGE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"

/* Decodes a file to 8 bits and 1 or 3 channels (grey stays grey; palette, alpha and 16 bit are converted, alpha is dropped), with the EXIF
 * orientation applied (all 8). -1: missing (66), a directory, empty, truncated or not an image, larger than 2^28 pixels (65). */
int codec_read(struct image *out, const char *path, struct error *err);

/* How JPEG is decoded. */
struct codec_options {
    bool turbo;           /* by libjpeg-turbo, where it is built in and can; else stb_image */
    int least_w, least_h; /* with turbo, above 0: at a half, a quarter or an eighth, not below these */
};
int codec_read_with(struct image *out, const char *path, const struct codec_options *o, struct error *err);

/* The same from memory; name stands in messages. */
int codec_decode(struct image *out, const void *bytes, size_t size, const char *name, struct error *err);

/* Writes PNG or JPEG (quality 92) by the ending of path, atomically. */
int codec_write(const struct image *im, const char *path, struct error *err);

#endif
