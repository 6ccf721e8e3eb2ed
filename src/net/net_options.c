#include "net/net_options.h"

#include <math.h>

#include "net/init.h"

/* In the order of their enums. */
static const char *const policies[] = {"constant", "step",   "steps",  "exp",       "poly",     "sgdr",    "snapshot", "sig",
                                       "sigmoid",  "random", "cosine", "one-cycle", "onecycle", "plateau", NULL};
static const char *const optimizers[] = {"auto", "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", NULL};
static const char *const decay_modes[] = {"auto", "l2", "decoupled", NULL};
static const char *const plateau_watches[] = {"loss", "metric", NULL};

const char *const best_metric_names[] = {"auto",   "loss",     "top1",  "top5", "mAP50", "mAP", "precision",
                                         "recall", "accuracy", "exact", "rmse", "mae",   NULL};

/* In the order of enum conv_precision. */
static const char *const precisions[] = {"fp32", "bf16", NULL};

/* In the order of enum sampler_kind. */
static const char *const samplers[] = {"shuffle", "stratified", "balanced", "weighted", NULL};

#define AT(field) offsetof(struct net_options, field)
#define POSITIVE 1, INFINITY
#define NATURAL 0, INFINITY
#define SIZE 0, 65536

const struct config_key net_option_table[] = {
    /* input */
    {"batch", OPTION_INT, AT(batch), "1", 1, 65536, .help = "images an update of the weights"},
    {"subdivisions", OPTION_INT, AT(subdivisions), "1", 1, 65536,
     .help = "parts that a batch is computed in: a forward pass takes batch/subdivisions images"},
    {"sampler", OPTION_CHOICE, AT(sampler), "shuffle", .choices = samplers,
     .help =
         "order of an epoch, always as many images as the data has. shuffle: each once. Of a classifier also: stratified: each once, and "
         "every batch holds the classes in the data's proportions, as evenly as can be; balanced: all classes equally often in each "
         "batch, those of few images repeated; weighted: as sampler_weights= says"},
    {"sampler_weights", OPTION_FLOATS, AT(sampler_weights), "", NATURAL,
     .help = "sampler=weighted: for each class, how often one of its images comes, beside one of another class; 0: never"},
    {"width", OPTION_INT, AT(width), "0", SIZE, .help = "width of the input in pixels (length of a signal)"},
    {"height", OPTION_INT, AT(height), "0", SIZE, .help = "height of the input in pixels"},
    {"channels", OPTION_INT, AT(channels), "0", SIZE, .help = "channels of the input: 3 colour, 1 grey"},
    {"inputs", OPTION_INT, AT(inputs), "0", 0, 1 << 28, .help = "length of an input vector, in place of width, height and channels"},
    {"winograd", OPTION_FLAG, AT(winograd), "1", 0, 1, NULL,
     "0: no Winograd transforms in 3 x 3 convolutions: slower, relative error 5e-7 instead of up to 6e-6"},
    {"precision", OPTION_CHOICE, AT(precision), "fp32", .choices = precisions,
     .help = "bf16: convolutions round inputs, weights and gradients to 8 bits of mantissa before they multiply (relative error 2^-8 each, "
             "so up to 2^-7 of the sum of the products' sizes) and sum in 32 bits; weights, outputs and models stay in 32 bits. Faster "
             "where the processor has AMX, a little with AVX512-BF16 (whose convolutions of 3 x 3 stay in 32 bits: Winograd is faster; "
             "with winograd=0 they don't), slower where it has neither"},
    {"letter_box", OPTION_FLAG, AT(letter_box), "0",
     .help = "1: images keep their aspect ratio, with grey bars, in training and in use; 0: they are stretched to the input"},

    /* optimiser */
    {"learning_rate", OPTION_FLOAT, AT(learning_rate), ".001", NATURAL,
     .help = "learning rate after burn_in, before the policy changes it"},
    {"lr_scale_batch", OPTION_INT, AT(lr_scale_batch), "0", NATURAL,
     .help = "learning_rate is meant for this batch size: every rate is multiplied by batch / lr_scale_batch; 0: not"},
    {"optimizer", OPTION_CHOICE, AT(optimizer), "auto", .choices = optimizers,
     .help =
         "rule of the update from gradient g with learning rate r. sgd: w -= r g; momentum: m = momentum m + g, w -= r m; nesterov: the "
         "same m, w -= r (g + momentum m); adagrad: s += g^2, w -= r g/(sqrt(s) + eps); rmsprop: s = rho s + (1 - rho) g^2, then as "
         "adagrad; adam: see beta1, beta2; adamw: adam with decoupled decay. auto: adam where adam=1, else momentum where momentum= is "
         "above 0, else sgd"},
    {"momentum", OPTION_FLOAT, AT(momentum), ".9", 0, 1, .help = "momentum of optimizer=momentum and nesterov; the others use none"},
    {"rho", OPTION_FLOAT, AT(rho), ".99", 0, 1, .help = "rmsprop: how much of the mean square stays at each update"},
    {"beta1", OPTION_FLOAT, AT(beta1), ".9", 0, .9999999, .help = "adam, adamw: how much of the mean gradient stays at each update"},
    {"beta2", OPTION_FLOAT, AT(beta2), ".999", 0, .9999999, .help = "adam, adamw: how much of the mean squared gradient stays"},
    {"eps", OPTION_FLOAT, AT(eps), "0", NATURAL,
     .help = "adagrad, rmsprop, adam, adamw: added to the root of the (mean) square. Not given: 1e-8, adagrad 1e-10, with adam=1 1e-6"},
    {"bias_correction", OPTION_FLAG, AT(bias_correction), "1",
     .help = "adam, adamw: 1: both means are divided by 1 - beta^t, as they start at zero; 0: they are not"},
    {"adam", OPTION_FLAG, AT(adam), "0", .help = "1: Darknet's way to say optimizer=adam"},
    {"B1", OPTION_FLOAT, AT(B1), ".9", 0, .9999999, .help = "Darknet's name of beta1"},
    {"B2", OPTION_FLOAT, AT(B2), ".999", 0, .9999999, .help = "Darknet's name of beta2"},

    /* regularisation, in the order of an update */
    {"noise", OPTION_FLOAT, AT(noise), "0", NATURAL, .help = "normal noise of this variance is added to each number of the mean gradient"},
    {"noise_gamma", OPTION_FLOAT, AT(noise_gamma), "0", NATURAL,
     .help = "the noise's variance falls with the iteration t: noise / (1 + t)^noise_gamma; .55 is usual"},
    {"clip_norm", OPTION_FLOAT, AT(clip_norm), "0", NATURAL,
     .help = "the gradient of all parameters together is scaled down to this norm where it is longer; 0: not"},
    {"clip", OPTION_FLOAT, AT(clip), "0", NATURAL, .help = "each number of the gradient is cut to -clip .. clip (after clip_norm); 0: not"},
    {"decay", OPTION_FLOAT, AT(decay), ".0001", NATURAL, .help = "weight decay; not on biases and batch-norm scales"},
    {"decay_mode", OPTION_CHOICE, AT(decay_mode), "auto", .choices = decay_modes,
     .help = "l2: the gradient of the penalty decay/2 |w|^2 is added to g; decoupled: w is multiplied by 1 - decay before the step, with "
             "adamw by 1 - learning rate x decay. auto: decoupled for adamw, l2 for all others"},
    {"l1", OPTION_FLOAT, AT(l1), "0", NATURAL, .help = "L1 penalty l1 |w|: adds l1 sign(w) to g; not on biases and batch-norm scales"},
    {"max_norm", OPTION_FLOAT, AT(max_norm), "0", NATURAL,
     .help = "after each update the incoming weights of each neuron are scaled down to this norm where it is larger; 0: not. A layer's own "
             "max_norm= wins"},

    /* learning-rate policy */
    {"policy", OPTION_CHOICE, AT(policy), "constant", .choices = policies,
     .help = "how the learning rate changes with the iteration i (updates done). step: × scale every step= iterations; steps: × scales= at "
             "steps=; exp: × gamma^i; poly: × (1 − i/max_batches)^power; sig (sigmoid): / (1 + e^(gamma (i − step))); random: × u^power, u "
             "uniform in "
             "0..1; cosine: half a cosine down to learning_rate_min at the end; sgdr: the same with warm restarts; snapshot: snapshots= "
             "equal cycles of a cosine down to 0; one-cycle (onecycle): up to "
             "learning_rate, then down, see cycle_rise; plateau: × plateau_factor whenever the validation stops improving"},
    {"burn_in", OPTION_FLOAT, AT(burn_in), "0", NATURAL,
     .help = "warm-up: in the first burn_in iterations the rate is × (i/burn_in)^power"},
    {"power", OPTION_FLOAT, AT(power), "4", -INFINITY, INFINITY, .help = "exponent of burn_in and of policy=poly and random"},
    {"gamma", OPTION_FLOAT, AT(gamma), "1", NATURAL, .help = "factor of each iteration in policy=exp; steepness of policy=sig"},
    {"step", OPTION_INT, AT(step), "1", POSITIVE, .help = "iterations between the steps of policy=step; middle of policy=sig"},
    {"scale", OPTION_FLOAT, AT(scale), "1", NATURAL, .help = "factor of each step of policy=step"},
    {"steps", OPTION_INTS, AT(steps), "", -INFINITY, INFINITY, .help = "iterations at which policy=steps changes the rate"},
    {"scales", OPTION_FLOATS, AT(scales), "", NATURAL, .help = "factors of the rate at steps=, one for each"},
    {"learning_rate_min", OPTION_FLOAT, AT(learning_rate_min), ".00001", NATURAL, .help = "lowest rate of policy=cosine, sgdr and plateau"},
    {"sgdr_cycle", OPTION_INT, AT(sgdr_cycle), "0", NATURAL, .help = "iterations of the first cycle of policy=sgdr; 0: max_batches"},
    {"sgdr_mult", OPTION_FLOAT, AT(sgdr_mult), "2", POSITIVE,
     .help = "each cycle of policy=sgdr is this many times as long as the one before"},
    {"cycle_rise", OPTION_FLOAT, AT(cycle_rise), ".3", 0, 1, .help = "policy=one-cycle: part of the iterations in which the rate rises"},
    {"cycle_div", OPTION_FLOAT, AT(cycle_div), "25", POSITIVE, .help = "policy=one-cycle: it starts at learning_rate / cycle_div"},
    {"cycle_final_div", OPTION_FLOAT, AT(cycle_final_div), "10000", POSITIVE,
     .help = "policy=one-cycle: it ends at its start / cycle_final_div"},
    {"plateau_watch", OPTION_CHOICE, AT(plateau_watch), "loss", .choices = plateau_watches,
     .help = "what policy=plateau watches at each validation: its loss, or its metric (mAP50, top1)"},
    {"plateau_factor", OPTION_FLOAT, AT(plateau_factor), ".1", 0, 1, .help = "policy=plateau: factor of each reduction"},
    {"plateau_patience", OPTION_INT, AT(plateau_patience), "10", NATURAL,
     .help = "policy=plateau: validations without improvement that are waited out; one more reduces the rate"},
    {"plateau_threshold", OPTION_FLOAT, AT(plateau_threshold), ".0001", 0, 1,
     .help = "policy=plateau: only what is better by more than this part counts as an improvement"},

    {"snapshots", OPTION_INT, AT(snapshots), "0", 0, 10000,
     .help = "cycles of policy=snapshot; at the end of each a snapshot-N.safetensors is written, for val and predict to average"},

    /* length */
    {"max_batches", OPTION_INT, AT(max_batches), "0", NATURAL,
     .help = "updates to train for; 0: not limited. With epochs= too, whichever ends first"},
    {"epochs", OPTION_INT, AT(epochs), "0", NATURAL, .help = "passes over the training set to train for; 0: not limited"},

    /* validation and log */
    {"valid_every", OPTION_INT, AT(valid_every), "0", NATURAL,
     .help = "iterations between validations; 0: once an epoch, but not more often than every 50 iterations"},
    {"log_every", OPTION_INT, AT(log_every), "0", NATURAL, .help = "iterations between rows of metrics.csv; 0: a tenth of valid_every"},
    {"save_every", OPTION_INT, AT(save_every), "0", NATURAL,
     .help = "iterations between checkpoints; 0: at every validation, and once a minute"},
    {"seed", OPTION_LONG, AT(seed), "1", NATURAL, .help = "seed of all random numbers; --seed wins"},

    {"best_metric", OPTION_CHOICE, AT(best_metric), "auto", .choices = best_metric_names,
     .help = "figure of the validation that chooses best.safetensors and that patience= waits for; auto: mAP50 of a detector, rmse of a "
             "regression, accuracy of labels, else top1"},
    {"patience", OPTION_INT, AT(patience), "0", NATURAL,
     .help = "training ends after this many validations without a better best_metric; 0: never"},

    /* means of the weights */
    {"ema", OPTION_FLOAT, AT(ema), "0", 0, .999999999,
     .help = "decay of a moving average of the weights (.999), which is validated and saved as best in their place; at the end "
             "ema.safetensors. After update t the decay is at most (1 + t)/(10 + t). 0: none"},
    {"ema_alpha", OPTION_FLOAT, AT(ema_alpha), "0", 0, .999999999, .help = "Darknet's name of ema="},
    {"swa_start", OPTION_FLOAT, AT(swa_start), "0", NATURAL,
     .help = "iteration (below 1: share of the training) from which an equal mean of the weights is kept (SWA); at the end "
             "swa.safetensors, with batch-norm statistics of its own. 0: none"},
    {"swa_every", OPTION_INT, AT(swa_every), "0", NATURAL, .help = "iterations between the weights that swa_start= averages; 0: an epoch"},

    /* transfer */
    {"freeze", OPTION_TEXT, AT(freeze), "",
     .help =
         "layers whose parameters keep their bytes, batch-norm statistics too: N: the first N layers; 0-19,25-25: these ranges, counted "
         "from 0; all-but-heads: all but the last layer with weights before each detection head or loss. Their dropout still draws. "
         "lr_mult=0 in a layer does the same for it"},

    /* initial weights */
    {"init", OPTION_CHOICE, AT(init), "default", 0, 0, init_names,
     "how the weights of all layers begin; biases are 0. default: by the activation: xavier for logistic, tanh and softmax, lecun for "
     "selu, "
     "he_normal for the others. zero; normal: N(0, init_sigma^2); uniform: +-sqrt(3)*init_sigma; xavier: U(+-sqrt(6/(in+out))); "
     "xavier_normal: N(0, 2/(in+out)); he, kaiming: U(+-sqrt(6/in)); he_normal: N(0, 2/in); lecun: U(+-sqrt(3/in)); orthogonal: rows (or "
     "columns) of length 1 at right angles"},
    {"init_sigma", OPTION_FLOAT, AT(init_sigma), ".01", NATURAL, .help = "standard deviation of init=normal and init=uniform"},

    /* loss */
    {"label_smooth_eps", OPTION_FLOAT, AT(label_smooth_eps), "0", 0, 1,
     .help = "label smoothing of every classifier's loss whose section doesn't say otherwise"},

    /* augmentation */
    {"flip", OPTION_FLAG, AT(flip), "1", .help = "1: half of the training images are mirrored left to right"},
    {"angle", OPTION_FLOAT, AT(angle), "0", 0, 360,
     .help = "classification: training images are turned by up to this many degrees, either way"},
    {"saturation", OPTION_FLOAT, AT(saturation), "1", .001, 1000, .help = "saturation is multiplied by a random factor between 1/v and v"},
    {"exposure", OPTION_FLOAT, AT(exposure), "1", .001, 1000, .help = "brightness is multiplied by a random factor between 1/v and v"},
    {"hue", OPTION_FLOAT, AT(hue), "0", 0, 1, .help = "hue is shifted by up to this part of the colour circle, either way"},
    {"aspect", OPTION_FLOAT, AT(aspect), "1", .001, 1000,
     .help = "classification: the aspect ratio is multiplied by a factor between 1/v and v"},
    {"min_crop", OPTION_INT, AT(min_crop), "0", SIZE,
     .help = "classification: before a random crop the shorter side is scaled to min_crop..max_crop pixels; 0: the input's size"},
    {"max_crop", OPTION_INT, AT(max_crop), "0", SIZE, .help = "see min_crop; 0: the input's size"},
    {"min_ratio", OPTION_FLOAT, AT(min_ratio), "0", 0, 1000, .help = "min_crop in parts of the input's width; 0: not given"},
    {"max_ratio", OPTION_FLOAT, AT(max_ratio), "0", 0, 1000, .help = "max_crop in parts of the input's width; 0: not given"},
    {"center", OPTION_FLAG, AT(center), "0", .help = "classification: 1: the largest crop at the centre, always"},
    {"jitter", OPTION_FLOAT, AT(jitter), "0", 0, 1,
     .help = "detection: each edge of the crop moves by up to this part of the image; jitter= of a head wins"},
    {"resize_step", OPTION_INT, AT(resize_step), "32", 1, 65536,
     .help = "detection: with random=1 in a head the sizes of the input are multiples of this; what the layers' strides need"},
    {"mosaic", OPTION_FLAG, AT(mosaic), "0", .help = "1: half of the training inputs are put together from four images"},
    {"mixup", OPTION_FLAG, AT(mixup), "0", .help = "1: half of the training inputs are the mean of two images, and of their labels"},
    {"cutmix", OPTION_FLAG, AT(cutmix), "0",
     .help = "1: half of the training inputs have a rectangle of another image in them, .3 to .8 of each side; labels by area"},
    {"gaussian_noise", OPTION_INT, AT(gaussian_noise), "0", 0, 65536,
     .help = "half of the training inputs get normal noise of this standard deviation (of 255; at most 127)"},
    {"blur", OPTION_INT, AT(blur), "0", 0, 65536,
     .help = "a third of the training inputs are blurred over so many pixels (1: as the next), another third outside their boxes over 17 "
             "pixels"},

    /* Keys of the Darknet forks that would change training. The fallback is the neutral value. */
    {"time_steps", OPTION_UNSUPPORTED, 0, "1", .help = "length of the sequences of recurrent layers"},
    {"random", OPTION_UNSUPPORTED, 0, "0", .help = "classification: input size changes at random"},
    {"notruth", OPTION_UNSUPPORTED, 0, "0", .help = "training without labels"},
    {"track", OPTION_UNSUPPORTED, 0, "0", .help = "training on successive frames of a video"},
    {"seq_scales", OPTION_UNSUPPORTED, 0, "1", .help = "sequence length factors at steps="},
    {"contrastive", OPTION_UNSUPPORTED, 0, "0", .help = "contrastive learning"},
    {"unsupervised", OPTION_UNSUPPORTED, 0, "0", .help = "contrastive learning without labels"},
    {"adversarial_lr", OPTION_UNSUPPORTED, 0, "0", .help = "adversarial training"},
    {"dynamic_minibatch", OPTION_UNSUPPORTED, 0, "0", .help = "multi-scale training: more images a pass when they are small"},
    {"weights_reject_freq", OPTION_UNSUPPORTED, 0, "0", .help = "undoes updates of weights that grew"},
    {"equidistant_point", OPTION_UNSUPPORTED, 0, "0", .help = "iteration from which bad labels are rejected or gradients levelled"},
    {"badlabels_rejection_percentage", OPTION_UNSUPPORTED, 0, "0", .help = "leaves out the labels with the largest errors"},
    {"num_sigmas_reject_badlabels", OPTION_UNSUPPORTED, 0, "0", .help = "leaves out the labels with the largest errors"},

    /* Keys of the Darknet forks that change nothing here. */
    {"augment_speed", OPTION_IGNORED, .help = "belongs to track=1, which isn't supported in this version"},
    {"sequential_subdivisions", OPTION_IGNORED, .help = "belongs to track=1, which isn't supported in this version"},
    {"contrastive_jit_flip", OPTION_IGNORED, .help = "belongs to contrastive=1, which isn't supported in this version"},
    {"contrastive_color", OPTION_IGNORED, .help = "belongs to contrastive=1, which isn't supported in this version"},
    {"mosaic_bound", OPTION_IGNORED, .help = "boxes always keep within the images of a mosaic here"},
    {"try_fix_nan", OPTION_IGNORED, .help = "training that meets a value that is not a number stops here and says where"},
    {"max_chart_loss", OPTION_IGNORED, .help = "height of Darknet's chart; the chart here scales itself"},
    {"attention", OPTION_IGNORED, .help = "shows windows while Darknet trains"},
    {"show_receptive_field", OPTION_IGNORED, .help = "prints more while Darknet loads"},
    {"loss_scale", OPTION_IGNORED, .help = "for half precision on a GPU"},
    {"use_cuda_graph", OPTION_IGNORED, .help = "for GPUs"},
    {"optimized_memory", OPTION_IGNORED, .help = "for GPUs; memory is planned here in any case"},
    {"workspace_size_limit_MB", OPTION_IGNORED, .help = "for GPUs"},
    {"seen", OPTION_IGNORED, .help = "left by early versions of Darknet; the count of images comes from the weights"},
    {"max_epochs", OPTION_IGNORED, .help = "stands in one file of Darknet, which doesn't read it"},
    {0},
};
