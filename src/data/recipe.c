#include "data/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "data/attention.h"

#define ANY (-1)
#define PICTURES true, false
#define SIGNALS false, true
#define BOTH true, true

const struct step_row recipe_rows[] = {
    {"flip", STEP_GEOMETRY, PICTURES, ANY, .view = step_flip, .help = "mirrored left to right"},
    {"vflip", STEP_GEOMETRY, PICTURES, ANY, .view = step_vflip, .help = "mirrored top to bottom"},
    {"rotate",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     1,
     {{"degrees", 0, 0, 360}},
     .view = step_rotate,
     .help = "turned by up to so much, either way"},
    {"scale",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     1,
     {{"factor", 1, .01, 100}},
     true,
     .view = step_scale,
     .help = "enlarged or reduced by a factor between 1/v and v"},
    {"translate",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     1,
     {{"share", 0, 0, 1}},
     .view = step_translate,
     .help = "moved by up to this part of the input, either way, along both axes"},
    {"shear",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     2,
     {{"degrees", 0, 0, 80}, {"y", 0, 0, 80}},
     .view = step_shear,
     .help = "slanted by up to so much, either way, along x (and y)"},
    {"crop",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     1,
     {{"share", 1, .01, 1}},
     true,
     .view = step_crop,
     .help = "a window of this part of each side, at a random place, becomes the input"},
    {"resized_crop",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     3,
     {{"least", 1, .001, 1}, {"most", 1, .001, 1}, {"ratio", 4. / 3, 1, 100}},
     .view = step_resized_crop,
     .help = "a window of least to most of the area, its sides in a proportion between 1/ratio and ratio, becomes the input"},
    {"padded_crop",
     STEP_GEOMETRY,
     PICTURES,
     ANY,
     1,
     {{"pixels", 0, 0, 4096}},
     .view = step_padded_crop,
     .help = "moved by up to so many whole pixels, either way: as padding and then cropping to the old size does (4 is usual for CIFAR)"},
    {"brightness",
     STEP_PIXELS,
     PICTURES,
     ANY,
     1,
     {{"share", 0, 0, 1}},
     .pixels = step_brightness,
     .help = "up to this is added or taken away (0 is black, 1 white)"},
    {"contrast",
     STEP_PIXELS,
     PICTURES,
     ANY,
     1,
     {{"factor", 1, .001, 1000}},
     true,
     .pixels = step_contrast,
     .help = "the distance from the mean is multiplied by a factor between 1/v and v"},
    {"saturation",
     STEP_PIXELS,
     PICTURES,
     ANY,
     1,
     {{"factor", 1, .001, 1000}},
     true,
     .pixels = step_saturation,
     .help = "the saturation (HSV) is multiplied by a factor between 1/v and v"},
    {"exposure",
     STEP_PIXELS,
     PICTURES,
     ANY,
     1,
     {{"factor", 1, .001, 1000}},
     true,
     .pixels = step_exposure,
     .help = "the value (HSV) is multiplied by a factor between 1/v and v"},
    {"hue",
     STEP_PIXELS,
     PICTURES,
     ANY,
     1,
     {{"share", 0, 0, 1}},
     .pixels = step_hue,
     .help = "the hue is shifted by up to this part of the colour circle, either way"},
    {"grey", STEP_PIXELS, PICTURES, ANY, .pixels = step_grey, .help = "without colour"},
    {"noise",
     STEP_PIXELS,
     BOTH,
     ANY,
     1,
     {{"deviation", 0, 0, 1e6}},
     .pixels = step_noise,
     .help = "normal noise of this standard deviation is added (of pictures: 1 is white)"},
    {"blur",
     STEP_PIXELS,
     PICTURES,
     ANY,
     1,
     {{"deviation", 0, 0, 1000}},
     .pixels = step_blur,
     .help = "blurred by a Gaussian whose standard deviation is drawn up to so many pixels"},
    {"cutout",
     STEP_PIXELS,
     PICTURES,
     ANY,
     2,
     {{"side", 0, 0, 2}, {"n", 1, 1, 1000}},
     .pixels = step_cutout,
     .help = "n squares, with sides of this part of the input's shorter one and centres anywhere in it, are filled (DeVries 2017)"},
    {"gridmask",
     STEP_PIXELS,
     PICTURES,
     ANY,
     4,
     {{"ratio", 0, 0, 1}, {"d_min", 96. / 224, 0, 4}, {"d_max", 1, 0, 4}, {"rotate", 0, 0, 360}},
     .pixels = step_gridmask,
     .help = "a grid of squares is filled: a unit of the grid is d_min to d_max of the input's shorter side, of whose sides ratio is kept, "
             "so (1 - ratio)^2 of the area goes; turned by up to rotate degrees (Chen 2020; there .6, with p=.8 and a ramp)"},
    {"time_shift",
     STEP_PIXELS,
     SIGNALS,
     ANY,
     2,
     {{"share", 0, 0, 1}, {"roll", 0, 0, 1}},
     .pixels = step_time_shift,
     .help = "moved by up to this part of the length, either way; the gap is 0 or, with roll=1, what went out at the other end"},
    {"time_stretch",
     STEP_PIXELS,
     SIGNALS,
     ANY,
     1,
     {{"factor", 1, .001, 1000}},
     true,
     .pixels = step_time_stretch,
     .help = "played faster or slower by a factor between 1/v and v, from the start on: pitch and length change; the end is cut or 0"},
    {"gain",
     STEP_PIXELS,
     SIGNALS,
     ANY,
     1,
     {{"factor", 1, .001, 1000}},
     true,
     .pixels = step_gain,
     .help = "multiplied by a factor between 1/v and v"},
    {"time_mask",
     STEP_PIXELS,
     SIGNALS,
     ANY,
     2,
     {{"share", 0, 0, 1}, {"n", 1, 1, 1000}},
     .pixels = step_time_mask,
     .help = "n stretches of up to this part of the length are set to 0"},
    {"background",
     STEP_MIX,
     SIGNALS,
     ANY,
     1,
     {{"share", 0, 0, 1000}},
     .mix = step_background,
     .help = "another sample times up to this is added; the label stays"},
    {"mosaic", STEP_MOSAIC, PICTURES, ANY, .help = "four pictures in one, with their boxes, or labels by area"},
    {"mixup",
     STEP_MIX,
     BOTH,
     ANY,
     2,
     {{"alpha", 0, 0, 1000}, {"lambda", 0, 0, 1}},
     .mix = step_mixup,
     .help =
         "lambda of this sample and 1 - lambda of another, of labels too, lambda ~ Beta(alpha, alpha), or as given (Zhang 2018; alpha .2 "
         "is usual); all boxes of both"},
    {"cutmix",
     STEP_MIX,
     PICTURES,
     ANY,
     3,
     {{"alpha", 0, 0, 1000}, {"min", 0, 0, 1}, {"max", 0, 0, 1}},
     .mix = step_cutmix,
     .help = "a rectangle of another picture at the same place; its sides are sqrt(1 - lambda) of the input's, lambda ~ Beta(alpha, alpha) "
             "(Yun 2019; 1 is usual), or drawn in min..max; labels by the area pasted, boxes where they are seen"},
    {"attentive_cutmix",
     STEP_MIX,
     PICTURES,
     TASK_CLASSIFY,
     1,
     {{"cells", 0, 0, 49}},
     .mix = step_attentive_cutmix,
     .help = "of a 7 x 7 grid, the so many cells of another picture in which attentive_model= is most active; labels by their share "
             "(Walawalkar 2020; 6 is usual)"},
    {"copy_paste",
     STEP_MIX,
     PICTURES,
     TASK_DETECT,
     1,
     {{"n", 0, 0, 1000}},
     .mix = step_copy_paste,
     .help =
         "up to n objects of another picture, of classes that this one has none of, are laid over it at random places, with their boxes"},
    {0},
};

static const struct step_row darknet_blur = {"blur", STEP_PIXELS, PICTURES, ANY, 1, {{"pixels", 0, 0, 1e6}}, .pixels = step_darknet_blur};

static const struct step_value p_value = {"p", 1, 0, 1}, ramp_value = {"ramp", 0, 0, 1};
static const char fill_help[] = "brightness where a step leaves no pixel (a number in 0..1; default 0.5)";
static const char model_help[] = "for attentive_cutmix: a trained model (.safetensors)";

static const struct step_row *find_row(const char *key)
{
    for (const struct step_row *r = recipe_rows; r->key; r++)
        if (strcmp(r->key, key) == 0)
            return r;
    return NULL;
}

static struct step *add_step(struct recipe *r, const struct step_row *row, const struct config_section *s)
{
    r->step = mem_grow(r->step, &r->capacity, (size_t)r->n + 1, sizeof *r->step);
    struct step *step = &r->step[r->n++];
    *step = (struct step){.row = row, .p = p_value.fallback, .ramp = ramp_value.fallback, .section = s};
    for (int i = 0; i < row->n_values; i++)
        step->v[i] = row->value[i].fallback;
    return step;
}

/* A step whose strength or probability is nothing. */
static bool is_off(const struct step *s)
{
    return s->p == 0 ||
           (s->row->n_values > 0 && s->v[0] == (s->row->off_at_one ? 1 : 0) && !(s->row->n_values > 1 && s->row->mix && s->v[1] > 0));
}

/* What a value is called, and where it goes: number `index` of the row's, then p and ramp. */
static const struct step_value *value_at(struct step *s, int index, double **to)
{
    const int n = s->row->n_values;
    *to = index < n ? &s->v[index] : index == n ? &s->p : &s->ramp;
    return index < n ? &s->row->value[index] : index == n ? &p_value : &ramp_value;
}

static char *value_names(const struct step_row *row)
{
    char *names = mem_string("");
    for (int i = 0; i < row->n_values; i++) {
        char *longer = mem_format("%s%s, ", names, row->value[i].name);
        free(names);
        names = longer;
    }
    char *all = mem_format("%sp or ramp", names);
    free(names);
    return all;
}

/* One item of a value: "15" or "p=.5". */
static int read_item(struct recipe *r, struct step *step, char *item, bool first, const char *key, struct error *err)
{
    char *equals = strchr(item, '=');
    const char *name = equals ? text_trim((*equals = 0, item)) : NULL, *text = text_trim(equals ? equals + 1 : item);
    const struct step_value *value = NULL;
    double *to = NULL, v;
    for (int i = 0; name && i < step->row->n_values + 2 && !value; i++)
        if (strcmp(value_at(step, i, &to)->name, name) == 0)
            value = value_at(step, i, &to);
    if (!name && first)
        value = value_at(step, 0, &to);
    if (!value) {
        char *names = value_names(step->row);
        option_error(r->config, step->section, key, err, "%s= has '%.80s' in it, expected %s=NUMBER after the first", key,
                     name ? name : text, names);
        free(names);
        return -1;
    }
    if (!text_to_double(text, &v) || v < value->min || v > value->max)
        return option_error(r->config, step->section, key, err, "%s= has '%.80s' for %s, expected a number in %.6g..%.6g", key, text,
                            value->name, value->min, value->max);
    *to = v;
    return 0;
}

static int read_step(struct recipe *r, const struct step_row *row, const struct config_section *s, char *value, struct error *err)
{
    struct step *step = add_step(r, row, s);
    char *save = NULL;
    int n = 0;
    for (char *item = strtok_r(value, ",", &save); item; item = strtok_r(NULL, ",", &save), n++)
        if (read_item(r, step, item, n == 0, row->key, err) != 0)
            return -1;
    if (n == 0)
        return option_error(r->config, s, row->key, err, "%s= has no value, expected %s", row->key,
                            row->n_values ? row->value[0].name : p_value.name);
    if (is_off(step))
        r->n--;
    return 0;
}

static int unknown(struct recipe *r, const struct config_section *s, const char *key, struct error *err)
{
    const char *words[64] = {"fill", "attentive_model"};
    int n = 2;
    for (const struct step_row *row = recipe_rows; row->key && n < 64; row++)
        words[n++] = row->key;
    const char *near = text_nearest(key, words, n);
    if (near)
        return option_error(r->config, s, key, err, "unknown key '%.80s' in [augment]; did you mean '%s'?", key, near);
    return option_error(r->config, s, key, err, "unknown key '%.80s' in [augment]; `dlnet help augment` lists the known ones", key);
}

static int read_entry(struct recipe *r, const struct config_section *s, const struct config_entry *e, struct error *err)
{
    const char *bad;
    char *value = text_expand(e->value, &bad);
    if (!value)
        return option_error(r->config, s, e->key, err, "%s=%.200s: a variable is not set in the environment, or has no closing }", e->key,
                            e->value);
    int result = 0;
    const struct step_row *row = find_row(e->key);
    if (strcmp(e->key, "attentive_model") == 0) {
        free(r->attentive_path);
        r->attentive_path = mem_string(text_trim(value));
    } else if (strcmp(e->key, "fill") == 0) {
        if (!text_to_double(text_trim(value), &r->fill) || r->fill < 0 || r->fill > 1)
            result = option_error(r->config, s, e->key, err, "fill=%.80s found, expected a number in 0..1", e->value);
    } else {
        result = row ? read_step(r, row, s, value, err) : unknown(r, s, e->key, err);
    }
    free(value);
    return result;
}

/* Darknet's keys of [net] that aren't part of its own resize, flip and colours (augment.c). */
static void add_darknet(struct recipe *r, const struct net_options *o, const struct config_section *s)
{
    if (o->blur > 0)
        add_step(r, &darknet_blur, s)->v[0] = o->blur;
    if (o->gaussian_noise > 0) {
        struct step *noise = add_step(r, find_row("noise"), s);
        noise->v[0] = fmin(o->gaussian_noise, 127) / 255;
        noise->p = .5;
    }
    if (o->mosaic) {
        struct step *mosaic = add_step(r, find_row("mosaic"), s);
        mosaic->p = o->cutmix ? .25 : .5; /* with both, Darknet takes turns */
    }
    if (o->cutmix) {
        struct step *cutmix = add_step(r, find_row("cutmix"), s);
        cutmix->v[1] = .3;
        cutmix->v[2] = .8;
        cutmix->p = o->mosaic ? .25 : .5;
    }
    if (o->mixup) {
        struct step *mixup = add_step(r, find_row("mixup"), s);
        mixup->v[1] = .5;
        mixup->p = .5;
    }
}

int recipe_read(struct recipe *out, const struct config *c, const struct net_options *o, bool detector, struct error *err)
{
    *out = (struct recipe){.fill = .5, .config = c};
    const struct config_section *net = config_find(c, "net"), *s = config_find(c, "augment");
    out->flip_given = !s || (net && config_get(net, "flip"));
    int result = 0;
    if (net)
        add_darknet(out, o, net);
    for (int i = 0; s && i < s->n_entries; i++)
        result |= read_entry(out, s, &s->entry[i], err);
    for (int i = 0; i < out->n; i++) {
        const struct step *step = &out->step[i];
        if (step->row->task >= 0 && (step->row->task == TASK_DETECT) != detector)
            result |= option_error(c, step->section, step->row->key, err, "%s= is for %s, but the network is %s", step->row->key,
                                   detector ? "classifiers" : "detection", detector ? "a detector" : "a classifier");
        if (step->row->mix == step_attentive_cutmix && !out->attentive_path)
            result |= option_error(c, step->section, step->row->key, err,
                                   "%s= needs a trained model to look with, expected attentive_model= in [augment]", step->row->key);
    }
    if (result != 0)
        recipe_free(out);
    return result;
}

/* The file beside the cfg, else from the working directory. Owned by the caller. */
static char *find_model(const struct recipe *r)
{
    char *beside = r->config->folder ? text_join(r->config->folder, r->attentive_path) : NULL;
    if (beside && file_exists(beside))
        return beside;
    free(beside);
    return mem_string(r->attentive_path);
}

int recipe_open(struct recipe *r, const struct dataset *d, struct error *err)
{
    bool attentive = false;
    for (int i = 0; i < r->n; i++) {
        const struct step *s = &r->step[i];
        const bool signal = dataset_has_values(d);
        attentive |= s->row->mix == step_attentive_cutmix;
        if (signal ? !s->row->for_signals : !s->row->for_pictures)
            return option_error(r->config, s->section, s->row->key, err, "%s= is for %s, but the training data are %s", s->row->key,
                                signal ? "pictures" : "signals", signal ? "numbers" : "pictures");
        if (signal && (s->row->pixels == step_time_shift || s->row->pixels == step_time_stretch || s->row->pixels == step_time_mask) &&
            d->want_w < 2)
            return option_error(
                r->config, s->section, s->row->key, err,
                "%s= needs samples in time, but an input of %d channels and length %d has none; expected width= as the length", s->row->key,
                d->want_c, d->want_w);
    }
    if (!attentive)
        return 0;
    char *path = find_model(r);
    r->attention = attention_open(path, err);
    free(path);
    return r->attention ? 0 : -1;
}

bool recipe_mixes(const struct recipe *r)
{
    for (int i = 0; i < r->n; i++)
        if (r->step[i].row->stage == STEP_MIX || r->step[i].row->stage == STEP_MOSAIC)
            return true;
    return false;
}

void recipe_free(struct recipe *r)
{
    attention_close(r->attention);
    free(r->attentive_path);
    free(r->step);
    *r = (struct recipe){0};
}

static void print_row(FILE *out, const struct step_row *row)
{
    char *values = mem_string("");
    for (int i = 0; i < row->n_values; i++) {
        const struct step_value *v = &row->value[i];
        char *longer = i == 0 ? mem_format("%s in %.6g..%.6g; default: off", v->name, v->min, v->max)
                              : mem_format("%s; %s= in %.6g..%.6g, default %.3g", values, v->name, v->min, v->max, v->fallback);
        free(values);
        values = longer;
    }
    char *help = row->n_values ? mem_format("%s (%s)", row->help, values) : mem_format("%s (p in 0..1; default: off)", row->help);
    option_print_text(out, row->key, help);
    free(values);
    free(help);
}

void recipe_print(FILE *out)
{
    for (const struct step_row *row = recipe_rows; row->key; row++)
        print_row(out, row);
    option_print_text(out, "attentive_model", model_help);
    option_print_text(out, "fill", fill_help);
}

bool recipe_print_key(FILE *out, const char *key)
{
    const struct step_row *row = find_row(key);
    if (row)
        print_row(out, row);
    else if (strcmp(key, "fill") == 0)
        option_print_text(out, key, fill_help);
    else if (strcmp(key, "attentive_model") == 0)
        option_print_text(out, key, model_help);
    else
        return false;
    return true;
}
