/* The gradient of [region] against central differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gradcheck.h"

static void check(const char *keys, double range, int boxes)
{
    char *cfg = mem_format("[net]\nwidth=5\nheight=4\nchannels=16\n[region]\nclasses=3\nnum=2\nanchors=1,1, 2.5,1.5\n%s\n", keys);
    const struct gradcheck_options o = {.batch = 2, .seed = 9, .low = -range, .high = range, .boxes = boxes};
    gradcheck_cfg(cfg, &o);
    free(cfg);
}

static void test_region(void **state)
{
    (void)state;
    check("softmax=1", 2, 3);
    check("softmax=0", 2, 3);
    check("softmax=1\nbias_match=1\nobject_scale=5\nnoobject_scale=.5\nclass_scale=2\ncoord_scale=3\nthresh=.1", 2, 3);
    check("softmax=1\nbias_match=1", 1, 12); /* several truths in a cell: the last wins */
    check("softmax=1\nmax=1", 2, 3);
    check("softmax=1", 30, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_region)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
