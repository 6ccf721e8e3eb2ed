/* figures: what `val` has found, as text and as JSON. */
#ifndef DLNET_CLI_FIGURES_H
#define DLNET_CLI_FIGURES_H

#include "base/text.h"
#include "detect/evaluate.h"

/* Tables for people on stdout. names: of the data's classes or targets, where the network has none. */
void figures_text(const struct network *net, const struct text_list *names, const struct evaluation *e);

/* One object on a line of stdout; a figure that doesn't exist is null. −1: err. */
int figures_json(const struct network *net, const struct text_list *names, const struct evaluation *e, struct error *err);

#endif
