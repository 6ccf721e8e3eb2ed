#include "data/coco_json.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum { CHUNK = 1 << 20, DEEPEST = 64, LONGEST_NUMBER = 60 };
enum { ROOT = 1, LIST, ENTRY, INSIDE }; /* depths: { "images": [ { "bbox": [ */
enum section { OTHER, IMAGES, ANNOTATIONS, CATEGORIES };
enum field { NOTHING, ID, FILE_NAME, WIDTH, HEIGHT, IMAGE_ID, CATEGORY_ID, BBOX, CROWD, NAME };

static const struct {
    enum section section;
    const char *key;
    enum field field;
} fields[] = {
    {IMAGES, "id", ID},
    {IMAGES, "file_name", FILE_NAME},
    {IMAGES, "width", WIDTH},
    {IMAGES, "height", HEIGHT},
    {ANNOTATIONS, "id", ID},
    {ANNOTATIONS, "image_id", IMAGE_ID},
    {ANNOTATIONS, "category_id", CATEGORY_ID},
    {ANNOTATIONS, "bbox", BBOX},
    {ANNOTATIONS, "iscrowd", CROWD},
    {CATEGORIES, "id", ID},
    {CATEGORIES, "name", NAME},
};
enum { FIELDS = sizeof fields / sizeof *fields };
static const char *const sections[] = {[IMAGES] = "images", [ANNOTATIONS] = "annotations", [CATEGORIES] = "categories"};

struct parse {
    struct coco *out;
    int depth, line;
    enum section section;
    bool seen[CATEGORIES + 1];
    enum field field;
    char stop[256]; /* why the reading ends; "": it goes on, or bad ended it */

    /* the entry under way */
    int begun;
    unsigned given;
    int64_t whole[NAME + 1];
    double number[NAME + 1];
    char *text;
    float edge[4];
    int n_edges;
    char wrong[256]; /* the first mistake in it */
};

static int stop(struct parse *p, const char *why)
{
    snprintf(p->stop, sizeof p->stop, "%s", why);
    return 0;
}

/* A value that can't be where it stands: of the file's frame, or of a field of an entry. */
static int misplaced(struct parse *p, const char *found)
{
    char why[200];
    if (p->depth == 0) {
        snprintf(why, sizeof why, "found %s, expected an object with images, annotations and categories", found);
        return stop(p, why);
    }
    if (p->depth == ROOT && p->section != OTHER) {
        snprintf(why, sizeof why, "found %s as \"%s\", expected an array", found, sections[p->section]);
        return stop(p, why);
    }
    if (p->depth == LIST && p->section != OTHER) {
        snprintf(why, sizeof why, "found %s in \"%s\", expected objects", found, sections[p->section]);
        return stop(p, why);
    }
    if (p->depth == ENTRY && p->field != NOTHING && !*p->wrong)
        for (int i = 0; i < FIELDS; i++)
            if (fields[i].section == p->section && fields[i].field == p->field)
                snprintf(p->wrong, sizeof p->wrong, "found %s as %s, expected %s", found, fields[i].key,
                         p->field == BBOX                            ? "an array of 4 numbers"
                         : p->field == NAME || p->field == FILE_NAME ? "a text"
                                                                     : "a number");
    if (p->depth == INSIDE && p->field == BBOX && !*p->wrong)
        snprintf(p->wrong, sizeof p->wrong, "found %s in bbox, expected numbers", found);
    return 1;
}

static int on_null(void *user)
{
    return misplaced(user, "null");
}

static int on_boolean(void *user, int value)
{
    struct parse *p = user;
    if (p->depth != ENTRY || p->field != CROWD)
        return misplaced(p, value ? "true" : "false");
    p->whole[CROWD] = value;
    return 1;
}

static int on_number(void *user, const char *s, size_t length)
{
    struct parse *p = user;
    const bool edge = p->depth == INSIDE && p->field == BBOX;
    if (p->depth != ENTRY && !edge)
        return p->depth > ENTRY ? 1 : misplaced(p, "a number");
    if (p->field == NOTHING)
        return 1;
    if (p->field == NAME || p->field == FILE_NAME || (p->field == BBOX && !edge))
        return misplaced(p, "a number");
    char text[LONGEST_NUMBER + 1];
    const size_t n = length < LONGEST_NUMBER ? length : LONGEST_NUMBER;
    memcpy(text, s, n);
    text[n] = 0;
    double v = 0;
    long whole = 0;
    const bool is_whole = p->field != BBOX && p->field != WIDTH && p->field != HEIGHT;
    const bool good = is_whole ? text_to_long(text, &whole) : text_to_double(text, &v);
    if (!good && !*p->wrong)
        snprintf(p->wrong, sizeof p->wrong, "found the number %s, expected a %s", text, is_whole ? "whole number" : "finite one");
    if (edge) {
        if (p->n_edges < 4)
            p->edge[p->n_edges] = (float)v;
        p->n_edges++;
        return 1;
    }
    p->whole[p->field] = whole;
    p->number[p->field] = v;
    p->given |= 1u << p->field;
    return 1;
}

static int on_string(void *user, const unsigned char *s, size_t length)
{
    struct parse *p = user;
    if (p->depth != ENTRY || (p->field != NAME && p->field != FILE_NAME))
        return p->depth > ENTRY && p->field != BBOX ? 1 : misplaced(p, "a text");
    free(p->text);
    p->text = mem_string_n((const char *)s, length);
    p->given |= 1u << p->field;
    if (memchr(s, 0, length) && !*p->wrong)
        snprintf(p->wrong, sizeof p->wrong, "found a zero byte in a name");
    return 1;
}

static int deeper(struct parse *p)
{
    if (p->depth == DEEPEST)
        return stop(p, "is nested deeper than 64 levels");
    p->depth++;
    return 1;
}

static int on_start_map(void *user)
{
    struct parse *p = user;
    if (p->depth == LIST && p->section != OTHER) {
        free(p->text);
        p->text = NULL;
        p->begun = p->line;
        p->given = 0;
        p->n_edges = 0;
        p->wrong[0] = 0;
        p->whole[CROWD] = 0;
        p->number[WIDTH] = p->number[HEIGHT] = 0;
        p->field = NOTHING;
    } else if (p->depth > 0 && misplaced(p, "an object") == 0) {
        return 0;
    }
    return deeper(p);
}

static int on_key(void *user, const unsigned char *s, size_t length)
{
    struct parse *p = user;
    if (p->depth == ROOT) {
        p->section = OTHER;
        for (int i = IMAGES; i <= CATEGORIES; i++)
            if (length == strlen(sections[i]) && memcmp(s, sections[i], length) == 0)
                p->section = (enum section)i;
        if (p->section != OTHER && p->seen[p->section])
            return stop(p, "found images, annotations or categories twice, expected each once");
        p->seen[p->section] = true;
    } else if (p->depth == ENTRY) {
        p->field = NOTHING;
        for (int i = 0; i < FIELDS && p->section != OTHER; i++)
            if (fields[i].section == p->section && length == strlen(fields[i].key) && memcmp(s, fields[i].key, length) == 0)
                p->field = fields[i].field;
    }
    return 1;
}

/* Takes the finished entry over, or says what is wrong with it. */
static int end_of_entry(struct parse *p)
{
    struct coco *c = p->out;
    static const unsigned needed[] = {
        [IMAGES] = 1u << ID | 1u << FILE_NAME, [ANNOTATIONS] = 1u << IMAGE_ID | 1u << CATEGORY_ID, [CATEGORIES] = 1u << ID | 1u << NAME};
    static const char *const kinds[] = {[IMAGES] = "an image", [ANNOTATIONS] = "an annotation", [CATEGORIES] = "a category"};
    const unsigned lacking = needed[p->section] & ~p->given;
    char message[400];
    for (int i = 0; i < FIELDS && lacking && !*p->wrong; i++)
        if (fields[i].section == p->section && (lacking & 1u << fields[i].field))
            snprintf(p->wrong, sizeof p->wrong, "has no %s", fields[i].key);
    if (p->section == ANNOTATIONS && p->n_edges != 4 && !*p->wrong)
        snprintf(p->wrong, sizeof p->wrong, "has a bbox of %d numbers, expected 4: x, y, width, height", p->n_edges);
    if (*p->wrong) {
        char id[32] = "";
        if (p->given & 1u << ID)
            snprintf(id, sizeof id, " (id %lld)", (long long)p->whole[ID]);
        snprintf(message, sizeof message, "%s%s: %s", kinds[p->section], id, p->wrong);
        return c->bad(c->context, p->begun, message) == 0;
    }
    if (c->n_images == INT_MAX || c->n_boxes == INT_MAX)
        return stop(p, "holds too many entries");
    if (p->section == IMAGES) {
        c->image = mem_grow(c->image, &c->image_room, (size_t)c->n_images + 1, sizeof *c->image);
        c->image[c->n_images++] = (struct coco_image){p->whole[ID], p->text, p->number[WIDTH], p->number[HEIGHT], p->begun};
        p->text = NULL;
    } else if (p->section == CATEGORIES) {
        c->category = mem_grow(c->category, &c->category_room, (size_t)c->n_categories + 1, sizeof *c->category);
        c->category[c->n_categories++] = (struct coco_category){p->whole[ID], p->text, p->begun};
        p->text = NULL;
    } else {
        c->box = mem_grow(c->box, &c->box_room, (size_t)c->n_boxes + 1, sizeof *c->box);
        struct coco_box *b = &c->box[c->n_boxes++];
        *b = (struct coco_box){.id = p->given & 1u << ID ? p->whole[ID] : -1,
                               .image = p->whole[IMAGE_ID],
                               .category = p->whole[CATEGORY_ID],
                               .line = p->begun,
                               .crowd = p->whole[CROWD] != 0};
        memcpy(b->edge, p->edge, sizeof b->edge);
    }
    return 1;
}

static int on_end_map(void *user)
{
    struct parse *p = user;
    p->depth--;
    if (p->depth == LIST && p->section != OTHER)
        return end_of_entry(p);
    return 1;
}

static int on_start_array(void *user)
{
    struct parse *p = user;
    const bool expected = p->depth == ROOT || (p->depth == ENTRY && p->field == BBOX);
    if (!expected && misplaced(p, "an array") == 0)
        return 0;
    return deeper(p);
}

static int on_end_array(void *user)
{
    struct parse *p = user;
    p->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    on_null, on_boolean, NULL, NULL, on_number, on_string, on_start_map, on_key, on_end_map, on_start_array, on_end_array,
};

/* What yajl_parse or the callbacks said, as a message. */
static int broken(yajl_handle json, const struct parse *p, yajl_status status, long long byte, const char *path, struct error *err)
{
    if (status == yajl_status_client_canceled)
        return *p->stop ? error_at(err, EXIT_DATA, path, p->line, "%s", p->stop) : -1;
    unsigned char *said = yajl_get_error(json, 0, NULL, 0);
    char *text = mem_string(said ? (const char *)said : "out of memory");
    error_at(err, EXIT_DATA, path, p->line, "the JSON is broken at byte %lld: %s", byte, text_trim(text));
    yajl_free_error(json, said);
    free(text);
    return -1;
}

/* Line by line, so that the callbacks know the number of theirs. */
static int feed(yajl_handle json, struct parse *p, FILE *f, const char *path, struct error *err)
{
    unsigned char *chunk = mem_new(CHUNK, 1);
    long long before = 0;
    int result = 0;
    for (size_t n; result == 0 && (n = fread(chunk, 1, CHUNK, f)) > 0; before += (long long)n)
        for (size_t at = before == 0 && n >= 3 && memcmp(chunk, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; at < n && result == 0;) { /* no BOM */
            const unsigned char *end = memchr(chunk + at, '\n', n - at);
            const size_t length = end ? (size_t)(end - chunk) - at + 1 : n - at;
            const yajl_status status = yajl_parse(json, chunk + at, length);
            if (status != yajl_status_ok)
                result = broken(json, p, status, before + (long long)(at + yajl_get_bytes_consumed(json)), path, err);
            p->line += end != NULL;
            at += length;
        }
    if (result == 0 && ferror(f))
        result = error_add(err, EXIT_NO_INPUT, "%s: reading failed: %s", path, strerror(errno));
    const yajl_status status = result == 0 ? yajl_complete_parse(json) : yajl_status_ok;
    if (status != yajl_status_ok)
        result = broken(json, p, status, before, path, err);
    free(chunk);
    return result;
}

int coco_read(struct coco *c, const char *path, struct error *err)
{
    FILE *f = file_is_dir(path) ? NULL : fopen(path, "rb");
    if (!f)
        return error_add(err, EXIT_NO_INPUT, "%s: cannot be opened: %s", path, file_is_dir(path) ? "is a directory" : strerror(errno));
    struct parse p = {.out = c, .line = 1};
    yajl_handle json = yajl_alloc(&callbacks, NULL, &p);
    int result = json ? feed(json, &p, f, path, err) : error_add(err, EXIT_FAIL, "%s: out of memory", path);
    if (json)
        yajl_free(json);
    fclose(f);
    free(p.text);
    for (int i = IMAGES; i <= CATEGORIES && result == 0; i++)
        if (!p.seen[i])
            result = error_at(err, EXIT_DATA, path, 0, "has no \"%s\", expected COCO's images, annotations and categories", sections[i]);
    return result;
}

void coco_free(struct coco *c)
{
    for (int i = 0; i < c->n_images; i++)
        free(c->image[i].file);
    for (int i = 0; i < c->n_categories; i++)
        free(c->category[i].name);
    free(c->image);
    free(c->box);
    free(c->category);
    *c = (struct coco){0};
}
