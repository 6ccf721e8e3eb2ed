/* helpers: what the tests of data/ share. Include after cmocka.h. */
#ifndef DLNET_TESTS_DATA_HELPERS_H
#define DLNET_TESTS_DATA_HELPERS_H

#include <stdlib.h>

#include "base/mem.h"
#include "data/dataset.h"
#include "data/recipe.h"
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

/* A recipe with the cfg that it borrows. */
struct recipe_text {
    struct config config;
    struct recipe recipe;
};

/* Of these keys in [augment]. */
static inline struct recipe_text *recipe_from(const char *keys, bool detector)
{
    struct error err = ERROR_INIT;
    struct recipe_text *t = mem_new(1, sizeof *t);
    char *text = mem_format("[net]\nwidth=8\n[augment]\n%s\n", keys);
    const struct net_options o = {0};
    assert_int_equal(config_parse(&t->config, "test.cfg", text, &err), 0);
    if (recipe_read(&t->recipe, &t->config, &o, detector, &err) != 0)
        fail_msg("%s", err.text);
    free(text);
    return t;
}

static inline void recipe_text_free(struct recipe_text *t)
{
    recipe_free(&t->recipe);
    config_free(&t->config);
    free(t);
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
