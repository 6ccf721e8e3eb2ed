#include "net/freeze.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/heads.h"

static void freeze(struct layer *l)
{
    for (int k = 0; k < l->n_params; k++)
        l->param[k]->lr_mult = 0;
}

static int wrong(const struct network *net, struct error *err)
{
    return option_error(&net->config, config_find(&net->config, "net"), "freeze", err,
                        "freeze=%s, expected a number of layers from the start (up to %d), ranges such as 0-19,25-25 (up to layer %d), or "
                        "all-but-heads",
                        net->options.freeze, net->n_layers, net->n_layers - 1);
}

/* "A-B" */
static int freeze_range(struct network *net, char *text, struct error *err)
{
    char *dash = strchr(text, '-');
    long first, last;
    if (!dash)
        return wrong(net, err);
    *dash = 0;
    if (!text_to_long(text_trim(text), &first) || !text_to_long(text_trim(dash + 1), &last) || first < 0 || last < first ||
        last >= net->n_layers)
        return wrong(net, err);
    for (long i = first; i <= last; i++)
        freeze(&net->layer[i]);
    return 0;
}

static int freeze_list(struct network *net, struct error *err)
{
    char *text = mem_string(net->options.freeze), *rest = NULL;
    int result = 0;
    for (char *word = strtok_r(text, ",", &rest); word && result == 0; word = strtok_r(NULL, ",", &rest))
        result = freeze_range(net, word, err);
    free(text);
    return result;
}

int freeze_apply(struct network *net, struct error *err)
{
    const char *text = net->options.freeze;
    long layers;
    if (!*text)
        return 0;
    if (strcmp(text, "all-but-heads") == 0) {
        for (int i = 0; i < net->n_layers; i++)
            if (!heads_is_source(&net->layer[i]))
                freeze(&net->layer[i]);
        return 0;
    }
    if (!text_to_long(text, &layers))
        return freeze_list(net, err);
    if (layers < 0 || layers > net->n_layers)
        return wrong(net, err);
    for (int i = 0; i < layers; i++)
        freeze(&net->layer[i]);
    return 0;
}
