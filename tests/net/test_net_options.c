/* The keys of [net]: Darknet's names and defaults, and all real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <string.h>

#include "net/net_options.h"
#include "support.h"

/* The defaults of parse_net_options in src/parser.c of AlexeyAB/darknet (and, where it has the key, of pjreddie/darknet). */
static void test_darknet_defaults(void **state)
{
    (void)state;
    struct config c;
    struct error err = ERROR_INIT;
    struct net_options o = {0};
    assert_int_equal(config_parse(&c, "net.cfg", "[net]\n", &err), 0);
    assert_int_equal(option_fill(&c, &c.section[0], net_option_table, &o, NULL, NULL, &err), 0);
    assert_int_equal(o.batch, 1);
    assert_int_equal(o.subdivisions, 1);
    assert_int_equal(o.width, 0);
    assert_float_equal(o.learning_rate, .001, 0);
    assert_float_equal(o.learning_rate_min, .00001, 0);
    assert_float_equal(o.momentum, .9, 0);
    assert_float_equal(o.decay, .0001, 0);
    assert_int_equal(o.max_batches, 0);
    assert_int_equal(o.policy, POLICY_CONSTANT);
    assert_float_equal(o.burn_in, 0, 0);
    assert_float_equal(o.power, 4, 0);
    assert_float_equal(o.gamma, 1, 0);
    assert_float_equal(o.scale, 1, 0);
    assert_int_equal(o.step, 1);
    assert_float_equal(o.sgdr_mult, 2, 0);
    assert_int_equal(o.flip, 1);
    assert_float_equal(o.angle, 0, 0);
    assert_float_equal(o.aspect, 1, 0);
    assert_float_equal(o.saturation, 1, 0);
    assert_float_equal(o.exposure, 1, 0);
    assert_float_equal(o.hue, 0, 0);
    assert_int_equal(o.mosaic, 0);
    assert_int_equal(o.letter_box, 0);
    option_free(net_option_table, &o);
    config_free(&c);
}

static void test_policy_names_are_in_the_order_of_the_enum(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum policy policy;
    } cases[] = {{"constant", POLICY_CONSTANT}, {"step", POLICY_STEP},      {"steps", POLICY_STEPS},       {"exp", POLICY_EXP},
                 {"poly", POLICY_POLY},         {"sgdr", POLICY_SGDR},      {"snapshot", POLICY_SNAPSHOT}, {"sig", POLICY_SIG},
                 {"sigmoid", POLICY_SIGMOID},   {"random", POLICY_RANDOM},  {"cosine", POLICY_COSINE},     {"one-cycle", POLICY_ONE_CYCLE},
                 {"onecycle", POLICY_ONECYCLE}, {"plateau", POLICY_PLATEAU}};
    const struct config_key *row = option_find(net_option_table, "policy");
    assert_non_null(row);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(row->choices[cases[i].policy], cases[i].name);
    assert_null(row->choices[sizeof cases / sizeof *cases]);
}

/* Every key that parse_net_options of either fork reads. */
static void test_keys_of_the_forks(void **state)
{
    (void)state;
    static const char *const keys[] = {"max_batches",
                                       "batch",
                                       "learning_rate",
                                       "learning_rate_min",
                                       "sgdr_cycle",
                                       "sgdr_mult",
                                       "momentum",
                                       "decay",
                                       "subdivisions",
                                       "time_steps",
                                       "track",
                                       "augment_speed",
                                       "sequential_subdivisions",
                                       "try_fix_nan",
                                       "weights_reject_freq",
                                       "equidistant_point",
                                       "badlabels_rejection_percentage",
                                       "num_sigmas_reject_badlabels",
                                       "use_cuda_graph",
                                       "loss_scale",
                                       "dynamic_minibatch",
                                       "optimized_memory",
                                       "workspace_size_limit_MB",
                                       "adam",
                                       "B1",
                                       "B2",
                                       "eps",
                                       "height",
                                       "width",
                                       "channels",
                                       "inputs",
                                       "max_crop",
                                       "min_crop",
                                       "flip",
                                       "blur",
                                       "gaussian_noise",
                                       "mixup",
                                       "cutmix",
                                       "mosaic",
                                       "letter_box",
                                       "mosaic_bound",
                                       "contrastive",
                                       "contrastive_jit_flip",
                                       "contrastive_color",
                                       "unsupervised",
                                       "label_smooth_eps",
                                       "resize_step",
                                       "attention",
                                       "adversarial_lr",
                                       "max_chart_loss",
                                       "angle",
                                       "aspect",
                                       "saturation",
                                       "exposure",
                                       "hue",
                                       "power",
                                       "policy",
                                       "burn_in",
                                       "step",
                                       "scale",
                                       "steps",
                                       "scales",
                                       "seq_scales",
                                       "gamma",
                                       "show_receptive_field",
                                       "notruth",
                                       "random",
                                       "max_ratio",
                                       "min_ratio",
                                       "center",
                                       "clip"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!option_find(net_option_table, keys[i]))
            fail_msg("%s is not known", keys[i]);
}

static void test_table_is_sound(void **state)
{
    (void)state;
    for (const struct config_key *k = net_option_table; k->key; k++) {
        assert_ptr_equal(option_find(net_option_table, k->key), k); /* no key twice */
        assert_non_null(k->help);
        assert_true(k->kind == OPTION_IGNORED || k->fallback);
    }
}

static void test_unknown_policy(void **state)
{
    (void)state;
    struct config c;
    struct error err = ERROR_INIT;
    struct net_options o = {0};
    assert_int_equal(config_parse(&c, "net.cfg", "[net]\npolicy=sigmund\n", &err), 0);
    assert_int_equal(option_fill(&c, &c.section[0], net_option_table, &o, NULL, NULL, &err), -1);
    assert_string_equal(err.text,
                        "net.cfg:2: policy=sigmund found, expected constant, step, steps, exp, poly, sgdr, snapshot, sig, sigmoid, random, "
                        "cosine, one-cycle, onecycle or plateau; did you mean 'sigmoid'?");
    option_free(net_option_table, &o);
    config_free(&c);
}

static void test_real_files(void **state)
{
    (void)state;
    static const char *const folders[] = {"darknet-cfgs/alexeyab", "darknet-cfgs/pjreddie"};
    int files = 0;
    for (int i = 0; i < 2; i++) {
        const char *folder = support_data(folders[i]);
        if (!folder)
            skip();
        DIR *dir = opendir(folder);
        assert_non_null(dir);
        for (struct dirent *e; (e = readdir(dir));) {
            if (!strstr(e->d_name, ".cfg"))
                continue;
            struct config c;
            struct error err = ERROR_INIT;
            struct net_options o = {0};
            assert_int_equal(config_read(&c, support_path(support_data(folders[i]), e->d_name), &err), 0);
            const struct config_section *s = config_find(&c, "net");
            assert_non_null(s);
            if (option_fill(&c, s, net_option_table, &o, NULL, NULL, &err) != 0)
                fail_msg("%s", err.text);
            assert_true(o.width > 0 || o.inputs > 0);
            assert_true(o.policy != POLICY_STEPS || (o.steps.n > 0 && o.steps.n == o.scales.n));
            option_free(net_option_table, &o);
            config_free(&c);
            files++;
        }
        closedir(dir);
    }
    assert_int_equal(files, 140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_darknet_defaults),  cmocka_unit_test(test_policy_names_are_in_the_order_of_the_enum),
        cmocka_unit_test(test_keys_of_the_forks), cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_unknown_policy),    cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
