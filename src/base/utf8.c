#include "base/utf8.h"

#include <string.h>

#include "base/mem.h"

/* Length of the valid sequence at s, 0 when there is none. */
static int sequence_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    const int length = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : s[0] >= 0xE0 && s[0] <= 0xEF ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
    if (length == 0)
        return 0;
    /* The second byte excludes overlong forms, surrogates and what lies above U+10FFFF. */
    const unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80, high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high)
        return 0;
    for (int i = 2; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool utf8_valid(const char *s)
{
    for (int n; *s; s += n)
        if ((n = sequence_length(s)) == 0)
            return false;
    return true;
}

char *utf8_clean(const char *s)
{
    char *out = mem_new(3 * strlen(s) + 1, 1), *to = out;
    while (*s) {
        const int n = sequence_length(s);
        if (n > 0) {
            memcpy(to, s, (size_t)n);
            to += n;
            s += n;
        } else {
            memcpy(to, "\xEF\xBF\xBD", 3);
            to += 3;
            s++;
        }
    }
    return out;
}
