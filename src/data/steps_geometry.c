#include <math.h>

#include "data/steps.h"

/* The step follows what the view does already. */
static void then(struct step_view *view, struct affine step)
{
    view->map = affine_then(view->map, step);
    view->plain = false;
}

/* A step that is meant in the picture's own proportions, about the centre, though the input may be stretched. */
static void then_undistorted(struct step_view *view, struct affine step)
{
    const double x = view->w / 2., y = view->h / 2.;
    then(view, affine_move(-x, -y));
    then(view, affine_scale(1 / view->sx, 1 / view->sy));
    then(view, step);
    then(view, affine_scale(view->sx, view->sy));
    then(view, affine_move(x, y));
}

/* The window at (x, y) of w × h pixels becomes the input. */
static void then_window(struct step_view *view, double x, double y, double w, double h)
{
    then(view, affine_move(-x, -y));
    then(view, affine_scale(view->w / w, view->h / h));
}

void step_flip(struct step_view *view, const double *v, struct rng *rng)
{
    (void)v;
    (void)rng;
    then(view, (struct affine){{-1, 0, view->w, 0, 1, 0}});
}

void step_vflip(struct step_view *view, const double *v, struct rng *rng)
{
    (void)v;
    (void)rng;
    then(view, (struct affine){{1, 0, 0, 0, -1, view->h}});
}

void step_rotate(struct step_view *view, const double *v, struct rng *rng)
{
    then_undistorted(view, affine_turn(rng_range(rng, -v[0], v[0]) * M_PI / 180, 0, 0));
}

void step_scale(struct step_view *view, const double *v, struct rng *rng)
{
    const double factor = augment_factor(rng, v[0]);
    then_undistorted(view, affine_scale(factor, factor));
}

void step_translate(struct step_view *view, const double *v, struct rng *rng)
{
    const double x = rng_range(rng, -v[0], v[0]) * view->w, y = rng_range(rng, -v[0], v[0]) * view->h;
    then(view, affine_move(x, y));
}

void step_shear(struct step_view *view, const double *v, struct rng *rng)
{
    const double x = tan(rng_range(rng, -v[0], v[0]) * M_PI / 180), y = tan(rng_range(rng, -v[1], v[1]) * M_PI / 180);
    then_undistorted(view, affine_then((struct affine){{1, x, 0, 0, 1, 0}}, (struct affine){{1, 0, 0, y, 1, 0}}));
}

void step_crop(struct step_view *view, const double *v, struct rng *rng)
{
    const double w = v[0] * view->w, h = v[0] * view->h;
    const double x = rng_range(rng, 0, view->w - w), y = rng_range(rng, 0, view->h - h);
    then_window(view, x, y, w, h);
}

void step_resized_crop(struct step_view *view, const double *v, struct rng *rng)
{
    enum { TRIES = 10 };
    const double whole_w = view->w / view->sx, whole_h = view->h / view->sy; /* the input in pixels of the picture */
    const double least = v[0] < v[1] ? v[0] : v[1], most = v[0] < v[1] ? v[1] : v[0], ratio = log(v[2]);
    double w = whole_w, h = whole_h;
    for (int i = 0; i < TRIES; i++) {
        const double area = rng_range(rng, least, most) * whole_w * whole_h, sides = exp(rng_range(rng, -ratio, ratio));
        w = sqrt(area * sides);
        h = sqrt(area / sides);
        if (w <= whole_w && h <= whole_h)
            break;
    }
    w = fmin(w, whole_w) * view->sx; /* no such window found: what the input has of the last one */
    h = fmin(h, whole_h) * view->sy;
    const double x = rng_range(rng, 0, view->w - w), y = rng_range(rng, 0, view->h - h);
    then_window(view, x, y, w, h);
}

void step_padded_crop(struct step_view *view, const double *v, struct rng *rng)
{
    const int pad = (int)v[0];
    const int x = rng_below(rng, 2 * pad + 1) - pad, y = rng_below(rng, 2 * pad + 1) - pad;
    then(view, affine_move(x, y));
}
