#include "train/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "image/draw.h"

const char *metric_name(enum task task, enum metric what)
{
    static const char *const common[] = {"iteration", "epoch", "learning_rate", "loss", "valid_loss"};
    static const char *const own[][METRIC_PENALTY - METRIC_A] = {[TASK_CLASSIFY] = {"top1", "top5", NULL},
                                                                 [TASK_DETECT] = {"mAP50", "precision", "recall"},
                                                                 [TASK_REGRESS] = {"rmse", "mae", "r2"},
                                                                 [TASK_LABELS] = {"accuracy", "exact", NULL}};
    if (what == METRIC_PENALTY)
        return "penalty";
    return what < METRIC_A ? common[what] : own[task][what - METRIC_A];
}

static const char *column(const struct metrics *m, int i)
{
    if (i == METRIC_PENALTY && !m->penalty)
        return NULL;
    return metric_name(m->task, (enum metric)i);
}

static void print_csv(FILE *f, const struct metrics *m, const double *row)
{
    for (int i = 0; i < METRICS; i++) {
        if (!column(m, i))
            continue;
        fputs(i ? "," : "", f);
        if (isfinite(row[i]))
            fprintf(f, "%.9g", row[i]);
    }
    fputc('\n', f);
}

static void print_json(FILE *f, const struct metrics *m, const double *row)
{
    const char *separator = "{";
    for (int i = 0; i < METRICS; i++)
        if (column(m, i) && isfinite(row[i])) {
            fprintf(f, "%s\"%s\": %.9g", separator, column(m, i), row[i]);
            separator = ", ";
        }
    fputs("}\n", f);
}

static void print_header(FILE *f, const struct metrics *m)
{
    for (int i = 0; i < METRICS; i++)
        if (column(m, i))
            fprintf(f, "%s%s", i ? "," : "", column(m, i));
    fputc('\n', f);
}

/* Keeps the row as its printed text says it, so that a resumed run, which reads the text, draws the same chart. */
static void keep(struct metrics *m, const double row[METRICS])
{
    m->row = mem_grow(m->row, &m->capacity, (size_t)m->n + 1, sizeof *m->row);
    for (int i = 0; i < METRICS; i++) {
        char text[32];
        snprintf(text, sizeof text, "%.9g", row[i]);
        m->row[m->n][i] = isfinite(row[i]) ? strtod(text, NULL) : NAN;
    }
    m->n++;
}

/* Which metric stands in each column of a header line; −1: none of ours. Returns the number of columns looked at. */
static int read_header(const struct metrics *m, const char *s, int metric[2 * METRICS])
{
    int n = 0;
    for (const char *p = s; p && n < 2 * METRICS; n++) {
        const size_t length = strcspn(p, ",");
        metric[n] = -1;
        for (int i = 0; i < METRICS; i++)
            if (column(m, i) && strlen(column(m, i)) == length && strncmp(p, column(m, i), length) == 0)
                metric[n] = i;
        p = p[length] ? p + length + 1 : NULL;
    }
    return n;
}

/* Rows of an existing metrics.csv; a last line that a kill cut short is dropped. */
static int read_rows(struct metrics *m, const char *path, double iteration, struct error *err)
{
    size_t size;
    char *text = file_read(path, (size_t)1 << 30, &size, err);
    if (!text)
        return -1;
    char *cursor = text;
    int metric[2 * METRICS], columns = 0;
    for (int line = 0; *cursor;) {
        const bool whole = strchr(cursor, '\n') != NULL;
        const char *s = file_line(&cursor, &line);
        if (!s || !whole)
            continue;
        if (line == 1) {
            columns = read_header(m, s, metric);
            continue;
        }
        double row[METRICS];
        for (int i = 0; i < METRICS; i++)
            row[i] = NAN;
        const char *p = s;
        for (int n = 0; n < columns && p; n++) {
            char *end;
            const double value = strtod(p, &end);
            if (end != p && metric[n] >= 0)
                row[metric[n]] = value;
            p = strchr(p, ',');
            p = p ? p + 1 : NULL;
        }
        if (row[METRIC_ITERATION] <= iteration)
            keep(m, row);
    }
    mem_free(text);
    return 0;
}

static int rewrite(const struct metrics *m, const char *name, bool csv, struct error *err)
{
    char *path = text_join(m->folder, name);
    struct file_writer w;
    int result = file_begin(&w, path, err);
    if (result == 0) {
        if (csv)
            print_header(w.stream, m);
        for (int i = 0; i < m->n; i++)
            (csv ? print_csv : print_json)(w.stream, m, m->row[i]);
        result = file_commit(&w, err);
    }
    free(path);
    return result;
}

int metrics_open(struct metrics *m, const char *folder, enum task task, bool penalty, double iteration, struct error *err)
{
    *m = (struct metrics){.folder = mem_string(folder), .task = task, .penalty = penalty};
    char *path = text_join(folder, "metrics.csv");
    int result = 0;
    if (iteration > 0 && file_exists(path))
        result = read_rows(m, path, iteration, err);
    free(path);
    if (result == 0)
        result = rewrite(m, "metrics.csv", true, err);
    if (result == 0)
        result = rewrite(m, "metrics.jsonl", false, err);
    return result;
}

static int append(const struct metrics *m, const char *name, bool csv, struct error *err)
{
    char *path = text_join(m->folder, name);
    FILE *f = fopen(path, "ab");
    bool good = f != NULL;
    if (f) {
        (csv ? print_csv : print_json)(f, m, m->row[m->n - 1]);
        good = !ferror(f);
        good = fclose(f) == 0 && good;
    }
    if (!good)
        error_add(err, EXIT_IO, "%s: cannot be written: %s", path, strerror(errno));
    free(path);
    return good ? 0 : -1;
}

int metrics_add(struct metrics *m, const double row[METRICS], struct error *err)
{
    keep(m, row);
    if (append(m, "metrics.csv", true, err) != 0)
        return -1;
    return append(m, "metrics.jsonl", false, err);
}

/* One column as a series without the rows where it has no value. */
static struct draw_series series(const struct metrics *m, int what, int colour, double *x, double *y)
{
    int n = 0;
    for (int i = 0; i < m->n; i++)
        if (isfinite(m->row[i][what])) {
            x[n] = m->row[i][METRIC_ITERATION];
            y[n++] = m->row[i][what];
        }
    return (struct draw_series){
        .name = column(m, what), .x = x, .y = y, .n = n, .colour = colour, .markers = n <= 60 && what >= METRIC_VALID_LOSS};
}

int metrics_chart(const struct metrics *m, const char *title, struct error *err)
{
    const size_t n = (size_t)m->n + 1;
    double *space = mem_new(2 * METRICS * n, sizeof *space);
    struct draw_series s[METRICS] = {0};
    for (int i = METRIC_RATE; i < METRICS; i++)
        if (column(m, i))
            s[i] = series(m, i, i - METRIC_RATE, space + (size_t)(2 * i) * n, space + (size_t)(2 * i + 1) * n);
    const bool errors = m->task == TASK_REGRESS; /* have no upper end; R² stands in the table only */
    const struct draw_panel panel[3] = {
        {.y_label = "loss", .log_y = 1, .series = &s[METRIC_LOSS], .n_series = 2},
        {.y_label = errors                   ? "error"
                    : m->task == TASK_DETECT ? "validation"
                                             : "accuracy",
         .y_min = 0,
         .y_max = errors ? 0 : 1,
         .series = &s[METRIC_A],
         .n_series = m->task == TASK_DETECT ? 3 : 2},
        {.y_label = "learning rate", .series = &s[METRIC_RATE], .n_series = 1},
    };
    const struct draw_chart chart = {.title = title, .x_label = "iteration", .panel = panel, .n_panels = 3};
    int result = 0;
    static const char *const names[2] = {"chart.svg", "chart.png"};
    for (int i = 0; i < 2 && result == 0; i++) {
        char *path = text_join(m->folder, names[i]);
        result = draw_chart_file(&chart, path, err);
        free(path);
    }
    free(space);
    return result;
}

void metrics_close(struct metrics *m)
{
    free(m->folder);
    free(m->row);
    *m = (struct metrics){0};
}
