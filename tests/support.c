#include "support.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *support_path(const char *dir, const char *name)
{
    static char buffers[4][4096];
    static int next;
    char *path = buffers[next++ % 4];
    const int length = snprintf(path, sizeof buffers[0], "%s/%s", dir, name);
    assert(length > 0 && (size_t)length < sizeof buffers[0]);
    (void)length;
    return path;
}

const char *support_data(const char *relative)
{
    const char *root = getenv("DLNET_DATA");
    const char *path = support_path(root && *root ? root : "../shared/data", relative);
    return access(path, R_OK) == 0 ? path : NULL;
}

char *support_make_dir(void)
{
    const char *root = getenv("TMPDIR");
    char *dir = strdup(support_path(root && *root ? root : "/tmp", "dlnet-test-XXXXXX"));
    assert(dir);
    char *made = mkdtemp(dir);
    assert(made);
    return made;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st, (void)kind, (void)walk;
    return remove(path);
}

void support_remove_dir(char *dir)
{
    if (dir)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

void support_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert(f);
    const size_t length = strlen(text), written = fwrite(text, 1, length, f);
    const int closed = fclose(f);
    assert(written == length && closed == 0);
    (void)written, (void)closed;
}
