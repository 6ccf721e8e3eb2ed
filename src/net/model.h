/* model: .safetensors files that are a whole model: weights, cfg text, class names, input normalisation, training state.
 *
 * The metadata holds, in this order: "format": "dlnet"; "cfg": the text (its [net] says how images are brought to the input: size,
 * letter_box); "cfg_folder": where the cfg stood as the user gave it, for relative paths; "names": a JSON array as text; "seen"; then what
 * the trainer adds ("train.*"). Tensors: each param under its name, always with four numbers of shape (n, c, h, w), in the order of the
 * params; then the trainer's slots under "slot.<name>.<param>" or another name that starts with a word. No time, path of a run or thread
 * count: the same training gives the same bytes. The file format itself is in safetensors.h. */
#ifndef DLNET_NET_MODEL_H
#define DLNET_NET_MODEL_H

#include "net/network.h"

/* Additional tensors and strings that a checkpoint carries besides the params. Names and values are borrowed. */
struct model_tensor {
    const char *name;
    struct shape shape;
    real *data;
};
struct model_text {
    const char *key, *value;
};
struct model_extra {
    struct model_tensor *tensor;
    int n_tensors;
    struct model_text *text;
    int n_texts;
};

/* Writes atomically. extra may be NULL. The network must not be folded. */
int model_write(const struct network *net, const char *path, const struct model_extra *extra, struct error *err);

/* Opened file: header parsed and checked (lengths, offsets, overlaps, dtype F32 only, sizes against the file). */
struct model_file;
struct model_file *model_open(const char *path, struct error *err);
void model_close(struct model_file *m);

const char *model_text(const struct model_file *m, const char *key); /* metadata string, or NULL */
/* Copies a tensor of exactly that shape into data. -1: absent or of another shape. */
int model_tensor(const struct model_file *m, const char *name, struct shape shape, real *data, struct error *err);

/* Fills every param of net from the file; each must be there with its shape, and no "N.*" param of the file may be left over. Sets names
 * and seen. */
int model_load_params(const struct model_file *m, struct network *net, struct error *err);

/* The same for training that starts from another model: a layer is filled (layer.loaded) where the file has all its params by number, kind
 * and shape; the others, and those with dontload=1, keep their initial weights. The names are taken only where there are as many as the
 * network has classes. -1: also when no layer fits. */
int model_start_from(const struct model_file *m, struct network *net, struct error *err);

/* Builds the network from the cfg inside (with `sets`, --set assignments) and loads the params. NULL on failure. */
struct network *model_build(const struct model_file *m, const char *path, char *const *sets, int n_sets, struct error *err);

#endif
