/* The loss layers against PyTorch's figures; losses.txt is made by scripts/reference/losses.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/network.h"

#define FIGURES "tests/layer/losses.txt"
#define MOST 64

struct figures {
    char layer[128]; /* "cost;type=sse" */
    int n, c, h, w, size;
    double x[MOST], t[MOST], loss, grad[MOST];
};

static void numbers(FILE *f, const char *name, double *v, int n)
{
    char word[16];
    assert_int_equal(fscanf(f, "%15s", word), 1);
    assert_string_equal(word, name);
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &v[i]), 1);
}

static bool next(FILE *f, struct figures *c)
{
    if (fscanf(f, " case %127s", c->layer) != 1)
        return false;
    assert_int_equal(fscanf(f, " shape %d %d %d %d", &c->n, &c->c, &c->h, &c->w), 4);
    c->size = c->n * c->c * c->h * c->w;
    assert_in_range(c->size, 1, MOST);
    numbers(f, "x", c->x, c->size);
    numbers(f, "t", c->t, c->size);
    numbers(f, "loss", &c->loss, 1);
    numbers(f, "grad", c->grad, c->size);
    return true;
}

static void check(const struct figures *c)
{
    char section[160];
    snprintf(section, sizeof section, "[%s", c->layer);
    char *end = strchr(section, ';');
    char keys[160] = "";
    if (end) {
        snprintf(keys, sizeof keys, "%s", end + 1);
        *end = 0;
    }
    for (char *p = keys; *p; p++)
        *p = *p == ';' ? '\n' : *p;
    char *text = mem_format("[net]\nbatch=%d\nwidth=%d\nheight=%d\nchannels=%d\n%s]\n%s\n", c->n, c->w, c->h, c->c, section, keys);

    struct error err = ERROR_INIT;
    struct config config = {0};
    assert_int_equal(config_parse(&config, "test.cfg", text, &err), 0);
    struct network *net = network_build(&config, 1, &err);
    if (!net)
        fail_msg("%s: %s", c->layer, err.text);
    network_want_input_gradient(net);
    assert_int_equal(network_plan(net, c->n, 0, 0, true, &err), 0);
    real label[MOST];
    for (int i = 0; i < c->size; i++) {
        net->input.x[i] = (real)c->x[i];
        label[i] = (real)c->t[i];
    }
    const struct targets targets = {.label = label, .n_labels = c->size / c->n};
    const struct run run = {.mode = MODE_TRAIN, .targets = &targets};
    const double loss = network_forward(net, &run);
    network_backward(net, &run);
    if (!(fabs(loss - c->loss) <= 2e-6 * fmax(1, fabs(c->loss))))
        fail_msg("%s: loss %.9g, expected %.9g", c->layer, loss, c->loss);
    for (int i = 0; i < c->size; i++)
        if (!(fabs((double)net->input.dx[i] - c->grad[i]) <= 2e-6 * fmax(1, fabs(c->grad[i]))))
            fail_msg("%s: gradient %d is %.9g, expected %.9g", c->layer, i, (double)net->input.dx[i], c->grad[i]);
    network_free(net);
    free(text);
}

static void figures(void **state)
{
    (void)state;
    FILE *f = fopen(FIGURES, "r");
    assert_non_null(f);
    struct figures c;
    int n = 0;
    for (; next(f, &c); n++)
        check(&c);
    assert_true(feof(f));
    assert_true(n >= 39);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
