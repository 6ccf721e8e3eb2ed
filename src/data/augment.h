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

/* The input of inference and evaluation: only resized (stretch or letterbox) into out[c][h][w], 0..1, with its boxes. Returns where the
 * image went. */
struct placement augment_fit(const struct augment *a, const struct image *im, const struct sample *s, float *out, struct box_list *boxes);

/* Makes out[c][h][w] (0..1) of image im with its boxes. train 0: augment_fit. Boxes are moved with the image, clipped to it, and dropped
 * when less than a tenth of their area, or less than a pixel, remains. boxes is added to. */
void augment_sample(const struct augment *a, int train, const struct image *im, const struct sample *s, struct rng *rng, float *out,
                    struct box_list *boxes);

/* Detection with mosaic=1: half of the inputs are made of four images. Draws whether this one is; then the caller chooses three more
 * samples and calls augment_mosaic instead of augment_sample. Each image is augmented as if alone and fills the part of the input that lies
 * on its side of a random centre, with its inner corner at that centre. */
int augment_draw_mosaic(const struct augment *a, struct rng *rng);
void augment_mosaic(const struct augment *a, const struct image im[4], const struct sample *const s[4], struct rng *rng, float *out,
                    struct box_list *boxes);

/* Factor of Darknet's colour and aspect jitter: uniform in [1, s], inverted with probability ½. */
double augment_factor(struct rng *rng, double s);

#endif
