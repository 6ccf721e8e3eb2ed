/* network: the layer array, its memory and the two walks over it. */
#ifndef DLNET_NET_NETWORK_H
#define DLNET_NET_NETWORK_H

#include "net/layer.h"
#include "net/net_options.h"

struct network {
    struct config config;       /* owned: the text this was built from */
    struct net_options options; /* of [net] */
    struct layer *layer;
    int n_layers;
    struct tensor input;  /* "image": n × channels × height × width */
    struct param **param; /* all params, in the layers' order */
    int n_params;

    /* Set by heads for the loader (Darknet keeps these keys in the head's section). */
    double jitter, resize;
    int random;
    int max_boxes;

    char **names;  /* class names, n_classes of them, or NULL; owned */
    int n_classes; /* of the heads or of the classifier's output; 0: neither */

    uint64_t seen; /* images trained on, over all runs (Darknet's header field) */
    uint64_t seed;
    bool training; /* planned for training */
    bool folded;
    bool drawn;          /* all params have their initial values, or those of a file */
    bool packed;         /* for good: network_pack with last */
    bool grads_are_zero; /* nothing has been added to the gradients since they were zeroed */
    bool input_gradient; /* see network_want_input_gradient */
    int frozen_up_to;    /* layers with a smaller index don't learn (stopbackward) */
    void *arena;         /* all tensors and buffers */
    size_t arena_bytes;
    size_t param_bytes; /* values, and gradients when training */
};

/* Builds the layers of a config, with initial weights from seed. Takes the config over (also on failure). All mistakes of the file are
 * added to err. NULL on failure. The shapes are those of batch 1 at the size of [net]; no activation memory yet. */
struct network *network_build(struct config *config, uint64_t seed, struct error *err);
/* The same for who loads a model file next (weights_read, model_load_params): weights aren't drawn, only those that the file doesn't hold.
 */
struct network *network_build_to_load(struct config *config, uint64_t seed, struct error *err);

/* Plans and allocates memory for `batch` images a forward pass of w × h (0: the size of [net]). May be called again (multi-scale, last
 * batch). -1: a shape doesn't fit, or no memory: the error says how much was needed. */
int network_plan(struct network *net, int batch, int w, int h, bool training, struct error *err);

/* Bytes that network_plan would allocate for activations and buffers, without doing it. */
int network_plan_bytes(struct network *net, int batch, int w, int h, bool training, size_t *bytes, struct error *err);

/* Also keep the gradient of the network's input (gradient checks). Call before network_plan. */
void network_want_input_gradient(struct network *net);

/* Inference only: fold batch norm into the weights. Idempotent; the params no longer hold what was loaded. */
void network_fold(struct network *net);

/* After network_fold and network_plan: brings weights into the form that is read fastest, which pays from a few dozen walks of few images
 * on and changes no bit of a result. last: no network_plan follows, and the plain weights that are no longer needed are freed. */
void network_pack(struct network *net, bool last);

/* Copies the input of all images of the plan: n × channels × height × width numbers. */
void network_set_input(struct network *net, const float *x);

/* Walks. network_forward returns the loss: sum over the images of all loss layers (0 without targets). The input stands in net->input.x. */
double network_forward(struct network *net, const struct run *run);
void network_backward(struct network *net, const struct run *run);
/* One layer of them, for whoever times or looks at what lies between. network_forward calls the first for each layer in order, and
 * network_backward the second for each in reverse order (it leaves out those that have no backward). */
double network_forward_layer(struct network *net, int i, const struct run *run);
void network_backward_layer(struct network *net, int i, const struct run *run);
/* Does nothing when the optimiser has done it already. Whoever writes to a grad without network_backward clears grads_are_zero. */
void network_zero_grads(struct network *net);

/* Runs forward again, layer by layer, and returns the index of the first layer whose output or loss isn't finite, or −1. */
int network_find_nonfinite(struct network *net, const struct run *run);

/* The first layer that needs a fit (struct layer_fit) and hasn't had it: the network can't answer yet. NULL: none. */
struct layer *network_unfitted(const struct network *net);

/* Whether there are running statistics of batches (not frozen), which a pass in MODE_CALIBRATE makes anew. */
bool network_has_batch_statistics(const struct network *net);

/* The layer whose output is the answer: the last one that is not a [cost] without probabilities of its own. */
struct layer *network_output(struct network *net);

/* Detection network: has a layer with .detect. All heads' detections of one image, boxes as fractions of the network's input. */
bool network_is_detector(const struct network *net);
void network_detect(const struct network *net, int image, double threshold, struct detections *out);

void network_free(struct network *net);

#endif
