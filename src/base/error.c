#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names and values from files go to terminals: no control character of theirs may, neither ASCII's nor those that UTF-8 writes as C2 80 ..
 * C2 9F. */
static void disarm(char *s)
{
    for (unsigned char *p = (unsigned char *)s; *p; p++) {
        if (*p < 0x20 || *p == 0x7F)
            *p = '?';
        else if (*p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0)
            p[0] = p[1] = '?';
    }
}

/* Appends a line to err->text; what doesn't fit is counted and cut at a whole line. */
static int add(struct error *err, enum exit_status status, const char *prefix, const char *format, va_list args)
{
    if (!err)
        return -1;
    if (err->count++ == 0)
        err->status = status;
    char line[2048];
    int n = snprintf(line, sizeof line, "%s", prefix);
    if (n >= 0 && (size_t)n < sizeof line)
        vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    disarm(line);
    const size_t used = strlen(err->text), length = strlen(line);
    if (used + length + 2 <= sizeof err->text) {
        char *at = err->text + used;
        if (used)
            *at++ = '\n';
        memcpy(at, line, length + 1);
    }
    return -1;
}

int error_add(struct error *err, enum exit_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(err, status, "", format, args);
    va_end(args);
    return -1;
}

int error_at(struct error *err, enum exit_status status, const char *file, int line, const char *format, ...)
{
    char prefix[1024];
    if (line > 0)
        snprintf(prefix, sizeof prefix, "%s:%d: ", file, line);
    else
        snprintf(prefix, sizeof prefix, "%s: ", file);
    va_list args;
    va_start(args, format);
    add(err, status, prefix, format, args);
    va_end(args);
    return -1;
}
