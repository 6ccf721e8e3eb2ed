/* nets: networks for tests, from the text of a cfg. */
#ifndef DLNET_TESTS_NETS_H
#define DLNET_TESTS_NETS_H

#include "net/network.h"

/* Builds it; asserts (cmocka) that it worked. Free with network_free. */
struct network *nets_build(const char *cfg_text, uint64_t seed);

/* Gives every number of every param its own value, a multiple of 1/64 that float holds exactly: start, start + 1/64, … in the order of the
 * params. */
void nets_count(struct network *net, double start);

/* Asserts that both networks have the same params with the same bytes. */
void nets_same(const struct network *a, const struct network *b);

/* Asserts that err holds exactly one mistake of that status, and that its text contains all words of `parts` (separated by '|'). Empties
 * err. */
void nets_expect(struct error *err, enum exit_status status, const char *parts);

#endif
