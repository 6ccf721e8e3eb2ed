#include "image/codec.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/simd.h"
#include "base/text.h"
#include "image/exif.h"
#include "image/turbo.h"

/* The reasons of failure are thread-local; memory that a damaged file leaves unwritten is 0, not what was there before. */
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define stbi_set_unpremultiply_on_load_thread stbi__unpremultiply_on_load_thread /* 2.27 defines it under this name */
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_FAILURE_USERMSG
#define STBI_MAX_DIMENSIONS 65535
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_PIC
#define STBI_NO_STDIO
#define STBI_MALLOC(size) calloc(1, size)
#define STBI_REALLOC(p, size) realloc(p, size)
#define STBI_FREE(p) free(p)
#pragma GCC push_options
#pragma GCC optimize("wrapv") /* stb shifts and adds signed numbers beyond their range */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop
#pragma GCC pop_options

#define MAX_FILE ((size_t)1 << 30)
#define MAX_PIXELS ((size_t)1 << 28)
#define JPEG_QUALITY 92

static bool is_jpeg(const unsigned char *p, size_t size)
{
    return size >= 3 && p[0] == 0xFF && p[1] == 0xD8 && p[2] == 0xFF;
}

static bool is_png(const unsigned char *p, size_t size)
{
    return size >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

/* True when the chain of chunks reaches IEND. */
static bool png_is_complete(const unsigned char *p, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 | p[at + 3];
        if (memcmp(p + at + 4, "IEND", 4) == 0)
            return true;
        at += 12 + length;
    }
    return false;
}

/* The other formats are read through this window, which notices when the decoder wants more than there is: stb goes on with zeros there. */
struct window {
    const unsigned char *bytes;
    size_t size, at;
    bool beyond;
};

static int window_read(void *user, char *data, int n)
{
    struct window *w = user;
    const int refill = sizeof(((stbi__context *)0)->buffer_start); /* stb's read-ahead may come back short, a direct read may not */
    const size_t left = w->size - w->at, take = (size_t)n < left ? (size_t)n : left;
    if (left == 0 || (n != refill && (size_t)n > left))
        w->beyond = true;
    memcpy(data, w->bytes + w->at, take);
    w->at += take;
    return (int)take;
}

static void window_skip(void *user, int n)
{
    struct window *w = user;
    if (n < 0)
        w->at -= (size_t)-n <= w->at ? (size_t)-n : w->at;
    else if ((size_t)n > w->size - w->at) {
        w->beyond = true;
        w->at = w->size;
    } else
        w->at += (size_t)n;
}

static int window_eof(void *user)
{
    const struct window *w = user;
    return w->at >= w->size;
}

static const stbi_io_callbacks window_calls = {window_read, window_skip, window_eof};

/* The first three of each four bytes. */
SIMD_CLONES static void drop_fourth(const unsigned char *restrict from, unsigned char *restrict to, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        to[3 * i] = from[4 * i];
        to[3 * i + 1] = from[4 * i + 1];
        to[3 * i + 2] = from[4 * i + 2];
    }
}

/* Copies w × h pixels of c or c + 1 bytes so that the picture stands upright: pixel (x, y) of the result comes from (sx, sy) of the file
 * (EXIF 2.3, 4.6.4 A). */
static void copy_upright(struct image *out, const unsigned char *data, int w, int h, int bytes, int orientation)
{
    const size_t c = (size_t)out->c, each = (size_t)bytes;
    if (orientation <= 1) {
        if (each == c)
            memcpy(out->data, data, (size_t)w * (size_t)h * c);
        else
            drop_fourth(data, out->data, (size_t)w * (size_t)h);
        return;
    }
    for (int y = 0; y < out->h; y++) {
        unsigned char *row = out->data + (size_t)y * (size_t)out->w * c;
        for (int x = 0; x < out->w; x++) {
            int sx = orientation >= 5 ? y : x, sy = orientation >= 5 ? x : y;
            if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
                sx = w - 1 - sx;
            if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
                sy = h - 1 - sy;
            memcpy(row + (size_t)x * c, data + ((size_t)sy * (size_t)w + (size_t)sx) * each, c);
        }
    }
}

static int decode(struct image *out, const void *bytes, size_t size, const char *name, const struct codec_options *o, struct error *err)
{
    *out = (struct image){0};
    if (size == 0)
        return error_at(err, EXIT_DATA, name, 0, "empty file");
    if (size > MAX_FILE)
        return error_at(err, EXIT_DATA, name, 0, "the file has %zu bytes, an image file may have %zu", size, MAX_FILE);
    struct jpeg_outline outline = {.complete = true, .orientation = 1};
    bool whole = true;
    if (is_jpeg(bytes, size)) {
        outline = jpeg_outline(bytes, size);
        whole = outline.complete;
    } else if (is_png(bytes, size))
        whole = png_is_complete(bytes, size);

    const bool direct = is_jpeg(bytes, size) || is_png(bytes, size);
    struct window window = {.bytes = bytes, .size = size};
    int w = 0, h = 0, c = 0;
    const int known =
        direct ? stbi_info_from_memory(bytes, (int)size, &w, &h, &c) : stbi_info_from_callbacks(&window_calls, &window, &w, &h, &c);
    if (!known) {
        if (!whole)
            return error_at(err, EXIT_DATA, name, 0, "truncated or damaged: the image ends within its header (%zu bytes)", size);
        return error_at(err, EXIT_DATA, name, 0, "not an image that can be read (PNG, JPEG, BMP, GIF, TGA, PSD, PNM): %s",
                        stbi_failure_reason());
    }
    if (w < 1 || h < 1)
        return error_at(err, EXIT_DATA, name, 0, "the image has no pixels (%d x %d)", w, h);
    if ((size_t)w * (size_t)h > MAX_PIXELS)
        return error_at(err, EXIT_DATA, name, 0, "the image is too large: %d x %d pixels, at most %zu", w, h, MAX_PIXELS);

    int want = c <= 2 ? 1 : 3;
    window = (struct window){.bytes = bytes, .size = size};
    unsigned char *data = NULL;
    const bool turned = outline.orientation >= 5;
    if (o && o->turbo && whole && is_jpeg(bytes, size) &&
        turbo_decode(bytes, size, turned ? o->least_h : o->least_w, turned ? o->least_w : o->least_h, &data, &w, &h, &want) != 0)
        data = NULL;
    int bytes_each =
        data || want == 1 || !is_jpeg(bytes, size) ? want : 4; /* only to four stb converts by SIMD: the same colours, sooner */
    if (!data)
        data = direct ? stbi_load_from_memory(bytes, (int)size, &w, &h, &c, bytes_each)
                      : stbi_load_from_callbacks(&window_calls, &window, &w, &h, &c, want);
    if (!whole || window.beyond) {
        free(data);
        return error_at(err, EXIT_DATA, name, 0, "truncated: the image data end too early (%zu bytes, %d x %d pixels)", size, w, h);
    }
    if (data == NULL)
        return error_at(err, EXIT_DATA, name, 0, "not an image that can be read (PNG, JPEG, BMP, GIF, TGA, PSD, PNM): %s",
                        stbi_failure_reason());
    if (bytes_each == want && outline.orientation <= 1) {
        *out = (struct image){w, h, want, data};
        return 0;
    }
    const int status = image_new(out, turned ? h : w, turned ? w : h, want, 0, err);
    if (status == 0)
        copy_upright(out, data, w, h, bytes_each, outline.orientation);
    free(data);
    return status;
}

int codec_decode(struct image *out, const void *bytes, size_t size, const char *name, struct error *err)
{
    return decode(out, bytes, size, name, NULL, err);
}

int codec_read(struct image *out, const char *path, struct error *err)
{
    return codec_read_with(out, path, NULL, err);
}

int codec_read_with(struct image *out, const char *path, const struct codec_options *o, struct error *err)
{
    *out = (struct image){0};
    size_t size;
    char *bytes = file_read(path, MAX_FILE, &size, err);
    if (bytes == NULL)
        return -1;
    const int status = decode(out, bytes, size, path, o, err);
    mem_free(bytes);
    return status;
}

static void write_bytes(void *context, void *data, int size)
{
    fwrite(data, 1, (size_t)size, context); /* a failure stays in the stream until file_commit */
}

int codec_write(const struct image *im, const char *path, struct error *err)
{
    const bool png = text_ends(path, ".png");
    if (!png && !text_ends(path, ".jpg") && !text_ends(path, ".jpeg"))
        return error_at(err, EXIT_USAGE, path, 0, "the name of a picture must end in .png, .jpg or .jpeg");
    struct file_writer file;
    if (file_begin(&file, path, err) != 0)
        return -1;
    const int done = png ? stbi_write_png_to_func(write_bytes, file.stream, im->w, im->h, im->c, im->data, im->w * im->c)
                         : stbi_write_jpg_to_func(write_bytes, file.stream, im->w, im->h, im->c, im->data, JPEG_QUALITY);
    if (!done) {
        file_discard(&file);
        return error_at(err, EXIT_FAIL, path, 0, "the picture of %d x %d pixels could not be encoded: no memory", im->w, im->h);
    }
    return file_commit(&file, err);
}
