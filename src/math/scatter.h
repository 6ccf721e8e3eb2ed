/* scatter: mean and covariance of vectors that come a few at a time, in double. The bits depend neither on threads nor on how many come at
 * a time. */
#ifndef DLNET_MATH_SCATTER_H
#define DLNET_MATH_SCATTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

struct scatter {
    int d; /* numbers of a vector */
    int64_t vectors;
    double *mean;    /* d */
    double *product; /* d × d, the lower triangle (column ≤ row): Σ (x − mean)(x − mean)ᵀ */
    double *block;   /* vectors that aren't in them yet */
    int waiting;
};

size_t scatter_bytes(int d);
/* -1: no memory; nothing to free then. */
int scatter_init(struct scatter *s, int d);
void scatter_add(struct scatter *s, const real *x, int n); /* n × d */
void scatter_finish(struct scatter *s);                    /* after the last: mean and product are those of all */
void scatter_free(struct scatter *s);

#endif
