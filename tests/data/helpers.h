/* helpers: what the tests of data/ share. Include after cmocka.h. */
#ifndef DLNET_TESTS_DATA_HELPERS_H
#define DLNET_TESTS_DATA_HELPERS_H

#include <stdlib.h>

#include "base/mem.h"
#include "data/dataset.h"
#include "image/codec.h"

/* [data] from text, in a cfg that pretends to stand in `folder`. */
static inline struct data_options options_from(const char *folder, const char *keys)
{
    struct error err = ERROR_INIT;
    struct config c;
    char *text = mem_format("[net]\nwidth=8\n[data]\n%s\n", keys), *path = mem_format("%s/test.cfg", folder);
    assert_int_equal(config_parse(&c, path, text, &err), 0);
    struct data_options o;
    if (data_options_read(&o, &c, NULL, &err) != 0)
        fail_msg("%s", err.text);
    config_free(&c);
    free(text);
    free(path);
    return o;
}

static inline void write_image(const char *path, int w, int h, int value)
{
    struct error err = ERROR_INIT;
    struct image im;
    assert_int_equal(image_new(&im, w, h, 3, value, &err), 0);
    if (codec_write(&im, path, &err) != 0)
        fail_msg("%s", err.text);
    image_free(&im);
}

#endif
