/* walk: a small network for a test of one layer: built, planned, its input filled. */
#ifndef DLNET_TESTS_WALK_H
#define DLNET_TESTS_WALK_H

#include "net/network.h"

/* Builds and plans; the input is a shuffled, evenly spaced grid in −1 .. 1. Asserts (cmocka) that it worked. Free with network_free. */
struct network *walk_open(const char *cfg_text, int batch, bool training);

/* Forward without targets; the values of the layer that is the answer. */
const real *walk_forward(struct network *net, enum mode mode, uint64_t step);

/* Asserts that the text can't be built, and that the only mistake told contains all of `parts` (separated by '|'). */
void walk_refuse(const char *cfg_text, const char *parts);

/* Asserts |got − want| ≤ tolerance for n numbers. */
void walk_expect(const real *got, const double *want, size_t n, double tolerance);

#endif
