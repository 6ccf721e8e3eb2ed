/* The reader of cfg files: what it accepts, and where it says that a mistake is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "support.h"

static const char *value(const struct config *c, int section, const char *key)
{
    const struct config_entry *e = config_get(&c->section[section], key);
    assert_non_null(e);
    return e->value;
}

/* Parses text that must be right. */
static struct config parse(const char *text)
{
    struct config c;
    struct error err = ERROR_INIT;
    if (config_parse(&c, "net.cfg", text, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(err.count, 0);
    return c;
}

/* Parses text that must be wrong; the whole message. */
static void parse_wrong(const char *text, const char *message)
{
    struct config c;
    struct error err = ERROR_INIT;
    assert_int_equal(config_parse(&c, "net.cfg", text, &err), -1);
    assert_string_equal(err.text, message);
    assert_int_equal(err.status, EXIT_DATA);
    assert_int_equal(c.n_sections, 0);
}

static void test_sections_keys_lines(void **state)
{
    (void)state;
    struct config c = parse("# comment\n"
                            "[net]\n"
                            "batch=4\n"
                            "\n"
                            "; another\n"
                            "  [ Convolutional ]  # the first\n"
                            "\tfilters = 8\t#32\n"
                            "activation=leaky ; slope .1\n"
                            "anchors = 1,2, 3,4\n"
                            "file=a#b;c\n"
                            "empty=\n"
                            "[maxpool]");
    assert_int_equal(c.n_sections, 3);
    assert_string_equal(c.section[0].name, "net");
    assert_int_equal(c.section[0].line, 2);
    assert_string_equal(c.section[1].name, "convolutional");
    assert_int_equal(c.section[1].line, 6);
    assert_int_equal(c.section[1].n_entries, 5);
    assert_int_equal(c.section[2].n_entries, 0);
    assert_string_equal(value(&c, 1, "filters"), "8");
    assert_int_equal(config_get(&c.section[1], "filters")->line, 7);
    assert_string_equal(config_get(&c.section[1], "filters")->source, "net.cfg");
    assert_string_equal(value(&c, 1, "activation"), "leaky");
    assert_string_equal(value(&c, 1, "anchors"), "1,2, 3,4");
    assert_string_equal(value(&c, 1, "file"), "a#b;c");
    assert_string_equal(value(&c, 1, "empty"), "");
    assert_null(config_get(&c.section[1], "Filters"));
    assert_ptr_equal(config_find(&c, "network"), &c.section[0]);
    assert_null(config_find(&c, "data"));
    assert_string_equal(c.folder, ".");
    config_free(&c);
}

static void test_crlf_and_bom(void **state)
{
    (void)state;
    struct config c = parse("\xef\xbb\xbf[net]\r\nbatch=4\r\n\r\n[cost]\r\ntype=sse\r\n");
    assert_int_equal(c.n_sections, 2);
    assert_string_equal(value(&c, 0, "batch"), "4");
    assert_string_equal(value(&c, 1, "type"), "sse");
    assert_int_equal(c.section[1].line, 4);
    config_free(&c);
}

static void test_values_keep_equals_and_variables(void **state)
{
    (void)state;
    struct config c = parse("[data]\ntrain=${DIR:-a=b}/x = y\n");
    assert_string_equal(value(&c, 0, "train"), "${DIR:-a=b}/x = y");
    config_free(&c);
}

static void test_mistakes_have_lines(void **state)
{
    (void)state;
    parse_wrong("[net]\nbatch 4\n", "net.cfg:2: found 'batch 4', expected key=value or [section]");
    parse_wrong("\n\nbatch=4\n", "net.cfg:3: found 'batch=' before any section, expected [net] first");
    parse_wrong("[net\n", "net.cfg:1: found '[net', expected a ']' at the end of the section's name");
    parse_wrong("[net] x\n", "net.cfg:1: found 'x' after [net], expected the end of the line");
    parse_wrong("[]\n", "net.cfg:1: found '[]', expected the name of a section between the brackets");
    parse_wrong("[net]\n=4\n", "net.cfg:2: found '=4', expected a key before the '='");
    parse_wrong("# nothing\n", "net.cfg: found no section, expected [net] first");
    parse_wrong("", "net.cfg: found no section, expected [net] first");
}

static void test_all_mistakes_in_one_run(void **state)
{
    (void)state;
    parse_wrong("[net]\nbatch\n[conv\nfilters=2\n= 1\n", "net.cfg:2: found 'batch', expected key=value or [section]\n"
                                                         "net.cfg:3: found '[conv', expected a ']' at the end of the section's name\n"
                                                         "net.cfg:5: found '=1', expected a key before the '='");
}

static void test_key_given_twice(void **state)
{
    (void)state;
    parse_wrong("[net]\n[cost]\ntype=sse\nscale=1\ntype=L1\n",
                "net.cfg:5: found type=L1, expected 'type' once in [cost]: line 3 has type=sse");

    struct config c = parse("[net]\nbatch=1\nbatch=1\n[cost]\ntype=sse\ntype = sse\n");
    assert_int_equal(c.section[0].n_entries, 1);
    assert_int_equal(c.section[1].n_entries, 1);
    assert_int_equal(c.notes.n, 0);
    config_free(&c);

    /* as in yolov3-openimages.cfg: the first stands, with a warning */
    c = parse("[net]\n# Testing\nbatch=1\n# Training\nbatch=64\n");
    assert_string_equal(value(&c, 0, "batch"), "1");
    assert_int_equal(c.notes.n, 1);
    assert_string_equal(c.notes.item[0], "net.cfg:5: batch=64 has no effect: line 3 has batch=1, and the first one stands (as in Darknet)");
    config_free(&c);
}

static void set_wrong(struct config *c, const char *assignment, enum exit_status status, const char *message)
{
    struct error err = ERROR_INIT;
    assert_int_equal(config_set(c, assignment, &err), -1);
    assert_string_equal(err.text, message);
    assert_int_equal(err.status, status);
}

static void test_set(void **state)
{
    (void)state;
    struct config c = parse("[net]\nbatch=1\n[convolutional]\nfilters=2\n[maxpool]\n[convolutional]\nfilters=3\n");
    struct error err = ERROR_INIT;
    assert_int_equal(config_set(&c, "net.batch=16", &err), 0);
    assert_int_equal(config_set(&c, "network.momentum = .5", &err), 0);
    assert_int_equal(config_set(&c, "2.filters=64", &err), 0);
    assert_int_equal(config_set(&c, "maxpool.size=2", &err), 0);
    assert_int_equal(config_set(&c, "data.train=a=b.txt", &err), 0);
    assert_int_equal(config_set(&c, "0.filters=7", &err), 0);
    assert_int_equal(err.count, 0);
    assert_string_equal(value(&c, 0, "batch"), "16");
    assert_string_equal(value(&c, 0, "momentum"), ".5");
    assert_string_equal(value(&c, 1, "filters"), "7");
    assert_string_equal(value(&c, 2, "size"), "2");
    assert_string_equal(value(&c, 3, "filters"), "64");
    assert_string_equal(config_find(&c, "data")->entry[0].value, "a=b.txt");
    const struct config_entry *e = config_get(&c.section[0], "batch");
    assert_string_equal(e->source, "--set net.batch=16");
    assert_int_equal(e->line, 0);

    set_wrong(&c, "batch=3", EXIT_USAGE, "--set batch=3: expected SECTION.key=value, such as net.batch=16 or 3.filters=64");
    set_wrong(&c, "net.batch", EXIT_USAGE, "--set net.batch: expected SECTION.key=value, such as net.batch=16 or 3.filters=64");
    set_wrong(&c, "net.=3", EXIT_USAGE, "--set net.=3: expected SECTION.key=value, such as net.batch=16 or 3.filters=64");
    set_wrong(&c, "net.x=1\n[cost]", EXIT_USAGE, "--set net.x=1?[cost]: expected SECTION.key=value, such as net.batch=16 or 3.filters=64");
    set_wrong(&c, "3.filters=1", EXIT_DATA, "--set 3.filters=1: found layer 3, expected one of the 3 layers of net.cfg, counted from 0");
    set_wrong(&c, "-1.filters=1", EXIT_DATA, "--set -1.filters=1: found layer -1, expected one of the 3 layers of net.cfg, counted from 0");
    set_wrong(&c, "maxpol.size=1", EXIT_DATA, "--set maxpol.size=1: net.cfg has no section [maxpol]; did you mean 'maxpool'?");
    set_wrong(&c, "convolutional.size=1", EXIT_DATA,
              "--set convolutional.size=1: net.cfg has 2 sections [convolutional], expected the number of one of them: 0, 2");
    config_free(&c);
}

static void test_layers_are_counted_without_general_sections(void **state)
{
    (void)state;
    struct config c = parse("[data]\n[net]\n[connected]\n[data]\n[softmax]\n");
    struct error err = ERROR_INIT;
    assert_int_equal(config_set(&c, "1.groups=2", &err), 0);
    assert_string_equal(value(&c, 4, "groups"), "2");
    config_free(&c);
}

static void test_text_reads_back(void **state)
{
    (void)state;
    struct config c = parse("[net]\nbatch=4 # four\n\n[data]\ntrain = ${X:-a b}/list.txt\n[convolutional]\nanchors=1, 2\nempty=\n[cost]\n");
    struct error err = ERROR_INIT;
    assert_int_equal(config_set(&c, "0.filters=8", &err), 0);
    char *text = config_text(&c);
    assert_string_equal(text, "[net]\nbatch=4\n\n[data]\ntrain=${X:-a b}/list.txt\n\n"
                              "[convolutional]\nanchors=1, 2\nempty=\nfilters=8\n\n[cost]\n");
    struct config again = parse(text);
    char *twice = config_text(&again);
    assert_string_equal(twice, text);
    free(twice);
    free(text);
    config_free(&again);
    config_free(&c);
}

static void test_files(void **state)
{
    (void)state;
    char *dir = support_make_dir();
    struct config c;
    struct error err = ERROR_INIT;
    const char *missing = support_path(dir, "no.cfg");
    assert_int_equal(config_read(&c, missing, &err), -1);
    assert_int_equal(err.status, EXIT_NO_INPUT);

    err = ERROR_INIT;
    assert_int_equal(config_read(&c, dir, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);

    const char *path = support_path(dir, "net.cfg");
    support_write(path, "[net]\nwidth=8\n");
    err = ERROR_INIT;
    assert_int_equal(config_read(&c, path, &err), 0);
    assert_string_equal(c.path, path);
    assert_string_equal(c.folder, dir);
    assert_string_equal(value(&c, 0, "width"), "8");
    config_free(&c);

    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite("[net]\nwidth=8\n\0\1", 1, 16, f);
    fclose(f);
    err = ERROR_INIT;
    assert_int_equal(config_read(&c, path, &err), -1);
    assert_int_equal(err.status, EXIT_DATA);
    assert_non_null(strstr(err.text, "net.cfg:3: found a zero byte, expected a cfg file, which is text"));
    support_remove_dir(dir);
}

/* Every cfg of both Darknet forks. Its sections are counted a second time here, with a reader of five lines. */
static void test_real_files(void **state)
{
    (void)state;
    static const char *const folders[] = {"darknet-cfgs/alexeyab", "darknet-cfgs/pjreddie"};
    int files = 0, noted = 0;
    for (int i = 0; i < 2; i++) {
        const char *folder = support_data(folders[i]);
        if (!folder)
            skip();
        DIR *dir = opendir(folder);
        assert_non_null(dir);
        for (struct dirent *e; (e = readdir(dir));) {
            if (!strstr(e->d_name, ".cfg"))
                continue;
            const char *path = support_path(support_data(folders[i]), e->d_name);
            struct config c;
            struct error err = ERROR_INIT;
            if (config_read(&c, path, &err) != 0)
                fail_msg("%s", err.text);
            files++;
            noted += c.notes.n > 0;

            int sections = 0, line = 0;
            char text[4096];
            FILE *f = fopen(path, "r");
            assert_non_null(f);
            while (fgets(text, sizeof text, f)) {
                line++;
                if (text[strspn(text, " \t")] == '[')
                    assert_int_equal(c.section[sections++].line, line);
            }
            fclose(f);
            assert_int_equal(c.n_sections, sections);
            config_free(&c);
        }
        closedir(dir);
    }
    assert_int_equal(files, 140);
    assert_int_equal(noted, 4); /* two versions each of efficientnet and yolov3-openimages */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_keys_lines),
        cmocka_unit_test(test_crlf_and_bom),
        cmocka_unit_test(test_values_keep_equals_and_variables),
        cmocka_unit_test(test_mistakes_have_lines),
        cmocka_unit_test(test_all_mistakes_in_one_run),
        cmocka_unit_test(test_key_given_twice),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_layers_are_counted_without_general_sections),
        cmocka_unit_test(test_text_reads_back),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
