/* weights: Darknet's .weights files, read and written. */
#ifndef DLNET_NET_WEIGHTS_H
#define DLNET_NET_WEIGHTS_H

#include "net/network.h"

/* Reads a .weights file into the params of the first n_layers layers (0: all). Header: int32 major, minor, revision; images seen as u64
 * when major·10 + minor ≥ 2 (and both < 1000), else u32; connected weights are transposed in the file when major or minor > 1000. A file
 * that is too short or too long for the network is an error that says by how much; with n_layers > 0 a longer file is right. Layers with
 * dontload=1 are skipped over. Non-finite values are an error that names the layer. */
int weights_read(struct network *net, const char *path, int n_layers, struct error *err);

/* The same for training that starts from another model: a file that fits when the network's heads have another number of classes is right,
 * too; the layers that make the heads' numbers then keep their initial weights. Says in layer.loaded what was filled. */
int weights_start_from(struct network *net, const char *path, int n_layers, struct error *err);

/* Writes version 0.2.5 of the first n_layers layers (0: all), atomically. */
int weights_write(const struct network *net, const char *path, int n_layers, struct error *err);

#endif
