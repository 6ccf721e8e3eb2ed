/* layercase: the single-layer cases of the ONNX backend tests, as converted to JSON in the shared data (layer-cases/FORMAT.txt). */
#ifndef DLNET_TESTS_LAYERCASE_H
#define DLNET_TESTS_LAYERCASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

#define LAYERCASE_TENSORS 6

struct layercase_tensor {
    int dim[8], n_dims;
    size_t size;
    real *data; /* owned by the case */
};

struct layercase {
    struct layercase_tensor input[LAYERCASE_TENSORS], output[LAYERCASE_TENSORS];
    int n_inputs, n_outputs;
    void *json;
};

/* Reads "test_<name>.json"; false: the data isn't there (then skip()). Asserts (cmocka) that it is well-formed. */
bool layercase_open(struct layercase *c, const char *name);
void layercase_close(struct layercase *c);

/* Number i of an attribute of the (first) node; missing when it is absent. */
double layercase_attribute(const struct layercase *c, const char *name, int i, double missing);
/* A text attribute, or "". */
const char *layercase_text(const struct layercase *c, const char *name);

/* Asserts |a − b| ≤ 1e-7 + 1e-5·|b| for all elements of a case's tensor. */
void layercase_expect(const struct layercase_tensor *want, const real *got, const char *what);

#endif
