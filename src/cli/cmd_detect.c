/* dlnet detect: objects in pictures. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "box/fuse.h"
#include "box/nms.h"
#include "cli/cli_model.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "net/tta.h"

const char cmd_detect_usage[] =
    "Usage: dlnet detect [-m MODEL | CFG WEIGHTS] … IMAGE … [options]\n"
    "\n"
    "Finds objects in pictures. IMAGE is an image file, a folder of images, a .txt list of paths, or - for paths\n"
    "on stdin, one a line, each answered as it comes. Without a model: the best of the newest run. Several models\n"
    "are an ensemble: their boxes are fused, weighted by score, and a score is the mean over the models.\n"
    "\n"
    "Prints a line for each object, best first: PATH, NAME, SCORE, x1, y1, x2, y2, separated by tabs, the box in\n"
    "pixels of the picture (upright, as its EXIF orientation says).\n"
    "\n"
    "  --thresh SCORE  objects below this score are left out (.25)\n"
    "  --nms IOU       boxes that overlap a better one of their class by more are dropped (.45; 1: keep all)\n"
    "  --fuse IOU      ensembles: boxes of a class that overlap by more are one (.55)\n"
    "  --tta           test-time augmentation: each picture mirrored too (where the training mirrors), boxes fused\n"
    "  --json          one object a picture: image, width, height, detections: class, class_id, score, box\n"
    "  --out PATH      also draws the boxes: a folder, or FILE.png or .jpg for one picture (small pictures are\n"
    "                  enlarged, so that the captions can be read)\n"
    "\n"
    "A picture that can't be read is told on stderr, the others are done, and the exit status is 65 (66 when it\n"
    "is missing).\n"
    "\n"
    "  dlnet detect -m runs/yolo/best.safetensors photo.jpg --out boxes.png\n"
    "  dlnet detect yolov4-tiny.cfg yolov4-tiny.weights photos/ --json > found.jsonl\n"
    "  find . -name '*.jpg' | dlnet detect -m best.safetensors - --thresh .5\n";

struct detect {
    struct cli_session session; /* first */
    double threshold, nms, fuse;
    bool tta;
    struct detections found; /* in the picture of now, by all networks and views, in the frame of the first network */
};

/* From fractions of the network's input to corners in pixels of the picture. False: a box that isn't finite (weights that diverged). */
static bool corners_of(const struct network *net, const struct placement *p, struct box b, double out[4])
{
    const double w = net->input.shape.w, h = net->input.shape.h;
    out[0] = (((double)b.x - (double)b.w / 2) * w - p->offset_x) / p->scale_x;
    out[1] = (((double)b.y - (double)b.h / 2) * h - p->offset_y) / p->scale_y;
    out[2] = (((double)b.x + (double)b.w / 2) * w - p->offset_x) / p->scale_x;
    out[3] = (((double)b.y + (double)b.h / 2) * h - p->offset_y) / p->scale_y;
    return isfinite(out[0]) && isfinite(out[1]) && isfinite(out[2]) && isfinite(out[3]);
}

static int print_json(const struct network *net, const struct cli_image *image, const struct detections *found, double (*corners)[4],
                      struct error *err)
{
    cJSON *root = cJSON_CreateObject();
    cli_json_text(root, "image", image->path);
    cJSON_AddNumberToObject(root, "width", image->w);
    cJSON_AddNumberToObject(root, "height", image->h);
    cJSON *list = cJSON_AddArrayToObject(root, "detections");
    for (int i = 0; i < found->n; i++) {
        const struct detection *d = &found->item[i];
        char buffer[16];
        cJSON *item = cJSON_CreateObject(), *box = cJSON_CreateArray();
        cli_json_text(item, "class", cli_class_name(net, d->class_id, buffer));
        cJSON_AddNumberToObject(item, "class_id", d->class_id);
        cJSON_AddItemToObject(item, "score", cli_json_number((double)d->score, 6));
        for (int k = 0; k < 4; k++)
            cJSON_AddItemToArray(box, cli_json_number(corners[i][k], 3));
        cJSON_AddItemToObject(item, "box", box);
        cJSON_AddItemToArray(list, item);
    }
    return cli_json_line(root, err);
}

static void print_text(const struct network *net, const struct cli_image *image, const struct detections *found, double (*corners)[4])
{
    for (int i = 0; i < found->n; i++) {
        char buffer[16];
        cli_put_field(image->path);
        putchar('\t');
        cli_put_field(cli_class_name(net, found->item[i].class_id, buffer));
        printf("\t%.6f\t%.3f\t%.3f\t%.3f\t%.3f\n", (double)found->item[i].score, corners[i][0], corners[i][1], corners[i][2],
               corners[i][3]);
    }
}

static int draw(struct cli_session *s, const struct cli_image *image, const struct detections *found, double (*corners)[4],
                struct error *err)
{
    struct draw_box *boxes = mem_new((size_t)found->n, sizeof(*boxes));
    for (int i = 0; i < found->n; i++) {
        char buffer[16];
        const struct detection *d = &found->item[i];
        char *label = mem_format("%s %.2f", cli_class_name(s->net, d->class_id, buffer), (double)d->score);
        boxes[i] = (struct draw_box){corners[i][0], corners[i][1], corners[i][2], corners[i][3], label, d->class_id};
    }
    const int status = cli_pictures_write(&s->pictures, image, boxes, found->n, err);
    for (int i = 0; i < found->n; i++)
        free((char *)boxes[i].label);
    free(boxes);
    return status;
}

/* From fractions of one network's input to those of another's, for the same picture. */
static struct box reframed(struct box b, const struct shape from, const struct placement *p, const struct shape to,
                           const struct placement *q)
{
    const double sx = q->scale_x / p->scale_x, sy = q->scale_y / p->scale_y;
    return (struct box){.x = (real)((((double)b.x * from.w - p->offset_x) * sx + q->offset_x) / to.w),
                        .y = (real)((((double)b.y * from.h - p->offset_y) * sy + q->offset_y) / to.h),
                        .w = (real)((double)b.w * from.w * sx / to.w),
                        .h = (real)((double)b.h * from.h * sy / to.h)};
}

static int answers_of(const struct detect *d, int k)
{
    return d->tta ? tta_views(d->session.models.net[k]) : 1;
}

/* Before a fusion the floor is low: a second, doubtful box counts too. */
static double floor_of(const struct detect *d, bool fused)
{
    const double ensemble_floor = 0.001;
    return !fused || d->threshold < ensemble_floor ? d->threshold : ensemble_floor;
}

/* Runs the networks, with all views; what they find goes to d->found. */
static void run_all(struct cli_session *s, const struct cli_image *image)
{
    struct detect *d = (struct detect *)s;
    const struct cli_models *m = &s->models;
    const struct run run = {.mode = MODE_EVAL};
    const bool fused = m->n > 1 || answers_of(d, 0) > 1;
    d->found.n = 0;
    for (int k = 0; k < m->n; k++) {
        struct network *net = m->net[k];
        for (int v = 0; v < answers_of(d, k); v++) {
            struct detections found = {0};
            tta_view(net, v, image->view[k].input, net->input.x);
            network_forward(net, &run);
            network_detect(net, 0, floor_of(d, fused), &found);
            nms_greedy(&found, d->nms);
            for (int i = 0; i < found.n; i++) {
                struct detection item = found.item[i];
                item.box = tta_box(net, v, item.box);
                if (k > 0)
                    item.box =
                        reframed(item.box, net->input.shape, &image->view[k].placement, m->net[0]->input.shape, &image->view[0].placement);
                detections_add(&d->found, item);
            }
            detections_free(&found);
        }
    }
}

/* Of several networks or views: their boxes fused, and those that are left above the threshold. */
static void fuse_all(struct detect *d)
{
    struct detections *all = &d->found;
    int answers = 0;
    for (int k = 0; k < d->session.models.n; k++)
        answers += answers_of(d, k);
    if (answers == 1)
        return;
    fuse_boxes(all, answers, d->fuse);
    while (all->n > 0 && !((double)all->item[all->n - 1].score > d->threshold)) /* sorted */
        all->n--;
}

static int answer(void *context, const struct cli_image *image, struct error *err)
{
    struct detect *d = context;
    struct cli_session *s = &d->session;
    fuse_all(d);
    struct detections found = d->found;
    double(*corners)[4] = mem_new((size_t)found.n, sizeof(*corners));
    int kept = 0;
    for (int i = 0; i < found.n; i++)
        if (corners_of(s->net, &image->view[0].placement, found.item[i].box, corners[kept]))
            found.item[kept++] = found.item[i];
    found.n = kept;

    int status = 0;
    if (s->common.json)
        status = print_json(s->net, image, &found, corners, err);
    else
        print_text(s->net, image, &found, corners);
    if (status == 0 && s->out != NULL)
        status = draw(s, image, &found, corners, err);
    free(corners);
    return status;
}

int cmd_detect(int argc, char **argv)
{
    enum { THRESH = 256, NMS, FUSE, TTA };
    static const struct cli_option own[] = {{"thresh", THRESH, true}, {"nms", NMS, true}, {"fuse", FUSE, true},
                                            {"tta", TTA, false},      {"out", 'o', true}, {0}};
    struct detect d = {.session.common = CLI_COMMON_INIT, .session.forward = run_all, .threshold = 0.25, .nms = 0.45, .fuse = FUSE_IOU};
    struct cli_session *s = &d.session;
    int option, status = EXIT_OK;
    while (status == EXIT_OK && (option = cli_next_option(argc, argv, own, &s->common)) != -1) {
        if ((option == THRESH && cli_number("thresh", optarg, 0, 1, &d.threshold) != 0) ||
            (option == NMS && cli_number("nms", optarg, 0, 1, &d.nms) != 0) ||
            (option == FUSE && cli_number("fuse", optarg, 0, 1, &d.fuse) != 0) || option == '?')
            status = EXIT_USAGE;
        else if (option == 'o')
            s->out = optarg;
        else if (option == TTA)
            d.tta = true;
    }
    if (status == EXIT_OK)
        status = cli_session_open(s, argc, argv, true);
    if (status == EXIT_OK)
        status = cli_session_walk(s, answer, &d);
    cli_session_close(s);
    detections_free(&d.found);
    return status;
}
