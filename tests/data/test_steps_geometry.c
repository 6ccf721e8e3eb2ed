/* Steps that move pictures: boxes found again in a mask, mirrors. */
#include "steps_frame.h"

/* Boxes against those of a mask that went through the same warp, each step alone and all together. */
static void test_boxes_follow_steps(void **state)
{
    (void)state;
    static const char *const recipes[] = {"flip=.5\nvflip=.5",
                                          "rotate=40",
                                          "scale=1.5",
                                          "translate=.3",
                                          "shear=25,y=15",
                                          "crop=.7",
                                          "resized_crop=.3,ratio=2",
                                          "padded_crop=9",
                                          "flip=.5\nrotate=10\nscale=1.2\ncrop=.9\nshear=5\ntranslate=.05\nvflip=.3"};
    enum { IW = 200, IH = 160, NW = 240, NH = 180, DRAWS = 1000 };
    float *out = mem_new((size_t)NW * NH, sizeof *out);
    int compared = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct recipe_text *t = recipe_from(recipes[i % 9], true);
        struct augment a = {
            .task = TASK_DETECT, .w = NW, .h = NH, .c = 1, .letter_box = i % 2, .saturation = 1, .exposure = 1, .resize = 1};
        a.recipe = &t->recipe;
        struct rng place = draw_at(i);
        const int w = 15 + rng_below(&place, 80), h = 15 + rng_below(&place, 80), x1 = rng_below(&place, IW - w),
                  y1 = rng_below(&place, IH - h);
        struct image im;
        assert_int_equal(image_new(&im, IW, IH, 1, 0, NULL), 0);
        for (int y = y1; y < y1 + h; y++)
            memset(im.data + y * IW + x1, 255, (size_t)w);
        struct truth_box truth = {
            {(real)((x1 + w / 2.) / IW), (real)((y1 + h / 2.) / IH), (real)((double)w / IW), (real)((double)h / IH)}, 5, 0};
        const struct sample s = {.box = &truth, .n_boxes = 1};
        struct box_list boxes = {0};
        struct rng rng = rng_make(5, RNG_AUGMENT, 1, (uint64_t)i);
        t->recipe.fill = 0;
        augment_sample(&a, 1, &im, &s, &rng, out, &boxes);
        const bool slanted = strstr(recipes[i % 9], "rotate") || strstr(recipes[i % 9], "shear");
        double seen[4] = {NW, NH, 0, 0};
        for (int k = 0; k < NW * NH; k++)
            if (out[k] > (slanted ? .25f : .5f)) { /* of a slanted rectangle the tip of the corner counts */
                seen[0] = fmin(seen[0], k % NW);
                seen[1] = fmin(seen[1], k / NW);
                seen[2] = fmax(seen[2], k % NW + 1);
                seen[3] = fmax(seen[3], k / NW + 1);
            }
        const bool cut = seen[0] == 0 || seen[1] == 0 || seen[2] == NW || seen[3] == NH; /* of a slanted one the corner is not known */
        if (boxes.n == 1 && !(slanted && cut)) {
            const struct box b = boxes.item[0].box;
            const double box[4] = {(double)(b.x - b.w / 2) * NW, (double)(b.y - b.h / 2) * NH, (double)(b.x + b.w / 2) * NW,
                                   (double)(b.y + b.h / 2) * NH};
            for (int k = 0; k < 4; k++)
                if (fabs(box[k] - seen[k]) > 1)
                    fail_msg("%s, draw %d: edge %d at %.2f, seen at %.0f", recipes[i % 9], i, k, box[k], seen[k]);
            compared++;
        } else if (boxes.n == 0 && seen[2] > seen[0] && !slanted) {
            assert_true((seen[2] - seen[0]) * (seen[3] - seen[1]) < .35 * w * h * NW * NH / (IW * IH));
        }
        free(boxes.item);
        image_free(&im);
        recipe_text_free(t);
    }
    assert_true(compared > DRAWS * 6 / 10);
    free(out);
}

/* Each mirror twice is the picture, bit for bit. */
static void test_mirrors(void **state)
{
    (void)state;
    struct image im;
    assert_int_equal(image_new(&im, W, H, 3, 0, NULL), 0);
    struct rng noise = draw_at(7);
    for (int i = 0; i < W * H * 3; i++)
        im.data[i] = (unsigned char)rng_below(&noise, 256);
    static float once[3 * W * H], twice[3 * W * H], plain[3 * W * H];
    const struct sample s = {0};
    image_to_input(&im, plain, W, H, 3, 0);
    static const char *const keys[] = {"flip=1", "vflip=1"};
    for (int k = 0; k < 2; k++) {
        struct recipe_text *t = recipe_from(keys[k], false);
        struct augment a = {.w = W, .h = H, .c = 3, .saturation = 1, .exposure = 1, .aspect = 1, .recipe = &t->recipe};
        struct box_list none = {0};
        struct rng rng = draw_at(0);
        augment_sample(&a, 1, &im, &s, &rng, once, &none);
        assert_memory_not_equal(once, plain, sizeof once);
        struct image mirrored;
        assert_int_equal(image_from_input(once, W, H, 3, &mirrored, NULL), 0);
        augment_sample(&a, 1, &mirrored, &s, &rng, twice, &none);
        assert_memory_equal(twice, plain, sizeof plain);
        image_free(&mirrored);
        recipe_text_free(t);
    }
    image_free(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes_follow_steps),
        cmocka_unit_test(test_mirrors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
