#include "net/safetensors.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "net/f32.h"

#define HEADER_LIMIT 100000000 /* bytes; the limit of the format's own reader */
#define VALUE_LIMIT 4000000    /* JSON values: each costs about 80 bytes of memory while the file is open */
#define METADATA "__metadata__"

static const char *const known_dtypes[] = {"BOOL", "U8",  "I8",  "F8_E5M2", "F8_E4M3", "I16", "U16", "F16",
                                           "BF16", "I32", "U32", "F32",     "F64",     "I64", "U64"};

/* Text from a file as a message may show it: no control characters, not endless. */
struct shown {
    char text[81];
};
static struct shown show(const char *s)
{
    struct shown out = {""};
    size_t n = 0;
    for (; n < sizeof out.text - 1 && s[n]; n++)
        out.text[n] = iscntrl((unsigned char)s[n]) ? '?' : s[n];
    if (s[n])
        memcpy(out.text + sizeof out.text - 4, "...", 3);
    return out;
}

/* A whole number of the JSON, 0 .. 2^53. */
static bool whole(const cJSON *v, uint64_t *out)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) || v->valuedouble > 9007199254740992.0 || floor(v->valuedouble) != v->valuedouble)
        return false;
    *out = (uint64_t)v->valuedouble;
    return true;
}

static int bad(const struct safetensors *s, const char *name, struct error *err, const char *what)
{
    return error_add(err, EXIT_DATA, "%s: tensor \"%s\": %s", s->path, show(name).text, what);
}

static int check_dtype(const struct safetensors *s, const cJSON *v, struct error *err)
{
    const cJSON *t = cJSON_GetObjectItemCaseSensitive(v, "dtype");
    if (!cJSON_IsString(t))
        return bad(s, v->string, err, "no \"dtype\", expected \"F32\"");
    if (strcmp(t->valuestring, "F32") == 0)
        return 0;
    bool known = false;
    for (size_t i = 0; i < sizeof known_dtypes / sizeof known_dtypes[0]; i++)
        known |= strcmp(t->valuestring, known_dtypes[i]) == 0;
    return error_add(err, EXIT_DATA, "%s: tensor \"%s\": %s dtype \"%s\", only F32 is read here", s->path, show(v->string).text,
                     known ? "has the" : "has the unknown", show(t->valuestring).text);
}

/* One name → {…} of the header. */
static int parse_entry(const struct safetensors *s, const cJSON *v, uint64_t data_size, struct safetensors_entry *e, struct error *err)
{
    e->name = v->string;
    if (!cJSON_IsObject(v))
        return bad(s, e->name, err, "expected an object with \"dtype\", \"shape\" and \"data_offsets\"");
    if (check_dtype(s, v, err) != 0)
        return -1;
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(v, "shape"), *offsets = cJSON_GetObjectItemCaseSensitive(v, "data_offsets");
    if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > SAFETENSORS_DIMS)
        return bad(s, e->name, err, "\"shape\" is not an array of at most 8 numbers");
    uint64_t n;
    e->count = 1;
    for (const cJSON *d = shape->child; d; d = d->next) {
        if (!whole(d, &n) || n > INT_MAX)
            return bad(s, e->name, err, "\"shape\" holds what is not a whole number from 0 to 2147483647");
        if (!mem_mul(e->count, (size_t)n, &e->count))
            return bad(s, e->name, err, "\"shape\" has more numbers than memory has addresses");
        e->dim[e->n_dims++] = (int)n;
    }
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 || !whole(offsets->child, &e->begin) ||
        !whole(offsets->child->next, &e->end))
        return bad(s, e->name, err, "\"data_offsets\" is not an array of two whole numbers");
    if (e->begin > e->end || e->end > data_size)
        return error_add(err, EXIT_DATA,
                         "%s: tensor \"%s\": its data is said to be at %" PRIu64 "..%" PRIu64 ", the file has %" PRIu64 " bytes of data",
                         s->path, show(e->name).text, e->begin, e->end, data_size);
    size_t bytes;
    if (!mem_mul(e->count, 4, &bytes) || bytes != e->end - e->begin)
        return error_add(err, EXIT_DATA,
                         "%s: tensor \"%s\": %zu numbers in its shape, but %" PRIu64 " bytes of data, expected 4 bytes a number", s->path,
                         show(e->name).text, e->count, e->end - e->begin);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct safetensors_entry *const *)a)->name, (*(struct safetensors_entry *const *)b)->name);
}

/* The entries must fill the data; no name may come twice. */
static int check_entries(struct safetensors *s, uint64_t data_size, struct error *err)
{
    qsort(s->entry, (size_t)s->n_entries, sizeof *s->entry, by_place);
    uint64_t at = 0;
    for (int i = 0; i < s->n_entries; i++) {
        const struct safetensors_entry *e = &s->entry[i];
        if (e->begin < at)
            return error_add(err, EXIT_DATA, "%s: the data of tensor \"%s\" overlaps that of \"%s\"", s->path, show(e->name).text,
                             show(s->entry[i - 1].name).text);
        if (e->begin > at)
            return error_add(err, EXIT_DATA, "%s: %" PRIu64 " bytes before the data of tensor \"%s\" belong to no tensor", s->path,
                             e->begin - at, show(e->name).text);
        at = e->end;
    }
    if (at != data_size)
        return error_add(err, EXIT_DATA, "%s: %" PRIu64 " bytes after the last tensor belong to no tensor", s->path, data_size - at);

    s->by_name = mem_new((size_t)s->n_entries + 1, sizeof(struct safetensors_entry *));
    for (int i = 0; i < s->n_entries; i++)
        s->by_name[i] = &s->entry[i];
    qsort(s->by_name, (size_t)s->n_entries, sizeof *s->by_name, by_name);
    for (int i = 1; i < s->n_entries; i++)
        if (strcmp(s->by_name[i]->name, s->by_name[i - 1]->name) == 0)
            return bad(s, s->by_name[i]->name, err, "is there twice");
    return 0;
}

static int check_metadata(const struct safetensors *s, struct error *err)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(s->header, METADATA);
    if (m && !cJSON_IsObject(m))
        return error_add(err, EXIT_DATA, "%s: " METADATA " is not an object of strings", s->path);
    for (const cJSON *v = m ? m->child : NULL; v; v = v->next)
        if (!cJSON_IsString(v))
            return error_add(err, EXIT_DATA, "%s: " METADATA ": \"%s\" is not a string", s->path, show(v->string).text);
    return 0;
}

/* JSON text to header; it may be followed by spaces only. */
static int parse_header(struct safetensors *s, const char *text, size_t length, struct error *err)
{
    size_t values = 0;
    for (size_t i = 0; i < length; i++)
        values += text[i] == ',' || text[i] == '[' || text[i] == '{';
    if (values > VALUE_LIMIT)
        return error_add(err, EXIT_DATA, "%s: the header holds more than %d values: not a model", s->path, VALUE_LIMIT);
    const char *end = text;
    s->header = length > 0 && text[0] == '{' ? cJSON_ParseWithLengthOpts(text, length, &end, 0) : NULL;
    if (!s->header)
        return error_add(err, EXIT_DATA, "%s: the header is not JSON (byte %zu of it): not a .safetensors file", s->path,
                         (size_t)(end - text));
    while (end < text + length && isspace((unsigned char)*end))
        end++;
    if (end < text + length)
        return error_add(err, EXIT_DATA, "%s: more text after the JSON of the header (byte %zu of it)", s->path, (size_t)(end - text));
    return 0;
}

static int read_header(struct safetensors *s, uint64_t size, struct error *err)
{
    unsigned char b[8];
    if (size < sizeof b)
        return error_add(err, EXIT_DATA, "%s: %" PRIu64 " bytes, too short for a .safetensors file", s->path, size);
    if (f32_read_bytes(s->fd, s->path, 0, b, sizeof b, err) != 0)
        return -1;
    const uint64_t length = f32_u64(b);
    if (length > HEADER_LIMIT)
        return error_add(err, EXIT_DATA, "%s: a header of %" PRIu64 " bytes is announced, expected at most %d: not a .safetensors file",
                         s->path, length, HEADER_LIMIT);
    if (length > size - sizeof b)
        return error_add(err, EXIT_DATA, "%s: too short: a header of %" PRIu64 " bytes is announced, the file has %" PRIu64 " more",
                         s->path, length, size - (uint64_t)sizeof b);
    s->data = sizeof b + length;

    char *text = mem_try((size_t)length + 1, 1);
    if (!text)
        return error_add(err, EXIT_FAIL, "%s: out of memory for its header of %" PRIu64 " bytes", s->path, length);
    int result = f32_read_bytes(s->fd, s->path, sizeof b, text, (size_t)length, err);
    if (result == 0)
        result = parse_header(s, text, (size_t)length, err);
    mem_free(text);
    if (result != 0 || check_metadata(s, err) != 0)
        return -1;

    s->entry = mem_new((size_t)cJSON_GetArraySize(s->header) + 1, sizeof *s->entry);
    for (const cJSON *v = s->header->child; v; v = v->next)
        if (strcmp(v->string, METADATA) != 0 && parse_entry(s, v, size - s->data, &s->entry[s->n_entries++], err) != 0)
            return -1;
    return check_entries(s, size - s->data, err);
}

int safetensors_open(struct safetensors *s, const char *path, struct error *err)
{
    uint64_t size;
    *s = (struct safetensors){.fd = f32_open(path, &size, err)};
    if (s->fd < 0) {
        *s = (struct safetensors){0};
        return -1;
    }
    s->path = mem_string(path);
    if (read_header(s, size, err) == 0)
        return 0;
    safetensors_close(s);
    return -1;
}

void safetensors_close(struct safetensors *s)
{
    if (!s->path)
        return;
    close(s->fd);
    cJSON_Delete(s->header);
    free(s->entry);
    free(s->by_name);
    free(s->path);
    *s = (struct safetensors){0};
}

const char *safetensors_text(const struct safetensors *s, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(s->header, METADATA), key));
}

const struct safetensors_entry *safetensors_find(const struct safetensors *s, const char *name)
{
    struct safetensors_entry wanted = {.name = name}, *key = &wanted;
    struct safetensors_entry **found = bsearch(&key, s->by_name, (size_t)s->n_entries, sizeof *s->by_name, by_name);
    return found ? *found : NULL;
}

int safetensors_read(const struct safetensors *s, const struct safetensors_entry *e, real *out, struct error *err)
{
    return f32_read(s->fd, s->path, s->data + e->begin, out, e->count, err);
}

static cJSON *describe(const struct safetensors_tensor *t, uint64_t *at, size_t *count)
{
    *count = 1;
    for (int i = 0; i < t->n_dims; i++)
        *count *= (size_t)t->dim[i];
    const double offsets[2] = {(double)*at, (double)(*at + *count * 4)};
    cJSON *v = cJSON_CreateObject();
    bool good = cJSON_AddStringToObject(v, "dtype", "F32");
    good &= cJSON_AddItemToObject(v, "shape", cJSON_CreateIntArray(t->dim, t->n_dims));
    good &= cJSON_AddItemToObject(v, "data_offsets", cJSON_CreateDoubleArray(offsets, 2));
    *at += *count * 4;
    if (good)
        return v;
    cJSON_Delete(v);
    return NULL;
}

int safetensors_write(FILE *f, const struct safetensors_pair *text, int n_texts, const struct safetensors_tensor *tensor, int n_tensors,
                      struct error *err)
{
    cJSON *header = cJSON_CreateObject(), *metadata = cJSON_AddObjectToObject(header, METADATA);
    bool whole_header = metadata;
    for (int i = 0; i < n_texts; i++) {
        char *value = utf8_clean(text[i].value);
        whole_header &= cJSON_AddStringToObject(metadata, text[i].key, value) != NULL;
        free(value);
    }
    uint64_t at = 0;
    size_t *count = mem_new((size_t)n_tensors + 1, sizeof *count);
    for (int i = 0; i < n_tensors; i++)
        whole_header &= cJSON_AddItemToObject(header, tensor[i].name, describe(&tensor[i], &at, &count[i]));
    char *json = whole_header ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    if (json) {
        const size_t length = strlen(json), padded = (length + 7) / 8 * 8;
        unsigned char b[8];
        f32_put_u64(b, padded);
        fwrite(b, 1, sizeof b, f);
        fprintf(f, "%s%*s", json, (int)(padded - length), "");
        for (int i = 0; i < n_tensors; i++)
            f32_write(f, tensor[i].x, count[i]);
        cJSON_free(json);
    }
    free(count);
    return json ? 0 : error_add(err, EXIT_FAIL, "out of memory for the header of a model file");
}
