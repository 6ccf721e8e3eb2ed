/* exif: the little that the decoder doesn't tell about a JPEG file: does it end as it should, and which way up is it? */
#ifndef DLNET_IMAGE_EXIF_H
#define DLNET_IMAGE_EXIF_H

#include <stdbool.h>
#include <stddef.h>

struct jpeg_outline {
    bool complete;   /* an end-of-image marker closes the picture (what follows it doesn't matter) */
    int orientation; /* 1 .. 8 of EXIF tag 0x0112; 1 when there is none or it makes no sense */
};

/* Walks the markers of a JPEG file (ITU-T T.81, annex B). Never reads outside bytes[0 .. size). */
struct jpeg_outline jpeg_outline(const unsigned char *bytes, size_t size);

/* Orientation in the TIFF structure that follows "Exif\0\0" (EXIF 2.3, 4.6.4), 1 .. 8; 1 when absent or damaged. */
int exif_orientation(const unsigned char *tiff, size_t size);

#endif
