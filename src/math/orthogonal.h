/* orthogonal: a matrix of numbers drawn from N(0, 1) becomes orthogonal (Saxe 2014): uniformly distributed among such matrices (Mezzadri
 * 2007). */
#ifndef DLNET_MATH_ORTHOGONAL_H
#define DLNET_MATH_ORTHOGONAL_H

#include "base/real.h"

/* w: rows × cols. Afterwards w·wᵀ = I when rows ≤ cols, else wᵀ·w = I. */
void orthogonal(real *w, int rows, int cols);

#endif
