/* wav: RIFF WAVE files (Microsoft and IBM, Multimedia Programming Interface 1.0; WAVEFORMATEXTENSIBLE). */
#ifndef DLNET_DATA_WAV_H
#define DLNET_DATA_WAV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct wav {
    int rate, channels; /* ≥ 1; frames a second */
    int bits;           /* of a sample: 8, 16, 24, 32; of floats 32, 64 */
    bool floats;
    int64_t frames, offset; /* samples of each channel; where they begin in the file */
};

/* Reads the header and checks it against the file's size. A data chunk of 2^32 − 1 bytes, as programs leave it that write to a pipe, ends
 * with the file. −1: err names path. */
int wav_header(struct wav *w, FILE *f, const char *path, struct error *err);

/* `count` frames from the first on, as numbers of −1..1 (floats as they are), channel after channel of each frame: count × channels of
 * them. −1: the file is shorter, or a float isn't finite. */
int wav_read(const struct wav *w, FILE *f, int64_t count, float *out, const char *path, struct error *err);

#endif
