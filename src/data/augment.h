/* augment: one sample into one training input. Every draw comes from the rng given, so the result is a function of (seed, epoch, sample)
 * alone. */
#ifndef DLNET_DATA_AUGMENT_H
#define DLNET_DATA_AUGMENT_H

#include "base/rng.h"
#include "data/dataset.h"
#include "net/net_options.h"

struct augment {
    enum task task;
    int w, h, c; /* of the network's input */
    int letter_box;
    int flip;
    double angle, saturation, exposure, hue, aspect, jitter, resize;
    int min_crop, max_crop;
    int mosaic; /* detection: 4 images in one, with probability ½ (as AlexeyAB's mosaic=1) */
};

/* From the keys of [net] and, for detection, the heads' jitter and resize. */
struct augment augment_from(const struct net_options *o, double head_jitter, double head_resize, enum task task, int w, int h, int c);

/* Boxes of the result, fractions of the network's input; owned by the caller. */
struct box_list {
    struct truth_box *item;
    int n;
    size_t capacity;
};

/* Makes out[c][h][w] (0..1) of image im with its boxes. train 0: only resize (stretch or letterbox). Boxes are moved with the image,
 * clipped to it, and dropped when less than a tenth of their area, or less than a pixel, remains. */
void augment_sample(const struct augment *a, int train, const struct image *im, const struct sample *s, struct rng *rng, float *out,
                    struct box_list *boxes);

#endif
