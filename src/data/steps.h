/* steps: the augmentations, one function each. v: the values of the step, in the order of its row in recipe.c. */
#ifndef DLNET_DATA_STEPS_H
#define DLNET_DATA_STEPS_H

#include "base/rng.h"
#include "data/canvas.h"
#include "data/geometry.h"

struct attention;

/* What one picture goes through on its way into the input, before a pixel is touched: all geometric steps are one map. */
struct step_view {
    struct affine map; /* pixels of the picture to pixels of the input */
    int w, h;          /* of the input */
    double sx, sy;     /* pixels of the input for one of the picture, before any step */
    bool plain;        /* nothing but the resize of inference */
};

void step_flip(struct step_view *view, const double *v, struct rng *rng);
void step_vflip(struct step_view *view, const double *v, struct rng *rng);
void step_rotate(struct step_view *view, const double *v, struct rng *rng);    /* degrees */
void step_scale(struct step_view *view, const double *v, struct rng *rng);     /* factor */
void step_translate(struct step_view *view, const double *v, struct rng *rng); /* share of the input */
void step_shear(struct step_view *view, const double *v, struct rng *rng);     /* degrees along x, along y */
void step_crop(struct step_view *view, const double *v, struct rng *rng);      /* share of each side */
void step_resized_crop(struct step_view *view, const double *v,
                       struct rng *rng); /* least and largest share of the area, ratio of the sides */
void step_padded_crop(struct step_view *view, const double *v, struct rng *rng); /* pixels of the input */

void step_brightness(struct canvas *cv, const double *v, struct rng *rng); /* ± */
void step_contrast(struct canvas *cv, const double *v, struct rng *rng);   /* factor */
void step_saturation(struct canvas *cv, const double *v, struct rng *rng); /* factor */
void step_exposure(struct canvas *cv, const double *v, struct rng *rng);   /* factor */
void step_hue(struct canvas *cv, const double *v, struct rng *rng);        /* ± of the circle */
void step_grey(struct canvas *cv, const double *v, struct rng *rng);
void step_noise(struct canvas *cv, const double *v, struct rng *rng);    /* standard deviation */
void step_blur(struct canvas *cv, const double *v, struct rng *rng);     /* largest standard deviation in pixels */
void step_cutout(struct canvas *cv, const double *v, struct rng *rng);   /* side, number */
void step_gridmask(struct canvas *cv, const double *v, struct rng *rng); /* ratio, d_min, d_max, rotate */

/* Darknet's blur=: of three pictures one stays, one is blurred around its boxes (17 pixels), one is blurred with v[0] pixels as a whole. */
void step_darknet_blur(struct canvas *cv, const double *v, struct rng *rng);

void step_time_shift(struct canvas *cv, const double *v, struct rng *rng);   /* share of the length, roll */
void step_time_stretch(struct canvas *cv, const double *v, struct rng *rng); /* factor */
void step_gain(struct canvas *cv, const double *v, struct rng *rng);         /* factor */
void step_time_mask(struct canvas *cv, const double *v, struct rng *rng);    /* share of the length, number */

/* With another sample, which is consumed. */
void step_background(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng); /* share */
void step_mixup(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng);      /* alpha, lambda */
void step_cutmix(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng);     /* alpha, min, max */
void step_attentive_cutmix(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng); /* cells */
void step_copy_paste(struct canvas *cv, struct canvas *other, const double *v, struct attention *a, struct rng *rng);       /* number */

/* A draw of Beta(alpha, alpha), by two gamma variates (Marsaglia and Tsang 2000). */
double step_beta(double alpha, struct rng *rng);

/* Factor of Darknet's colour and aspect jitter: uniform in [1, s], inverted with probability ½. */
double augment_factor(struct rng *rng, double s);

#endif
