#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

enum { HUGE_PAGE = 2 << 20, HUGE_FROM = 16 << 20 };

/* The one piece of mutable state in base/: a test hook that the program itself never touches. */
static int fail_countdown;

void mem_fail_next(int n)
{
    fail_countdown = n;
}

bool mem_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

bool mem_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static _Noreturn void out_of_memory(size_t bytes)
{
    fprintf(stderr, "dlnet: error: out of memory (%zu bytes asked for)\n", bytes);
    exit(EXIT_FAIL);
}

void *mem_new(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory(count * size);
    return p;
}

void *mem_grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return array;
    size_t wanted = *capacity ? *capacity : 8, bytes;
    while (wanted < count)
        wanted = wanted > SIZE_MAX / 2 ? count : wanted * 2;
    if (!mem_mul(wanted, size, &bytes))
        out_of_memory(SIZE_MAX);
    void *p = realloc(array, bytes);
    if (!p)
        out_of_memory(bytes);
    *capacity = wanted;
    return p;
}

char *mem_string_n(const char *s, size_t n)
{
    const size_t length = strnlen(s, n);
    char *p = mem_new(length + 1, 1);
    memcpy(p, s, length);
    return p;
}

char *mem_string(const char *s)
{
    return mem_string_n(s, strlen(s));
}

char *mem_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *p = NULL;
    if (vasprintf(&p, format, args) < 0)
        out_of_memory(strlen(format));
    va_end(args);
    return p;
}

void *mem_try(size_t count, size_t size)
{
    size_t bytes;
    if (fail_countdown > 0 && --fail_countdown == 0)
        return NULL;
    if (!mem_mul(count, size, &bytes))
        return NULL;
    /* aligned_alloc wants a multiple of the alignment. Large blocks ask for huge pages: fewer faults, fewer misses of the address cache. */
    const size_t alignment = bytes >= HUGE_FROM ? HUGE_PAGE : 64;
    if (bytes > SIZE_MAX - alignment)
        return NULL;
    bytes = bytes ? (bytes + alignment - 1) / alignment * alignment : alignment;
    void *p = aligned_alloc(alignment, bytes);
#ifdef MADV_HUGEPAGE
    if (p && alignment == HUGE_PAGE)
        madvise(p, bytes, MADV_HUGEPAGE); /* a wish: where it can't be had, nothing changes */
#endif
    if (p)
        memset(p, 0, bytes);
    return p;
}

void mem_free(void *p)
{
    free(p);
}
