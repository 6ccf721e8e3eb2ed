#include "config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { CFG_LIMIT = 16 << 20 }; /* bytes; the largest real cfg has some 60 thousand */

static bool is_net(const char *name)
{
    return strcmp(name, "net") == 0 || strcmp(name, "network") == 0;
}

/* General sections that a file may do without: --set adds them. */
static bool is_optional(const char *name)
{
    return strcmp(name, "data") == 0 || strcmp(name, "augment") == 0;
}

bool config_is_general(const struct config_section *s)
{
    return is_net(s->name) || is_optional(s->name);
}

static struct config_section *add_section(struct config *c, const char *name, int line)
{
    c->section = mem_grow(c->section, &c->capacity, (size_t)c->n_sections + 1, sizeof *c->section);
    struct config_section *s = &c->section[c->n_sections++];
    *s = (struct config_section){.name = mem_string(name), .line = line};
    for (char *p = s->name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return s;
}

static void add_entry(struct config_section *s, const char *key, const char *value, const char *source, int line)
{
    s->entry = mem_grow(s->entry, &s->capacity, (size_t)s->n_entries + 1, sizeof *s->entry);
    s->entry[s->n_entries++] = (struct config_entry){mem_string(key), mem_string(value), mem_string(source), line};
}

static struct config_entry *find_entry(const struct config_section *s, const char *key)
{
    for (int i = 0; i < s->n_entries; i++)
        if (strcmp(s->entry[i].key, key) == 0)
            return &s->entry[i];
    return NULL;
}

/* Cuts a comment: # or ; at the start or after white space. */
static void cut_comment(char *s)
{
    for (char *p = s; *p; p++)
        if ((*p == '#' || *p == ';') && (p == s || isspace((unsigned char)p[-1]))) {
            *p = 0;
            return;
        }
}

/* "[name]", possibly with a comment behind it. */
static int parse_section(struct config *c, char *text, int line, struct error *err)
{
    char *end = strchr(text, ']');
    if (!end)
        return error_at(err, EXIT_DATA, c->path, line, "found '%.80s', expected a ']' at the end of the section's name", text);
    *end = 0;
    char *name = text_trim(text + 1), *rest = text_trim(end + 1);
    /* An error still opens the section, so that its keys are not reported as standing before any section. */
    add_section(c, name, line);
    if (!*name)
        return error_at(err, EXIT_DATA, c->path, line, "found '[]', expected the name of a section between the brackets");
    if (*rest && *rest != '#' && *rest != ';')
        return error_at(err, EXIT_DATA, c->path, line, "found '%.80s' after [%.80s], expected the end of the line", rest, name);
    return 0;
}

static int parse_entry(struct config *c, char *text, int line, struct error *err)
{
    char *equals = strchr(text, '=');
    if (!equals)
        return error_at(err, EXIT_DATA, c->path, line, "found '%.80s', expected key=value or [section]", text);
    *equals = 0;
    char *value = equals + 1;
    char *key = text_trim(text);
    cut_comment(value);
    value = text_trim(value);
    if (!*key)
        return error_at(err, EXIT_DATA, c->path, line, "found '=%.80s', expected a key before the '='", value);
    if (c->n_sections == 0)
        return error_at(err, EXIT_DATA, c->path, line, "found '%.80s=' before any section, expected [net] first", key);

    struct config_section *s = &c->section[c->n_sections - 1];
    const struct config_entry *before = find_entry(s, key);
    if (!before) {
        add_entry(s, key, value, c->path, line);
        return 0;
    }
    if (strcmp(before->value, value) == 0)
        return 0;
    if (!is_net(s->name))
        return error_at(err, EXIT_DATA, c->path, line, "found %.80s=%.80s, expected '%.80s' once in [%.80s]: line %d has %.80s=%.80s", key,
                        value, key, s->name, before->line, key, before->value);
    char *note = mem_format("%s:%d: %s=%s has no effect: line %d has %s=%s, and the first one stands (as in Darknet)", c->path, line, key,
                            value, before->line, key, before->value);
    text_list_add(&c->notes, note);
    free(note);
    return 0;
}

/* text is cut up. */
static int parse(struct config *out, const char *path, char *text, struct error *err)
{
    *out = (struct config){.path = mem_string(path), .folder = text_dirname(path)};
    int result = 0, number = 0;
    for (char *cursor = text, *raw; (raw = file_line(&cursor, &number));) {
        char *line = text_trim(raw);
        if (!*line || *line == '#' || *line == ';')
            continue;
        result |= *line == '[' ? parse_section(out, line, number, err) : parse_entry(out, line, number, err);
    }
    if (result == 0 && out->n_sections == 0)
        result = error_at(err, EXIT_DATA, path, 0, "found no section, expected [net] first");
    if (result != 0)
        config_free(out);
    return result;
}

int config_parse(struct config *out, const char *path, const char *text, struct error *err)
{
    char *copy = mem_string(text);
    const int result = parse(out, path, copy, err);
    free(copy);
    return result;
}

int config_read(struct config *out, const char *path, struct error *err)
{
    *out = (struct config){0};
    size_t size;
    char *text = file_read(path, CFG_LIMIT, &size, err);
    if (!text)
        return -1;
    int result;
    if (strlen(text) != size) {
        int line = 1;
        for (const char *p = text; *p; p++)
            line += *p == '\n';
        result = error_at(err, EXIT_DATA, path, line, "found a zero byte, expected a cfg file, which is text");
    } else {
        result = parse(out, path, text, err);
    }
    mem_free(text);
    return result;
}

/* The section that --set means, or NULL after an error. */
static struct config_section *set_target(struct config *c, const char *where, const char *assignment, struct error *err)
{
    long number;
    if (text_to_long(where, &number)) {
        int layers = 0;
        for (int i = 0; i < c->n_sections; i++)
            if (!config_is_general(&c->section[i]) && layers++ == number)
                return &c->section[i];
        error_add(err, EXIT_DATA, "--set %s: found layer %s, expected one of the %d layers of %s, counted from 0", assignment, where,
                  layers, c->path);
        return NULL;
    }
    struct config_section *found = NULL;
    char *numbers = mem_string("");
    int layers = 0, matches = 0;
    for (int i = 0; i < c->n_sections; i++) {
        struct config_section *s = &c->section[i];
        const bool general = config_is_general(s);
        if (strcasecmp(s->name, where) == 0 || (is_net(s->name) && is_net(where))) {
            found = found ? found : s;
            if (matches++ < 8 && !general) {
                char *longer = mem_format("%s%s%d", numbers, *numbers ? ", " : "", layers);
                free(numbers);
                numbers = longer;
            }
        }
        layers += !general;
    }
    if (matches == 0 && is_optional(where)) {
        found = add_section(c, where, 0);
    } else if (matches == 0) {
        const char **names = mem_new((size_t)c->n_sections, sizeof *names);
        for (int i = 0; i < c->n_sections; i++)
            names[i] = c->section[i].name;
        const char *near = text_nearest(where, names, c->n_sections);
        error_add(err, EXIT_DATA, "--set %s: %s has no section [%s]%s%s%s", assignment, c->path, where, near ? "; did you mean '" : "",
                  near ? near : "", near ? "'?" : "");
        free(names);
    } else if (matches > 1 && !config_is_general(found)) {
        error_add(err, EXIT_DATA, "--set %s: %s has %d sections [%s], expected the number of one of them: %s%s", assignment, c->path,
                  matches, where, numbers, matches > 8 ? ", …" : "");
        found = NULL;
    }
    free(numbers);
    return found;
}

void config_put(struct config_section *s, const char *key, const char *value, const char *source)
{
    struct config_entry *e = find_entry(s, key);
    if (!e) {
        add_entry(s, key, value, source, 0);
        return;
    }
    free(e->value);
    free(e->source);
    e->value = mem_string(value);
    e->source = mem_string(source);
    e->line = 0;
}

int config_set(struct config *c, const char *assignment, struct error *err)
{
    char *copy = mem_string(assignment);
    char *equals = strchr(copy, '=');
    int result = -1;
    if (equals)
        *equals = 0;
    char *dot = strchr(copy, '.');
    char *where = NULL, *key = NULL, *value = NULL;
    if (equals && dot) {
        *dot = 0;
        where = text_trim(copy);
        key = text_trim(dot + 1);
        cut_comment(equals + 1);
        value = text_trim(equals + 1);
    }
    if (!value || !*where || !*key || strpbrk(value, "\r\n") || strpbrk(key, "[]#; \t\r\n")) {
        error_add(err, EXIT_USAGE, "--set %s: expected SECTION.key=value, such as net.batch=16 or 3.filters=64", assignment);
    } else {
        struct config_section *s = set_target(c, where, assignment, err);
        if (s) {
            char *source = mem_format("--set %s", assignment);
            config_put(s, key, value, source);
            free(source);
            result = 0;
        }
    }
    free(copy);
    return result;
}

struct config_section *config_find(const struct config *c, const char *name)
{
    for (int i = 0; i < c->n_sections; i++)
        if (strcmp(c->section[i].name, name) == 0 || (is_net(name) && is_net(c->section[i].name)))
            return &c->section[i];
    return NULL;
}

const struct config_entry *config_get(const struct config_section *s, const char *key)
{
    return find_entry(s, key);
}

char *config_text(const struct config *c)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return mem_string("");
    for (int i = 0; i < c->n_sections; i++) {
        const struct config_section *s = &c->section[i];
        fprintf(f, "%s[%s]\n", i ? "\n" : "", s->name);
        for (int k = 0; k < s->n_entries; k++)
            fprintf(f, "%s=%s\n", s->entry[k].key, s->entry[k].value);
    }
    fclose(f);
    return text;
}

void config_free(struct config *c)
{
    for (int i = 0; i < c->n_sections; i++) {
        struct config_section *s = &c->section[i];
        for (int k = 0; k < s->n_entries; k++) {
            free(s->entry[k].key);
            free(s->entry[k].value);
            free(s->entry[k].source);
        }
        free(s->entry);
        free(s->name);
    }
    free(c->section);
    text_list_free(&c->notes);
    free(c->path);
    free(c->folder);
    *c = (struct config){0};
}
