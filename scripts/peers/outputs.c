/* outputs CFG WEIGHTS INPUT: one image of 32-bit floats through the network of dlnet; what [yolo] layers and [softmax] are given goes to
 * stdout, as 32-bit floats. For scripts that compare it with others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "math/gemm.h"
#include "net/network.h"
#include "net/weights.h"

static int run(struct network *net, const char *input, struct error *err)
{
    network_fold(net);
    if (network_plan(net, 1, 0, 0, false, err) != 0)
        return -1;
    network_pack(net, true);
    size_t size;
    char *bytes = file_read(input, (size_t)1 << 30, &size, err);
    if (!bytes)
        return -1;
    const size_t wanted = shape_size(net->input.shape) * sizeof(real);
    if (size != wanted) {
        mem_free(bytes);
        return error_add(err, EXIT_DATA, "%s: %zu bytes, expected %zu", input, size, wanted);
    }
    memcpy(net->input.x, bytes, size);
    mem_free(bytes);
    const struct run walk = {.mode = MODE_EVAL};
    for (int i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layer[i];
        if (strcmp(l->type->name, "yolo") == 0 || strcmp(l->type->name, "softmax") == 0) /* before the layer runs, which may overwrite it */
            fwrite(l->in[0]->x, sizeof(real), shape_size(l->in[0]->shape), stdout);
        network_forward_layer(net, i, &walk);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: outputs CFG WEIGHTS INPUT\n");
        return EXIT_USAGE;
    }
    gemm_init();
    struct error err = ERROR_INIT;
    struct config config;
    struct network *net = config_read(&config, argv[1], &err) == 0 ? network_build_to_load(&config, 0, &err) : NULL;
    if (!net || weights_read(net, argv[2], 0, &err) != 0 || run(net, argv[3], &err) != 0)
        fprintf(stderr, "outputs: %s\n", err.text);
    network_free(net);
    return err.status;
}
