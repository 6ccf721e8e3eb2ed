#include "cli/images.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/rows.h"
#include "data/formats.h"
#include "data/signal_file.h"
#include "image/codec.h"

enum { SLOTS = 4 }; /* pictures ready or in the making; the one in use is one of them */

struct item {
    char *path;
    struct error *err;       /* the operand itself was no good */
    const struct rows *rows; /* NULL: a picture */
    int row;
    const float *values; /* of a row from stdin */
};

struct cli_images {
    struct item *item;
    int n;
    size_t capacity;
    int stdin_at;               /* "-" stood before this item; −1: nowhere */
    struct network *const *net; /* borrowed; only what doesn't change is read */
    int n_nets;
    struct rows **table; /* owned */
    int n_tables;
    struct row_stream stream; /* stdin, where it has rows */
    bool stream_rows;
    bool keep;
    enum signal_channel channel;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct cli_image slot[SLOTS];
    long made, taken; /* pictures put into slots and handed out so far; slot = number mod SLOTS */
    bool ended, stop;
};

static void add_item(struct cli_images *s, const char *path, const struct error *err)
{
    s->item = mem_grow(s->item, &s->capacity, (size_t)s->n + 1, sizeof(*s->item));
    struct item *item = &s->item[s->n++];
    *item = (struct item){.path = mem_string(path)};
    if (err != NULL) {
        item->err = mem_new(1, sizeof(*item->err));
        *item->err = *err;
    }
}

static void add_folder(struct cli_images *s, const char *folder)
{
    struct error err = ERROR_INIT;
    struct text_list names = {0};
    int found = 0;
    if (file_list_dir(folder, &names, &err) == 0) {
        for (int i = 0; i < names.n; i++)
            if (dataset_is_image(names.item[i]) || signal_is_wav(names.item[i])) {
                char *path = text_join(folder, names.item[i]);
                add_item(s, path, NULL);
                free(path);
                found++;
            }
        if (found == 0)
            error_at(&err, EXIT_DATA, folder, 0, "the folder holds no image");
    }
    if (err.status != EXIT_OK)
        add_item(s, folder, &err);
    text_list_free(&names);
}

static void add_list(struct cli_images *s, const char *list)
{
    const size_t limit = (size_t)1 << 30;
    struct error err = ERROR_INIT;
    size_t size;
    char *text = file_read(list, limit, &size, &err), *cursor = text, *line;
    if (text == NULL) {
        add_item(s, list, &err);
        return;
    }
    char *folder = text_dirname(list);
    int number = 0, found = 0;
    while ((line = file_line(&cursor, &number)) != NULL) {
        line = text_trim(line);
        if (line[0] == 0)
            continue;
        found++;
        char *beside = text_join(folder, line);
        add_item(s, file_exists(beside) ? beside : line, NULL);
        free(beside);
    }
    if (found == 0) {
        error_at(&err, EXIT_DATA, list, 0, "the list names no image, expected a path a line");
        add_item(s, list, &err);
    }
    free(folder);
    mem_free(text);
}

static void add_table(struct cli_images *s, const char *path, const struct network *net, const struct data_options *o)
{
    struct error err = ERROR_INIT;
    struct rows *r = rows_open(path, net, o, &err);
    if (!r) {
        add_item(s, path, &err);
        return;
    }
    s->table[s->n_tables++] = r;
    for (int i = 0; i < rows_count(r); i++) {
        char *name = rows_name(r, i);
        add_item(s, name, NULL);
        s->item[s->n - 1].rows = r;
        s->item[s->n - 1].row = i;
        free(name);
    }
}

/* A sound for a network over one dimension. */
static void read_signal(const struct cli_images *s, struct cli_image *slot)
{
    for (int k = 0; k < s->n_nets; k++) {
        const struct shape in = s->net[k]->input.shape;
        if (in.h != 1)
            error_at(&slot->err, EXIT_DATA, s->net[k]->config.path, 0, "the network has height=%d, for a signal (%s) expected height=1",
                     in.h, slot->path);
        else
            signal_read(slot->path, s->channel, in.c, in.w, slot->view[k].input, &slot->err);
    }
}

static void read_picture(const struct cli_images *s, struct cli_image *slot)
{
    for (int k = 0; k < s->n_nets; k++) {
        const int c = s->net[k]->input.shape.c;
        if (c != 1 && c != 3) {
            error_at(&slot->err, EXIT_DATA, s->net[k]->config.path, 0,
                     "the network's input has %d channels, pictures have 1 or 3 (%s: tables end in .csv, .tsv or .data)", c, slot->path);
            return;
        }
    }
    if (codec_read(&slot->image, slot->path, &slot->err) != 0)
        return;
    slot->w = slot->image.w;
    slot->h = slot->image.h;
    for (int k = 0; k < s->n_nets; k++) {
        struct cli_view *view = &slot->view[k];
        const struct shape in = s->net[k]->input.shape;
        view->placement = image_to_input(&slot->image, view->input, in.w, in.h, in.c, s->net[k]->options.letter_box);
    }
    if (!s->keep)
        image_free(&slot->image);
}

/* The first network says which columns are its input; the others of an ensemble take the same. */
static void read_row(const struct cli_images *s, const struct item *item, struct cli_image *slot)
{
    float *input = slot->view[0].input;
    const size_t n = shape_each(s->net[0]->input.shape);
    if (item->values != NULL)
        memcpy(input, item->values, n * sizeof(*input));
    else if (rows_fill(item->rows, item->row, input, &slot->err) != 0)
        return;
    for (int k = 1; k < s->n_nets; k++) {
        if (shape_each(s->net[k]->input.shape) == n)
            memcpy(slot->view[k].input, input, n * sizeof(*input));
        else
            error_at(&slot->err, EXIT_DATA, s->net[k]->config.path, 0,
                     "the network takes %zu numbers, the first model %zu: expected as many", shape_each(s->net[k]->input.shape), n);
    }
}

/* False: the reader is asked to stop. */
static bool make(struct cli_images *s, const struct item *item)
{
    pthread_mutex_lock(&s->lock);
    while (!s->stop && s->made - s->taken >= SLOTS - 1)
        pthread_cond_wait(&s->changed, &s->lock);
    const bool stop = s->stop;
    struct cli_image *slot = &s->slot[s->made % SLOTS];
    pthread_mutex_unlock(&s->lock);
    if (stop)
        return false;

    free(slot->path);
    image_free(&slot->image);
    slot->path = mem_string(item->path);
    slot->err = item->err != NULL ? *item->err : ERROR_INIT;
    const bool row = item->rows != NULL || item->values != NULL, sound = !row && item->err == NULL && signal_is_wav(item->path);
    slot->row = row || sound;
    slot->w = slot->h = 0;
    if (sound)
        read_signal(s, slot);
    else if (row)
        read_row(s, item, slot);
    else if (item->err == NULL)
        read_picture(s, slot);

    pthread_mutex_lock(&s->lock);
    s->made++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return true;
}

static bool asked_to_stop(struct cli_images *s)
{
    pthread_mutex_lock(&s->lock);
    const bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static bool make_row(struct cli_images *s, const char *line)
{
    struct error err = ERROR_INIT;
    float *values = mem_new(shape_each(s->net[0]->input.shape), sizeof *values);
    const int got = row_stream_line(&s->stream, line, values, &err);
    struct item item = {.path = mem_format("-:%d", s->stream.line), .err = got < 0 ? &err : NULL, .values = got > 0 ? values : NULL};
    const bool going = got == 0 || make(s, &item);
    free(item.path);
    free(values);
    return going;
}

static bool make_line(struct cli_images *s, char *line)
{
    if (s->stream_rows)
        return make_row(s, line);
    const struct item item = {.path = text_trim(line)};
    return item.path[0] == 0 || make(s, &item);
}

/* Paths from stdin, each made as soon as its line is complete. Reads without stdio: nothing is held back, and a stop is noticed. */
static bool make_from_stdin(struct cli_images *s)
{
    enum { CHUNK = 4096, STOP_CHECK_MS = 100 };
    char *text = NULL;
    size_t capacity = 0, used = 0;
    bool going = true, more = true;
    while (going && more) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        const int ready = poll(&in, 1, STOP_CHECK_MS);
        if (asked_to_stop(s)) {
            going = false;
            break;
        }
        if (ready <= 0)
            continue;
        text = mem_grow(text, &capacity, used + CHUNK + 1, 1);
        const ssize_t got = read(STDIN_FILENO, text + used, CHUNK);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        more = got > 0;
        used += got > 0 ? (size_t)got : 0;
        size_t start = 0;
        for (char *end; going && (end = memchr(text + start, '\n', used - start)) != NULL; start = (size_t)(end - text) + 1) {
            *end = 0;
            going = make_line(s, text + start);
        }
        if (start > 0) /* a path that came in pieces stays for the next round */
            memmove(text, text + start, used - start);
        used -= start;
    }
    if (going && used > 0) {
        text[used] = 0;
        going = make_line(s, text);
    }
    free(text);
    return going;
}

static void *reader(void *context)
{
    struct cli_images *s = context;
    bool going = true;
    for (int i = 0; going && i <= s->n; i++) {
        if (i == s->stdin_at)
            going = make_from_stdin(s);
        if (going && i < s->n)
            going = make(s, &s->item[i]);
    }
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void release(struct cli_images *s)
{
    for (int i = 0; i < SLOTS; i++) {
        free(s->slot[i].path);
        for (int k = 0; k < s->n_nets && s->slot[i].view; k++)
            mem_free(s->slot[i].view[k].input);
        free(s->slot[i].view);
        image_free(&s->slot[i].image);
    }
    for (int i = 0; i < s->n; i++) {
        free(s->item[i].path);
        free(s->item[i].err);
    }
    free(s->item);
    for (int i = 0; i < s->n_tables; i++)
        rows_close(s->table[i]);
    free(s->table);
    row_stream_free(&s->stream);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}

/* Room for what network `net` sees of a picture. */
static bool make_view(struct cli_view *view, const struct network *net, struct error *err)
{
    const struct shape s = net->input.shape;
    view->input = mem_try(shape_each(s), sizeof *view->input);
    if (!view->input)
        error_add(err, EXIT_FAIL, "no memory for inputs of %d x %d x %d", s.w, s.h, s.c);
    return view->input != NULL;
}

struct cli_images *cli_images_open(char *const *operands, int n, struct network *const *net, int n_nets, const struct data_options *o,
                                   bool keep, struct error *err)
{
    struct cli_images *s = mem_new(1, sizeof(*s));
    s->net = net;
    s->n_nets = n_nets;
    s->keep = keep;
    s->channel = (enum signal_channel)o->channel;
    s->table = mem_new((size_t)n, sizeof(*s->table));
    s->stream = (struct row_stream){.net = net[0], .o = o};
    s->stream_rows = net[0]->options.inputs > 0;
    s->stdin_at = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    for (int i = 0; i < n; i++) {
        if (strcmp(operands[i], "-") == 0)
            s->stdin_at = s->stdin_at < 0 ? s->n : s->stdin_at;
        else if (file_is_dir(operands[i]))
            add_folder(s, operands[i]);
        else if (text_ends(operands[i], ".txt"))
            add_list(s, operands[i]);
        else if (rows_are_in(operands[i]))
            add_table(s, operands[i], net[0], o);
        else
            add_item(s, operands[i], NULL);
    }
    bool ok = true;
    for (int i = 0; i < SLOTS; i++) {
        s->slot[i].view = mem_new((size_t)n_nets, sizeof *s->slot[i].view);
        for (int k = 0; k < n_nets && ok; k++)
            ok = make_view(&s->slot[i].view[k], net[k], err);
    }
    if (!ok || pthread_create(&s->thread, NULL, reader, s) != 0) {
        if (ok)
            error_add(err, EXIT_FAIL, "no thread to read images in");
        release(s);
        return NULL;
    }
    return s;
}

int cli_images_count(const struct cli_images *s)
{
    return s->stdin_at >= 0 ? -1 : s->n;
}

const char *cli_images_path(const struct cli_images *s, int i)
{
    return i < s->n ? s->item[i].path : NULL;
}

struct cli_image *cli_images_next(struct cli_images *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->made == s->taken && !s->ended)
        pthread_cond_wait(&s->changed, &s->lock);
    struct cli_image *image = s->made > s->taken ? &s->slot[s->taken++ % SLOTS] : NULL;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return image;
}

void cli_images_close(struct cli_images *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    release(s);
}
