/* image_cache: decoded pictures in memory, up to a bound. What isn't there is decoded again: results don't depend on it. Thread-safe. */
#ifndef DLNET_DATA_IMAGE_CACHE_H
#define DLNET_DATA_IMAGE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"

/* A decoded image that several users read, in any thread; nobody writes it. */
struct picture {
    struct image im;
    atomic_int users;
};

/* Takes the image over; the caller is its one user. */
struct picture *picture_new(struct image im);
/* One user less; the last one frees it. NULL: nothing. */
void picture_release(struct picture *p);

enum image_cache_kind {
    CACHE_FIRST,  /* what is in stays; when the bound is reached nothing more comes in */
    CACHE_RECENT, /* what came in first makes room */
    CACHE_ALL /* all or few: what is in stays; when the bound is reached all go, and it is one of CACHE_RECENT and few bytes from then on */
};

/* Enough for pictures that are mixed with others of about the same time. */
#define IMAGE_CACHE_FEW ((size_t)64 << 20)

struct image_cache;

/* For pictures numbered 0 .. n − 1. */
struct image_cache *image_cache_new(int n, size_t most_bytes, enum image_cache_kind kind);

/* Picture i, with the caller as a user more; NULL: it isn't there. */
struct picture *image_cache_get(struct image_cache *c, int i);
/* Keeps it, as a user more, where the bound allows. */
void image_cache_put(struct image_cache *c, int i, struct picture *p);

/* Of the pictures kept: never above the bound. */
size_t image_cache_bytes(struct image_cache *c);
void image_cache_free(struct image_cache *c);

#endif
