/* The cache of decoded pictures: its bound, what stays, and that a picture lives while it is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/image_cache.h"

/* A picture of 10 × 10 grey pixels that are all `value`. */
static struct picture *make(int value)
{
    struct image im;
    assert_int_equal(image_new(&im, 10, 10, 1, value, NULL), 0);
    return picture_new(im);
}

static void put(struct image_cache *c, int i)
{
    struct picture *p = make(i + 1);
    image_cache_put(c, i, p);
    picture_release(p);
}

/* Whether it is there, as it was put in. */
static bool has(struct image_cache *c, int i)
{
    struct picture *p = image_cache_get(c, i);
    const bool there = p != NULL;
    if (there)
        assert_int_equal(p->im.data[99], i + 1);
    picture_release(p);
    return there;
}

static void test_first(void **state)
{
    (void)state;
    struct image_cache *c = image_cache_new(8, 399, CACHE_FIRST);
    for (int i = 0; i < 8; i++) {
        put(c, i);
        assert_true(image_cache_bytes(c) <= 399);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(has(c, i), i < 3);
    put(c, 1); /* another copy of the same changes nothing */
    assert_int_equal(image_cache_bytes(c), 300);
    image_cache_free(c);
}

static void test_recent(void **state)
{
    (void)state;
    struct image_cache *c = image_cache_new(8, 350, CACHE_RECENT);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 8; i++) {
            put(c, i);
            assert_true(image_cache_bytes(c) <= 350);
            assert_true(has(c, i));
        }
    for (int i = 0; i < 8; i++)
        assert_int_equal(has(c, i), i >= 5);
    image_cache_free(c);
}

/* All stay, or at the bound none of them and then the recent ones. */
static void test_all(void **state)
{
    (void)state;
    struct image_cache *c = image_cache_new(4, 400, CACHE_ALL);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4; i++)
            put(c, i);
    for (int i = 0; i < 4; i++)
        assert_true(has(c, i));
    assert_int_equal(image_cache_bytes(c), 400);
    image_cache_free(c);
    c = image_cache_new(8, 350, CACHE_ALL);
    for (int i = 0; i < 3; i++)
        put(c, i);
    struct picture *used = image_cache_get(c, 0);
    put(c, 3);
    for (int i = 0; i < 8; i++)
        assert_int_equal(has(c, i), i == 3);
    assert_int_equal(used->im.data[99], 1); /* who uses one keeps it */
    picture_release(used);
    for (int i = 4; i < 8; i++)
        put(c, i);
    for (int i = 0; i < 8; i++)
        assert_int_equal(has(c, i), i >= 5);
    assert_int_equal(image_cache_bytes(c), 300);
    image_cache_free(c);
}

static void test_too_large(void **state)
{
    (void)state;
    for (int kind = CACHE_FIRST; kind <= CACHE_ALL; kind++) {
        struct image_cache *c = image_cache_new(2, 99, (enum image_cache_kind)kind);
        put(c, 0);
        assert_false(has(c, 0));
        assert_int_equal(image_cache_bytes(c), 0);
        image_cache_free(c);
    }
}

/* Its user keeps a picture that had to make room, and the cache itself goes. */
static void test_users(void **state)
{
    (void)state;
    struct image_cache *c = image_cache_new(3, 100, CACHE_RECENT);
    put(c, 0);
    struct picture *p = image_cache_get(c, 0);
    put(c, 1);
    assert_false(has(c, 0));
    assert_int_equal(p->im.data[5], 1);
    image_cache_free(c);
    assert_int_equal(p->im.data[99], 1);
    picture_release(p);
    picture_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_first), cmocka_unit_test(test_recent), cmocka_unit_test(test_all),
                                       cmocka_unit_test(test_too_large), cmocka_unit_test(test_users)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
