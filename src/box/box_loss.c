#include "box/box_loss.h"

static struct box box_of(enum box_format format, const real *v)
{
    if (format == BOX_XYWH)
        return (struct box){v[0], v[1], v[2], v[3]};
    return (struct box){(v[0] + v[2]) / 2, (v[1] + v[3]) / 2, v[2] - v[0], v[3] - v[1]};
}

double box_loss(enum iou_kind kind, enum box_format format, const real *p, const real *t, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += 1 - (double)box_iou_grad(kind, box_of(format, p + 4 * i), box_of(format, t + 4 * i), NULL);
    return sum;
}

void box_loss_backward(enum iou_kind kind, enum box_format format, const real *p, const real *t, double scale, real *dp, size_t n,
                       bool overwrite)
{
    const real factor = (real)-scale;
    for (size_t i = 0; i < n; i++) {
        struct box g;
        box_iou_grad(kind, box_of(format, p + 4 * i), box_of(format, t + 4 * i), &g);
        const bool corners = format == BOX_XYXY;
        const real d[4] = {corners ? g.x / 2 - g.w : g.x, corners ? g.y / 2 - g.h : g.y, corners ? g.x / 2 + g.w : g.w,
                           corners ? g.y / 2 + g.h : g.h};
        for (int k = 0; k < 4; k++)
            dp[4 * i + (size_t)k] = overwrite ? factor * d[k] : dp[4 * i + (size_t)k] + factor * d[k];
    }
}
