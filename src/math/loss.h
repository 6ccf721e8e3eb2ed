/* loss: of predictions p against targets t; each is the integral of its gradient. Values are added up in double and in a fixed order.
 *
 * The losses of a classifier take logits z and targets in 0 .. 1, soft ones included. With t targets of all classes that add up to 1, the
 * cross-entropy of softmax is in math/softmax.h. */
#ifndef DLNET_MATH_LOSS_H
#define DLNET_MATH_LOSS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

enum loss_kind {
    /* regression, d = p − t */
    LOSS_SQUARED, /* ½d², gradient d */
    LOSS_MASKED,  /* the same, nothing where t = LOSS_MASK (Darknet's mark of a value that nobody knows) */
    LOSS_SMOOTH,  /* ½d²/δ for |d| < δ, else |d| − ½δ (Girshick 2015, eq. 3; PyTorch's SmoothL1Loss, beta = δ) */
    LOSS_HUBER,   /* ½d² for |d| < δ, else δ(|d| − ½δ) (Huber 1964; PyTorch's HuberLoss) */
    LOSS_L1,      /* |d|, gradient its sign, 0 at 0 */
    /* one yes or no, t soft: t·loss of yes + (1 − t)·loss of no */
    LOSS_LOGISTIC, /* cross-entropy of σ(z): t·log(1 + e^−z) + (1 − t)·log(1 + e^z) */
    LOSS_HINGE,    /* t·max(0, 1 − z) + (1 − t)·max(0, 1 + z): a linear SVM; of several classes: one against the rest */
    LOSS_FOCAL,    /* Lin 2017, eq. 5, with σ: −α·t·(1 − p)^γ·log p − (1 − α)·(1 − t)·p^γ·log(1 − p), p = σ(z) */
};

#define LOSS_MASK (-1234)

/* Element i belongs to class i / step % classes. */
struct loss {
    enum loss_kind kind;
    double delta;         /* smooth and Huber */
    double gamma, alpha;  /* focal */
    double smoothing;     /* of yes and no: t is pulled to ½ by this share */
    const double *weight; /* factor of each class, or NULL: 1 */
    int classes;
    size_t step;
};

double loss_sum(const struct loss *loss, const real *p, const real *t, size_t n);

/* dp += (or =) scale · d loss / d p. */
void loss_backward(const struct loss *loss, const real *p, const real *t, double scale, real *dp, size_t n, bool overwrite);

/* Multi-class hinge of rows (places as in math/softmax.h): Σ_k t_k·max(0, 1 + max_{j ≠ k} z_j − z_k) (Crammer and Singer 2001, eq. 4). At
 * ties the first of the largest moves. */
double loss_margin(const real *z, const real *t, size_t outer, int k, size_t step);
void loss_margin_backward(const real *z, const real *t, double scale, real *dz, size_t outer, int k, size_t step, bool overwrite);

/* Targets of one class of k as a loss of rows takes them: ((1 − ε)·t_i + ε/(k − 1)·(Σt − t_i))·weight_i: of a hard target a share ε goes to
 * the other classes in equal parts, as in Darknet. weight: k factors, or NULL. */
void loss_class_targets(const real *t, double smoothing, const double *weight, real *out, size_t outer, int k, size_t step);

#endif
