/* Tables: the text of RFC 4180 and its relatives, columns, tasks, classes, and the parts of a data set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv.h"
#include "data/loader.h"
#include "helpers.h"
#include "support.h"

static struct csv parse(const char *text, enum csv_separator separator, enum csv_header header)
{
    struct error err = ERROR_INIT;
    struct csv t;
    if (csv_parse(&t, "t.csv", text, 1, separator, header, &err) != 0)
        fail_msg("%s", err.text);
    return t;
}

/* The cells of all rows, "a|b/c|d". */
static void expect_cells(const struct csv *t, const char *expected)
{
    char text[512] = "";
    for (int row = 0; row < t->n_rows; row++)
        for (int i = 0; i < t->n_columns; i++) {
            strcat(text, i ? "|" : row ? "/" : "");
            strcat(text, csv_cell(t, row, i));
        }
    assert_string_equal(text, expected);
}

static void text_test(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cells;
        enum csv_header header;
        int names, last_line;
    } cases[] = {
        {"1,2\n3,4\n", "1|2/3|4", CSV_HEADER_AUTO, 0, 2},
        {"1,2\r\n3,4", "1|2/3|4", CSV_HEADER_AUTO, 0, 2},
        {"a,b\n\n3,4\n", "3|4", CSV_HEADER_AUTO, 2, 3},
        {"a,b\n3,4\n", "a|b/3|4", CSV_HEADER_NO, 0, 2},
        {"1,2\n3,4\n", "3|4", CSV_HEADER_YES, 2, 2},
        {"a,b\nc,d\n", "a|b/c|d", CSV_HEADER_AUTO, 0, 2},
        {"1;2,5;x\n3;4;\n", "1|2,5|x/3|4|", CSV_HEADER_AUTO, 0, 2},
        {"1\t2 3\n\t\n", "1|2 3", CSV_HEADER_AUTO, 0, 1},
        {"  1   2\n3 4  \n", "1|2/3|4", CSV_HEADER_AUTO, 0, 2},
        {"\"a,\"\"b\"\"\" , \" c\"\n\"x\ny\",2\n5,6", "a,\"b\"| c/x\ny|2/5|6", CSV_HEADER_NO, 0, 4},
        {"1,,3\n,,\n", "1||3/||", CSV_HEADER_AUTO, 0, 2},
        {"", "", CSV_HEADER_AUTO, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct csv t = parse(cases[i].text, CSV_AUTO, cases[i].header);
        expect_cells(&t, cases[i].cells);
        assert_int_equal(t.name.n, cases[i].names);
        assert_int_equal(t.n_rows ? t.line[t.n_rows - 1] : 0, cases[i].last_line);
        csv_free(&t);
    }
    struct csv t = parse("1;2\n", CSV_COMMA, CSV_HEADER_NO);
    expect_cells(&t, "1;2");
    csv_free(&t);
}

/* Opens a table with these keys besides train=; NULL on success, else the message. inputs, outputs: of the network. */
static const char *open_table(struct dataset *d, const char *folder, const char *text, const char *keys, enum split split, int inputs,
                              int outputs, struct error *err)
{
    char *path = mem_format("%s/t.csv", folder), *all = mem_format("train=t.csv\n%s", keys);
    support_write(path, text);
    *err = ERROR_INIT;
    struct data_options o = options_from(folder, all);
    const int result = dataset_open(d, &o, split, TASK_CLASSIFY, outputs, 1, 1, inputs, 1, err);
    data_options_free(&o);
    free(path);
    free(all);
    return result == 0 ? NULL : err->text;
}

static void task_test(void **state)
{
    const char *folder = *state;
    static const struct {
        const char *text, *keys;
        int inputs, outputs;
        enum task task;
        const char *names; /* joined by | */
        int label;         /* of the first row */
        double target;     /* likewise, the last */
    } cases[] = {
        {"1,2,b\n3,4,a\n", "", 2, 2, TASK_CLASSIFY, "a|b", 1, 0},
        {"10,1\n9,2\n", "target=0", 1, 2, TASK_CLASSIFY, "9|10", 1, 0},
        {"x,y\n1,0\n2,1\n", "", 1, 1, TASK_CLASSIFY, "0|1", 0, 0},
        {"x,y\n1,1.5\n2,1\n", "", 1, 1, TASK_REGRESS, "y", -1, 1.5},
        {"x,y\n1,1\n2,0\n", "task=regress", 1, 1, TASK_REGRESS, "y", -1, 1},
        {"x,p,q\n1,1,0\n2,0,0\n", "target=q,p", 1, 2, TASK_LABELS, "q|p", -1, 1},
        {"x,p,q\n1,1,3\n2,0,0\n", "target=-1,1", 1, 2, TASK_REGRESS, "q|p", -1, 1},
        {"id,x,y\nu,1,a\nv,2,b\n", "drop=id\ntarget=y", 1, 2, TASK_CLASSIFY, "a|b", 0, 0},
        {"id,x,y\nu,1,a\nv,2,b\n", "columns=x", 1, 2, TASK_CLASSIFY, "a|b", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        struct error err;
        const char *bad = open_table(&d, folder, cases[i].text, cases[i].keys, SPLIT_TRAIN, cases[i].inputs, cases[i].outputs, &err);
        if (bad)
            fail_msg("case %zu: %s", i, bad);
        assert_int_equal(d.task, cases[i].task);
        assert_int_equal(d.n_samples, 2);
        assert_int_equal(d.sample[0].label, cases[i].label);
        if (d.n_targets > 0)
            assert_true((double)d.sample[0].target[d.n_targets - 1] == cases[i].target);
        char names[128] = "";
        for (int k = 0; k < d.names.n; k++)
            sprintf(names + strlen(names), "%s%s", k ? "|" : "", d.names.item[k]);
        assert_string_equal(names, cases[i].names);
        dataset_close(&d);
    }
}

static void mistakes_test(void **state)
{
    const char *folder = *state;
    static const struct {
        const char *text, *keys, *expected;
    } cases[] = {
        {"x,y\n1,a\n,b\n", "", "t.csv:3: column 0 'x': the value is missing (found '')"},
        {"x,y\n1,a\n?,b\n", "", "t.csv:3: column 0 'x': the value is missing (found '?')"},
        {"x,y\n1,a\n2,NA\n", "", "t.csv:3: column 1 'y': the class is missing"},
        {"1,a\nnought,b\n", "", "t.csv:2: column 0: found 'nought', expected a number"},
        {"1,a\n1e40,b\n", "", "t.csv:2: column 0: found '1e40', expected a number"},
        {"1,a\n2\n", "", "t.csv:2: found 1 fields, expected 2 as in the first row"},
        {"1,\"a\n2,b\n", "", "t.csv:1: found a quoted field that isn't closed"},
        {"1,2,a\n3,4,b\n", "", "has 2 feature columns, but the network takes 1 numbers: expected inputs=2"},
        {"x,y\n1,a\n2,b\n", "target=yy", "target=yy: there is no such column; did you mean y?"},
        {"1,a\n2,b\n", "target=y", "target=y: the table has no header"},
        {"1,a\n2,b\n", "target=2", "target=2: the table has 2 columns, expected a number in -2..1"},
        {"x,y\n1,a\n2,b\n", "target=y,1", "target=1: this column is named twice"},
        {"x,y\n1,a\n2,b\n", "columns=y", "column 1 'y' stands in columns= and in target= or drop="},
        {"1,a\n2,b\n3,c\n", "", "has 3 classes, but the network has 2"},
        {"1,2\n2,3\n", "task=labels", "has 1 target column, but the network has 2 outputs"},
        {"1,a\n2,b\n", "folds=3\nfold=1", "2 samples can't be cut"},
        {"1,a\n2,b\n", "folds=2\nfold=3", "fold=3 of folds=2, expected 1..2"},
        {"1,a\n2,b\n", "valid=t.csv\nvalid_fraction=.5", "valid= and valid_fraction= are both given"},
        {"", "", "holds no row for train="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        struct error err;
        const enum split split = strstr(cases[i].keys, "folds=3") ? SPLIT_VALID : SPLIT_TRAIN;
        const char *keys = strstr(cases[i].keys, "folds=3") ? "folds=3\nfold=3" : cases[i].keys;
        const char *bad = open_table(&d, folder, cases[i].text, keys, split, 1, 2, &err);
        if (!bad || !strstr(bad, cases[i].expected))
            fail_msg("case %zu: found '%s', expected '%s'", i, bad ? bad : "nothing", cases[i].expected);
        assert_int_equal(err.status, EXIT_DATA);
    }
    /* Only where it is asked for are bad rows left out. */
    struct dataset d;
    struct error err;
    assert_null(open_table(&d, folder, "1,a\n?,b\n2,b\n", "on_bad=skip", SPLIT_TRAIN, 1, 2, &err));
    assert_int_equal(d.n_samples, 2);
    assert_int_equal(d.bad, 1);
    dataset_close(&d);
}

/* Rows 0 … 29: class = row mod 3 (10 of each) unless the class is rare. */
static char *many_rows(void)
{
    char *text = mem_new(2048, 1);
    for (int i = 0; i < 30; i++)
        sprintf(text + strlen(text), "%d,%c\n", i, "abc"[i % 3]);
    return text;
}

/* The number in the first column of sample i. */
static int value_of(const struct dataset *d, int i)
{
    struct error err = ERROR_INIT;
    float v;
    assert_int_equal(dataset_values(d, i, &v, &err), 0);
    return (int)v;
}

static void parts_test(void **state)
{
    const char *folder = *state;
    char *text = many_rows();
    int validated[30] = {0};
    for (int fold = 1; fold <= 4; fold++) {
        char keys[64];
        snprintf(keys, sizeof keys, "folds=4\nfold=%d", fold);
        struct dataset train, valid;
        struct error err;
        assert_null(open_table(&train, folder, text, keys, SPLIT_TRAIN, 1, 3, &err));
        assert_null(open_table(&valid, folder, text, keys, SPLIT_VALID, 1, 3, &err));
        assert_int_equal(train.n_samples + valid.n_samples, 30);
        assert_in_range(valid.n_samples, 7, 8);
        int of_class[3] = {0};
        for (int i = 0; i < valid.n_samples; i++) {
            const int row = value_of(&valid, i);
            validated[row]++;
            of_class[valid.sample[i].label]++;
            assert_int_equal(valid.sample[i].label, row % 3); /* rows and labels stay together */
            for (int k = 0; k < train.n_samples; k++)
                assert_int_not_equal(value_of(&train, k), row);
        }
        for (int k = 0; k < 3; k++)
            assert_in_range(of_class[k], 2, 3);
        dataset_close(&train);
        dataset_close(&valid);
    }
    for (int i = 0; i < 30; i++) /* each row is validated by one fold */
        assert_int_equal(validated[i], 1);

    struct dataset valid;
    struct error err;
    assert_null(open_table(&valid, folder, text, "valid_fraction=.2", SPLIT_VALID, 1, 3, &err));
    assert_int_equal(valid.n_samples, 6);
    int of_class[3] = {0};
    for (int i = 0; i < 6; i++)
        of_class[valid.sample[i].label]++;
    for (int k = 0; k < 3; k++)
        assert_int_equal(of_class[k], 2);
    dataset_close(&valid);
    free(text);
}

/* What the network gets: the features as they stand, and the targets. */
static void loader_test(void **state)
{
    const char *folder = *state;
    struct dataset d;
    struct error err;
    assert_null(open_table(&d, folder, "a,b,p,q\n-1,300,7,8\n2,.5,9,-10\n", "target=p,q", SPLIT_TRAIN, 2, 2, &err));
    const struct loader_options o = {
        .batch = 2, .threads = 2, .ahead = 1, .n_classes = 2, .augment = {.task = d.task, .w = 1, .h = 1, .c = 2, .flip = 1}};
    struct loader *l = loader_open(&d, &o, &err);
    assert_non_null(l);
    struct batch *b;
    assert_int_equal(loader_next(l, &b, &err), 1);
    static const float input[] = {-1, 300, 2, .5f}, label[] = {7, 8, 9, -10};
    assert_memory_equal(b->input, input, sizeof input);
    assert_memory_equal(b->label, label, sizeof label);
    loader_close(l);
    dataset_close(&d);
}

static int make_folder(void **state)
{
    *state = support_make_dir();
    return 0;
}

static int remove_folder(void **state)
{
    support_remove_dir(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_test),
        cmocka_unit_test_setup_teardown(task_test, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(mistakes_test, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(parts_test, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(loader_test, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
