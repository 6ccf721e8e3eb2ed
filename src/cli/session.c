#include "cli/session.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

/* Pictures from which on the packing of the weights is won back. */
#define PACK_FROM 24

int cli_session_open(struct cli_session *s, int argc, char **argv, bool detector)
{
    struct error err = ERROR_INIT;
    const char *command = argv[0];
    if (cli_models(&s->common, &argc, argv, &s->models, &err) != 0)
        return cli_fail(&err);
    s->net = s->models.net[0];
    if (optind >= argc)
        return cli_usage_error(command,
                               "no images given: expected image files, folders, .txt lists of paths, tables (.csv), or - for paths on "
                               "stdin");
    if (network_is_detector(s->net) != detector) {
        error_at(&err, EXIT_DATA, s->net->config.path, 0,
                 detector ? "the network has no detection layer such as [yolo]: use `dlnet predict`"
                          : "the network is a detector: use `dlnet detect`");
        return cli_fail(&err);
    }
    for (int k = 0; k < s->models.n; k++)
        if (network_plan(s->models.net[k], 1, 0, 0, false, &err) != 0)
            return cli_fail(&err);
    if (data_options_read(&s->data, &s->net->config, s->common.data_file, &err) != 0)
        return cli_fail(&err);
    s->images = cli_images_open(argv + optind, argc - optind, s->models.net, s->models.n, &s->data, s->out != NULL, &err);
    if (s->images == NULL || cli_pictures_open(&s->pictures, s->out, s->images, &err) != 0)
        return cli_fail(&err);
    const int images = cli_images_count(s->images);
    for (int k = 0; k < s->models.n && (images < 0 || images >= PACK_FROM); k++)
        network_pack(s->models.net[k], true);
    return EXIT_OK;
}

static void forward(struct cli_session *s, const struct cli_image *image)
{
    const struct run run = {.mode = MODE_EVAL};
    const double start = clock_seconds();
    if (s->forward != NULL)
        s->forward(s, image);
    for (int k = 0; k < s->models.n && s->forward == NULL; k++) {
        struct network *net = s->models.net[k];
        memcpy(net->input.x, image->view[k].input, shape_each(net->input.shape) * sizeof(*net->input.x));
        network_forward(net, &run);
    }
    if (s->common.verbose)
        fprintf(stderr, "dlnet: %s: %d x %d pixels, network %.1f ms\n", image->path, image->w, image->h, (clock_seconds() - start) * 1e3);
}

int cli_session_walk(struct cli_session *s, int (*answer)(void *context, const struct cli_image *image, struct error *err), void *context)
{
    int status = EXIT_OK;
    struct cli_image *image;
    while ((image = cli_images_next(s->images)) != NULL) {
        if (image->err.status != EXIT_OK) {
            const int bad = cli_fail(&image->err);
            status = status == EXIT_OK || bad == EXIT_DATA ? bad : status;
            continue;
        }
        struct error err = ERROR_INIT;
        forward(s, image);
        if (answer(context, image, &err) != 0)
            return cli_fail(&err);
        errno = 0;
        if (fflush(stdout) != 0 || ferror(stdout)) {
            error_add(&err, EXIT_IO, "standard output: %s", errno ? strerror(errno) : "writing failed");
            return cli_fail(&err);
        }
    }
    return status;
}

void cli_session_close(struct cli_session *s)
{
    cli_images_close(s->images);
    cli_pictures_close(&s->pictures);
    data_options_free(&s->data);
    cli_models_free(&s->models);
    cli_common_free(&s->common);
}

void cli_put_field(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7F ? '?' : *text);
}

void cli_json_text(cJSON *object, const char *key, const char *text)
{
    char *clean = utf8_clean(text);
    cJSON_AddStringToObject(object, key, clean);
    free(clean);
}

cJSON *cli_json_number(double value, int decimals)
{
    char text[400]; /* the largest double has 309 digits */
    snprintf(text, sizeof(text), "%.*f", decimals, value);
    return cJSON_CreateRaw(text);
}

int cli_json_line(cJSON *object, struct error *err)
{
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (text == NULL)
        return error_add(err, EXIT_FAIL, "no memory for the answer as JSON");
    errno = 0;
    const int bad = puts(text) < 0 ? errno : 0;
    cJSON_free(text);
    if (bad == 0 || bad == EPIPE)
        return 0;
    return error_add(err, EXIT_IO, "standard output: %s", strerror(bad));
}
