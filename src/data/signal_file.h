/* signal_file: a signal from a file, WAV or CSV, as the input of a network with height=1. */
#ifndef DLNET_DATA_SIGNAL_FILE_H
#define DLNET_DATA_SIGNAL_FILE_H

#include <stdbool.h>

#include "base/error.h"

/* In the order of channel=: how a file with several channels becomes the one of [net]. */
enum signal_channel { SIGNAL_MEAN, SIGNAL_FIRST };

bool signal_is_wav(const char *name);
bool signal_is_file(const char *name); /* .wav or .csv */

/* Checks what can be told without reading the samples. *rate: samples a second; 0: a CSV file doesn't tell. −1: err. */
int signal_check(const char *path, int channels, int *rate, struct error *err);

/* The first `width` samples of each channel to out[channels][width], zeros behind the last. WAV: −1..1; a file of as many channels as the
 * network takes is kept as it is, for a network of one they are mixed. CSV: a row a moment and a column a channel, or the other way round.
 */
int signal_read(const char *path, enum signal_channel channel, int channels, int width, float *out, struct error *err);

#endif
