/* param: all that is trained or saved is one of these. Optimisers, model files, info, freezing, gradient checks walk params and know no
 * layer. */
#ifndef DLNET_NET_PARAM_H
#define DLNET_NET_PARAM_H

#include <stdint.h>

#include "base/tensor.h"

enum param_role {
    PARAM_WEIGHT,    /* decays */
    PARAM_BIAS,      /* biases, scales and shifts of normalisation: no decay by default */
    PARAM_STATISTIC, /* running mean and variance: saved, never trained; grad NULL */
};

enum init_kind {
    INIT_KEPT, /* 0, or what the layer's setup has written */
    INIT_ONE,
    INIT_ZERO,
    INIT_NORMAL,        /* N(0, sigma²) */
    INIT_UNIFORM,       /* U(±sigma·√3), whose deviation is sigma */
    INIT_HE_NORMAL,     /* N(0, 2/fan_in), He 2015 eq. 10 */
    INIT_HE,            /* U(±√(6/in)) */
    INIT_XAVIER_NORMAL, /* N(0, 2/(in+out)), Glorot 2010 eq. 12 */
    INIT_XAVIER,        /* U(±√(6/(in+out))), Glorot 2010 eq. 16 */
    INIT_LECUN,         /* U(±√(3/in)) */
    INIT_ORTHOGONAL,    /* rows (or columns, where there are fewer) orthogonal and of length 1: math/orthogonal.h */
};

struct param_init {
    enum init_kind kind;
    uint64_t seed, number;
    double sigma; /* of INIT_NORMAL and INIT_UNIFORM */
};

struct param {
    char *name; /* "3.convolutional.weight": layer index, section name, what; owned */
    enum param_role role;
    struct shape shape;  /* of a weight: shape.n neurons, each with the rest as its incoming weights */
    real *value;         /* owned by the layer */
    real *grad;          /* NULL: a statistic, or the network isn't planned for training; sum over the images since network_zero_grads */
    float lr_mult;       /* 0: frozen */
    float decay_mult;    /* 1 for weights, 0 for biases and scales */
    float max_norm;      /* each neuron's incoming weights are kept within this norm; 0: not */
    int fan_in, fan_out; /* of a weight: inputs and outputs of one neuron */
    struct param_init init;
};

/* Says how p begins: from the generator keyed (seed, RNG_INIT, number); number is unique among a network's params. */
void param_init(struct param *p, enum init_kind kind, uint64_t seed, uint64_t number);
/* Fills value so. */
void param_draw(struct param *p);

#endif
