#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

bool file_exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

char *file_read(const char *path, size_t limit, size_t *size, struct error *err)
{
    if (file_is_dir(path)) {
        error_add(err, EXIT_DATA, "%s: is a directory, expected a file", path);
        return NULL;
    }
    FILE *f = fopen(path, "rb");
    if (!f) {
        error_add(err, EXIT_NO_INPUT, "%s: %s", *path ? path : "''", strerror(errno));
        return NULL;
    }
    /* Regular files tell their size; pipes and the like are read as far as they go. */
    struct stat s;
    size_t room = fstat(fileno(f), &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0 ? (size_t)s.st_size + 1 : 65536, used = 0;
    if (room - 1 > limit && S_ISREG(s.st_mode)) {
        error_add(err, EXIT_DATA, "%s: %zu bytes, more than the %zu that are expected here at most", path, room - 1, limit);
        fclose(f);
        return NULL;
    }
    char *p = malloc(room + 1);
    while (p) {
        used += fread(p + used, 1, room - used, f);
        if (used < room || used > limit)
            break;
        char *q = realloc(p, room * 2 + 1);
        if (!q)
            free(p);
        p = q;
        room *= 2;
    }
    if (!p)
        error_add(err, EXIT_FAIL, "%s: out of memory reading it", path);
    else if (ferror(f))
        error_add(err, EXIT_IO, "%s: %s", path, strerror(errno));
    else if (used > limit)
        error_add(err, EXIT_DATA, "%s: more than the %zu bytes that are expected here at most", path, limit);
    else {
        fclose(f);
        p[used] = 0;
        *size = used;
        return p;
    }
    free(p);
    fclose(f);
    return NULL;
}

int file_begin(struct file_writer *w, const char *path, struct error *err)
{
    *w = (struct file_writer){0};
    w->temporary = mem_format("%s.XXXXXX", path);
    const int fd = mkstemp(w->temporary);
    if (fd >= 0) {
        const mode_t mask = umask(0);
        umask(mask);
        fchmod(fd, 0666 & ~mask); /* mkstemp makes 0600 */
        w->stream = fdopen(fd, "wb");
    }
    if (!w->stream) {
        const int e = errno;
        if (fd >= 0) {
            close(fd);
            unlink(w->temporary);
        }
        free(w->temporary);
        *w = (struct file_writer){0};
        return error_add(err, EXIT_IO, "%s: cannot be written: %s", path, strerror(e));
    }
    w->path = mem_string(path);
    return 0;
}

void file_discard(struct file_writer *w)
{
    if (w->stream)
        fclose(w->stream);
    if (w->temporary) {
        unlink(w->temporary);
        free(w->temporary);
        free(w->path);
    }
    *w = (struct file_writer){0};
}

/* Why an earlier write to the temporary file failed: stdio has forgotten it, so one byte more is tried on what will be removed anyway. */
static int reason_again(int fd)
{
    errno = 0;
    return lseek(fd, 0, SEEK_END) >= 0 && write(fd, "", 1) < 0 ? errno : 0;
}

int file_commit(struct file_writer *w, struct error *err)
{
    errno = 0;
    bool good = fflush(w->stream) == 0;
    int e = errno;
    if (good && ferror(w->stream)) {
        good = false;
        e = reason_again(fileno(w->stream));
    }
    if (good && fsync(fileno(w->stream)) != 0 && errno != EINVAL && errno != EROFS) {
        good = false;
        e = errno;
    }
    if (fclose(w->stream) != 0 && good) {
        good = false;
        e = errno;
    }
    w->stream = NULL;
    if (good && rename(w->temporary, w->path) != 0) {
        good = false;
        e = errno;
    }
    if (!good) {
        error_add(err, EXIT_IO, "%s: cannot be written: %s", w->path, e ? strerror(e) : "write error");
        file_discard(w);
        return -1;
    }
    free(w->temporary);
    free(w->path);
    *w = (struct file_writer){0};
    return 0;
}

int file_write(const char *path, const void *data, size_t size, struct error *err)
{
    struct file_writer w;
    if (file_begin(&w, path, err) != 0)
        return -1;
    fwrite(data, 1, size, w.stream);
    return file_commit(&w, err);
}

char *file_line(char **cursor, int *line)
{
    char *start = *cursor;
    if (*line == 0 && strncmp(start, "\xef\xbb\xbf", 3) == 0)
        start += 3;
    if (!*start)
        return NULL;
    char *end = strchr(start, '\n');
    *cursor = end ? end + 1 : start + strlen(start);
    if (end) {
        *end = 0;
        if (end > start && end[-1] == '\r')
            end[-1] = 0;
    } else if (*cursor > start && (*cursor)[-1] == '\r') {
        (*cursor)[-1] = 0;
    }
    ++*line;
    return start;
}

int file_make_dirs(const char *path, struct error *err)
{
    char *copy = mem_string(path);
    int result = 0;
    for (char *p = copy + 1; result == 0; p++) {
        if (*p && *p != '/')
            continue;
        const char c = *p;
        *p = 0;
        if (mkdir(copy, 0777) != 0 && (errno != EEXIST || !file_is_dir(copy)))
            result = error_add(err, EXIT_IO, "%s: cannot make this folder: %s", copy, strerror(errno == EEXIST ? ENOTDIR : errno));
        *p = c;
        if (!c)
            break;
    }
    free(copy);
    return result;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_list_dir(const char *path, struct text_list *out, struct error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return error_add(err, EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
    for (struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            text_list_add(out, e->d_name);
    closedir(dir);
    if (out->n > 0)
        qsort(out->item, (size_t)out->n, sizeof *out->item, compare);
    return 0;
}

bool file_is_pattern(const char *path)
{
    return strpbrk(path, "*?[{") && !file_exists(path);
}

int file_match(const char *pattern, struct text_list *out)
{
    glob_t found;
    const int before = out->n;
    if (!file_is_pattern(pattern) || glob(pattern, GLOB_BRACE | GLOB_NOSORT, NULL, &found) != 0)
        return 0;
    if (found.gl_pathc > 0)
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (i == 0 || strcmp(found.gl_pathv[i], found.gl_pathv[i - 1]) != 0)
            text_list_add(out, found.gl_pathv[i]);
    globfree(&found);
    return out->n - before;
}
