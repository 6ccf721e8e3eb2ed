/* [augment] and Darknet's keys: order, steps that are off, mistakes. */
#include "steps_frame.h"

static void test_order_and_off(void **state)
{
    (void)state;
    struct recipe_text *t =
        recipe_from("noise=.1\nflip=.5,ramp=.2\nrotate=0\nscale=1\ncutout=.2,n=3,p=.25\nmixup=0,lambda=.5\nblur=2,p=0", false);
    const struct recipe *r = &t->recipe;
    assert_int_equal(r->n, 4);
    assert_string_equal(r->step[0].row->key, "noise");
    assert_true(strcmp(r->step[1].row->key, "flip") == 0 && r->step[1].p == .5 && r->step[1].ramp == .2);
    assert_true(r->step[2].v[0] == .2 && r->step[2].v[1] == 3 && r->step[2].p == .25);
    assert_true(strcmp(r->step[3].row->key, "mixup") == 0 && r->step[3].v[1] == .5 && recipe_mixes(r) && !r->flip_given);
    recipe_text_free(t);
}

static void test_mistakes(void **state)
{
    (void)state;
    struct config c;
    struct recipe r;
    struct error err = ERROR_INIT;
    const struct net_options o = {0};
    assert_int_equal(config_parse(&c, "x.cfg",
                                  "[net]\n[augment]\nrotat=3\ncutout=.3,m=2\nhue=2\nnoise=a\ncopy_paste=1\nattentive_cutmix=6\n"
                                  "crop=.5,.6\nfill=2\nflip=\n",
                                  &err),
                     0);
    assert_int_equal(recipe_read(&r, &c, &o, false, &err), -1);
    static const char *const told[] = {"x.cfg:3: unknown key 'rotat' in [augment]; did you mean 'rotate'?",
                                       "x.cfg:4: cutout= has 'm' in it, expected side, n, p or ramp=NUMBER after the first",
                                       "x.cfg:5: hue= has '2' for share, expected a number in 0..1",
                                       "x.cfg:6: noise= has 'a' for deviation",
                                       "x.cfg:7: copy_paste= is for detection, but the network is a classifier",
                                       "x.cfg:8: attentive_cutmix= needs a trained model",
                                       "x.cfg:9: crop= has '.6' in it",
                                       "x.cfg:10: fill=2 found",
                                       "x.cfg:11: flip= has no value, expected p"};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!strstr(err.text, told[i]))
            fail_msg("'%s' isn't told: %s", told[i], err.text);
    config_free(&c);
}

/* Darknet's keys of [net] as steps. */
static void test_darknet_keys(void **state)
{
    (void)state;
    struct config c;
    struct recipe r;
    struct error err = ERROR_INIT;
    const struct net_options o = {.mosaic = 1, .mixup = 1, .gaussian_noise = 51, .blur = 5};
    assert_int_equal(config_parse(&c, "x.cfg", "[net]\nflip=1\n[augment]\nhue=.1\n", &err), 0);
    assert_int_equal(recipe_read(&r, &c, &o, true, &err), 0);
    assert_int_equal(r.n, 5);
    assert_true(r.flip_given && r.step[0].row->pixels == step_darknet_blur && r.step[0].v[0] == 5);
    assert_true(r.step[1].row->pixels == step_noise && r.step[1].v[0] == .2 && r.step[1].p == .5);
    assert_true(r.step[2].row->stage == STEP_MOSAIC && r.step[2].p == .5);
    assert_true(r.step[3].row->mix == step_mixup && r.step[3].v[1] == .5 && r.step[3].p == .5);
    recipe_free(&r);
    config_free(&c);

    /* Of three pictures one stays, one is blurred outside its boxes and one as a whole. */
    int stays = 0, sharp = 0;
    static const double v[] = {5};
    for (int i = 0; i < 300; i++) {
        struct rng rng = draw_at(i);
        struct box_list own = {0};
        struct canvas a = canvas(W, H, 1, 0, 0, 0);
        a.boxes = &own;
        add_box(&own, 8, 0, 56, 48, 0);
        a.x[20 * W + 30] = a.x[20 * W + 2] = 1; /* inside the box, and outside */
        step_darknet_blur(&a, v, &rng);
        stays += a.x[20 * W + 2] == 1;
        sharp += a.x[20 * W + 30] == 1 && a.x[20 * W + 2] < 1;
        free(own.item);
        release(&a);
    }
    assert_in_range(stays, 70, 130);
    assert_in_range(sharp, 70, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_off),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_darknet_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
