/* session: what predict and detect have in common: options, the model, the walk over the pictures. */
#ifndef DLNET_CLI_SESSION_H
#define DLNET_CLI_SESSION_H

#include <cjson/cJSON.h>

#include "cli/cli_model.h"
#include "cli/images.h"
#include "cli/pictures.h"

struct cli_session {
    struct cli_common common;
    const char *out; /* --out */
    /* What runs the network on a picture; NULL: one forward pass of each in evaluation. */
    void (*forward)(struct cli_session *s, const struct cli_image *image);
    struct cli_models models; /* that answer together */
    struct network *net;      /* the first of them */
    struct data_options data; /* of [data] or --data: how tables are read */
    struct cli_images *images;
    struct cli_pictures pictures;
};

/* Loads the model, or several, and opens the pictures that argv[optind] … name. detector: which kind of network the command is for. An exit
 * status. */
int cli_session_open(struct cli_session *s, int argc, char **argv, bool detector);

/* Runs the networks over every picture and calls answer for each, which prints its results; stdout is flushed after each. Pictures that
 * can't be read are told on stderr and left out. answer returns -1 and fills err to end the walk. Returns an exit status: 65 or 66 when
 * some picture was bad. */
int cli_session_walk(struct cli_session *s, int (*answer)(void *context, const struct cli_image *image, struct error *err), void *context);

void cli_session_close(struct cli_session *s);

/* A text for a tab-separated line: control characters are shown as '?'. */
void cli_put_field(const char *text);

/* A string that is valid UTF-8 whatever the bytes; a number with that many decimals. */
void cli_json_text(cJSON *object, const char *key, const char *text);
cJSON *cli_json_number(double value, int decimals);

/* Prints the object on a line of its own and releases it. */
int cli_json_line(cJSON *object, struct error *err);

#endif
