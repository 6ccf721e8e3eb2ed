/* format_voc: Pascal VOC folders: Annotations/ID.xml, JPEGImages/ID.jpg, ImageSets/Main/{train,val,test}.txt with one ID a line.
 *
 * A path may also be one file in ImageSets/Main (trainval.txt). Boxes are taken as the edges xmin, ymin, xmax, ymax divided by the
 * image's size, without VOC's one-based offset of a pixel, which most writers of such files don't follow. */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/formats.h"
#include "data/names.h"
#include "image/codec.h"

struct object {
    char *name;
    int name_line, box_line;
    double edge[4]; /* xmin, ymin, xmax, ymax in pixels */
    int given;      /* bit k: edge[k] is there */
    int difficult;
    int bad_line; /* a value that is no number */
    char bad[160];
};

struct annotation {
    double width, height; /* 0: not given */
    struct object *object;
    int n_objects;
    size_t capacity;
    int bad_line; /* the XML itself is broken */
    char bad[256];
};

/* A parse under way. Depth 1 is <annotation>; the objects of interest stand at fixed depths, so that <part> inside <object> is passed by.
 */
struct parse {
    XML_Parser xml;
    struct annotation *a;
    int depth;
    bool in_object, in_box, in_size, keep;
    char text[512];
    size_t length;
};

static const char *const edge_names[] = {"xmin", "ymin", "xmax", "ymax"};

static void annotation_free(struct annotation *a)
{
    for (int i = 0; i < a->n_objects; i++)
        free(a->object[i].name);
    free(a->object);
    *a = (struct annotation){0};
}

static int current_line(const struct parse *p)
{
    return (int)XML_GetCurrentLineNumber(p->xml);
}

static struct object *last_object(const struct parse *p)
{
    return &p->a->object[p->a->n_objects - 1];
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    struct parse *p = user;
    (void)attributes;
    p->depth++;
    p->length = 0;
    p->keep = false;
    if (p->depth == 2) {
        p->in_object = strcmp(name, "object") == 0;
        p->in_size = strcmp(name, "size") == 0;
        if (p->in_object) {
            struct annotation *a = p->a;
            a->object = mem_grow(a->object, &a->capacity, (size_t)a->n_objects + 1, sizeof *a->object);
            a->object[a->n_objects++] = (struct object){.box_line = current_line(p), .name_line = current_line(p)};
        }
    } else if (p->depth == 3) {
        p->in_box = p->in_object && strcmp(name, "bndbox") == 0;
        if (p->in_box)
            last_object(p)->box_line = current_line(p);
        p->keep = p->in_object || p->in_size;
    } else if (p->depth == 4) {
        p->keep = p->in_box;
    }
}

static void XMLCALL on_text(void *user, const XML_Char *s, int n)
{
    struct parse *p = user;
    const size_t room = sizeof p->text - 1 - p->length;
    if (!p->keep)
        return;
    const size_t take = (size_t)n < room ? (size_t)n : room;
    memcpy(p->text + p->length, s, take);
    p->length += take;
}

static void end_of_object_part(struct parse *p, const char *name, char *text)
{
    struct object *o = last_object(p);
    if (strcmp(name, "name") == 0 && !o->name) {
        o->name = mem_string(text);
        o->name_line = current_line(p);
    } else if (strcmp(name, "difficult") == 0) {
        o->difficult = strcmp(text, "1") == 0;
    }
}

static void end_of_edge(struct parse *p, const char *name, const char *text)
{
    struct object *o = last_object(p);
    for (int k = 0; k < 4; k++) {
        if (strcmp(name, edge_names[k]) != 0)
            continue;
        if (text_to_double(text, &o->edge[k])) {
            o->given |= 1 << k;
        } else if (!o->bad_line) {
            o->bad_line = current_line(p);
            snprintf(o->bad, sizeof o->bad, "found %s '%.60s', expected a number of pixels", name, text);
        }
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    struct parse *p = user;
    p->text[p->length] = 0;
    char *text = text_trim(p->text);
    if (p->keep && p->depth == 3 && p->in_object)
        end_of_object_part(p, name, text);
    else if (p->keep && p->depth == 3 && strcmp(name, "width") == 0)
        text_to_double(text, &p->a->width);
    else if (p->keep && p->depth == 3 && strcmp(name, "height") == 0)
        text_to_double(text, &p->a->height);
    else if (p->keep && p->depth == 4)
        end_of_edge(p, name, text);
    p->keep = false;
    p->length = 0;
    p->depth--;
}

/* Annotations declare no entities; what does may be made to swell without end. */
static void XMLCALL on_entity(void *user, const XML_Char *name, int is_parameter, const XML_Char *value, int length, const XML_Char *base,
                              const XML_Char *system_id, const XML_Char *public_id, const XML_Char *notation)
{
    struct parse *p = user;
    (void)is_parameter, (void)value, (void)length, (void)base, (void)system_id, (void)public_id, (void)notation;
    if (p->a->bad_line)
        return;
    p->a->bad_line = current_line(p);
    snprintf(p->a->bad, sizeof p->a->bad, "found a declaration of the entity '%.60s', expected an annotation without any", name);
    XML_StopParser(p->xml, XML_FALSE);
}

/* Reads one XML file. -1: it can't be opened (err); what is wrong inside stands in the annotation. */
static int read_annotation(struct annotation *a, const char *path, struct error *err)
{
    *a = (struct annotation){0};
    size_t size;
    char *bytes = file_read(path, (size_t)64 << 20, &size, err);
    if (!bytes)
        return -1;
    struct parse p = {.xml = XML_ParserCreate(NULL), .a = a};
    if (!p.xml) {
        mem_free(bytes);
        return error_add(err, EXIT_FAIL, "%s: out of memory", path);
    }
    XML_SetUserData(p.xml, &p);
    XML_SetElementHandler(p.xml, on_start, on_end);
    XML_SetCharacterDataHandler(p.xml, on_text);
    XML_SetEntityDeclHandler(p.xml, on_entity);
    if (XML_Parse(p.xml, bytes, (int)size, 1) == XML_STATUS_ERROR && !a->bad_line) {
        a->bad_line = current_line(&p);
        snprintf(a->bad, sizeof a->bad, "the XML is broken: %s", XML_ErrorString(XML_GetErrorCode(p.xml)));
    }
    XML_ParserFree(p.xml);
    mem_free(bytes);
    return 0;
}

/* The folder of a VOC set, and the list in it when the path names one. Owned by the caller; NULL: not VOC. */
static char *root_of(const char *path, char **list)
{
    *list = NULL;
    char *root = mem_string(path);
    if (!file_is_dir(path)) {
        if (!text_ends(path, ".txt") || !file_exists(path)) {
            free(root);
            return NULL;
        }
        for (int up = 0; up < 3; up++) {
            char *parent = text_dirname(root);
            free(root);
            root = parent;
        }
        *list = mem_string(path);
    }
    char *annotations = mem_format("%s/Annotations", root), *images = mem_format("%s/JPEGImages", root);
    if (!file_is_dir(annotations) || !file_is_dir(images)) {
        free(root);
        free(*list);
        root = *list = NULL;
    }
    free(annotations);
    free(images);
    return root;
}

static bool probe(const char *path)
{
    char *list, *root = root_of(path, &list);
    const bool found = root != NULL;
    free(list);
    free(root);
    return found;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The classes are all names in Annotations, sorted, so that every split numbers them alike. */
static int find_names(struct dataset *d, const char *root, struct error *err)
{
    char *folder = mem_format("%s/Annotations", root);
    struct text_list files = {0};
    int result = file_list_dir(folder, &files, err);
    for (int i = 0; result == 0 && i < files.n; i++) {
        struct annotation a;
        char *path = text_join(folder, files.item[i]);
        if (text_ends(path, ".xml") && read_annotation(&a, path, NULL) == 0) {
            for (int k = 0; k < a.n_objects; k++) {
                const char *name = a.object[k].name;
                int j = 0;
                while (name && j < d->names.n && strcmp(d->names.item[j], name) != 0)
                    j++;
                if (name && *name && j == d->names.n)
                    text_list_add(&d->names, name);
            }
            annotation_free(&a);
        }
        free(path);
    }
    if (d->names.n > 0)
        qsort(d->names.item, (size_t)d->names.n, sizeof *d->names.item, compare_names);
    text_list_free(&files);
    free(folder);
    return result;
}

/* JPEGImages/ID with the ending it has. Owned by the caller; NULL: there is none. */
static char *find_image(const char *root, const char *id)
{
    static const char *const endings[] = {"jpg", "jpeg", "png", "JPG", "JPEG", "PNG", "bmp"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = mem_format("%s/JPEGImages/%s.%s", root, id, endings[i]);
        if (file_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

static int add_object(struct dataset *d, struct sample *s, const struct object *o, const struct annotation *a,
                      const struct name_index *index, const char *xml, struct error *err)
{
    if (o->bad_line)
        return dataset_bad(d, err, xml, o->bad_line, "%s", o->bad);
    if (!o->name || !*o->name)
        return dataset_bad(d, err, xml, o->name_line, "found an object without a name, expected its class");
    const int class_id = name_index_find(index, o->name, strlen(o->name));
    if (class_id < 0) {
        const char *near = names_nearest(&d->names, o->name);
        return dataset_bad(d, err, xml, o->name_line, "found class '%.80s', expected one of the %d of %s%s%s%s", o->name, d->names.n,
                           d->options->names, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (o->given != 15)
        return dataset_bad(d, err, xml, o->box_line, "found a box without %s, expected xmin, ymin, xmax and ymax",
                           edge_names[__builtin_ctz(~(unsigned)o->given)]);
    const double corners[4] = {o->edge[0] / a->width, o->edge[1] / a->height, o->edge[2] / a->width, o->edge[3] / a->height};
    return dataset_add_box(d, s, corners, class_id, o->difficult, xml, o->box_line, err);
}

static int add_image(struct dataset *d, const char *root, const char *id, const struct name_index *index, const char *list, int line,
                     struct error *err)
{
    char *xml = mem_format("%s/Annotations/%s.xml", root, id), *picture = find_image(root, id);
    struct annotation a = {0};
    int result = 0;
    struct error why = ERROR_INIT;
    if (!picture)
        result = dataset_bad(d, err, list, line, "found '%.120s', but %s/JPEGImages has no image of that name", id, root);
    else if (read_annotation(&a, xml, &why) != 0)
        result = dataset_bad(d, err, list, line, "found '%.120s', but its annotation can't be read: %s", id, why.text);
    else if (a.bad_line)
        result = dataset_bad(d, err, xml, a.bad_line, "%s", a.bad);
    else {
        struct image im;
        if (!(a.width >= 1 && a.height >= 1)) { /* some writers leave the size out or 0 */
            if (codec_read(&im, picture, &why) == 0) {
                a.width = im.w;
                a.height = im.h;
                image_free(&im);
            } else {
                result = dataset_bad(d, err, xml, 0, "gives no size of the image, and %s", why.text);
            }
        }
        struct sample *s = a.width >= 1 && a.height >= 1 ? dataset_add(d, picture) : NULL;
        for (int i = 0; s && result == 0 && i < a.n_objects; i++)
            result = add_object(d, s, &a.object[i], &a, index, xml, err);
    }
    annotation_free(&a);
    free(picture);
    free(xml);
    return result;
}

static int open_root(struct dataset *d, const char *root, const char *list, struct error *err)
{
    if (d->names.n == 0 && find_names(d, root, err) != 0)
        return -1;
    size_t size;
    char *text = file_read(list, (size_t)1 << 30, &size, err);
    if (!text)
        return -1;
    struct name_index index;
    name_index_init(&index, &d->names);
    int line = 0, result = 0;
    for (char *cursor = text, *raw; result == 0 && (raw = file_line(&cursor, &line));) {
        const char *id = text_trim(raw);
        if (*id)
            result = add_image(d, root, id, &index, list, line, err);
    }
    name_index_free(&index);
    mem_free(text);
    return result;
}

static int open_voc(struct dataset *d, const char *path, struct error *err)
{
    if (dataset_need(d, TASK_DETECT, path, err) != 0)
        return -1;
    char *list, *root = root_of(path, &list);
    if (!root)
        return error_add(err, EXIT_NO_INPUT, "%s: is no longer there", path);
    if (!list)
        list = mem_format("%s/ImageSets/Main/%s.txt", root, d->split == SPLIT_VALID ? "val" : split_name(d->split));
    const int result = open_root(d, root, list, err);
    free(root);
    free(list);
    return result;
}

const struct dataset_format dataset_voc = {
    .name = "Pascal VOC",
    .help = "a folder with Annotations, JPEGImages and ImageSets/Main (train.txt, val.txt, test.txt), or a list in ImageSets/Main",
    .probe = probe,
    .open = open_voc,
    .image = dataset_file_image,
};
