#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

/* Sanitizers guard the ends of malloc's blocks alone. */
#if defined(MADV_HUGEPAGE) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MAPS 1
#else
#define MAPS 0
#endif

enum { HUGE_PAGE = 2 << 20, MAP_FROM = 4 << 20, PAGE = 4096, ALIGNMENT = 64 };

/* Stands at the beginning of a mapping; the block follows, ALIGNMENT bytes into its first page. */
struct mapping {
    uintptr_t mark; /* see mark_of */
    size_t bytes;
};
_Static_assert(sizeof(struct mapping) <= ALIGNMENT, "the block must stay aligned");

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

void *mem_unset(size_t count, size_t size)
{
    size_t bytes;
    if (!mem_mul(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    void *p = malloc(bytes ? bytes : 1);
    if (!p)
        out_of_memory(bytes);
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

static uintptr_t mark_of(const void *block)
{
    return (uintptr_t)block ^ (uintptr_t)0x6d6170706564206dull;
}

/* Large blocks come from the kernel, which zeroes a page when it is first touched, and go back to it at once. Huge pages mean fewer faults
 * and fewer misses of the address cache. */
static void *map(size_t bytes)
{
    const size_t kept = (ALIGNMENT + bytes + PAGE - 1) / PAGE * PAGE;
    char *all = mmap(NULL, kept + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return NULL;
    const size_t skipped = HUGE_PAGE - 1 - ((uintptr_t)all + HUGE_PAGE - 1) % HUGE_PAGE;
    if (skipped > 0)
        munmap(all, skipped);
    munmap(all + skipped + kept, HUGE_PAGE - skipped);
    struct mapping *m = (struct mapping *)(all + skipped);
#if MAPS
    madvise(m, kept, MADV_HUGEPAGE); /* a wish: where it can't be had, nothing changes */
#endif
    void *block = (char *)m + ALIGNMENT;
    *m = (struct mapping){mark_of(block), kept};
    return block;
}

void *mem_try(size_t count, size_t size)
{
    size_t bytes;
    if (fail_countdown > 0 && --fail_countdown == 0)
        return NULL;
    if (!mem_mul(count, size, &bytes))
        return NULL;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    if (MAPS && bytes >= MAP_FROM)
        return map(bytes);
    bytes = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT; /* aligned_alloc wants a multiple of the alignment */
    void *p = aligned_alloc(ALIGNMENT, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

void mem_free(void *p)
{
    /* Where a block begins so far into its page, what stands before it is in the same page, whosoever it is. */
    if (MAPS && (uintptr_t)p % PAGE == ALIGNMENT) {
        struct mapping *m = (struct mapping *)((char *)p - ALIGNMENT);
        if (m->mark == mark_of(p)) {
            munmap(m, m->bytes);
            return;
        }
    }
    free(p);
}

/* The first number in a file behind `word` (NULL: at the start); false: there is none. */
static bool number_in(const char *path, const char *word, size_t *n)
{
    FILE *f = fopen(path, "r");
    char line[256];
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *at = word ? strstr(line, word) : line;
        unsigned long long value;
        if (at && sscanf(at + (word ? strlen(word) : 0), "%llu", &value) == 1) {
            *n = (size_t)value;
            found = true;
        }
    }
    if (f)
        fclose(f);
    return found;
}

size_t mem_available(void)
{
    static const char *const groups[][2] = {
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"},
    };
    size_t free_kb = 0;
    if (!number_in("/proc/meminfo", "MemAvailable:", &free_kb))
        return 0;
    size_t bytes = free_kb << 10;
    for (int i = 0; i < 2; i++) {
        size_t most, used;
        if (!number_in(groups[i][0], NULL, &most) || !number_in(groups[i][1], NULL, &used)) /* "max": no limit */
            continue;
        const size_t left = used < most ? most - used : 0;
        bytes = left < bytes ? left : bytes;
    }
    return bytes;
}
