#include "data/geometry.h"

#include <math.h>

struct affine affine_scale(double sx, double sy)
{
    return (struct affine){{sx, 0, 0, 0, sy, 0}};
}

struct affine affine_move(double dx, double dy)
{
    return (struct affine){{1, 0, dx, 0, 1, dy}};
}

struct affine affine_turn(double radians, double x, double y)
{
    const double c = cos(radians), s = sin(radians);
    return (struct affine){{c, -s, x - c * x + s * y, s, c, y - s * x - c * y}};
}

struct affine affine_then(struct affine first, struct affine second)
{
    const double *a = second.m, *b = first.m;
    return (struct affine){{a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4], a[0] * b[2] + a[1] * b[5] + a[2],
                            a[3] * b[0] + a[4] * b[3], a[3] * b[1] + a[4] * b[4], a[3] * b[2] + a[4] * b[5] + a[5]}};
}

struct affine affine_invert(struct affine a)
{
    const double *m = a.m, d = m[0] * m[4] - m[1] * m[3];
    return (struct affine){{m[4] / d, -m[1] / d, (m[1] * m[5] - m[4] * m[2]) / d, -m[3] / d, m[0] / d, (m[3] * m[2] - m[0] * m[5]) / d}};
}

struct bounds affine_bounds(struct affine a, struct bounds r)
{
    const double *m = a.m;
    struct bounds out = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int k = 0; k < 4; k++) {
        const double x = k & 1 ? r.x2 : r.x1, y = k & 2 ? r.y2 : r.y1;
        const double u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5];
        out.x1 = fmin(out.x1, u);
        out.x2 = fmax(out.x2, u);
        out.y1 = fmin(out.y1, v);
        out.y2 = fmax(out.y2, v);
    }
    return out;
}

void geometry_move_boxes(const struct sample *s, int im_w, int im_h, struct affine map, struct bounds clip, int net_w, int net_h,
                         struct box_list *out)
{
    for (int i = 0; i < s->n_boxes; i++) {
        const struct box b = s->box[i].box;
        const double x = (double)b.x, y = (double)b.y, w = (double)b.w / 2, h = (double)b.h / 2;
        const struct bounds all = affine_bounds(map, (struct bounds){(x - w) * im_w, (y - h) * im_h, (x + w) * im_w, (y + h) * im_h});
        const struct bounds kept = {fmax(all.x1, clip.x1), fmax(all.y1, clip.y1), fmin(all.x2, clip.x2), fmin(all.y2, clip.y2)};
        const double kept_w = kept.x2 - kept.x1, kept_h = kept.y2 - kept.y1;
        if (!(kept_w >= 1 && kept_h >= 1) || kept_w * kept_h < .1 * (all.x2 - all.x1) * (all.y2 - all.y1))
            continue;
        struct truth_box t = s->box[i];
        t.box = (struct box){(real)((kept.x1 + kept.x2) / 2 / net_w), (real)((kept.y1 + kept.y2) / 2 / net_h), (real)(kept_w / net_w),
                             (real)(kept_h / net_h)};
        box_list_add(out, t);
    }
}
