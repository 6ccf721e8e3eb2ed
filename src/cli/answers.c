#include "cli/answers.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli_model.h"
#include "data/names.h"
#include "data/signal_file.h"

static cJSON *begin(const struct answer *a)
{
    cJSON *root = cJSON_CreateObject();
    cli_json_text(root, !a->image->row ? "image" : signal_is_wav(a->image->path) ? "signal" : "row", a->image->path);
    return root;
}

/* The path, a tab, and a name. */
static void print_start(const struct answer *a, const char *name)
{
    cli_put_field(a->image->path);
    putchar('\t');
    cli_put_field(name);
    putchar('\t');
}

static void print_end(const struct answer *a, int k)
{
    if (a->variance != NULL)
        printf("\t%.9f", a->variance[k]);
    putchar('\n');
}

static void add_variance(cJSON *item, const struct answer *a, int k)
{
    if (a->variance != NULL)
        cJSON_AddItemToObject(item, "variance", cli_json_number(a->variance[k], 9));
}

/* Of any size: 9 significant digits tell a float. */
static cJSON *number(double v)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", v);
    return cJSON_CreateRaw(text);
}

int answer_top(const struct answer *a, const int *ids, int top, bool json, struct error *err)
{
    char buffer[16];
    if (!json) {
        for (int i = 0; i < top; i++) {
            print_start(a, cli_class_name(a->net, ids[i], buffer));
            printf("%.6f", (double)a->p[ids[i]]);
            print_end(a, ids[i]);
        }
        return 0;
    }
    cJSON *root = begin(a), *list = cJSON_AddArrayToObject(root, "top");
    for (int i = 0; i < top; i++) {
        cJSON *item = cJSON_CreateObject();
        cli_json_text(item, "class", cli_class_name(a->net, ids[i], buffer));
        cJSON_AddNumberToObject(item, "class_id", ids[i]);
        cJSON_AddItemToObject(item, "probability", cli_json_number((double)a->p[ids[i]], 6));
        add_variance(item, a, ids[i]);
        cJSON_AddItemToArray(list, item);
    }
    return cli_json_line(root, err);
}

int answer_yes_no(const struct answer *a, double yes, bool json, struct error *err)
{
    const bool is = (double)a->p[0] >= yes;
    char *no = names_other(a->net->names ? a->net->names[0] : "1");
    const char *name = !is ? no : a->net->names ? a->net->names[0] : "1";
    int result = 0;
    if (json) {
        cJSON *root = begin(a);
        cli_json_text(root, "class", name);
        cJSON_AddNumberToObject(root, "class_id", is);
        cJSON_AddItemToObject(root, "output", number((double)a->p[0]));
        add_variance(root, a, 0);
        result = cli_json_line(root, err);
    } else {
        print_start(a, name);
        printf("%.6f", (double)a->p[0]);
        print_end(a, 0);
    }
    free(no);
    return result;
}

int answer_labels(const struct answer *a, double yes, bool json, struct error *err)
{
    char buffer[16];
    if (!json) {
        for (int k = 0; k < a->n; k++) {
            print_start(a, cli_class_name(a->net, k, buffer));
            printf("%.6f", (double)a->p[k]);
            print_end(a, k);
        }
        return 0;
    }
    cJSON *root = begin(a), *list = cJSON_AddArrayToObject(root, "labels");
    for (int k = 0; k < a->n; k++) {
        cJSON *item = cJSON_CreateObject();
        cli_json_text(item, "label", cli_class_name(a->net, k, buffer));
        cJSON_AddItemToObject(item, "probability", cli_json_number((double)a->p[k], 6));
        cJSON_AddBoolToObject(item, "yes", (double)a->p[k] >= yes);
        add_variance(item, a, k);
        cJSON_AddItemToArray(list, item);
    }
    return cli_json_line(root, err);
}

int answer_values(const struct answer *a, bool json, struct error *err)
{
    char buffer[16];
    if (!json) {
        for (int k = 0; k < a->n; k++) {
            print_start(a, cli_class_name(a->net, k, buffer));
            printf("%.9g", (double)a->p[k]);
            print_end(a, k);
        }
        return 0;
    }
    cJSON *root = begin(a), *list = cJSON_AddArrayToObject(root, "values");
    for (int k = 0; k < a->n; k++) {
        cJSON *item = cJSON_CreateObject();
        cli_json_text(item, "target", cli_class_name(a->net, k, buffer));
        cJSON_AddItemToObject(item, "value", number((double)a->p[k]));
        add_variance(item, a, k);
        cJSON_AddItemToArray(list, item);
    }
    return cli_json_line(root, err);
}
