/* augment: one sample into one training input. Every draw comes from the rng given, so the result is a function of (seed, epoch, sample)
 * alone. */
#ifndef DLNET_DATA_AUGMENT_H
#define DLNET_DATA_AUGMENT_H

#include "base/rng.h"
#include "data/canvas.h"
#include "data/dataset.h"
#include "data/recipe.h"
#include "net/net_options.h"

struct augment {
    enum task task;
    int w, h, c; /* of the network's input */
    int letter_box;
    /* Darknet's, in its order: crop or view, flip, colour. Then the recipe. */
    int flip;
    double angle, saturation, exposure, hue, aspect, jitter, resize;
    int min_crop, max_crop, center;
    const struct recipe *recipe; /* NULL: none; borrowed */
    double progress;             /* part of the training that is done, 0..1 */
};

/* From the keys of [net] and, for detection, the heads' jitter and resize. */
struct augment augment_from(const struct net_options *o, double head_jitter, double head_resize, enum task task, int w, int h, int c);

/* The same without any augmentation. */
struct augment augment_nothing(const struct net_options *o, enum task task, int w, int h, int c);

/* With the steps of a recipe. */
void augment_follow(struct augment *a, const struct recipe *r);

/* The input of inference and evaluation: only resized (stretch or letterbox) into out[c][h][w], 0..1, with its boxes. Returns where the
 * image went. */
struct placement augment_fit(const struct augment *a, const struct image *im, const struct sample *s, float *out, struct box_list *boxes);

/* Makes out[c][h][w] (0..1) of image im with its boxes: Darknet's keys and the geometric steps, in one resampling. train 0: augment_fit.
 * Boxes are moved with the image, clipped to it, and dropped when less than a tenth of their area, or less than a pixel, remains. boxes is
 * added to. */
void augment_sample(const struct augment *a, int train, const struct image *im, const struct sample *s, struct rng *rng, float *out,
                    struct box_list *boxes);

/* With mosaic=: draws whether this input is made of four images. Then the caller chooses three more samples and calls augment_mosaic
 * instead of augment_sample. Each image is augmented as if alone and fills the part of the input that lies on its side of a random centre,
 * with its inner corner at that centre. share: of the input's area, of each. */
int augment_draw_mosaic(const struct augment *a, struct rng *rng);
void augment_mosaic(const struct augment *a, const struct image im[4], const struct sample *const s[4], struct rng *rng, float *out,
                    struct box_list *boxes, double share[4]);

/* Makes another sample on a canvas of the same size, as augment_sample would; drawn by rng. 0 or −1. */
struct augment_partner {
    int (*make)(void *context, struct rng *rng, struct canvas *cv, struct error *e);
    void *context;
};

/* The steps that work on pixels and on pairs, in their order. A partner goes through those before the step that wants it, without pairs.
 * 0, or −1 when a partner can't be made (e). */
int augment_steps(const struct augment *a, const struct augment_partner *partner, struct rng *rng, struct canvas *cv, struct error *e);

#endif
