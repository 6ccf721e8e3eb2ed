#include "data/signal_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "data/table.h"
#include "data/wav.h"

bool signal_is_wav(const char *name)
{
    return text_ends(name, ".wav");
}

bool signal_is_file(const char *name)
{
    return signal_is_wav(name) || text_ends(name, ".csv");
}

/* Opens a WAV file whose channels the network can take. */
static FILE *open_wav(struct wav *w, const char *path, int channels, struct error *err)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        error_add(err, EXIT_NO_INPUT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (wav_header(w, f, path, err) == 0) {
        if (channels == 1 || channels == w->channels)
            return f;
        error_at(err, EXIT_DATA, path, 0, "found %d channel%s, the network takes %d (channels= in [net])", w->channels,
                 w->channels == 1 ? "" : "s", channels);
    }
    fclose(f);
    return NULL;
}

int signal_check(const char *path, int channels, int *rate, struct error *err)
{
    *rate = 0;
    if (!signal_is_wav(path))
        return 0;
    struct wav w;
    FILE *f = open_wav(&w, path, channels, err);
    if (!f)
        return -1;
    fclose(f);
    *rate = w.rate;
    return 0;
}

static int read_wav(const char *path, enum signal_channel channel, int channels, int width, float *out, struct error *err)
{
    struct wav w;
    FILE *f = open_wav(&w, path, channels, err);
    if (!f)
        return -1;
    const int64_t n = w.frames < width ? w.frames : width;
    float *frame = mem_try((size_t)n * (size_t)w.channels, sizeof *frame);
    int result =
        frame ? wav_read(&w, f, n, frame, path, err) : error_at(err, EXIT_FAIL, path, 0, "no memory for %lld frames", (long long)n);
    fclose(f);
    const int mixed = channel == SIGNAL_MEAN ? w.channels : 1;
    for (int64_t i = 0; i < n && result == 0; i++) {
        const float *x = frame + i * w.channels;
        for (int c = 0; c < channels && channels == w.channels; c++)
            out[(size_t)c * (size_t)width + (size_t)i] = x[c];
        if (channels == w.channels)
            continue;
        double sum = 0;
        for (int c = 0; c < mixed; c++)
            sum += (double)x[c];
        out[i] = (float)(sum / mixed);
    }
    mem_free(frame);
    return result;
}

static int read_csv(const char *path, int channels, int width, float *out, struct error *err)
{
    struct csv t;
    if (csv_read(&t, path, CSV_AUTO, CSV_HEADER_AUTO, err) != 0)
        return -1;
    const bool down = t.n_columns == channels; /* time runs down the rows */
    int result = 0;
    if (!down && t.n_rows != channels)
        result =
            error_at(err, EXIT_DATA, path, 0, "found %d rows of %d columns, expected %d column%s, one for each of the network's channels",
                     t.n_rows, t.n_columns, channels, channels == 1 ? "" : "s");
    const int length = down ? t.n_rows : t.n_columns, n = length < width ? length : width;
    for (int c = 0; c < channels && result == 0; c++)
        for (int i = 0; i < n && result == 0; i++)
            result = table_number(&t, down ? i : c, down ? c : i, &out[(size_t)c * (size_t)width + (size_t)i], err);
    csv_free(&t);
    return result;
}

int signal_read(const char *path, enum signal_channel channel, int channels, int width, float *out, struct error *err)
{
    memset(out, 0, (size_t)channels * (size_t)width * sizeof *out);
    return signal_is_wav(path) ? read_wav(path, channel, channels, width, out, err) : read_csv(path, channels, width, out, err);
}
