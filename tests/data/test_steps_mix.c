/* Steps that mix two samples: distributions (Kolmogorov–Smirnov), areas, labels, boxes. */
#include "steps_frame.h"

static void test_beta(void **state)
{
    (void)state;
    static const double alphas[] = {.05, .2, 1, 3.5};
    for (int k = 0; k < 4; k++) {
        double x[N];
        for (int i = 0; i < N; i++) {
            struct rng rng = draw_at(i);
            x[i] = step_beta(alphas[k], &rng);
            assert_true(x[i] >= 0 && x[i] <= 1);
        }
        if (k > 0) /* at .05 most draws lie beyond the numbers between 0 and 1 that there are */
            assert_distributed(x, N, beta_cdf, &alphas[k]);
    }
}

/* λ of the labels is Beta(α, α) and that of the pixels. */
static void test_mixup(void **state)
{
    (void)state;
    static const double v[] = {.4, 0};
    double lambda[N];
    for (int i = 0; i < N; i++) {
        struct rng rng = draw_at(i);
        struct canvas a = canvas(4, 3, 1, 1, 0, 3), b = canvas(4, 3, 1, 0, 2, 3);
        step_mixup(&a, &b, v, NULL, &rng);
        lambda[i] = (double)a.label[0];
        assert_true(fabsf(a.label[0] + a.label[1] + a.label[2] - 1) < 1e-6f && a.label[1] == 0);
        assert_true(fabsf(a.x[5] - a.label[0]) < 1e-6f);
        release(&a);
        release(&b);
    }
    assert_distributed(lambda, N, beta_cdf, v);
}

/* Uncut, the sides are √(1 − λ) of the input's; the labels tell the pixels that are seen. */
static void test_cutmix(void **state)
{
    (void)state;
    static const double v[] = {1, 0, 0}, range[] = {0, 1};
    double lambda[N];
    int inner = 0;
    for (int i = 0; i < N; i++) {
        struct rng rng = draw_at(i);
        struct canvas a = canvas(W, H, 1, 1, 0, 2), b = canvas(W, H, 1, 0, 1, 2);
        step_cutmix(&a, &b, v, NULL, &rng);
        assert_true(fabs(share_of(&a, 1) - (double)a.label[0]) < 1e-6);
        assert_true(fabsf(a.label[0] + a.label[1] - 1) < 1e-6f);
        int x1 = W, x2 = 0, y1 = H, y2 = 0;
        for (int k = 0; k < W * H; k++)
            if (a.x[k] == 0) {
                x1 = k % W < x1 ? k % W : x1;
                x2 = k % W + 1 > x2 ? k % W + 1 : x2;
                y1 = k / W < y1 ? k / W : y1;
                y2 = k / W + 1 > y2 ? k / W + 1 : y2;
            }
        assert_true(x2 <= x1 || fabs(share_of(&a, 0) - (double)(x2 - x1) * (y2 - y1) / (W * H)) < 1e-9); /* a whole rectangle */
        if (x2 > x1 && x1 > 0 && x2 < W && y1 > 0 && y2 < H) {
            inner++;
            assert_true(abs((x2 - x1) * H - (y2 - y1) * W) <= W + H); /* of the input's proportions, up to a pixel */
        }
        struct rng again = draw_at(i);
        lambda[i] = step_beta(v[0], &again);
        assert_true(1 - lambda[i] >= (double)a.label[1] - 1e-6); /* cutting takes away */
        if (x2 > x1 && x1 > 0 && x2 < W)
            assert_int_equal(x2 - x1, (int)(W * sqrt(1 - lambda[i])));
        release(&a);
        release(&b);
    }
    assert_true(inner > N / 10);
    assert_distributed(lambda, N, uniform_cdf, range); /* Beta(1, 1) */
}

static void test_darknet_cutmix(void **state)
{
    (void)state;
    static const double v[] = {0, .3, .8};
    for (int i = 0; i < 300; i++) {
        struct rng rng = draw_at(i);
        struct canvas a = canvas(W, H, 1, 1, 0, 2), b = canvas(W, H, 1, 0, 1, 2);
        step_cutmix(&a, &b, v, NULL, &rng);
        const double share = share_of(&a, 0);
        assert_true(share > .3 * .3 - .05 && share < .8 * .8 && fabs(share - (double)a.label[1]) < 1e-6);
        release(&a);
        release(&b);
    }
}

/* The object is where its box is; only classes that the picture lacks come. */
static void test_copy_paste(void **state)
{
    (void)state;
    static const double v[] = {1};
    for (int i = 0; i < 200; i++) {
        struct rng rng = draw_at(i);
        struct box_list own = {0}, others = {0};
        struct canvas a = canvas(W, H, 1, .1f, 0, 0), b = canvas(W, H, 1, .2f, 0, 0);
        a.boxes = &own;
        b.boxes = &others;
        add_box(&own, 3, 3, 6, 6, 0);
        add_box(&others, 1, 1, 30, 30, 0);
        add_box(&others, 20, 10, 31, 19, 1);
        for (int y = 10; y < 19; y++)
            for (int x = 20; x < 31; x++)
                b.x[y * W + x] = .9f;
        step_copy_paste(&a, &b, v, NULL, &rng);
        const struct truth_box t = own.item[own.n - 1];
        assert_int_equal(t.class_id, 1);
        assert_true(own.n == 2 || own.n == 1); /* it may lie over the other */
        assert_true(fabs(share_of(&a, .9f) * W * H - 99) < 1e-9 && share_of(&a, .2f) == 0);
        const int x1 = (int)lround((double)(t.box.x - t.box.w / 2) * W), y1 = (int)lround((double)(t.box.y - t.box.h / 2) * H);
        assert_true(a.x[y1 * W + x1] == .9f && a.x[(y1 + 8) * W + x1 + 10] == .9f);
        step_copy_paste(&a, &b, v, NULL, &rng);
        assert_true(own.n <= 2); /* both classes are there now, or the first came back */
        free(own.item);
        free(others.item);
        release(&a);
        release(&b);
    }
}

/* What is hidden loses its box at a tenth; what is pasted brings its own, cut. */
static void test_boxes_of_parts(void **state)
{
    (void)state;
    struct box_list own = {0}, others = {0};
    struct canvas a = canvas(W, H, 1, 0, 0, 0), b = canvas(W, H, 1, 1, 0, 0);
    a.boxes = &own;
    b.boxes = &others;
    add_box(&own, 10, 10, 20, 20, 0); /* 8 of 100 pixels seen */
    add_box(&own, 10, 20, 20, 30, 1); /* not covered */
    add_box(&own, 8, 10, 20, 20, 2);  /* 28 of 120 seen */
    add_box(&others, 0, 0, 40, 20, 3);
    add_box(&others, 12, 0, 13, 10.5, 4); /* less than a pixel in it */
    canvas_paste(&a, &b, (struct cut){10, 10, 20, 20}, 10, 10);
    assert_int_equal(own.n, 3);
    assert_int_equal(own.item[0].class_id, 1);
    assert_int_equal(own.item[1].class_id, 2);
    assert_int_equal(own.item[2].class_id, 3);
    const struct box pasted = own.item[2].box;
    assert_true(fabs((double)pasted.x * W - 15) < 1e-4 && fabs((double)pasted.y * H - 15) < 1e-4 && fabs((double)pasted.w * W - 10) < 1e-4);
    free(own.item);
    free(others.item);
    release(&a);
    release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beta),           cmocka_unit_test(test_mixup),      cmocka_unit_test(test_cutmix),
        cmocka_unit_test(test_darknet_cutmix), cmocka_unit_test(test_copy_paste), cmocka_unit_test(test_boxes_of_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
