#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nets.h"

struct network *nets_build(const char *cfg_text, uint64_t seed)
{
    struct error err = ERROR_INIT;
    struct config config;
    if (config_parse(&config, "test.cfg", cfg_text, &err) != 0)
        fail_msg("%s", err.text);
    struct network *net = network_build(&config, seed, &err);
    if (!net)
        fail_msg("%s", err.text);
    return net;
}

void nets_count(struct network *net, double start)
{
    size_t at = 0;
    for (int i = 0; i < net->n_params; i++)
        for (size_t k = 0; k < shape_size(net->param[i]->shape); k++)
            net->param[i]->value[k] = (real)(start + (double)at++ / 64);
}

void nets_same(const struct network *a, const struct network *b)
{
    assert_int_equal(a->n_params, b->n_params);
    for (int i = 0; i < a->n_params; i++) {
        assert_string_equal(a->param[i]->name, b->param[i]->name);
        assert_int_equal(shape_size(a->param[i]->shape), shape_size(b->param[i]->shape));
        assert_memory_equal(a->param[i]->value, b->param[i]->value, shape_size(a->param[i]->shape) * sizeof(real));
    }
}

void nets_expect(struct error *err, enum exit_status status, const char *parts)
{
    if (err->count != 1 || err->status != status)
        fail_msg("%d mistakes, status %d, expected one of status %d: %s", err->count, err->status, status, err->text);
    char *copy = mem_string(parts), *rest = NULL;
    for (char *part = strtok_r(copy, "|", &rest); part; part = strtok_r(NULL, "|", &rest))
        if (!strstr(err->text, part))
            fail_msg("expected \"%s\" in: %s", part, err->text);
    free(copy);
    *err = ERROR_INIT;
}
