#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

void text_list_add(struct text_list *list, const char *s)
{
    list->item = mem_grow(list->item, &list->capacity, (size_t)list->n + 1, sizeof *list->item);
    list->item[list->n++] = mem_string(s);
}

void text_list_free(struct text_list *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->item[i]);
    free(list->item);
    *list = (struct text_list){0};
}

char *text_trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = 0;
    return s;
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
    const size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcasecmp(s + n - m, suffix) == 0;
}

bool text_to_double(const char *s, double *out)
{
    if (!*s || isspace((unsigned char)*s))
        return false;
    if (strpbrk(s, "xXnN")) /* strtod also takes hexadecimal, nan and inf */
        return false;
    char *end;
    errno = 0;
    const double v = strtod(s, &end);
    if (*end || end == s || !isfinite(v))
        return false;
    *out = v;
    return true;
}

bool text_to_long(const char *s, long *out)
{
    if (!*s || isspace((unsigned char)*s))
        return false;
    char *end;
    errno = 0;
    const long v = strtol(s, &end, 10);
    if (*end || end == s || errno == ERANGE)
        return false;
    *out = v;
    return true;
}

/* Damerau–Levenshtein distance (optimal string alignment), ASCII case ignored; words longer than 63 bytes count as far away. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n >= LONGEST || m >= LONGEST)
        return INT_MAX;
    int d[LONGEST][LONGEST];
    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            const int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            int best = d[i - 1][j - 1] + (ca != cb);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]) &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *text_nearest(const char *s, const char *const *words, int n)
{
    const int length = (int)strlen(s);
    int best = length / 3 > 2 ? length / 3 + 1 : 3; /* must be below this */
    const char *word = NULL;
    for (int i = 0; i < n; i++) {
        const int d = distance(s, words[i]);
        if (d < best && d < length) {
            best = d;
            word = words[i];
        }
    }
    return word;
}

char *text_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_string(".");
    if (slash == path)
        return mem_string("/");
    return mem_string_n(path, (size_t)(slash - path));
}

char *text_join(const char *dir, const char *name)
{
    if (name[0] == '/' || !*dir || strcmp(dir, ".") == 0)
        return mem_string(name);
    return mem_format(text_ends(dir, "/") ? "%s%s" : "%s/%s", dir, name);
}

const char *text_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *text_expand(const char *s, const char **bad)
{
    char *out = mem_string("");
    while (*s) {
        char *longer;
        if (s[0] != '$' || s[1] != '{') {
            const char *next = strstr(s, "${");
            const size_t n = next ? (size_t)(next - s) : strlen(s);
            longer = mem_format("%s%.*s", out, (int)n, s);
            s += n;
        } else {
            const char *end = strchr(s, '}');
            const char *fallback = end ? strstr(s, ":-") : NULL;
            if (fallback && fallback > end)
                fallback = NULL;
            char *name = end ? mem_string_n(s + 2, (size_t)((fallback ? fallback : end) - s - 2)) : NULL;
            const char *value = name && *name ? getenv(name) : NULL;
            free(name);
            if (!end || (!value && !fallback)) {
                *bad = s;
                free(out);
                return NULL;
            }
            if (fallback && (!value || !*value)) /* as in the shell: unset or empty */
                longer = mem_format("%s%.*s", out, (int)(end - fallback - 2), fallback + 2);
            else
                longer = mem_format("%s%s", out, value);
            s = end + 1;
        }
        free(out);
        out = longer;
    }
    return out;
}
