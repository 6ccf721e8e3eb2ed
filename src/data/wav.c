#include "data/wav.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { PCM = 1, FLOATS = 3, EXTENSIBLE = 0xFFFE, MOST_CHANNELS = 1024, MOST_RATE = 100000000 };

static uint32_t word(const unsigned char *p, int bytes)
{
    uint32_t v = 0;
    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* The body of the chunk "fmt ". */
static int read_format(struct wav *w, const unsigned char *p, uint32_t size, const char *path, struct error *err)
{
    uint32_t code = word(p, 2);
    const uint32_t channels = word(p + 2, 2), rate = word(p + 4, 4), align = word(p + 12, 2), bits = word(p + 14, 2);
    if (code == EXTENSIBLE && size >= 40)
        code = word(p + 24, 2);
    if (code != PCM && code != FLOATS)
        return error_at(err, EXIT_DATA, path, 0, "found WAV format %u, expected 1 (PCM) or 3 (floats)", code);
    if (code == PCM ? bits != 8 && bits != 16 && bits != 24 && bits != 32 : bits != 32 && bits != 64)
        return error_at(err, EXIT_DATA, path, 0, "found samples of %u bits, expected %s", bits,
                        code == PCM ? "8, 16, 24 or 32" : "32 or 64 (floats)");
    if (channels < 1 || channels > MOST_CHANNELS)
        return error_at(err, EXIT_DATA, path, 0, "found %u channels, expected 1..%d", channels, MOST_CHANNELS);
    if (rate < 1 || rate > MOST_RATE)
        return error_at(err, EXIT_DATA, path, 0, "found %u samples a second, expected 1..%d", rate, MOST_RATE);
    if (align != channels * (bits / 8))
        return error_at(err, EXIT_DATA, path, 0, "found frames of %u bytes, expected %u (%u channels of %u bits)", align,
                        channels * (bits / 8), channels, bits);
    w->rate = (int)rate;
    w->channels = (int)channels;
    w->bits = (int)bits;
    w->floats = code == FLOATS;
    return 0;
}

static int read_data(struct wav *w, int64_t at, uint32_t size, int64_t total, const char *path, struct error *err)
{
    const int64_t left = total - at, each = w->channels * (w->bits / 8);
    if (w->channels == 0)
        return error_at(err, EXIT_DATA, path, 0, "found samples before their format, expected a chunk 'fmt '");
    if (size != UINT32_MAX && size > left)
        return error_at(err, EXIT_DATA, path, 0, "claims %u bytes of samples, but holds %lld: the file is cut short", size,
                        (long long)left);
    const int64_t bytes = size == UINT32_MAX ? left : size;
    if (bytes < each)
        return error_at(err, EXIT_DATA, path, 0, "holds no samples");
    w->frames = bytes / each;
    w->offset = at;
    return 0;
}

int wav_header(struct wav *w, FILE *f, const char *path, struct error *err)
{
    *w = (struct wav){0};
    struct stat s;
    unsigned char head[12], body[40];
    if (fstat(fileno(f), &s) != 0 || !S_ISREG(s.st_mode))
        return error_at(err, EXIT_DATA, path, 0, "is no regular file");
    if (fread(head, 1, 12, f) != 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
        return error_at(err, EXIT_DATA, path, 0, "is no WAV file, expected it to begin with RIFF and WAVE");
    int64_t at = 12;
    while (fread(head, 1, 8, f) == 8) {
        const uint32_t size = word(head + 4, 4);
        at += 8;
        if (memcmp(head, "data", 4) == 0)
            return read_data(w, at, size, s.st_size, path, err);
        if (memcmp(head, "fmt ", 4) == 0) {
            const size_t take = size < sizeof body ? size : sizeof body;
            if (size < 16 || fread(body, 1, take, f) != take)
                return error_at(err, EXIT_DATA, path, 0, "found a chunk 'fmt ' of %u bytes, expected 16 or more", size);
            if (read_format(w, body, size, path, err) != 0)
                return -1;
        }
        at += (int64_t)size + (size & 1);
        if (at >= s.st_size || fseeko(f, at, SEEK_SET) != 0)
            break;
    }
    return error_at(err, EXIT_DATA, path, 0, "ends before its samples, expected a chunk 'data'");
}

static float value(const struct wav *w, const unsigned char *p)
{
    if (w->floats) {
        float f;
        double d;
        memcpy(&f, p, sizeof f);
        if (w->bits == 32)
            return f;
        memcpy(&d, p, sizeof d);
        return (float)d;
    }
    if (w->bits == 8)
        return (float)(p[0] - 128) / 128.f;
    const uint32_t v = word(p, w->bits / 8) << (32 - w->bits);
    return (float)((int32_t)v / 2147483648.0);
}

int wav_read(const struct wav *w, FILE *f, int64_t count, float *out, const char *path, struct error *err)
{
    const size_t bytes = (size_t)w->bits / 8, numbers = (size_t)count * (size_t)w->channels;
    unsigned char piece[8 * 1024];
    if (fseeko(f, w->offset, SEEK_SET) != 0)
        return error_at(err, EXIT_DATA, path, 0, "can't be read at %lld", (long long)w->offset);
    for (size_t i = 0; i < numbers;) {
        const size_t n = numbers - i < 1024 ? numbers - i : 1024;
        if (fread(piece, bytes, n, f) != n)
            return error_at(err, EXIT_DATA, path, 0, "ends before its samples do");
        for (size_t k = 0; k < n; k++, i++) {
            out[i] = value(w, piece + k * bytes);
            if (!isfinite(out[i]))
                return error_at(err, EXIT_DATA, path, 0, "found sample %zu that isn't finite, expected numbers", i);
        }
    }
    return 0;
}
