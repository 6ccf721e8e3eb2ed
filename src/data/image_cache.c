#include "data/image_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct image_cache {
    struct image *image;
    int n;
    size_t bytes, most;
    pthread_mutex_t lock;
};

struct image_cache *image_cache_new(int n, size_t most_bytes)
{
    struct image_cache *c = mem_new(1, sizeof *c);
    c->image = mem_new((size_t)n, sizeof *c->image);
    c->n = n;
    c->most = most_bytes;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static size_t size_of(const struct image *im)
{
    return (size_t)im->w * (size_t)im->h * (size_t)im->c;
}

bool image_cache_get(struct image_cache *c, int i, struct image *out)
{
    pthread_mutex_lock(&c->lock);
    const struct image kept = c->image[i]; /* once there it stays */
    pthread_mutex_unlock(&c->lock);
    if (!kept.data || image_new(out, kept.w, kept.h, kept.c, 0, NULL) != 0)
        return false;
    memcpy(out->data, kept.data, size_of(&kept));
    return true;
}

void image_cache_put(struct image_cache *c, int i, const struct image *im)
{
    const size_t size = size_of(im);
    pthread_mutex_lock(&c->lock);
    const bool fits = !c->image[i].data && size <= c->most - c->bytes;
    if (fits)
        c->bytes += size;
    pthread_mutex_unlock(&c->lock);
    struct image copy = {0};
    if (!fits)
        return;
    const bool made = image_new(&copy, im->w, im->h, im->c, 0, NULL) == 0;
    if (made)
        memcpy(copy.data, im->data, size);
    pthread_mutex_lock(&c->lock);
    if (made && !c->image[i].data) {
        c->image[i] = copy;
        copy.data = NULL;
    } else {
        c->bytes -= size;
    }
    pthread_mutex_unlock(&c->lock);
    image_free(&copy);
}

size_t image_cache_bytes(struct image_cache *c)
{
    pthread_mutex_lock(&c->lock);
    const size_t bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

void image_cache_free(struct image_cache *c)
{
    for (int i = 0; c && i < c->n; i++)
        image_free(&c->image[i]);
    if (c) {
        pthread_mutex_destroy(&c->lock);
        free(c->image);
    }
    free(c);
}
