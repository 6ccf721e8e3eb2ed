/* colour: change of hue, saturation and exposure of planar images. */
#ifndef DLNET_DATA_COLOUR_H
#define DLNET_DATA_COLOUR_H

#include <stddef.h>

struct colour_shift {
    double hue;        /* added to the hue, in turns of the colour circle */
    double saturation; /* factor */
    double exposure;   /* factor of the value */
};

/* In HSV (Smith 1978): hue + shift (cyclic), saturation × factor, value × factor, then back to RGB clamped to 0..1. x is c planes of n
 * values in 0..1, `plane` values apart; with c other than 3 only the exposure applies. */
void colour_change(float *x, int c, size_t n, size_t plane, struct colour_shift shift);

#endif
