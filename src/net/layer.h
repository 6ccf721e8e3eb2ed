/* layer: what a cfg section is while the program runs.
 *
 * A layer type is one file in layer/ that fills one struct layer_type, and one line in layer/types.c. Its life:
 *   1. the option table fills `state` from the section;
 *   2. setup: cross-checks, registers parameters (layer_param) in the order in which Darknet stores them; the input shapes are known;
 *   3. shape: sets out.shape from in[]->shape and asks for buffers (layer_buffer); called again at every change of batch or input size,
 *      and before setup's parameters are used, so parameter sizes may depend only on channels (connected: on the first size it sees);
 *   4. forward and backward: no allocation, no error.
 */
#ifndef DLNET_NET_LAYER_H
#define DLNET_NET_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/tensor.h"
#include "box/box.h"
#include "config/config.h"
#include "config/option.h"
#include "net/param.h"

struct network;
struct layer;

/* MODE_CALIBRATE: as in evaluation, but layers that keep statistics of batches normalise with this batch's and fold them into theirs by
 * `share` (the network is planned for training). */
enum mode { MODE_EVAL, MODE_TRAIN, MODE_CALIBRATE };

/* What a batch is to be compared with. NULL pointers: not given (inference). */
struct targets {
    const real *label; /* n × n_labels: class probabilities (soft labels allowed) or regression targets */
    int n_labels;
    const struct truth_box *box; /* image i owns box[box_start[i]] .. box[box_start[i + 1] − 1] */
    const int *box_start;        /* n + 1 offsets */
};

/* One walk over the layers. An argument, never a global. */
struct run {
    enum mode mode;
    uint64_t seed, step;           /* step counts forward passes in training (iteration × subdivisions + part) */
    const struct targets *targets; /* NULL: no loss is computed */
    double share;                  /* MODE_CALIBRATE: of this batch in the statistics: statistic += share * (batch's - statistic) */
    bool stochastic;               /* in MODE_EVAL: the dropout family draws as in training (Monte-Carlo dropout) */
};

/* Whether the dropout family draws its noise in this run. */
static inline bool run_is_noisy(const struct run *run)
{
    return run->mode == MODE_TRAIN || run->stochastic;
}

enum buffer_life {
    BUFFER_SCRATCH, /* valid inside one forward or one backward call; contents undefined at entry */
    BUFFER_SAVED,   /* written by forward, read by the backward of the same step; in a network planned for inference like scratch */
};
struct buffer {
    size_t bytes;
    enum buffer_life life;
    void *p; /* placed by net/plan, 64-byte aligned; NULL when bytes is 0 */
};
#define LAYER_BUFFERS 8

/* Keys that every layer section accepts. */
struct layer_common {
    int stopbackward; /* no gradient passes below this layer */
    int dontload;     /* its parameters stay as initialised when weights are loaded */
    double lr_mult;   /* learning rate of its parameters; 0: frozen */
    double decay_mult;
    int init;          /* of init_names; 0: as in [net], or by the activation */
    double init_sigma; /* below 0: that of [net] */
    char *prior;       /* "data", probabilities, or empty */
    double max_norm;   /* of each neuron's incoming weights; 0: none, −1: as [net] says */
};
extern const struct config_key layer_common_options[];

/* What the fit of a layer found, for people. */
#define FIT_CONSTANTS 4
struct fit_report {
    char text[160];           /* "means and deviations of 13 features" */
    int features;             /* that were looked at */
    int constants;            /* of which so many have one value alone in all the training data */
    int first[FIT_CONSTANTS]; /* the numbers of the first of these */
};
static inline void fit_report_constant(struct fit_report *r, int feature)
{
    if (r->constants < FIT_CONSTANTS)
        r->first[r->constants] = feature;
    r->constants++;
}

/* Layers with statistics of the training set, which is shown to them once before the training begins (train/fit.c), batch by batch, as the
 * layers before them make it. Their setup sets l->fitted. */
struct layer_fit {
    size_t (*bytes)(const struct layer *l);                                                   /* of memory that the fit takes at most */
    void *(*begin)(const struct layer *l, struct error *err);                                 /* sums over the data; NULL: no memory */
    void (*add)(const struct layer *l, void *sums);                                           /* the images in in[0]->x */
    int (*finish)(struct layer *l, void *sums, struct fit_report *report, struct error *err); /* from the sums to the params */
    void (*drop)(void *sums);                                                                 /* frees the sums */
};

struct layer_type {
    const char *name;  /* section name */
    const char *help;  /* one line */
    const char *alias; /* Darknet's other spelling ("conv"), or NULL */
    const struct config_key *options;
    size_t state_size;
    bool own_inputs; /* true: setup_inputs names the inputs; false: one input, the layer before */

    /* Names inputs: adds absolute layer indices to l (layer_input). Called before everything else. */
    int (*setup_inputs)(struct layer *l, struct error *err);
    int (*setup)(struct layer *l, struct error *err);
    int (*shape)(struct layer *l, struct error *err);
    void (*forward)(struct layer *l, const struct run *run);

    /* Adds to in[i]->dx (where not NULL) and to the params' grad (where not NULL); may overwrite out.dx. NULL: no gradient passes. */
    void (*backward)(struct layer *l, const struct run *run);
    /* backward handles l->in_fresh[i] itself: where true, in[i]->dx holds rubbish and is to be overwritten, not added to.
     * false: the network zeroes such a dx before the call. */
    bool backward_overwrites;

    /* Whether this layer's forward (and backward, when planned for training) can do the work of `next` as well, which is the only reader of
     * its output. Then those of `next` are not called, in training or, when planned for inference, in evaluation; forward fills next->out.x
     * instead of out.x, and backward starts from next->out.dx (and may use out.dx). Asks for the buffers that this takes; those of `next`
     * that would be saved are dropped. May be NULL. */
    bool (*absorb)(struct layer *l, const struct layer *next);

    /* For layers whose output consists of parts of their inputs, one input after the other: of an image of input i, numbers *from ..
     * *from + *n − 1. The plan may give a part and what it becomes one place (net/view.h): forward copies what isn't there yet. May be
     * NULL.
     */
    void (*part)(const struct layer *l, int i, size_t *from, size_t *n);

    /* Training, where out_can_be_remade: writes out.x again from what forward saved. The plan then doesn't keep out.x from forward to
     * backward; this is called before the first backward that reads it. */
    void (*remake)(struct layer *l);

    /* Inference only, once after the weights are there: folds what can be folded (batch norm). May be NULL. */
    void (*fold)(struct layer *l);
    /* After fold and shape: see network_pack. The next shape takes it back (not when last). May be NULL. */
    void (*pack)(struct layer *l, bool last);

    /* Heads: adds the detections of one image with score > threshold, from out.x of the last forward. NULL: no head. */
    void (*detect)(const struct layer *l, int image, double threshold, struct detections *out);

    /* For people: which algorithms run for the shape of now, in forward, for the input's gradient and for the weights'. May be NULL. */
    void (*algorithms)(const struct layer *l, const char *name[3]);

    const struct layer_fit *fit; /* NULL: nothing to be found on the training data */

    void (*release)(struct layer *l); /* frees what setup allocated inside state beyond the option fields; may be NULL */
};

/* All layer types, terminated by NULL; defined by layer/types.c. */
extern const struct layer_type *const layer_types[];

/* What makes numbers probabilities. */
enum link { LINK_NONE, LINK_LOGISTIC, LINK_SOFTMAX };

struct layer {
    const struct layer_type *type;
    struct network *net;
    struct config_section *section;
    int index; /* from 0, [net] and [data] not counted: Darknet's numbers */
    void *state;
    struct layer_common common;

    struct tensor *in[64]; /* outputs of earlier layers, or the network's input */
    int in_layer[64];      /* their layer index; −1: the network's input */
    bool in_fresh[64];     /* see backward_overwrites */
    int n_in;
    struct tensor out;

    struct param *param[12]; /* registered by setup, in Darknet's order */
    int n_params;
    struct param *fitted; /* set by setup where the type has a fit: a statistic of one number, the images that were seen; 0: not fitted */
    struct buffer buffer[LAYER_BUFFERS];

    /* Which values backward reads: the planner may reuse the memory of the others. Default: both true. */
    bool backward_reads_in, backward_reads_out;

    bool out_can_be_remade; /* set by shape: backward of this layer doesn't read out.x, and remake costs little */
    bool remade;            /* set by the plan; then: */
    int remade_for;         /* the layer whose backward is the first to read out.x */
    real *out_forward, *out_again;

    bool loaded;            /* its parameters come from a file */
    bool is_copy;           /* set by setup: the output is the input as it is, so that readers are given that */
    bool unread;            /* set by the plan: such a layer, whose output nobody reads: forward isn't called */
    bool trainable;         /* set by the network: has a param that learns */
    bool runs_backward;     /* set by the plan: backward is called for this layer */
    struct layer *absorbed; /* set by the plan: the next layer, whose work this one does (see absorb); NULL: none */
    bool is_absorbed;       /* the layer before does the work */
    bool is_loss;           /* set by setup: this layer starts a gradient without out.dx */
    bool noisy;             /* set by setup: this layer draws noise in training (the dropout family) */
    bool noisy_last;        /* set by setup: it may do so directly before the answer or a loss */
    int prior_first,
        prior_step;    /* set by setup of detection heads: which of its input's channels are logits of an objectness; step 0: none */
    enum link link;    /* set by setup: the output are probabilities, made by this function */
    double loss;       /* of the last forward with targets: sum over the images, times its weight */
    char figures[120]; /* of the last forward in training, optional: "iou .81 obj .63", for -v */
    double flops;      /* set by shape: multiplications and additions of one image's forward, as Darknet counts them */
};

/* For setup_inputs: adds layer `index` (absolute; −1 is not allowed) as an input; checks that it is an earlier one, else an error at
 * `key`'s line. */
int layer_input(struct layer *l, int index, const char *key, struct error *err);

/* For setup: registers a parameter of that shape, zero-filled. what: "weight", "bias", ... NULL: no memory (err filled). fan_in and fan_out
 * count for weights only. The network owns it. */
struct param *layer_param(struct layer *l, const char *what, enum param_role role, struct shape shape, int fan_in, int fan_out,
                          struct error *err);

/* For shape: asks for a buffer in a slot 0 .. LAYER_BUFFERS−1. */
void layer_buffer(struct layer *l, int slot, enum buffer_life life, size_t count, size_t size);

/* Adds an error at the line of `key` in this layer's section (or the section's line). Always −1. */
int layer_error(const struct layer *l, const char *key, struct error *err, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* True when the network is planned for training. */
bool layer_trains(const struct layer *l);

/* True when the network's input is one row of several columns: a signal. Windows then have one row. */
bool layer_is_1d(const struct layer *l);

/* Images of this run. */
static inline int layer_batch(const struct layer *l)
{
    return l->in[0]->shape.n;
}

#endif
