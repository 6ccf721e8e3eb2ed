/* coco_json: COCO's instances_*.json (https://cocodataset.org/#format-data) read as a stream: what stands in memory afterwards is the
 * little that a data set needs, whatever the polygons' size. Knows nothing of samples. */
#ifndef DLNET_DATA_COCO_JSON_H
#define DLNET_DATA_COCO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct coco_image {
    int64_t id;
    char *file;           /* file_name; owned */
    double width, height; /* 0: not given */
    int line;
};

struct coco_box {
    int64_t id, image, category;
    float edge[4]; /* x, y, width, height in pixels */
    int line;
    bool crowd;
};

struct coco_category {
    int64_t id;
    char *name; /* owned */
    int line;
};

struct coco {
    struct coco_image *image;
    struct coco_box *box;
    struct coco_category *category;
    int n_images, n_boxes, n_categories;
    size_t image_room, box_room, category_room;

    /* What is wrong inside an entry, which is left out: the caller says whether that ends the reading (−1). */
    int (*bad)(void *context, int line, const char *message);
    void *context;
};

/* Reads the file into c, whose bad and context are set. −1: it can't be read, isn't JSON (the line and byte are told), isn't COCO's, or bad
 * said so (then err holds nothing of it). coco_free in any case. */
int coco_read(struct coco *c, const char *path, struct error *err);
void coco_free(struct coco *c);

#endif
