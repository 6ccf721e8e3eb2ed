#include "data/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/colour.h"
#include "data/geometry.h"

/* What one image of one input goes through. */
struct draw {
    bool plain;        /* nothing but the resize of inference */
    struct affine map; /* pixels of the image to pixels of the input */
    struct colour_shift colour;
};

struct augment augment_from(const struct net_options *o, double head_jitter, double head_resize, enum task task, int w, int h, int c)
{
    struct augment a = {.task = task,
                        .w = w,
                        .h = h,
                        .c = c,
                        .letter_box = o->letter_box,
                        .flip = o->flip,
                        .angle = o->angle,
                        .saturation = o->saturation,
                        .exposure = o->exposure,
                        .hue = o->hue,
                        .aspect = o->aspect,
                        .jitter = o->jitter,
                        .resize = 1,
                        .min_crop = o->min_ratio > 0 ? (int)(o->min_ratio * w) : o->min_crop,
                        .max_crop = o->max_ratio > 0 ? (int)(o->max_ratio * w) : o->max_crop,
                        .center = o->center};
    if (task == TASK_DETECT) {
        a.jitter = head_jitter > 0 ? head_jitter : o->jitter;
        a.resize = head_resize > 0 ? head_resize : 1;
    }
    return a;
}

struct augment augment_nothing(const struct net_options *o, enum task task, int w, int h, int c)
{
    return (struct augment){
        .task = task, .w = w, .h = h, .c = c, .letter_box = o->letter_box, .saturation = 1, .exposure = 1, .aspect = 1, .resize = 1};
}

void augment_follow(struct augment *a, const struct recipe *r)
{
    a->recipe = r;
    if (!r->flip_given)
        a->flip = 0;
}

/* Colour where no image is. */
static float outside_of(const struct augment *a)
{
    return a->recipe ? (float)a->recipe->fill : .5f;
}

double augment_factor(struct rng *rng, double s)
{
    if (!(s > 0) || s == 1)
        return 1;
    const double f = rng_range(rng, 1, s < 1 ? 1 / s : s);
    return rng_bits(rng) & 1 ? 1 / f : f;
}

static double draw_angle(const struct augment *a, struct rng *rng)
{
    return a->angle != 0 ? rng_range(rng, -a->angle, a->angle) * M_PI / 180 : 0;
}

/* Darknet's crop: each side moves by up to jitter of the image's size, in or out; with resize ≠ 1 (AlexeyAB) the whole crop is also made
 * smaller or larger by up to that factor. Parts outside the image stay grey. */
static struct affine draw_crop(const struct augment *a, int im_w, int im_h, struct rng *rng, bool *plain)
{
    const double size[2] = {im_w, im_h};
    double before[2] = {0}, after[2] = {0}; /* cut off left and right, top and bottom; negative: added */
    if (a->jitter > 0)
        for (int k = 0; k < 2; k++) {
            before[k] = size[k] * rng_range(rng, -a->jitter, a->jitter);
            after[k] = size[k] * rng_range(rng, -a->jitter, a->jitter);
        }
    if (a->resize > 0 && a->resize != 1) {
        const double down = a->resize > 1 ? a->resize : 1 / a->resize, up = a->resize > 1 ? a->resize : 1;
        const double r1 = rng_uniform(rng), r2 = rng_uniform(rng);
        for (int k = 0; k < 2; k++) {
            const double least = size[k] * (1 - down) / 2, most = size[k] * (1 - 1 / up) / 2;
            before[k] += least + (most - least) * r1;
            after[k] += least + (most - least) * r2;
        }
    }
    *plain = before[0] == 0 && after[0] == 0 && before[1] == 0 && after[1] == 0;
    if (a->letter_box) { /* margins that give the image the input's aspect ratio */
        const double wide = size[1] * a->w / a->h - size[0], high = size[0] * a->h / a->w - size[1];
        const int k = wide > 0 ? 0 : 1;
        before[k] -= (wide > 0 ? wide : high) / 2;
        after[k] -= (wide > 0 ? wide : high) / 2;
    }
    double length[2];
    for (int k = 0; k < 2; k++) { /* a tenth of the image at least */
        length[k] = size[k] - before[k] - after[k];
        if (length[k] < size[k] / 10) {
            before[k] += (length[k] - size[k] / 10) / 2;
            length[k] = size[k] / 10;
        }
    }
    const double radians = draw_angle(a, rng);
    struct affine map = affine_move(-before[0], -before[1]);
    if (radians != 0) {
        map = affine_then(map, affine_turn(radians, length[0] / 2, length[1] / 2));
        *plain = false;
    }
    return affine_then(map, affine_scale(a->w / length[0], a->h / length[1]));
}

/* Classification: the shorter side is scaled to a size in min_crop..max_crop and a part as large as the input is taken at random; without
 * these keys the whole image is taken. Aspect ratio and angle change about the centre. */
static struct affine draw_view(const struct augment *a, int im_w, int im_h, struct rng *rng, bool *plain)
{
    const double aspect = a->center ? 1 : augment_factor(rng, a->aspect), radians = a->center ? 0 : draw_angle(a, rng);
    double sx = (double)a->w / im_w, sy = (double)a->h / im_h, dx = 0, dy = 0;
    const bool crop = a->min_crop > 0 || a->max_crop > 0;
    if (a->center) {
        sx = sy = fmax(sx, sy);
    } else if (crop) {
        const int side = a->w > a->h ? a->w : a->h, low = a->min_crop > 0 ? a->min_crop : side;
        const int high = a->max_crop > low ? a->max_crop : low;
        const double shorter = fmin(im_w * aspect, im_h), scale = (low + rng_below(rng, high - low + 1)) / shorter;
        sx = scale * aspect;
        sy = scale;
        const double room_x = fmax(0, im_w * sx - a->w) / 2, room_y = fmax(0, im_h * sy - a->h) / 2;
        dx = rng_range(rng, -room_x, room_x);
        dy = rng_range(rng, -room_y, room_y);
    } else {
        if (a->letter_box)
            sx = sy = fmin(sx, sy);
        sx *= aspect;
    }
    *plain = !crop && !a->center && aspect == 1 && radians == 0;
    struct affine map = affine_move(-.5 * im_w, -.5 * im_h);
    if (radians != 0)
        map = affine_then(map, affine_turn(radians, 0, 0));
    map = affine_then(map, affine_scale(sx, sy));
    return affine_then(map, affine_move(.5 * a->w + dx, .5 * a->h + dy));
}

static bool draw_step(const struct step *s, double progress, struct rng *rng)
{
    const double p = s->ramp > 0 ? s->p * fmin(1, progress / s->ramp) : s->p;
    return rng_uniform(rng) < p;
}

/* The geometric steps: they only change the map. */
static void draw_steps(const struct augment *a, int im_w, int im_h, struct rng *rng, struct draw *d)
{
    const double sx = (double)a->w / im_w, sy = (double)a->h / im_h;
    struct step_view view = {d->map, a->w, a->h, a->letter_box ? fmin(sx, sy) : sx, a->letter_box ? fmin(sx, sy) : sy, d->plain};
    for (int i = 0; a->recipe && i < a->recipe->n; i++) {
        const struct step *s = &a->recipe->step[i];
        if (s->row->stage == STEP_GEOMETRY && draw_step(s, a->progress, rng))
            s->row->view(&view, s->v, rng);
    }
    d->map = view.map;
    d->plain = view.plain;
}

static struct draw draw_sample(const struct augment *a, int im_w, int im_h, struct rng *rng)
{
    struct draw d = {0};
    d.map = a->task == TASK_DETECT ? draw_crop(a, im_w, im_h, rng, &d.plain) : draw_view(a, im_w, im_h, rng, &d.plain);
    if (a->flip && rng_bits(rng) & 1) {
        d.map = affine_then(d.map, (struct affine){{-1, 0, a->w, 0, 1, 0}});
        d.plain = false;
    }
    draw_steps(a, im_w, im_h, rng, &d);
    d.colour.hue = a->hue != 0 ? rng_range(rng, -a->hue, a->hue) : 0;
    d.colour.saturation = augment_factor(rng, a->saturation);
    d.colour.exposure = augment_factor(rng, a->exposure);
    return d;
}

struct placement augment_fit(const struct augment *a, const struct image *im, const struct sample *s, float *out, struct box_list *boxes)
{
    const struct placement p = image_to_input(im, out, a->w, a->h, a->c, a->letter_box);
    const struct affine map = {{p.scale_x, 0, p.offset_x, 0, p.scale_y, p.offset_y}};
    geometry_move_boxes(s, im->w, im->h, map, (struct bounds){0, 0, a->w, a->h}, a->w, a->h, boxes);
    return p;
}

void augment_sample(const struct augment *a, int train, const struct image *im, const struct sample *s, struct rng *rng, float *out,
                    struct box_list *boxes)
{
    const size_t plane = (size_t)a->w * (size_t)a->h;
    if (!train) {
        augment_fit(a, im, s, out, boxes);
        return;
    }
    const struct draw d = draw_sample(a, im->w, im->h, rng);
    if (d.plain) {
        augment_fit(a, im, s, out, boxes);
    } else {
        const struct affine back = affine_invert(d.map);
        image_warp(im, back.m, raster_of(out, a->w, a->h, a->c), outside_of(a));
        geometry_move_boxes(s, im->w, im->h, d.map, (struct bounds){0, 0, a->w, a->h}, a->w, a->h, boxes);
    }
    colour_change(out, a->c, plane, plane, d.colour);
}

int augment_draw_mosaic(const struct augment *a, struct rng *rng)
{
    for (int i = 0; a->recipe && i < a->recipe->n; i++)
        if (a->recipe->step[i].row->stage == STEP_MOSAIC && a->w > 1 && a->h > 1 && draw_step(&a->recipe->step[i], a->progress, rng))
            return 1;
    return 0;
}

/* One image into the rectangle [x, x + w) × [y, y + h) of the input. */
static void place(const struct augment *a, const struct image *im, const struct sample *s, const struct draw *d, const int at[4],
                  float *out, struct box_list *boxes)
{
    const int x = at[0], y = at[1], w = at[2], h = at[3];
    const struct affine back = affine_invert(affine_then(d->map, affine_move(-x, -y)));
    struct raster part = raster_of(out, a->w, a->h, a->c);
    part.x += (size_t)y * part.pitch + (size_t)x;
    part.w = w;
    part.h = h;
    image_warp(im, back.m, part, outside_of(a));
    for (int row = 0; row < h; row++)
        colour_change(part.x + (size_t)row * part.pitch, part.c, (size_t)w, part.plane, d->colour);
    geometry_move_boxes(s, im->w, im->h, d->map, (struct bounds){x, y, x + w, y + h}, a->w, a->h, boxes);
}

void augment_mosaic(const struct augment *a, const struct image im[4], const struct sample *const s[4], struct rng *rng, float *out,
                    struct box_list *boxes, double share[4])
{
    const double margin = .2; /* the centre keeps this part of the input away from its edges */
    int cut_x = (int)(a->w * rng_range(rng, margin, 1 - margin)), cut_y = (int)(a->h * rng_range(rng, margin, 1 - margin));
    cut_x = cut_x < 1 ? 1 : cut_x;
    cut_y = cut_y < 1 ? 1 : cut_y;
    for (int k = 0; k < 4; k++) {
        struct draw d = draw_sample(a, im[k].w, im[k].h, rng);
        const bool right = k & 1, below = k & 2;
        const int at[4] = {right ? cut_x : 0, below ? cut_y : 0, right ? a->w - cut_x : cut_x, below ? a->h - cut_y : cut_y};
        /* The visible part of the augmented image, so that no grey margin comes to lie at the centre. */
        const struct bounds seen = affine_bounds(d.map, (struct bounds){0, 0, im[k].w, im[k].h});
        const double dx = right ? cut_x - fmax(seen.x1, 0) : cut_x - fmin(seen.x2, a->w);
        const double dy = below ? cut_y - fmax(seen.y1, 0) : cut_y - fmin(seen.y2, a->h);
        d.map = affine_then(d.map, affine_move(dx, dy));
        place(a, &im[k], s[k], &d, at, out, boxes);
        share[k] = (double)at[2] * at[3] / ((double)a->w * a->h);
    }
}

static int with_partner(const struct augment *a, const struct step *s, int number, const struct augment_partner *partner, struct rng *rng,
                        struct canvas *cv, struct error *e);

/* The first n steps of the recipe; partner NULL: without those that need one. */
static int run_steps(const struct augment *a, int n, const struct augment_partner *partner, struct rng *rng, struct canvas *cv,
                     struct error *e)
{
    for (int i = 0; i < n; i++) {
        const struct step *s = &a->recipe->step[i];
        const bool pixels = s->row->stage == STEP_PIXELS, mix = s->row->stage == STEP_MIX && partner;
        if ((!pixels && !mix) || !draw_step(s, a->progress, rng))
            continue;
        if (pixels)
            s->row->pixels(cv, s->v, rng);
        else if (with_partner(a, s, i, partner, rng, cv, e) != 0)
            return -1;
    }
    return 0;
}

static int with_partner(const struct augment *a, const struct step *s, int number, const struct augment_partner *partner, struct rng *rng,
                        struct canvas *cv, struct error *e)
{
    struct canvas other = *cv;
    struct box_list boxes = {0};
    other.x = mem_unset((size_t)cv->c * canvas_plane(cv), sizeof *other.x);
    other.label = cv->label ? mem_new((size_t)cv->n_labels, sizeof *other.label) : NULL;
    other.boxes = cv->boxes ? &boxes : NULL;
    int result = partner->make(partner->context, rng, &other, e);
    if (result == 0)
        result = run_steps(a, number, NULL, rng, &other, e);
    if (result == 0)
        s->row->mix(cv, &other, s->v, a->recipe->attention, rng);
    free(other.x);
    free(other.label);
    free(boxes.item);
    return result;
}

int augment_steps(const struct augment *a, const struct augment_partner *partner, struct rng *rng, struct canvas *cv, struct error *e)
{
    return a->recipe ? run_steps(a, a->recipe->n, partner, rng, cv, e) : 0;
}
