#include "net/tta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WINDOWS = 6 }; /* the whole, four corners, the middle */
static const double window_side = 7. / 8;

static int windows(const struct network *net)
{
    const struct shape s = net->input.shape;
    return network_is_detector(net) || s.h < 8 || s.w < 8 ? 1 : WINDOWS;
}

/* [augment] says what it does alone, unless flip= is written in [net] too. */
static bool mirrors(const struct network *net)
{
    if (net->input.shape.h < 2 || net->input.shape.w < 2)
        return false;
    const struct config_section *steps = config_find(&net->config, "augment"), *general = config_find(&net->config, "net");
    const struct config_entry *flip = steps ? config_get(steps, "flip") : NULL;
    if (flip && strtod(flip->value, NULL) > 0)
        return true;
    return net->options.flip && (!steps || (general && config_get(general, "flip")));
}

int tta_views(const struct network *net)
{
    return windows(net) * (mirrors(net) ? 2 : 1);
}

/* Where position i of a line of n falls: the first of two numbers, and the weight of the second. begin: of the window, in its free room. */
static int position(int i, int n, double begin, real *weight)
{
    const double at = fmin(fmax((i + .5) * window_side + begin * n * (1 - window_side) - .5, 0), n - 1);
    const int k = (int)at < n - 1 ? (int)at : n - 2;
    *weight = (real)(at - k);
    return k;
}

/* One plane of the window whose free room lies in the parts x and y before it, enlarged to the whole, bilinear. */
static void enlarge(const real *in, int w, int h, double x, double y, real *out)
{
    for (int i = 0; i < h; i++) {
        real wy;
        const real *upper = in + (size_t)position(i, h, y, &wy) * (size_t)w, *lower = upper + w;
        for (int j = 0; j < w; j++) {
            real wx;
            const int k = position(j, w, x, &wx);
            const real a = upper[k] * (1 - wx) + upper[k + 1] * wx, b = lower[k] * (1 - wx) + lower[k + 1] * wx;
            out[(size_t)i * (size_t)w + (size_t)j] = a * (1 - wy) + b * wy;
        }
    }
}

static void mirror_rows(real *x, int w, size_t rows)
{
    for (size_t row = 0; row < rows; row++, x += w)
        for (int i = 0; i < w / 2; i++) {
            const real t = x[i];
            x[i] = x[w - 1 - i];
            x[w - 1 - i] = t;
        }
}

void tta_view(const struct network *net, int k, const real *in, real *out)
{
    static const double corner[WINDOWS][2] = {{0, 0}, {0, 0}, {1, 0}, {0, 1}, {1, 1}, {.5, .5}};
    const struct shape s = net->input.shape;
    const bool mirror = mirrors(net);
    const int window = mirror ? k / 2 : k;
    const size_t plane = (size_t)s.w * (size_t)s.h, planes = (size_t)s.n * (size_t)s.c;
    if (window == 0)
        memcpy(out, in, planes * plane * sizeof *out);
    for (size_t p = 0; p < planes && window > 0; p++)
        enlarge(in + p * plane, s.w, s.h, corner[window][0], corner[window][1], out + p * plane);
    if (mirror && k % 2)
        mirror_rows(out, s.w, planes * (size_t)s.h);
}

struct box tta_box(const struct network *net, int k, struct box b)
{
    if (k % 2 && mirrors(net))
        b.x = 1 - b.x;
    return b;
}

void tta_forward(struct network *net)
{
    const struct run run = {.mode = MODE_EVAL};
    const struct tensor *out = &network_output(net)->out;
    const size_t n = shape_size(out->shape), inputs = shape_size(net->input.shape);
    const int views = tta_views(net);
    real *input = mem_new(inputs, sizeof *input);
    double *sum = mem_new(n, sizeof *sum);
    memcpy(input, net->input.x, inputs * sizeof *input);
    for (int k = 0; k < views; k++) {
        tta_view(net, k, input, net->input.x);
        network_forward(net, &run);
        for (size_t i = 0; i < n; i++)
            sum[i] += (double)out->x[i];
    }
    for (size_t i = 0; i < n; i++)
        out->x[i] = (real)(sum[i] / views);
    free(input);
    free(sum);
}
