/* freeze: the key freeze= of [net]: which layers keep their parameters. */
#ifndef DLNET_NET_FREEZE_H
#define DLNET_NET_FREEZE_H

#include "net/network.h"

/* Once all layers are set up: the params of the layers that freeze= names get lr_mult 0. A mistake in freeze= is told. */
int freeze_apply(struct network *net, struct error *err);

#endif
