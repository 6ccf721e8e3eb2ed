#include "data/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"

int names_read(const char *path, struct text_list *out, struct error *err)
{
    size_t size;
    char *text = file_read(path, (size_t)64 << 20, &size, err);
    if (!text)
        return -1;
    int line = 0, empty = 0, result = 0;
    for (char *cursor = text, *raw; result == 0 && (raw = file_line(&cursor, &line));) {
        char *name = text_trim(raw);
        if (!*name)
            empty = empty ? empty : line;
        else if (empty)
            result = error_at(err, EXIT_DATA, path, empty, "found an empty line, expected the name of class %d", out->n);
        else
            text_list_add(out, name);
    }
    if (result == 0 && out->n == 0)
        result = error_at(err, EXIT_DATA, path, 0, "found no class name, expected one a line");
    mem_free(text);
    return result;
}

/* FNV-1a, 64 bits. */
static size_t hash(const char *s, size_t length)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 32));
}

void name_index_init(struct name_index *index, const struct text_list *names)
{
    size_t slots = 16;
    while (slots < (size_t)names->n * 2)
        slots *= 2;
    *index = (struct name_index){.names = names, .slot = mem_new(slots, sizeof(int)), .mask = slots - 1};
    for (int i = 0; i < names->n; i++) {
        const size_t length = strlen(names->item[i]);
        if (name_index_find(index, names->item[i], length) != NAME_NONE)
            continue; /* the first of equal names stands */
        size_t at = hash(names->item[i], length) & index->mask;
        while (index->slot[at])
            at = (at + 1) & index->mask;
        index->slot[at] = i + 1;
    }
}

void name_index_free(struct name_index *index)
{
    free(index->slot);
    *index = (struct name_index){0};
}

int name_index_find(const struct name_index *index, const char *s, size_t length)
{
    for (size_t at = hash(s, length) & index->mask; index->slot[at]; at = (at + 1) & index->mask) {
        const char *name = index->names->item[index->slot[at] - 1];
        if (strncmp(name, s, length) == 0 && !name[length])
            return index->slot[at] - 1;
    }
    return NAME_NONE;
}

int name_index_folder(const struct name_index *index, const char *path)
{
    const char *end = text_basename(path);
    while (end > path) {
        end--; /* the slash after the component */
        const char *start = end;
        while (start > path && start[-1] != '/')
            start--;
        const int found = name_index_find(index, start, (size_t)(end - start));
        if (found != NAME_NONE)
            return found;
        end = start;
    }
    return NAME_NONE;
}

static int find_part(const struct name_index *index, const char *base, int other[2])
{
    enum { MOST = 24 };
    const char *starts[MOST], *ends[MOST];
    const char *dot = strrchr(base, '.');
    const char *stop = dot && dot > base ? dot : base + strlen(base);
    int n = 0;
    for (const char *p = base; p < stop && n < MOST;) {
        const char *q = p;
        while (q < stop && !strchr("_-. ", *q))
            q++;
        starts[n] = p;
        ends[n++] = q;
        p = q + 1;
    }
    int best = NAME_NONE;
    size_t longest = 0;
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            const size_t length = (size_t)(ends[j] - starts[i]);
            const int found = length >= longest ? name_index_find(index, starts[i], length) : NAME_NONE;
            if (found == NAME_NONE)
                continue;
            if (length > longest) {
                best = found;
                other[0] = found;
            } else if (found != best) {
                best = NAME_AMBIGUOUS;
                other[1] = found;
            }
            longest = length;
        }
    return best;
}

static int find_anywhere(const struct name_index *index, const char *path, int other[2])
{
    int best = NAME_NONE;
    for (int i = 0; i < index->names->n; i++) {
        const char *name = index->names->item[i];
        if (!*name || !strstr(path, name))
            continue;
        if (best >= 0 && strcmp(index->names->item[best], name) != 0) {
            other[0] = best;
            other[1] = i;
            return NAME_AMBIGUOUS;
        }
        best = best >= 0 ? best : i;
    }
    return best;
}

int name_index_path(const struct name_index *index, const char *path, int other[2])
{
    const char *base = text_basename(path);
    int found = name_index_folder(index, path);
    if (found == NAME_NONE)
        found = find_part(index, base, other);
    if (found == NAME_NONE)
        found = find_anywhere(index, path, other);
    return found;
}

const char *names_nearest(const struct text_list *names, const char *s)
{
    return text_nearest(s, (const char *const *)names->item, names->n);
}

char *names_other(const char *name)
{
    static const char *const pairs[][2] = {{"1", "0"}, {"yes", "no"}, {"true", "false"}, {"+1", "-1"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcasecmp(name, pairs[i][0]) == 0)
            return mem_string(pairs[i][1]);
    return mem_format("not %s", name);
}
