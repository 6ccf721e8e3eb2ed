#include "image/exif.h"

#include <stdint.h>
#include <string.h>

enum { JPEG_RST0 = 0xD0, JPEG_RST7 = 0xD7, JPEG_SOI = 0xD8, JPEG_EOI = 0xD9, JPEG_SOS = 0xDA, JPEG_APP1 = 0xE1, JPEG_TEM = 0x01 };

static uint32_t read_uint(const unsigned char *p, int n, bool big_endian)
{
    uint32_t v = 0;
    for (int i = 0; i < n; i++)
        v |= (uint32_t)p[i] << 8 * (big_endian ? n - 1 - i : i);
    return v;
}

int exif_orientation(const unsigned char *tiff, size_t size)
{
    const uint32_t tag_orientation = 0x0112, type_short = 3;
    if (size < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
        return 1;
    const bool big = tiff[0] == 'M';
    const size_t directory = read_uint(tiff + 4, 4, big);
    if (directory > size - 2)
        return 1;
    const size_t entries = read_uint(tiff + directory, 2, big);
    for (size_t i = 0; i < entries; i++) {
        const size_t at = directory + 2 + 12 * i;
        if (at + 12 > size)
            return 1;
        if (read_uint(tiff + at, 2, big) != tag_orientation || read_uint(tiff + at + 2, 2, big) != type_short)
            continue;
        const uint32_t value = read_uint(tiff + at + 8, 2, big);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Position after the next marker at or after `at`, its code in *code; 0 when there is none. Inside compressed data FF00 is an escaped
 * byte and restart markers belong to the data; between segments neither occurs, so one rule serves both. */
static size_t next_marker(const unsigned char *bytes, size_t size, size_t at, int *code)
{
    while (at < size) {
        const unsigned char *ff = memchr(bytes + at, 0xFF, size - at);
        if (ff == NULL)
            return 0;
        at = (size_t)(ff - bytes) + 1;
        while (at < size && bytes[at] == 0xFF)
            at++;
        if (at >= size)
            return 0;
        *code = bytes[at++];
        if (*code != 0 && *code != JPEG_TEM && *code != JPEG_SOI && (*code < JPEG_RST0 || *code > JPEG_RST7))
            return at;
    }
    return 0;
}

struct jpeg_outline jpeg_outline(const unsigned char *bytes, size_t size)
{
    struct jpeg_outline o = {.complete = false, .orientation = 1};
    bool found = false;
    int code = 0;
    for (size_t at = 2; (at = next_marker(bytes, size, at, &code)) != 0;) {
        if (code == JPEG_EOI) {
            o.complete = true;
            break;
        }
        if (at + 2 > size)
            break;
        const size_t length = read_uint(bytes + at, 2, true);
        if (length < 2 || length > size - at)
            break;
        if (code == JPEG_APP1 && !found && length >= 8 && memcmp(bytes + at + 2, "Exif\0\0", 6) == 0) {
            o.orientation = exif_orientation(bytes + at + 8, length - 8);
            found = true;
        }
        at += length;
    }
    return o;
}
