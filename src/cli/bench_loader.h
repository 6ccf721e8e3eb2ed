/* bench_loader: how fast training data are read, decoded and augmented. */
#ifndef DLNET_CLI_BENCH_LOADER_H
#define DLNET_CLI_BENCH_LOADER_H

#include "cli/cli.h"

/* Times the loader of the training of net: `passes` times over its data (0: two seconds, at least once), after one pass that warms up.
 * Prints images a second. 0 or −1. */
int bench_loader(struct network *net, const struct cli_common *common, long passes, struct error *err);

#endif
