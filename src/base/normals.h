/* normals: many normal random numbers at once. */
#ifndef DLNET_BASE_NORMALS_H
#define DLNET_BASE_NORMALS_H

#include <stddef.h>

#include "base/rng.h"

/* out[i] += deviation · z_i, z_i ~ N(0, 1): Box–Muller in single precision on the next n pairs of 32 random bits of r, which moves on by n.
 * Tails to 6.6 deviations; the logarithm and the sine are polynomials with an error below 2e-6. */
void normals_add(struct rng *r, float deviation, float *out, size_t n);

#endif
