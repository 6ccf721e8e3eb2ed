/* tensor: shapes, and the arrays that flow between layers. */
#ifndef DLNET_BASE_TENSOR_H
#define DLNET_BASE_TENSOR_H

#include <stddef.h>

#include "base/real.h"

/* n × c × h × w, row-major (NCHW). A vector of k numbers an image is c = k, h = w = 1; a 1-D signal has h = 1. */
struct shape {
    int n, c, h, w;
};

struct tensor {
    const char *name;
    struct shape shape; /* shape.n is the batch */
    real *x;            /* values; placed by net/plan */
    real *dx;           /* gradient of the loss; NULL: no gradient is wanted */
};

static inline size_t shape_size(struct shape s) /* all elements */
{
    return (size_t)s.n * (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

static inline size_t shape_each(struct shape s) /* elements of one image */
{
    return (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

#endif
