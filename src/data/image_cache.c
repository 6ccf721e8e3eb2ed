#include "data/image_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct image_cache {
    struct picture **picture; /* by number; NULL: not there */
    int n;
    enum image_cache_kind kind;
    int *queue; /* CACHE_RECENT: a ring of the numbers of what is there, from the oldest */
    int oldest, there;
    size_t bytes, most;
    pthread_mutex_t lock;
};

struct picture *picture_new(struct image im)
{
    struct picture *p = mem_new(1, sizeof *p);
    p->im = im;
    atomic_init(&p->users, 1);
    return p;
}

void picture_release(struct picture *p)
{
    if (!p || atomic_fetch_sub(&p->users, 1) > 1)
        return;
    image_free(&p->im);
    free(p);
}

struct image_cache *image_cache_new(int n, size_t most_bytes, enum image_cache_kind kind)
{
    struct image_cache *c = mem_new(1, sizeof *c);
    c->picture = mem_new((size_t)n, sizeof *c->picture);
    c->queue = kind == CACHE_RECENT ? mem_new((size_t)n, sizeof *c->queue) : NULL;
    c->n = n;
    c->kind = kind;
    c->most = most_bytes;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static size_t size_of(const struct picture *p)
{
    return (size_t)p->im.w * (size_t)p->im.h * (size_t)p->im.c;
}

struct picture *image_cache_get(struct image_cache *c, int i)
{
    pthread_mutex_lock(&c->lock);
    struct picture *p = c->picture[i];
    if (p)
        atomic_fetch_add(&p->users, 1);
    pthread_mutex_unlock(&c->lock);
    return p;
}

static void drop_oldest(struct image_cache *c)
{
    const int i = c->queue[c->oldest];
    c->oldest = (c->oldest + 1) % c->n;
    c->there--;
    c->bytes -= size_of(c->picture[i]);
    picture_release(c->picture[i]);
    c->picture[i] = NULL;
}

static void give_up(struct image_cache *c)
{
    for (int i = 0; i < c->n; i++) {
        picture_release(c->picture[i]);
        c->picture[i] = NULL;
    }
    c->bytes = 0;
    c->there = 0;
    c->most = c->most < IMAGE_CACHE_FEW ? c->most : IMAGE_CACHE_FEW;
    c->kind = CACHE_RECENT;
    c->queue = mem_new((size_t)c->n, sizeof *c->queue);
}

void image_cache_put(struct image_cache *c, int i, struct picture *p)
{
    const size_t size = size_of(p);
    pthread_mutex_lock(&c->lock);
    if (c->kind == CACHE_ALL && !c->picture[i] && size > c->most - c->bytes)
        give_up(c);
    if (!c->picture[i] && size <= c->most) {
        while (c->kind == CACHE_RECENT && size > c->most - c->bytes)
            drop_oldest(c);
        if (size <= c->most - c->bytes) {
            atomic_fetch_add(&p->users, 1);
            c->picture[i] = p;
            c->bytes += size;
            if (c->queue)
                c->queue[(c->oldest + c->there) % c->n] = i;
            c->there++;
        }
    }
    pthread_mutex_unlock(&c->lock);
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
        picture_release(c->picture[i]);
    if (c) {
        pthread_mutex_destroy(&c->lock);
        free(c->picture);
        free(c->queue);
    }
    free(c);
}
