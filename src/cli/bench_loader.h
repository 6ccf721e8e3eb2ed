/* bench_loader: how fast training data are read, decoded and augmented. */
#ifndef DLNET_CLI_BENCH_LOADER_H
#define DLNET_CLI_BENCH_LOADER_H

#include "cli/cli.h"

/* Times the loader of the training of net: `passes` times over its data (0: two seconds, at least once), after one pass that warms up.
 * Prints images a second. 0 or −1. */
int bench_loader(struct network *net, const struct cli_common *common, long passes, struct error *err);

/* Times training steps fed by the loader, against the same on data held in memory (diagnose/feed.h): `reps` of each (0: its default).
 * batch 0: batch / subdivisions of [net]. Prints both and their ratio. 0 or −1. */
int bench_feed(struct network *net, const struct cli_common *common, int batch, int reps, struct error *err);

#endif
