#include "reference.h"

#include <math.h>
#include <stdlib.h>

void reference_gemm(int ta, int tb, int m, int n, int k, double alpha, const real *a, int lda, const real *b, int ldb, double beta, real *c,
                    int ldc)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int p = 0; p < k; p++)
                sum += (double)(ta ? a[p * lda + i] : a[i * lda + p]) * (double)(tb ? b[j * ldb + p] : b[p * ldb + j]);
            c[i * ldc + j] = (real)(alpha * sum + (beta != 0 ? beta * (double)c[i * ldc + j] : 0));
        }
}

/* Calls visit for every triple of (number of x, weight, number of y) that meet in the convolution. */
static void visit_all(const struct conv_shape *s, void (*visit)(void *context, size_t x, size_t weight, size_t y), void *context)
{
    const int channels = s->channels / s->groups, filters = s->filters / s->groups;
    for (int n = 0; n < s->batch; n++)
        for (int f = 0; f < s->filters; f++)
            for (int oy = 0; oy < s->out_h; oy++)
                for (int ox = 0; ox < s->out_w; ox++)
                    for (int c = 0; c < channels; c++)
                        for (int ky = 0; ky < conv_rows(s); ky++)
                            for (int kx = 0; kx < s->size; kx++) {
                                const int iy = oy * s->stride_y + ky * s->dilation - conv_padding_y(s);
                                const int ix = ox * s->stride_x + kx * s->dilation - s->padding;
                                if (iy < 0 || iy >= s->height || ix < 0 || ix >= s->width)
                                    continue;
                                const int channel = f / filters * channels + c;
                                visit(context, (((size_t)n * s->channels + channel) * s->height + iy) * s->width + ix,
                                      (((size_t)f * channels + c) * conv_rows(s) + ky) * s->size + kx,
                                      (((size_t)n * s->filters + f) * s->out_h + oy) * s->out_w + ox);
                            }
}

struct arrays {
    const real *x, *weight, *dy;
    double *sum;
};

static void visit_forward(void *context, size_t x, size_t weight, size_t y)
{
    struct arrays *a = context;
    a->sum[y] += (double)a->x[x] * (double)a->weight[weight];
}

static void visit_data(void *context, size_t x, size_t weight, size_t y)
{
    struct arrays *a = context;
    a->sum[x] += (double)a->dy[y] * (double)a->weight[weight];
}

static void visit_weights(void *context, size_t x, size_t weight, size_t y)
{
    struct arrays *a = context;
    a->sum[weight] += (double)a->dy[y] * (double)a->x[x];
}

static void run(const struct conv_shape *s, struct arrays a, void (*visit)(void *, size_t, size_t, size_t), real *out, size_t n, int add)
{
    a.sum = calloc(n, sizeof(double));
    visit_all(s, visit, &a);
    for (size_t i = 0; i < n; i++)
        out[i] = (real)(a.sum[i] + (add ? (double)out[i] : 0));
    free(a.sum);
}

void reference_conv_forward(const struct conv_shape *s, const real *x, const real *weight, real *y)
{
    run(s, (struct arrays){.x = x, .weight = weight}, visit_forward, y, (size_t)s->batch * s->filters * s->out_h * s->out_w, 0);
}

void reference_conv_backward_data(const struct conv_shape *s, const real *dy, const real *weight, real *dx)
{
    run(s, (struct arrays){.dy = dy, .weight = weight}, visit_data, dx, (size_t)s->batch * s->channels * s->height * s->width, 1);
}

void reference_conv_backward_weights(const struct conv_shape *s, const real *x, const real *dy, real *dweight)
{
    run(s, (struct arrays){.x = x, .dy = dy}, visit_weights, dweight,
        (size_t)s->filters * (s->channels / s->groups) * conv_rows(s) * s->size, 1);
}

double reference_error(const real *a, const real *b, size_t n)
{
    double worst = 0, size = 1;
    for (size_t i = 0; i < n; i++) {
        const double error = fabs((double)a[i] - (double)b[i]);
        worst = error > worst || isnan(error) ? error : worst;
        size = fabs((double)b[i]) > size ? fabs((double)b[i]) : size;
        if (isnan(worst))
            return worst;
    }
    return worst / size;
}
