/* dropblock: masks that drop squares of neighbours (Ghiasi, Lin, Le 2018, algorithm 1), each plane its own. */
#ifndef DLNET_MATH_DROPBLOCK_H
#define DLNET_MATH_DROPBLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Probability that a square starts at a position where it fits (equation 1), so that about `probability` of h × w is dropped. block ≤ h, w.
 */
double dropblock_gamma(double probability, int h, int w, int block);

/* mask[planes × h × w]: 0 in the dropped squares, else 1; kept[planes]: ones of each plane. In parallel. */
void dropblock_mask(uint64_t key, double probability, size_t planes, int h, int w, int block, unsigned char *mask, int *kept);

#endif
