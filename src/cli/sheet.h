/* sheet: a picture of what each augmentation does: one row of each, samples before and after it side by side. */
#ifndef DLNET_CLI_SHEET_H
#define DLNET_CLI_SHEET_H

#include "data/loader.h"

/* base: the loader's options for the training with all of its augmentation. names: of the classes, or empty. Writes path (.png). 0 or −1.
 */
int sheet_write(const struct dataset *d, const struct loader_options *base, const struct text_list *names, const char *path,
                struct error *err);

#endif
