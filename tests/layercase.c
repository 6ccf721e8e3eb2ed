#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "layercase.h"
#include "support.h"

static double number(const cJSON *v)
{
    if (cJSON_IsString(v)) {
        return strstr(v->valuestring, "nan") || strstr(v->valuestring, "NaN") ? NAN : v->valuestring[0] == '-' ? -INFINITY : INFINITY;
    }
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : v->valuedouble;
}

static int read_tensors(const cJSON *list, struct layercase_tensor *out)
{
    int n = 0;
    const cJSON *t;
    cJSON_ArrayForEach(t, list)
    {
        assert_true(n < LAYERCASE_TENSORS);
        struct layercase_tensor *to = &out[n++];
        *to = (struct layercase_tensor){0};
        const cJSON *v;
        size_t size = 1;
        cJSON_ArrayForEach(v, cJSON_GetObjectItem(t, "shape"))
        {
            assert_true(to->n_dims < 8);
            to->dim[to->n_dims++] = v->valueint;
            size *= (size_t)v->valueint;
        }
        to->data = mem_new(size, sizeof(real));
        const cJSON *data = cJSON_GetObjectItem(t, "data");
        if (cJSON_IsArray(data)) {
            cJSON_ArrayForEach(v, data)
            {
                assert_true(to->size < size);
                to->data[to->size++] = (real)number(v);
            }
        } else { /* a scalar */
            to->data[to->size++] = (real)number(data);
        }
        assert_int_equal(to->size, size);
    }
    return n;
}

bool layercase_open(struct layercase *c, const char *name)
{
    *c = (struct layercase){0};
    char *relative = mem_format("layer-cases/test_%s.json", name);
    const char *path = support_data(relative);
    free(relative);
    if (!path) {
        return false;
    }
    struct error err = ERROR_INIT;
    size_t size;
    char *text = file_read(path, 1 << 24, &size, &err);
    assert_non_null(text);
    c->json = cJSON_Parse(text);
    mem_free(text);
    assert_non_null(c->json);
    c->n_inputs = read_tensors(cJSON_GetObjectItem(c->json, "inputs"), c->input);
    c->n_outputs = read_tensors(cJSON_GetObjectItem(c->json, "outputs"), c->output);
    return true;
}

void layercase_close(struct layercase *c)
{
    for (int i = 0; i < LAYERCASE_TENSORS; i++) {
        free(c->input[i].data);
        free(c->output[i].data);
    }
    cJSON_Delete(c->json);
}

static const cJSON *attribute(const struct layercase *c, const char *name)
{
    const cJSON *node = cJSON_GetArrayItem(cJSON_GetObjectItem(c->json, "nodes"), 0);
    return cJSON_GetObjectItem(cJSON_GetObjectItem(node, "attributes"), name);
}

double layercase_attribute(const struct layercase *c, const char *name, int i, double missing)
{
    const cJSON *v = attribute(c, name);
    if (cJSON_IsArray(v)) {
        v = cJSON_GetArrayItem(v, i);
    }
    return v ? number(v) : missing;
}

const char *layercase_text(const struct layercase *c, const char *name)
{
    const cJSON *v = attribute(c, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

void layercase_expect(const struct layercase_tensor *want, const real *got, const char *what)
{
    for (size_t i = 0; i < want->size; i++) {
        const double a = (double)got[i], b = (double)want->data[i];
        if (!(fabs(a - b) <= 1e-7 + 1e-5 * fabs(b))) {
            fail_msg("%s[%zu]: %.9g, expected %.9g", what, i, a, b);
        }
    }
}
