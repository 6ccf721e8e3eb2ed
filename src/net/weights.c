#include "net/weights.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/f32.h"
#include "net/heads.h"

struct header {
    int32_t major, minor, revision;
    uint64_t seen;
    bool transposed; /* connected weights stand as in × out */
    size_t bytes;
};

/* What of the file belongs to which layer, known before anything is read. */
struct plan {
    int classes;          /* that the file's heads were made for, which then start anew; 0: those of the network */
    uint64_t loaded, all; /* bytes of the layers to be filled; of those that start anew too */
    int last_loaded;      /* number of the last layer to be filled; −1: none */
    bool open_end;        /* layers that start anew end the network: whatever stands there in the file is not looked at */
};

/* Bytes of a layer in a file that was made for so many classes (0: as many as the network has). */
static uint64_t layer_bytes(const struct layer *l, int classes)
{
    uint64_t bytes = 0;
    int filters = 0;
    for (int i = 0; i < l->n_params; i++) {
        bytes += shape_size(l->param[i]->shape) * 4;
        if (l->param[i]->role == PARAM_WEIGHT)
            filters = l->param[i]->shape.n;
    }
    const int other = classes > 0 && heads_is_source(l) ? heads_filters(l, classes) : 0;
    return other > 0 ? bytes / (uint64_t)filters * (uint64_t)other : bytes; /* each filter has as many numbers */
}

static bool starts_anew(const struct layer *l, int classes)
{
    return l->common.dontload || (classes > 0 && heads_is_source(l));
}

static struct plan plan_of(const struct network *net, int n_layers, int classes)
{
    struct plan p = {.classes = classes, .last_loaded = -1};
    for (int i = 0; i < n_layers; i++) {
        const struct layer *l = &net->layer[i];
        const uint64_t bytes = layer_bytes(l, classes);
        p.all += bytes;
        if (bytes == 0)
            continue;
        p.open_end = starts_anew(l, classes);
        if (!p.open_end) {
            p.loaded += bytes;
            p.last_loaded = i;
        }
    }
    return p;
}

/* The number of classes for which the network's heads would make a file of just so many bytes; 0: none, or the network's own. The size is
 * linear in it. */
static int other_classes(const struct network *net, uint64_t have)
{
    uint64_t at[3] = {0};
    for (int i = 0; i < net->n_layers; i++)
        for (int classes = 1; classes <= 2; classes++)
            at[classes] += layer_bytes(&net->layer[i], classes);
    const uint64_t each = at[2] - at[1];
    if (each == 0 || have < at[1] || (have - at[1]) % each != 0 || (have - at[1]) / each >= INT_MAX / 2)
        return 0;
    const int classes = (int)((have - at[1]) / each) + 1;
    return classes == net->n_classes ? 0 : classes;
}

static int read_header(int fd, const char *path, uint64_t size, struct header *h, struct error *err)
{
    unsigned char b[20];
    if (size < 16)
        return error_add(err, EXIT_DATA, "%s: %" PRIu64 " bytes, too short even for the header of a .weights file (16 or 20 bytes)", path,
                         size);
    const size_t have = size < sizeof b ? (size_t)size : sizeof b;
    if (f32_read_bytes(fd, path, 0, b, have, err) != 0)
        return -1;
    h->major = (int32_t)f32_u32(b);
    h->minor = (int32_t)f32_u32(b + 4);
    h->revision = (int32_t)f32_u32(b + 8);
    if (h->major < 0 || h->minor < 0 || h->revision < 0)
        return error_add(err, EXIT_DATA, "%s: version %" PRId32 ".%" PRId32 ".%" PRId32 " in the header: not a .weights file", path,
                         h->major, h->minor, h->revision);
    h->transposed = h->major > 1000 || h->minor > 1000;
    const bool wide = h->major < 1000 && h->minor < 1000 && h->major * 10 + h->minor >= 2;
    h->bytes = wide ? 20 : 16;
    if (size < h->bytes)
        return error_add(err, EXIT_DATA, "%s: %" PRIu64 " bytes, too short for its header of %zu bytes", path, size, h->bytes);
    h->seen = wide ? f32_u64(b + 12) : f32_u32(b + 12);
    return 0;
}

/* Says where a file of so many bytes after the header ends. */
static int too_short(const struct network *net, const char *path, int n_layers, uint64_t have, uint64_t need, bool skip_over,
                     struct error *err)
{
    uint64_t at = 0;
    for (int i = 0; i < n_layers; i++) {
        const struct layer *l = &net->layer[i];
        if (l->common.dontload && !skip_over)
            continue;
        for (int k = 0; k < l->n_params; k++) {
            at += shape_size(l->param[k]->shape) * 4;
            if (at > have)
                return error_add(err, EXIT_DATA,
                                 "%s: too short by %" PRIu64 " bytes: it ends in layer %d [%s], in %s (%" PRIu64
                                 " bytes of numbers, the network has %" PRIu64 ")",
                                 path, need - have, l->index, l->type->name, l->param[k]->name, have, need);
        }
    }
    assert(!"the file was not too short");
    return -1;
}

/* Compares sizes and finds out whether the file holds the layers with dontload=1. A file that Darknet wrote for this very cfg
 * does; a file made for the layers before a new head doesn't. */
static int check_size(const struct network *net, const char *path, int n_layers, bool partial, const struct plan *p, uint64_t have,
                      bool *skip_over, struct error *err)
{
    if (have == p->all) {
        *skip_over = true;
        return 0;
    }
    /* The bytes up to the last layer to be filled, if those with dontload before it are in the file. */
    uint64_t up_to = 0;
    for (int i = 0; i <= p->last_loaded; i++)
        up_to += layer_bytes(&net->layer[i], p->classes);
    const bool open = partial || p->open_end;
    *skip_over = have >= up_to && (open || p->loaded == p->all);
    const uint64_t need = *skip_over ? up_to : p->loaded;
    if (have < need)
        return too_short(net, path, n_layers, have, need, *skip_over, err);
    if (have > need && !open)
        return error_add(err, EXIT_DATA,
                         "%s: too long by %" PRIu64 " bytes: layer %d [%s] is the last one of the network with parameters (%" PRIu64
                         " bytes of numbers, the network has %" PRIu64 ")",
                         path, have - need, p->last_loaded, p->last_loaded < 0 ? "none" : net->layer[p->last_loaded].type->name, have,
                         need);
    return 0;
}

/* In the file in × out, wanted out × in. scratch: as many numbers as the param has. */
static void transpose(const struct param *p, real *scratch)
{
    const size_t size = shape_size(p->shape), out = (size_t)p->fan_out, in = size / out;
    assert(in * out == size);
    memcpy(scratch, p->value, size * sizeof *scratch);
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            p->value[o * in + i] = scratch[i * out + o];
}

static int read_param(int fd, const char *path, const struct layer *l, const struct param *p, uint64_t offset, bool transposed,
                      struct error *err)
{
    const size_t size = shape_size(p->shape);
    if (f32_read(fd, path, offset, p->value, size, err) != 0)
        return -1;
    const int64_t bad = f32_first_bad(p->value, size);
    if (bad >= 0)
        return error_add(err, EXIT_DATA, "%s: layer %d [%s], %s: number %" PRId64 " of %zu is %s", path, l->index, l->type->name, p->name,
                         bad, size, p->value[bad] != p->value[bad] ? "not a number (NaN)" : "infinite");
    if (transposed && size > 0 && strcmp(l->type->name, "connected") == 0 && p->role == PARAM_WEIGHT) {
        real *scratch = mem_try(size, sizeof *scratch);
        if (!scratch)
            return error_add(err, EXIT_FAIL, "%s: out of memory for %zu numbers of %s", path, size, p->name);
        transpose(p, scratch);
        mem_free(scratch);
    }
    return 0;
}

static int read_body(struct network *net, int fd, const char *path, uint64_t size, int n_layers, bool partial, bool start,
                     struct error *err)
{
    struct header h = {0};
    if (read_header(fd, path, size, &h, err) != 0)
        return -1;
    const struct plan p = plan_of(net, n_layers, start && !partial ? other_classes(net, size - h.bytes) : 0);
    bool skip_over;
    if (check_size(net, path, n_layers, partial, &p, size - h.bytes, &skip_over, err) != 0)
        return -1;
    uint64_t at = h.bytes;
    for (int i = 0; i < net->n_layers; i++)
        net->layer[i].loaded = i <= p.last_loaded && !starts_anew(&net->layer[i], p.classes);
    for (int i = 0; i <= p.last_loaded; i++) {
        const struct layer *l = &net->layer[i];
        if (!l->loaded) {
            at += skip_over ? layer_bytes(l, p.classes) : 0;
            continue;
        }
        for (int k = 0; k < l->n_params; k++) {
            if (read_param(fd, path, l, l->param[k], at, h.transposed, err) != 0)
                return -1;
            at += shape_size(l->param[k]->shape) * 4;
        }
    }
    for (int i = 0; i < net->n_layers && !net->drawn; i++)
        for (int k = 0; k < net->layer[i].n_params && !net->layer[i].loaded; k++)
            param_draw(net->layer[i].param[k]);
    net->drawn = true;
    net->seen = h.seen;
    return 0;
}

/* 0: all. Asked for more than there are: a mistake of the command line. */
static int layers_wanted(const struct network *net, const char *path, int n_layers, struct error *err)
{
    if (n_layers < 0 || n_layers > net->n_layers)
        return error_add(err, EXIT_DATA, "%s: %d layers were asked for, the network has %d", path, n_layers, net->n_layers);
    return n_layers == 0 ? net->n_layers : n_layers;
}

static int read_weights(struct network *net, const char *path, int n_layers, bool start, struct error *err)
{
    assert(!net->folded);
    const int n = layers_wanted(net, path, n_layers, err);
    if (n < 0)
        return -1;
    uint64_t size;
    const int fd = f32_open(path, &size, err);
    if (fd < 0)
        return -1;
    const int result = read_body(net, fd, path, size, n, n_layers > 0, start, err);
    close(fd);
    return result;
}

int weights_read(struct network *net, const char *path, int n_layers, struct error *err)
{
    return read_weights(net, path, n_layers, false, err);
}

int weights_start_from(struct network *net, const char *path, int n_layers, struct error *err)
{
    return read_weights(net, path, n_layers, true, err);
}

int weights_write(const struct network *net, const char *path, int n_layers, struct error *err)
{
    assert(!net->folded);
    const int n = layers_wanted(net, path, n_layers, err);
    struct file_writer w;
    if (n < 0 || file_begin(&w, path, err) != 0)
        return -1;
    unsigned char header[20] = {0};
    f32_put_u32(header + 4, 2);
    f32_put_u32(header + 8, 5);
    f32_put_u64(header + 12, net->seen);
    fwrite(header, 1, sizeof header, w.stream);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < net->layer[i].n_params; k++) {
            const struct param *p = net->layer[i].param[k];
            f32_write(w.stream, p->value, shape_size(p->shape));
        }
    return file_commit(&w, err);
}
