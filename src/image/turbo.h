/* turbo: JPEG by libjpeg(-turbo), where the program is built with it (make finds it by pkg-config libjpeg). */
#ifndef DLNET_IMAGE_TURBO_H
#define DLNET_IMAGE_TURBO_H

#include <stdbool.h>
#include <stddef.h>

bool turbo_is_built_in(void);

/* Decodes grey or RGB. least_w, least_h above 0: at 1/8, 1/4 or 1/2 of the size, the least that isn't smaller than these, else whole. *data
 * is the caller's (free). −1: not a JPEG that it can decode without a warning; nothing is allocated. */
int turbo_decode(const void *bytes, size_t size, int least_w, int least_h, unsigned char **data, int *w, int *h, int *c);

#endif
