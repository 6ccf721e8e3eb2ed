/* net_options: the keys of [net] (or [network]): input size, training plan, online augmentation. */
#ifndef DLNET_NET_NET_OPTIONS_H
#define DLNET_NET_NET_OPTIONS_H

#include <stdint.h>

#include "config/option.h"

enum policy {
    POLICY_CONSTANT,
    POLICY_STEP,
    POLICY_STEPS,
    POLICY_EXP,
    POLICY_POLY,
    POLICY_SGDR,
    POLICY_SNAPSHOT,
    POLICY_SIG,
    POLICY_SIGMOID, /* Darknet's name of sig */
    POLICY_RANDOM,
    POLICY_COSINE,
    POLICY_ONE_CYCLE,
    POLICY_ONECYCLE, /* the same */
    POLICY_PLATEAU,
};

/* AUTO stands only until the network is built. */
enum optimizer_kind {
    OPTIMIZER_AUTO,
    OPTIMIZER_SGD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_NESTEROV,
    OPTIMIZER_ADAGRAD,
    OPTIMIZER_RMSPROP,
    OPTIMIZER_ADAM,
    OPTIMIZER_ADAMW,
};
enum decay_mode { DECAY_AUTO, DECAY_L2, DECAY_DECOUPLED };
enum plateau_watch { PLATEAU_LOSS, PLATEAU_METRIC };

enum best_metric {
    BEST_AUTO,
    BEST_LOSS,
    BEST_TOP1,
    BEST_TOP5,
    BEST_MAP50,
    BEST_MAP,
    BEST_PRECISION,
    BEST_RECALL,
    BEST_ACCURACY,
    BEST_EXACT,
    BEST_RMSE,
    BEST_MAE
};
extern const char *const best_metric_names[]; /* in that order */

struct net_options {
    /* input */
    int batch, subdivisions; /* images an update, in that many forward passes */
    int sampler;             /* position in "shuffle", "stratified", "balanced", "weighted" (enum sampler_kind) */
    struct option_floats sampler_weights;
    int width, height, channels;
    int inputs; /* Darknet's key for vectors: channels = inputs, width = height = 1; 0: not given */

    /* optimiser */
    int optimizer;
    int adam; /* Darknet's optimizer=adam */
    double learning_rate, learning_rate_min, momentum, rho, beta1, beta2, eps;
    double B1, B2; /* Darknet's names of beta1 and beta2 */
    int bias_correction;

    /* regularisation, in the order of an update */
    double noise, noise_gamma;
    double clip_norm, clip; /* 0: none */
    double decay, l1;
    int decay_mode;
    double max_norm; /* 0: none */

    /* learning-rate policy, by iteration (updates done) */
    int policy;
    double burn_in, power, gamma, scale;
    int step;
    struct option_ints steps;
    struct option_floats scales;
    int sgdr_cycle;
    double sgdr_mult;
    int snapshots; /* cycles of policy=snapshot */
    double cycle_rise, cycle_div, cycle_final_div;
    double plateau_factor, plateau_threshold;
    int plateau_patience, plateau_watch;
    int lr_scale_batch; /* 0: the rate doesn't follow the batch */

    /* length */
    int max_batches; /* updates; 0: not given */
    int epochs;      /* 0: not given */

    int winograd; /* 0: 3 × 3 convolutions by sums of products alone; slower, and a digit or two more exact */

    int precision; /* position in "fp32", "bf16": of the factors of convolutions (enum conv_precision) */

    /* validation and log */
    int valid_every; /* iterations between validations; 0: once an epoch (at least every 50 iterations) */
    int log_every;   /* iterations between rows of metrics.csv; 0: every valid_every / 10, at least 1 */
    int save_every;  /* iterations between checkpoints; 0: at every validation, and once a minute */
    int64_t seed;
    int best_metric; /* enum best_metric: which figure chooses best.safetensors */
    int patience;    /* validations without a better one, after which the training ends; 0: never */

    /* means of the weights */
    double ema, ema_alpha; /* decay of the moving average; 0: none; ema_alpha: Darknet's key, ema= wins */
    double swa_start;      /* below 1: share of the training, else an iteration; 0: none */
    int swa_every;         /* 0: once an epoch */

    char *freeze; /* layers that keep their parameters: see freeze.h */
    int init;     /* of init_names; 0: by the activation */
    double init_sigma;
    double label_smooth_eps; /* of the classifiers' losses */

    /* augmentation, training only */
    int flip;
    double angle;                /* degrees, ± */
    double saturation, exposure; /* factor in [1/v, v] */
    double hue;                  /* ± of the circle */
    double aspect;               /* classification: aspect ratio in [1/v, v] */
    int min_crop, max_crop;      /* classification: shorter side is scaled to a size in this range before the crop; 0: the net's size */
    double min_ratio, max_ratio; /* the same in parts of the input's width */
    int center;                  /* classification: the crop at the centre alone */
    double jitter;               /* detection; a head's jitter= wins */
    int mosaic, mixup, cutmix;
    int gaussian_noise; /* standard deviation, of 255 */
    int blur;           /* pixels; 1: outside the boxes alone */
    int resize_step;    /* detection with random=1: input sizes are multiples of it */
    int letter_box;     /* also at inference; kept in the model */
};

extern const struct config_key net_option_table[];

#endif
