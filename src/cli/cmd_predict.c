/* dlnet predict: the answers to pictures, and to rows of tables. */
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/answers.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "net/ensemble.h"
#include "net/monte_carlo.h"
#include "net/tta.h"

const char cmd_predict_usage[] =
    "Usage: dlnet predict [-m MODEL | CFG WEIGHTS] … IMAGE|TABLE … [options]\n"
    "\n"
    "Classifies pictures. IMAGE is an image file, a folder of images, a .txt list of paths, or - for paths on\n"
    "stdin, one a line, each answered as it comes. Without a model: the best of the newest run. Several models\n"
    "are an ensemble: the mean of their probabilities.\n"
    "\n"
    "Prints a line for each of the likeliest classes, best first: PATH, NAME, PROBABILITY, separated by tabs.\n"
    "\n"
    "TABLE is a CSV file (.csv, .tsv, .data), with the columns to be learnt or without them; for a network with\n"
    "inputs=, - reads rows from stdin, each answered as it comes. The lines are then FILE:LINE, NAME, NUMBER: the\n"
    "likeliest classes as above; the one answer of a network with one output and that output; every label and\n"
    "its probability; every target and its value (task= in [data] of the model says which).\n"
    "A .wav file, alone or in a folder or list, is a signal for a network with height=1.\n"
    "\n"
    "  --top N         classes a picture (5, or all when there are fewer)\n"
    "  --json          one object a picture: image, top: class, class_id, probability; a row: row, and top, or\n"
    "                  class, class_id, output; or labels: label, probability, yes; or values: target, value\n"
    "  --thresh V      the output from which a yes/no answer is yes (threshold= of [data]; .5)\n"
    "  --mc N          Monte-Carlo dropout: N passes in which the dropout layers draw as in training; the mean\n"
    "                  of the probability and, after it, its variance (\"variance\" in JSON); --seed N for others\n"
    "  --tta           test-time augmentation: the mean over the picture, its corners and middle, and their mirror\n"
    "                  images where the training mirrors\n"
    "  --out PATH      also writes pictures with the likeliest class on them: a folder, or FILE.png or .jpg\n"
    "                  for one picture\n"
    "\n"
    "A picture that can't be read is told on stderr, the others are done, and the exit status is 65 (66 when it\n"
    "is missing).\n"
    "\n"
    "  dlnet predict -m runs/mnist/best.safetensors digit.png\n"
    "  dlnet predict -m runs/mnist/best.safetensors digit.png --mc 50\n"
    "  echo 5.1,3.5,1.4,.2 | dlnet predict -m runs/iris/best.safetensors - --top 1\n"
    "  dlnet predict darknet19.cfg darknet19.weights --names imagenet.names photos/ --top 3 --json\n";

struct predict {
    struct cli_session session; /* first */
    int top;
    double threshold;        /* --thresh; NaN: not given */
    int mc;                  /* --mc; 0: not given */
    double *mean, *variance; /* with --mc, of each output */
};

static void monte_carlo(struct cli_session *s, const struct cli_image *image)
{
    struct predict *c = (struct predict *)s;
    const uint64_t seed = s->common.seed >= 0 ? (uint64_t)s->common.seed : s->net->seed;
    network_monte_carlo(s->net, image->view[0].input, c->mc, seed, c->mean, c->variance);
    real *p = network_output(s->net)->out.x;
    for (size_t i = 0; i < shape_each(network_output(s->net)->out.shape); i++)
        p[i] = (real)c->mean[i];
}

static void all_views(struct cli_session *s, const struct cli_image *image)
{
    for (int k = 0; k < s->models.n; k++) {
        struct network *net = s->models.net[k];
        memcpy(net->input.x, image->view[k].input, shape_each(net->input.shape) * sizeof *net->input.x);
        tta_forward(net);
    }
}

/* Class ids of the `top` largest of p[0 .. n), largest first, the lower id first among equals. */
static void rank(const real *p, int n, int top, int *ids)
{
    int used = 0;
    for (int k = 0; k < n; k++) {
        if (used == top && !(p[k] > p[ids[used - 1]]))
            continue;
        int at = used < top ? used++ : used - 1;
        for (; at > 0 && p[k] > p[ids[at - 1]]; at--)
            ids[at] = ids[at - 1];
        ids[at] = k;
    }
}

static int draw(struct cli_session *s, const struct cli_image *image, int best, real probability, struct error *err)
{
    char buffer[16];
    char *label = mem_format("%s %.2f", cli_class_name(s->net, best, buffer), (double)probability);
    const struct draw_box box = {0, 0, image->w, image->h, label, best};
    const int status = cli_pictures_write(&s->pictures, image, &box, 1, err);
    free(label);
    return status;
}

static int answer(void *context, const struct cli_image *image, struct error *err)
{
    struct predict *c = context;
    struct cli_session *s = &c->session;
    const int n = (int)shape_each(network_output(s->net)->out.shape), top = c->top < n ? c->top : n;
    real *p = mem_new((size_t)n, sizeof *p);
    ensemble_mean(s->models.net, s->models.n, p);
    for (int i = 0; i < n; i++)
        if (!(p[i] - p[i] == 0)) { /* NaN or infinite */
            free(p);
            return error_at(err, EXIT_DATA, s->net->config.path, 0, "output %d of the network is not finite: the weights are no good", i);
        }
    const struct answer a = {.net = s->net, .image = image, .p = p, .variance = c->variance, .n = n};
    const double yes = isfinite(c->threshold) ? c->threshold : s->data.threshold;
    int *ids = mem_new((size_t)top, sizeof(*ids)), status;
    rank(p, n, top, ids);
    if (s->data.task == TABLE_REGRESS)
        status = answer_values(&a, s->common.json, err);
    else if (s->data.task == TABLE_LABELS)
        status = answer_labels(&a, yes, s->common.json, err);
    else if (s->data.task == TABLE_CLASSIFY && n == 1)
        status = answer_yes_no(&a, yes, s->common.json, err);
    else
        status = answer_top(&a, ids, top, s->common.json, err);
    if (status == 0 && s->out != NULL && !image->row)
        status = draw(s, image, ids[0], p[ids[0]], err);
    free(ids);
    free(p);
    return status;
}

static void prepare_monte_carlo(struct predict *c)
{
    const size_t n = shape_each(network_output(c->session.net)->out.shape);
    c->mean = mem_new(n, sizeof(*c->mean));
    c->variance = mem_new(n, sizeof(*c->variance));
    c->session.forward = monte_carlo;
    if (!network_is_noisy(c->session.net))
        cli_warn("--mc %d: the network has no layer that draws, such as [dropout]: all passes give the same answer", c->mc);
}

int cmd_predict(int argc, char **argv)
{
    enum { TOP = 256, MC, THRESH, TTA };
    static const struct cli_option own[] = {{"top", TOP, true},  {"mc", MC, true},   {"thresh", THRESH, true},
                                            {"tta", TTA, false}, {"out", 'o', true}, {0}};
    struct predict c = {.session.common = CLI_COMMON_INIT, .top = 5, .threshold = NAN};
    struct cli_session *s = &c.session;
    int option, status = EXIT_OK;
    while (status == EXIT_OK && (option = cli_next_option(argc, argv, own, &s->common)) != -1) {
        long top = c.top, mc = c.mc;
        if ((option == TOP && cli_whole("top", optarg, 1, INT_MAX, &top) != 0) ||
            (option == MC && cli_whole("mc", optarg, 2, 1000000, &mc) != 0) ||
            (option == THRESH && cli_number("thresh", optarg, -1e30, 1e30, &c.threshold) != 0) || option == '?')
            status = EXIT_USAGE;
        else if (option == 'o')
            s->out = optarg;
        else if (option == TTA)
            s->forward = all_views;
        c.top = (int)top;
        c.mc = (int)mc;
    }
    if (status == EXIT_OK)
        status = cli_session_open(s, argc, argv, false);
    if (status == EXIT_OK && c.mc > 0 && s->models.n > 1)
        status = cli_usage_error("predict", "--mc %d: expected one model, found %d", c.mc, s->models.n);
    if (status == EXIT_OK && c.mc > 0 && s->forward == all_views)
        status = cli_usage_error("predict", "--mc and --tta: expected one of them");
    if (status == EXIT_OK && s->forward == all_views && tta_views(s->net) == 1)
        cli_warn("--tta: the network's input is no picture that could be mirrored or cropped: the answer is that of one pass");
    if (status == EXIT_OK && c.mc > 0)
        prepare_monte_carlo(&c);
    if (status == EXIT_OK)
        status = cli_session_walk(s, answer, &c);
    free(c.mean);
    free(c.variance);
    cli_session_close(s);
    return status;
}
