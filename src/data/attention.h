/* attention: where a trained model looks, for attentive CutMix (Walawalkar 2020): its features, summed over the channels, on a grid of
 * 7 × 7 cells. */
#ifndef DLNET_DATA_ATTENTION_H
#define DLNET_DATA_ATTENTION_H

#include "base/error.h"

enum { ATTENTION_GRID = 7 };

struct attention;

/* Loads the model (.safetensors, a whole model in one file). Features: the output of its last layer that has more than one pixel. NULL:
 * err. May be used by several threads, one at a time inside. */
struct attention *attention_open(const char *path, struct error *err);

/* heat[row · 7 + column] of a picture x[c][h][w], 0..1: the mean over the cell's pixels of the sum of |feature| over the channels. */
void attention_map(struct attention *a, const float *x, int c, int h, int w, double heat[ATTENTION_GRID * ATTENTION_GRID]);

void attention_close(struct attention *a);

#endif
