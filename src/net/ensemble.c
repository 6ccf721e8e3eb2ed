#include "net/ensemble.h"

#include <string.h>

static int check_pair(const struct network *a, const struct network *b, const char *a_path, const char *b_path, struct error *err)
{
    if (network_is_detector(a) != network_is_detector(b))
        return error_add(err, EXIT_DATA, "%s is a %s, but %s is a %s; expected models of one kind", b_path,
                         network_is_detector(b) ? "detector" : "classifier", a_path, network_is_detector(a) ? "detector" : "classifier");
    if (a->n_classes != b->n_classes)
        return error_add(err, EXIT_DATA, "%s has %d classes, but %s has %d; expected models of the same classes", b_path, b->n_classes,
                         a_path, a->n_classes);
    for (int k = 0; k < a->n_classes && a->names && b->names; k++)
        if (strcmp(a->names[k], b->names[k]) != 0)
            return error_add(err, EXIT_DATA, "class %d is '%s' in %s, but '%s' in %s; expected models of the same classes", k, b->names[k],
                             b_path, a->names[k], a_path);
    return 0;
}

int ensemble_check(struct network *const *net, char *const *path, int n, struct error *err)
{
    for (int i = 1; i < n; i++) {
        if (check_pair(net[0], net[i], path[0], path[i], err) != 0)
            return -1;
        /* the sizes of build, batch 1: the outputs of an image */
        const size_t a = shape_each(network_output(net[0])->out.shape), b = shape_each(network_output(net[i])->out.shape);
        if (!network_is_detector(net[0]) && a != b)
            return error_add(err, EXIT_DATA, "%s has %zu outputs, but %s has %zu", path[i], b, path[0], a);
    }
    return 0;
}

void ensemble_mean(struct network *const *net, int n, real *out)
{
    const size_t size = shape_size(network_output(net[0])->out.shape);
    for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (int k = 0; k < n; k++)
            sum += (double)network_output(net[k])->out.x[i];
        out[i] = (real)(sum / n);
    }
}
