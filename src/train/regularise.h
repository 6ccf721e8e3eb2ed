/* regularise: what is done to gradients before an update and to weights after it, and the value of the penalty. Pieces of arrays: the
 * caller cuts params into tiles and runs them in parallel. */
#ifndef DLNET_TRAIN_REGULARISE_H
#define DLNET_TRAIN_REGULARISE_H

#include "base/rng.h"
#include "net/network.h"

/* How the summed gradient of one param becomes the one that the rule sees. */
struct regularise {
    real scale;  /* 1 / images, times the factor of clip_norm= */
    real clip;   /* by value, after scale; 0: none */
    real l2, l1; /* of this param: decay·decay_mult where coupled, l1·decay_mult */
    real shrink; /* decoupled decay: w ← (1 − shrink)·w; 0: none */
};

/* With `rate` the learning rate of this param (lr_mult is in it). scale as above. */
struct regularise regularise_of(const struct net_options *o, const struct param *p, double rate, double scale);

/* d = clip(scale·g) + l2·w + l1·sign(w), from n numbers; w shrinks. */
void regularise_gradient(const struct regularise *r, real *w, const real *g, real *d, size_t n);

/* Standard deviation of the noise of one gradient number: √(noise/(1 + t)^noise_gamma), t updates having been done (Neelakantan et al.
 * 2015, eq. 1: noise is its η, noise_gamma .55). */
double regularise_noise_deviation(const struct net_options *o, int64_t t);

/* Adds N(0, deviation²) to numbers begin … end−1 of g: number i draws from r alone. */
void regularise_noise(real *g, size_t begin, size_t end, struct rng r, double deviation);

/* Σ g², in double: not finite exactly when a number isn't. */
double regularise_square_sum(const real *g, size_t n);

/* Each of the p->shape.n neurons' incoming weights are scaled down to norm p->max_norm, where it is larger. */
void regularise_max_norm(struct param *p);

/* The penalty that coupled decay and l1 add to the loss: Σ over params decay_mult·(decay/2·Σw² + l1·Σ|w|). Decoupled decay minimises no
 * penalty and counts 0. The same bits with any number of threads. */
double regularise_penalty(const struct net_options *o, struct param *const *param, int n);
bool regularise_has_penalty(const struct net_options *o);

#endif
