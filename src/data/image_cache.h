/* image_cache: decoded pictures in memory, up to a bound. What doesn't fit is decoded each time: results don't depend on it. Thread-safe.
 */
#ifndef DLNET_DATA_IMAGE_CACHE_H
#define DLNET_DATA_IMAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"

struct image_cache;

struct image_cache *image_cache_new(int n, size_t most_bytes);

/* A copy of picture i. false: it isn't there, or no memory for the copy. */
bool image_cache_get(struct image_cache *c, int i, struct image *out);
/* Keeps a copy, where it fits. */
void image_cache_put(struct image_cache *c, int i, const struct image *im);

size_t image_cache_bytes(struct image_cache *c);
void image_cache_free(struct image_cache *c);

#endif
