#include "cli/pictures.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "image/codec.h"

static bool is_picture_name(const char *name)
{
    return text_ends(name, ".png") || text_ends(name, ".jpg") || text_ends(name, ".jpeg");
}

static bool same_file(const char *a, const char *b)
{
    struct stat s, t;
    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static int several(const char *out, struct error *err)
{
    return error_add(err, EXIT_USAGE, "--out %s is one file, but there are several images: expected a folder", out);
}

static int replaces(const char *out, struct error *err)
{
    return error_add(err, EXIT_USAGE, "--out %s would replace the image itself", out);
}

int cli_pictures_open(struct cli_pictures *p, const char *out, const struct cli_images *images, struct error *err)
{
    *p = (struct cli_pictures){.out = out};
    if (out == NULL)
        return 0;
    p->single = is_picture_name(out) && !file_is_dir(out);
    if (!p->single && !file_is_dir(out) && (dataset_is_image(out) || text_ends(out, ".webp")))
        return error_add(err, EXIT_USAGE, "--out %s: expected a folder, or a file that ends in .png, .jpg or .jpeg", out);
    if (p->single && cli_images_count(images) > 1)
        return several(out, err);
    if (p->single && cli_images_path(images, 0) != NULL && same_file(out, cli_images_path(images, 0)))
        return replaces(out, err);
    if (p->single) {
        char *folder = text_dirname(out);
        const int status = file_make_dirs(folder, err);
        free(folder);
        return status;
    }
    if (file_make_dirs(out, err) != 0)
        return -1;
    const char *path;
    for (int i = 0; (path = cli_images_path(images, i)) != NULL; i++) {
        char *folder = text_dirname(path);
        if (same_file(folder, out))
            text_list_add(&p->used, text_basename(path));
        free(folder);
    }
    return 0;
}

static bool is_used(const struct cli_pictures *p, const char *name)
{
    for (int i = 0; i < p->used.n; i++)
        if (strcmp(p->used.item[i], name) == 0)
            return true;
    return false;
}

/* A free path in the folder for the picture of that input. Owned by the caller. */
static char *choose_path(struct cli_pictures *p, const char *input)
{
    const char *name = text_basename(input), *dot = strrchr(name, '.');
    const int stem = dot != NULL && dot != name ? (int)(dot - name) : (int)strlen(name);
    const char *ending = dot != NULL && is_picture_name(name) ? dot : ".png";
    for (int k = 1;; k++) {
        char *candidate = k == 1 ? mem_format("%.*s%s", stem, name, ending) : mem_format("%.*s-%d%s", stem, name, k, ending);
        char *path = text_join(p->out, candidate);
        const bool free_name = !is_used(p, candidate) && !same_file(path, input);
        if (free_name)
            text_list_add(&p->used, candidate);
        free(candidate);
        if (free_name)
            return path;
        free(path);
    }
}

/* draw_boxes, on a small picture after an enlargement to about LEGIBLE pixels. */
static int draw(const struct image *im, const struct draw_box *boxes, int n, struct image *out, struct error *err)
{
    enum { SMALL = 256, LEGIBLE = 384 };
    const int side = im->w > im->h ? im->w : im->h;
    if (side >= SMALL)
        return draw_boxes(im, boxes, n, out, err);
    const int factor = (LEGIBLE + side - 1) / side;
    struct image large;
    if (image_enlarge(im, factor, &large, err) != 0)
        return -1;
    struct draw_box *scaled = mem_new((size_t)n, sizeof *scaled);
    for (int i = 0; i < n; i++) {
        const struct draw_box b = boxes[i];
        scaled[i] = (struct draw_box){b.x1 * factor, b.y1 * factor, b.x2 * factor, b.y2 * factor, b.label, b.colour};
    }
    const int status = draw_boxes(&large, scaled, n, out, err);
    free(scaled);
    image_free(&large);
    return status;
}

int cli_pictures_write(struct cli_pictures *p, const struct cli_image *image, const struct draw_box *boxes, int n, struct error *err)
{
    if (p->single && p->used.n > 0)
        return several(p->out, err);
    if (p->single && same_file(p->out, image->path))
        return replaces(p->out, err);
    char *path;
    if (p->single) {
        path = mem_string(p->out);
        text_list_add(&p->used, p->out);
    } else {
        path = choose_path(p, image->path);
    }
    struct image drawn = {0};
    int status = draw(&image->image, boxes, n, &drawn, err);
    if (status == 0)
        status = codec_write(&drawn, path, err);
    image_free(&drawn);
    free(path);
    return status;
}

void cli_pictures_close(struct cli_pictures *p)
{
    text_list_free(&p->used);
}
