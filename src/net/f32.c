#include "net/f32.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/simd.h"

#define CHUNK 16384 /* numbers converted at a time */

uint32_t f32_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t f32_u64(const unsigned char *p)
{
    return f32_u32(p) | (uint64_t)f32_u32(p + 4) << 32;
}

void f32_put_u32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

void f32_put_u64(unsigned char *p, uint64_t v)
{
    f32_put_u32(p, (uint32_t)v);
    f32_put_u32(p + 4, (uint32_t)(v >> 32));
}

int f32_open(const char *path, uint64_t *size, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang here */
    if (fd < 0)
        return error_add(err, EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(fd);
        return error_add(err, EXIT_DATA, "%s: is %s, expected a model file", path, S_ISDIR(s.st_mode) ? "a directory" : "no regular file");
    }
    *size = (uint64_t)s.st_size;
    return fd;
}

int f32_read_bytes(int fd, const char *path, uint64_t offset, void *out, size_t size, struct error *err)
{
    char *p = out;
    for (size_t done = 0; done < size;) {
        const ssize_t n = pread(fd, p + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_add(err, EXIT_IO, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0)
            return error_add(err, EXIT_DATA, "%s: became shorter while it was read", path);
        done += (size_t)n;
    }
    return 0;
}

int f32_read(int fd, const char *path, uint64_t offset, real *out, size_t count, struct error *err)
{
    if (sizeof(real) == sizeof(float) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) /* as they stand in the file */
        return f32_read_bytes(fd, path, offset, out, count * sizeof *out, err);
    unsigned char buffer[CHUNK * 4];
    for (size_t done = 0; done < count;) {
        const size_t now = count - done < CHUNK ? count - done : CHUNK;
        if (f32_read_bytes(fd, path, offset + done * 4, buffer, now * 4, err) != 0)
            return -1;
        for (size_t i = 0; i < now; i++) {
            const uint32_t bits = f32_u32(buffer + i * 4);
            float v;
            memcpy(&v, &bits, sizeof v);
            out[done + i] = v;
        }
        done += now;
    }
    return 0;
}

void f32_write(FILE *f, const real *x, size_t count)
{
    unsigned char buffer[CHUNK * 4];
    for (size_t done = 0; done < count;) {
        const size_t now = count - done < CHUNK ? count - done : CHUNK;
        for (size_t i = 0; i < now; i++) {
            const float v = (float)x[done + i];
            uint32_t bits;
            memcpy(&bits, &v, sizeof bits);
            f32_put_u32(buffer + i * 4, bits);
        }
        /* cppcheck-suppress uninitvar ; the loop above filled what is written */
        fwrite(buffer, 4, now, f);
        done += now;
    }
}

/* Without an early end, so that it takes vectors. */
SIMD_CLONES static bool all_finite(const real *x, size_t count)
{
    int bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= !(x[i] - x[i] == 0);
    return !bad;
}

int64_t f32_first_bad(const real *x, size_t count)
{
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        const size_t end = count - begin < CHUNK ? count : begin + CHUNK;
        if (all_finite(x + begin, end - begin))
            continue;
        for (size_t i = begin; i < end; i++)
            if (!isfinite(x[i]))
                return (int64_t)i;
    }
    return -1;
}
